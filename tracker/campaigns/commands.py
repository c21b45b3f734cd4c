"""Campaigns, teams, microplans: create, close, import."""
import csv
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from tracker.campaigns import planning
from tracker.campaigns.models import KINDS, Campaign
from tracker.command_line import Group, existing_file, json_option, rejects_option, say, write_rejects
from tracker.database import transaction
from tracker.errors import RowError, RowsRefused

DAY = click.DateTime(["%Y-%m-%d"])
campaign_option = click.option("--campaign", "code", required=True, help="Code of the campaign.")


@click.group("campaigns", cls=Group)
def campaigns() -> None:
    """Campaigns: create, close, reopen, list."""


@click.group("teams", cls=Group)
def teams() -> None:
    """Teams of a campaign."""


@click.group("targets", cls=Group)
def targets() -> None:
    """Microplans: which team does which settlements on which day."""


@campaigns.command("create")
@click.argument("code")
@click.option("--kind", type=click.Choice(KINDS), required=True)
@click.option("--name", required=True)
@click.option("--start", type=DAY, required=True)
@click.option("--end", type=DAY, required=True)
@click.option("--catch-up", type=DAY, multiple=True)
@click.option("--area", "area_codes", multiple=True, help="P-code; none: everything of the vintage.")
@click.option("--vintage", type=DAY, help="Boundaries to count in; default: the newest.")
@click.option("--timezone", default="Asia/Karachi", show_default=True)
@click.option("--illustration", is_flag=True, help="The areas are drawn for a demonstration, not official: pages say so.")
@json_option
def create_command(code: str, kind: str, name: str, start: datetime, end: datetime, catch_up: tuple[datetime, ...], area_codes: tuple[str, ...],
                   vintage: datetime | None, timezone: str, illustration: bool, as_json: bool) -> None:
    """Open a round."""
    with transaction() as session:
        campaign = planning.create_campaign(
            session, code, kind=kind, name=name, starts_on=start.date(), ends_on=end.date(), catch_up=[d.date() for d in catch_up],
            area_codes=area_codes, vintage=vintage.date() if vintage else None, timezone=timezone, illustration=illustration)
        say({"campaign": campaign.code, "vintage": campaign.vintage.isoformat(), "state": campaign.state}, as_json)


@campaigns.command("close")
@click.argument("code")
def close_command(code: str) -> None:
    """Take nothing more in."""
    with transaction() as session:
        planning.set_state(session, code, "closed")
    click.echo(f"Campaign {code} is closed.", err=True)


@campaigns.command("reopen")
@click.argument("code")
def reopen_command(code: str) -> None:
    """Take visits in again."""
    with transaction() as session:
        planning.set_state(session, code, "open")
    click.echo(f"Campaign {code} is open.", err=True)


@campaigns.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """All campaigns, newest first."""
    with transaction() as session:
        rows = [{"code": c.code, "name": c.name, "kind": c.kind, "start": c.starts_on.isoformat(), "end": c.ends_on.isoformat(), "state": c.state}
                for c in session.query(Campaign).order_by(Campaign.starts_on.desc(), Campaign.code)]
    click.echo(json.dumps(rows, ensure_ascii=False) if as_json else "\n".join(f"{r['code']:<16} {r['start']}  {r['state']:<7} {r['name']}" for r in rows))


@teams.command("import")
@existing_file
@campaign_option
@rejects_option
@json_option
def import_teams_command(file: Path, code: str, rejects: Path | None, as_json: bool) -> None:
    """Columns team, type, area, supervisor. All or nothing."""
    _import_table(file, code, rejects, as_json, ("team", "type"), planning.import_teams)


@targets.command("import")
@existing_file
@campaign_option
@rejects_option
@json_option
def import_targets_command(file: Path, code: str, rejects: Path | None, as_json: bool) -> None:
    """Columns team, date, settlement, target_children: published as a new version. All or nothing."""
    def take(session: Session, campaign: Campaign, rows: list[dict[str, str]]) -> planning.TableSummary:
        return planning.import_microplan(session, campaign, rows, file.name)
    _import_table(file, code, rejects, as_json, ("team", "date", "settlement", "target_children"), take)


def _import_table(file: Path, code: str, rejects: Path | None, as_json: bool, columns: tuple[str, ...],
                  take: Callable[[Session, Campaign, list[dict[str, str]]], planning.TableSummary]) -> None:
    started = time.monotonic()
    rows = _read_table(file, columns)
    try:
        with transaction() as session:
            summary = take(session, planning.find_campaign(session, code), rows)
    except RowsRefused as error:
        write_rejects(rejects, [(dict(rows[e.row - 1]), e) for e in error.errors])
        raise
    write_rejects(rejects, [])
    summary.seconds = round(time.monotonic() - started, 3)
    say(summary.as_dict(), as_json)


def _read_table(file: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """Rows of a CSV in UTF-8 (a byte-order mark is fine); missing columns are named."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as opened:
            reader = csv.DictReader(opened)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                raise RowsRefused([RowError(0, missing[0], "column_missing", f"{file.name} has no column {missing[0]}.")])
            return [{k: v or "" for k, v in row.items() if k} for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RowsRefused([RowError(0, "file", "not_readable", f"{file.name} is no CSV in UTF-8 ({error}).")]) from None
