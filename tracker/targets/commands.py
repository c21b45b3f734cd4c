"""Daily target areas on the command line: plan, replan, publish, export."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from geo.targets.rules import Rules
from tracker.accounts.audit import record
from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import json_option, say
from tracker.database import transaction
from tracker.targets.changing import fix_day, move_stop
from tracker.targets.inputs import rules_of
from tracker.targets.making import Asked, make_plan
from tracker.targets.publishing import find_version, publish
from tracker.targets.reading import Wanted
from tracker.targets.replanning import replan_from

campaign_option = click.option("--campaign", "code", required=True, help="Code of the campaign.")
seed_option = click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=1, show_default=True)
DAY = click.DateTime(["%Y-%m-%d"])


@click.command("plan")
@campaign_option
@click.option("--teams", type=click.IntRange(1), required=True, help="How many teams walk.")
@click.option("--days", type=click.IntRange(1), required=True, help="How many days of the round.")
@click.option("--area", "areas", multiple=True, help="P-code; none: all that the campaign covers.")
@seed_option
@click.option("--keep-fixed", type=click.IntRange(1), help="Version whose fixed team-days and moved stops stay.")
@click.option("--capacity-children", type=click.IntRange(1), help="Most children of a team-day.")
@click.option("--capacity-hours", type=click.FloatRange(0.1, 24), help="Most field hours of a team-day.")
@click.option("--block-children", type=click.IntRange(1), help="Most children of a block of a large settlement.")
@click.option("--fast", is_flag=True, help="Quicker, and a little more walking.")
@json_option
def plan_command(
    code: str, teams: int, days: int, areas: tuple[str, ...], seed: int, keep_fixed: int | None,
    capacity_children: int | None, capacity_hours: float | None, block_children: int | None, fast: bool, as_json: bool,
) -> None:  # fmt: skip
    """Share the settlements out to teams and days: a new version, to look at and to publish."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        rules = rules_of(
            session, campaign, children=capacity_children, hours=capacity_hours, block_children=block_children,
            rounds=0 if fast else None,
        )  # fmt: skip
        said = make_plan(
            session,
            campaign,
            Asked(teams, days, areas, seed, keep_fixed and find_version(session, campaign, keep_fixed).id),
            rules,
        )
        record(
            session, SERVER, "plan", "microplan", code, {k: said[k] for k in ("version", "teams", "days", "children")}
        )
    _tell(said, rules, as_json)


def _tell(said: dict[str, Any], rules: Rules, as_json: bool) -> None:
    if said["teams"] < said.get("teams_asked", 0):
        click.echo(f"The campaign has {said['teams']} teams that walk; the plan is for those. Import more to plan with"
                   " more.", err=True)  # fmt: skip
    short = said["short_of"]
    if short.get("team_days"):
        click.echo(
            f"Too little for all: {short['children']} children and {short['hours']} hours do not fit. It takes"
            f" {short['team_days']} more team-days, or {short['teams']} more teams, with {rules.hours:g} hours and"
            f" {rules.children} children a day. The plan holds everything all the same.", err=True,
        )  # fmt: skip
    for need, its in short.get("needs", {}).items():
        click.echo(f"Need “{need}”: {its['stops']} stops, {its['hours']} hours, have a team that lacks it.", err=True)
    if short.get("priority_late"):
        click.echo(f"{short['priority_late']} priority stops come after day {rules.latest_day}.", err=True)
    say(said, as_json)


@click.command("replan")
@campaign_option
@click.option("--from", "day", type=DAY, required=True, help="The first day that is planned again.")
@seed_option
@json_option
def replan_command(code: str, day: datetime, seed: int, as_json: bool) -> None:
    """What was left over goes into the days from DATE on: a new version beside the published one."""
    with transaction() as session:
        said = replan_from(session, find_campaign(session, code), day.date(), seed)
        facts = {k: said[k] for k in ("version", "made_from", "from", "left_over", "changed_team_days")}
        record(session, SERVER, "replan", "microplan", code, facts)
    say(said, as_json)


@click.command("move")
@campaign_option
@click.option("--settlement", required=True, help="Code; SETTLEMENT/BLOCK for a block.")
@click.option("--to-team", "team", required=True)
@click.option("--to-date", "on", type=DAY, required=True)
@click.option("--version", "number", type=click.IntRange(1), help="None: the newest that was planned.")
@json_option
def move_command(code: str, settlement: str, team: str, on: datetime, number: int | None, as_json: bool) -> None:
    """Move a stop to another team or day: a new version; planning again leaves it there."""
    place, _slash, block = (
        settlement.rpartition("/") if settlement.rpartition("/")[2].isdigit() else (settlement, "", "0")
    )
    with transaction() as session:
        said = move_stop(
            session, find_campaign(session, code), settlement=place, block=int(block), team=team, on=on.date(),
            number=number,
        )  # fmt: skip
        record(session, SERVER, "move stop", "microplan", code, {**said, "settlement": settlement, "team": team})
    say(said, as_json)


@click.command("fix")
@campaign_option
@click.option("--team", required=True)
@click.option("--date", "on", type=DAY, required=True)
@click.option("--version", "number", type=click.IntRange(1), help="None: the newest that was planned.")
@json_option
def fix_command(code: str, team: str, on: datetime, number: int | None, as_json: bool) -> None:
    """Fix a team-day: planning again and replanning leave it alone."""
    with transaction() as session:
        said = fix_day(session, find_campaign(session, code), team=team, on=on.date(), number=number)
        record(session, SERVER, "fix team-day", "microplan", code, {**said, "team": team, "date": f"{on:%Y-%m-%d}"})
    say(said, as_json)


@click.command("publish")
@campaign_option
@click.option("--version", "number", type=click.IntRange(1), help="None: the newest that was planned.")
@json_option
def publish_command(code: str, number: int | None, as_json: bool) -> None:
    """Teams walk by this version from now on; it does not change any more."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        plan = publish(session, campaign, number)
        record(session, SERVER, "publish", "microplan", code, {"version": plan.version})
        said = {"campaign": code, "version": plan.version, "published": plan.published_at}
    say(said, as_json)


@click.command("export")
@campaign_option
@click.option("--date", "on", type=DAY, help="One day; none: the whole plan.")
@click.option("--team", help="One team; none: all.")
@click.option("--area", help="P-code: only what lies there.")
@click.option("--version", "number", type=click.IntRange(1), help="None: the newest that was planned.")
@click.option("--format", "how", type=click.Choice(["geojson", "gpkg", "csv", "gpx", "pdf"]), required=True)
@click.option("--language", type=click.Choice(["en", "ur", "ps"]), default="en", show_default=True, help="Of the PDF.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@json_option
def export_command(
    code: str, on: datetime | None, team: str | None, area: str | None, number: int | None, how: str, language: str,
    out: Path, as_json: bool,
) -> None:  # fmt: skip
    """Write team-days to a file: for maps, for phones, for spreadsheets, for paper."""
    from tracker.targets.exporting import export_plan

    with transaction() as session:
        wanted = Wanted(number, on.date() if on else None, team, area)
        said = export_plan(session, find_campaign(session, code), wanted, how, out, language=language)
        record(session, SERVER, "export", "microplan", code, {**said, "format": how, "file": out.name})
    say(said, as_json)
