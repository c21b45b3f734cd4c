"""Coverage: report, gaps, recount, map."""
import csv
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import text

from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import Group, json_option, say
from tracker.coverage.gaps import rank_gaps
from tracker.coverage.recount import recount
from tracker.coverage.report import ALL_LEVELS, coverage_report
from tracker.coverage.shareable_map import shareable_map
from tracker.database import transaction

campaign_option = click.option("--campaign", "code", required=True)
area_option = click.option("--area", help="P-code: only what lies below it.")
format_option = click.option("--format", "how", type=click.Choice(("table", "csv", "json", "geojson")), default="table")
SHOWN = ("code", "name", "settlements", "target", "vaccinated", "vaccinated_confirmed", "unreached", "reported_coverage", "confirmed_coverage")
GAPS_SHOWN = ("rank", "code", "name", "area", "team", "target", "unreached", "status")


@click.group("coverage", cls=Group)
def coverage() -> None:
    """Coverage: report, gaps, recount, map."""


@coverage.command("report")
@campaign_option
@click.option("--level", type=click.Choice(ALL_LEVELS), required=True)
@area_option
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]))
@format_option
def report_command(code: str, level: str, area: str | None, until: datetime | None, how: str) -> None:
    """Numbers of one level; rows add up to the total."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        report = coverage_report(session, campaign, SERVER, level, now=datetime.now(UTC), area=area, until=until.date() if until else None)
        if how == "geojson":
            report = _as_features(session, campaign.vintage, report)
    _show(report, report.get("rows", []), how, SHOWN)


@coverage.command("gaps")
@campaign_option
@area_option
@click.option("--limit", type=click.IntRange(min=1))
@format_option
def gaps_command(code: str, area: str | None, limit: int | None, how: str) -> None:
    """Settlements by children not reached."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        rows = rank_gaps(session, campaign, SERVER, now=datetime.now(UTC), area=area, limit=limit)
        answer = {"campaign": campaign.code, "rows": rows}
        if how == "geojson":
            answer = _as_features(session, campaign.vintage, {**answer, "level": "settlement"})
    _show(answer, rows, how, GAPS_SHOWN)


@coverage.command("recount")
@campaign_option
@click.option("--repair", is_flag=True, help="Set right what differs.")
@json_option
def recount_command(code: str, repair: bool, as_json: bool) -> None:
    """Compare the kept counts with a count from the raw rows."""
    started = time.monotonic()
    with transaction() as session:
        campaign_id = find_campaign(session, code).id
    found = recount(campaign_id, repair)
    say({"cells": found.cells, "different": found.different, "repaired": found.repaired, "seconds": round(time.monotonic() - started, 3)}, as_json)
    if found.different:
        click.get_current_context().exit(1)


@coverage.command("map")
@campaign_option
@click.option("--level", type=click.Choice(ALL_LEVELS[:-2]), required=True)
@area_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def map_command(code: str, level: str, area: str | None, out: Path) -> None:
    """One file that opens without any network: the map to take along."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        page = shareable_map(session, campaign, SERVER, level, now=datetime.now(UTC), area=area, made_by="flask coverage map")
    out.write_text(page, encoding="utf-8")
    click.echo(f"{out} ({out.stat().st_size / 1e6:.1f} MB)", err=True)


def _show(answer: dict[str, Any], rows: list[dict[str, Any]], how: str, shown: tuple[str, ...]) -> None:
    if how in ("json", "geojson"):
        click.echo(json.dumps(answer, ensure_ascii=False, default=str))
    elif how == "csv":
        writer = csv.DictWriter(sys.stdout, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    else:
        click.echo("  ".join(f"{key[:20]:>20}" for key in shown))
        for row in [*rows, *([answer["total"]] if "total" in answer else [])]:
            click.echo("  ".join(f"{_cell(row.get(key)):>20}" for key in shown))


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.1%}" if isinstance(value, float) else str(value)[:20]


OUTLINES = text("""
    SELECT code, ST_AsGeoJSON(boundary, 6) FROM area WHERE vintage = :vintage AND level = :level
    UNION ALL SELECT code, ST_AsGeoJSON(coalesce(extent, centre), 6) FROM settlement WHERE :level = 'settlement'""")


def _as_features(session: Any, vintage: Any, report: dict[str, Any]) -> dict[str, Any]:
    """The same rows as a GeoJSON FeatureCollection; teams and days have no geometry."""
    outline = dict(session.execute(OUTLINES, {"vintage": vintage, "level": report["level"]}).all())
    return {"type": "FeatureCollection", "features": [
        {"type": "Feature", "geometry": json.loads(outline[r["code"]]) if r["code"] in outline else None, "properties": r} for r in report["rows"]]}
