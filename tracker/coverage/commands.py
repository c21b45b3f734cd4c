"""Coverage: report, gaps, recount, map."""

import getpass
import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import Group, json_option, say
from tracker.coverage.gaps import rank_gaps
from tracker.coverage.recount import recount
from tracker.coverage.report import ALL_LEVELS, coverage_report
from tracker.coverage.shareable_map import shareable_map
from tracker.coverage.written import as_csv, as_features, as_table
from tracker.database import transaction

DIFFERENT = 1  # exit code of a recount that found kept counts wrong, and left them so
REPORT_TABLE = (
    "code", "name", "settlements", "target", "visits", "vaccinated", "vaccinated_confirmed", "reported_coverage",
    "confirmed_coverage", "geographic_coverage", "unreached", "no_word",
)  # fmt: skip
GAPS_TABLE = ("rank", "code", "name", "area", "team", "target", "unreached", "zero_dose", "days_waiting", "status")

campaign_option = click.option("--campaign", "code", required=True, help="Code of the campaign.")
area_option = click.option("--area", help="P-code: only what lies in this area.")
format_option = click.option("--format", "how", type=click.Choice(("table", "csv", "json", "geojson")), default="table")


@click.group("coverage", cls=Group, elsewhere={"pack": "tracker.evening.commands:pack"})
def coverage() -> None:
    """Coverage: report, gaps, recount, map."""


@coverage.command("report")
@campaign_option
@click.option("--level", type=click.Choice(ALL_LEVELS), required=True)
@area_option
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="With the visits up to this day.")
@format_option
def report_command(code: str, level: str, area: str | None, until: datetime | None, how: str) -> None:
    """Numbers of one level; its rows add up to the total."""
    day = until.date() if until else None
    with transaction() as session:
        campaign = find_campaign(session, code)
        report = coverage_report(session, campaign, SERVER, level, now=_now(), area=area, until=day)
        if how == "geojson":
            report = as_features(session, campaign, report["rows"], level)
    if how == "csv":
        click.echo(as_csv(report["rows"]), nl=False)
    elif how == "table":
        click.echo(as_table([*report["rows"], report["total"]], REPORT_TABLE))
    else:
        click.echo(_json(report))


@coverage.command("gaps")
@campaign_option
@area_option
@click.option("--limit", type=click.IntRange(min=1))
@format_option
def gaps_command(code: str, area: str | None, limit: int | None, how: str) -> None:
    """Settlements with children not reached, the most urgent first."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        rows = rank_gaps(session, campaign, SERVER, now=_now(), area=area, limit=limit)
        features = as_features(session, campaign, rows, "settlement") if how == "geojson" else None
    if how == "csv":
        click.echo(as_csv(rows), nl=False)
    elif how == "table":
        click.echo(as_table(rows, GAPS_TABLE))
    else:
        click.echo(_json(features or {"campaign": code, "rows": rows}))


@coverage.command("recount")
@campaign_option
@click.option("--repair", is_flag=True, help="Set right what differs.")
@json_option
def recount_command(code: str, repair: bool, as_json: bool) -> None:
    """Compare the kept counts with a count from the raw rows. Ends with 1 when they differ and stay so."""
    started = time.monotonic()
    with transaction() as session:
        campaign_id = find_campaign(session, code).id
    found = recount(campaign_id, repair)
    say({**vars(found), "seconds": round(time.monotonic() - started, 3)}, as_json)
    if found.different > found.repaired:
        click.echo("Kept counts differ from the visits. Set them right with --repair.", err=True)
        click.get_current_context().exit(DIFFERENT)


@coverage.command("map")
@campaign_option
@click.option("--level", type=click.Choice(ALL_LEVELS[:-2]), required=True)
@area_option
@click.option("--made-by", help="Who stands on the map as its maker; default: whoever runs the command.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def map_command(code: str, level: str, area: str | None, made_by: str | None, out: Path) -> None:
    """One HTML file that opens without any network: the map to take along."""
    who = made_by or f"{getpass.getuser()} (flask coverage map)"
    with transaction() as session:
        campaign = find_campaign(session, code)
        page = shareable_map(session, campaign, SERVER, level, now=_now(), area=area, made_by=who)
    out.write_text(page, encoding="utf-8")
    click.echo(f"{out} ({out.stat().st_size / 1e6:.1f} MB)", err=True)


def _now() -> datetime:
    return datetime.now(UTC)


def _json(answer: dict[str, Any]) -> str:
    def iso(value: Any) -> str:
        if isinstance(value, date):
            return value.isoformat()
        raise TypeError(type(value))

    return json.dumps(answer, ensure_ascii=False, default=iso)
