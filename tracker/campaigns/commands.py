"""Campaigns, teams, microplans: create, close, list, import."""

import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from tracker.accounts.audit import record
from tracker.accounts.scope import SERVER
from tracker.campaigns import planning
from tracker.campaigns.models import KINDS, Campaign
from tracker.campaigns.reading import as_dict
from tracker.campaigns.tables import Row, TableSummary, read_table
from tracker.command_line import Group, existing_file, json_option, rejects_option, say, write_rejects
from tracker.database import transaction
from tracker.errors import RowsRefused
from tracker.plantations.thresholds import claim_limits_of, set_claim_limits
from tracker.visits.thresholds import limits_of, set_limits

DAY = click.DateTime(["%Y-%m-%d"])
campaign_option = click.option("--campaign", "code", required=True, help="Code of the campaign.")


@click.group("campaigns", cls=Group)
def campaigns() -> None:
    """Campaigns: create, close, reopen, list."""


@click.group("teams", cls=Group)
def teams() -> None:
    """Teams of a campaign."""


@click.group(
    "targets",
    cls=Group,
    elsewhere={
        name: f"tracker.targets.commands:{name}_command"
        for name in ("plan", "replan", "move", "fix", "publish", "export")
    },
)
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
@click.option("--illustration", is_flag=True, help="The areas are drawn for a demonstration: pages say so.")
@json_option
def create_command(
    code: str,
    start: datetime,
    end: datetime,
    catch_up: tuple[datetime, ...],
    vintage: datetime | None,
    as_json: bool,
    **facts: Any,
) -> None:
    """Open a round."""
    with transaction() as session:
        campaign = planning.create_campaign(
            session,
            code,
            starts_on=start.date(),
            ends_on=end.date(),
            catch_up=[day.date() for day in catch_up],
            vintage=vintage.date() if vintage else None,
            **facts,
        )
        summary = {"campaign": campaign.code, "vintage": campaign.vintage.isoformat(), "state": campaign.state}
        record(session, SERVER, "create", "campaign", campaign.code, {**as_dict(campaign), **summary})
    say(summary, as_json)


@campaigns.command("close")
@click.argument("code")
def close_command(code: str) -> None:
    """Take nothing more in."""
    _set_state(code, "closed", "close")


@campaigns.command("reopen")
@click.argument("code")
def reopen_command(code: str) -> None:
    """Take visits in again."""
    _set_state(code, "open", "reopen")


def _set_state(code: str, state: str, action: str) -> None:
    with transaction() as session:
        planning.set_state(session, code, state)
        record(session, SERVER, action, "campaign", code, {})
    click.echo(f"Campaign {code} is {state}.", err=True)


@campaigns.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """All campaigns, newest first."""
    with transaction() as session:
        found = session.query(Campaign).order_by(Campaign.starts_on.desc(), Campaign.code)
        rows = [as_dict(campaign) for campaign in found]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['code']:<16} {row['start']}  {row['state']:<7} {row['name']}")


@campaigns.command("thresholds")
@click.argument("code")
@click.argument("changes", nargs=-1, metavar="[RULE.NAME=VALUE]…")
@json_option
def thresholds_command(code: str, changes: tuple[str, ...], as_json: bool) -> None:
    """Show the limits that hold in a campaign, or set some.

    `pace.more_than=30` sets one, `pace.more_than=` goes back to the default. Every visit is judged anew with them; each
    change stands in the audit trail.
    """
    with transaction() as session:
        campaign = planning.find_campaign(session, code)
        for change in changes:
            rule, name, value = _limit(change)
            if campaign.kind == "plantation":
                set_claim_limits(campaign, rule, {name: value})
            else:
                set_limits(session, campaign, rule, {name: value})
            record(session, SERVER, "set threshold", "campaign", code, {"rule": rule, "name": name, "value": value})
        holds = claim_limits_of(campaign) if campaign.kind == "plantation" else limits_of(campaign)
        limits = {rule: limit.model_dump() for rule, limit in holds.items()}
    if as_json:
        click.echo(json.dumps(limits))
        return
    for rule, values in limits.items():
        click.echo(f"{rule:<24} " + ("  ".join(f"{name}={value:g}" for name, value in values.items()) or "–"))


def _limit(change: str) -> tuple[str, str, float | None]:
    """`rule.name=value` as (rule, name, value); no value: back to the default."""
    path, equals, words = change.partition("=")
    rule, dot, name = path.partition(".")
    try:
        value = float(words) if words else None
    except ValueError:
        raise click.BadParameter(f"{words} is not a number.", param_hint=change) from None
    if not (equals and dot and name):
        raise click.BadParameter("write RULE.NAME=VALUE, such as pace.more_than=30.", param_hint=change)
    return rule, name, int(value) if value is not None and value.is_integer() else value


@teams.command("import")
@existing_file
@campaign_option
@rejects_option
@json_option
def import_teams_command(file: Path, code: str, rejects: Path | None, as_json: bool) -> None:
    """Columns team, type, area, supervisor. All or nothing."""
    _import_table("teams", file, code, rejects, as_json, ("team", "type"), planning.import_teams)


@targets.command("import")
@existing_file
@campaign_option
@rejects_option
@json_option
def import_targets_command(file: Path, code: str, rejects: Path | None, as_json: bool) -> None:
    """Columns team, date, settlement, target_children: published as a new version. All or nothing."""

    def take(session: Session, campaign: Campaign, rows: list[Row]) -> TableSummary:
        return planning.import_microplan(session, campaign, rows, file.name)

    columns = ("team", "date", "settlement", "target_children")
    _import_table("microplan", file, code, rejects, as_json, columns, take)


def _import_table(
    kind: str,
    file: Path,
    code: str,
    rejects: Path | None,
    as_json: bool,
    columns: tuple[str, ...],
    take: Callable[[Session, Campaign, list[Row]], TableSummary],
) -> None:
    """Read a table, hand it to a verb in one transaction, and tell what became of its rows."""
    started = time.monotonic()
    rows = read_table(file, columns)
    try:
        with transaction() as session:
            summary = take(session, planning.find_campaign(session, code), rows)
            if summary.created or summary.updated:
                record(session, SERVER, "import", kind, code, {"file": file.name, **summary.as_dict()})
    except RowsRefused as refused:
        write_rejects(rejects, [(dict(rows[e.row - 1]) if e.row else {}, e) for e in refused.errors])
        if as_json:
            rejected = len({error.row for error in refused.errors})
            say(TableSummary(read=len(rows), rejected=rejected).as_dict(), as_json)
        raise
    write_rejects(rejects, [])
    summary.seconds = round(time.monotonic() - started, 3)
    say(summary.as_dict(), as_json)
