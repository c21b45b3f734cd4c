"""Visits: import, check, export."""

import click
from sqlalchemy import text

from tracker.campaigns.planning import find_campaign
from tracker.command_line import Group, json_option, say
from tracker.coverage.following import follow
from tracker.database import transaction
from tracker.visits.models import STANDINGS
from tracker.visits.rules import RULES

FILE_COMMANDS = {  # apart, for they bring Arrow with them: judging a round needs the memory
    "import": "tracker.visits.file_commands:import_command",
    "export": "tracker.visits.file_commands:export_command",
}

STANDING = text("SELECT standing, count(*) FROM visit WHERE campaign_id = :id AND standing < 4 GROUP BY 1")
ASKED = text("SELECT rule, sum(visits) FROM team_flags WHERE campaign_id = :id GROUP BY 1")


@click.group("visits", cls=Group, elsewhere=FILE_COMMANDS)
def visits() -> None:
    """Visits: import, check, export."""


@visits.command("check")
@click.option("--campaign", "code", required=True)
@click.option("--all", "everything", is_flag=True, help="Every visit once more, not only what waits.")
@json_option
def check_command(code: str, everything: bool, as_json: bool) -> None:
    """Judge and count what waits; tell the standing and the flags of the whole campaign."""
    with transaction() as session:
        campaign_id = find_campaign(session, code).id
    done = follow(campaign_id, everything)
    with transaction() as session:
        standing = {int(number): int(visits) for number, visits in session.execute(STANDING, {"id": campaign_id})}
        asked = {rule: int(visits) for rule, visits in session.execute(ASKED, {"id": campaign_id})}
    summary = {
        "checked": done.visits,
        "standing": {name: standing.get(n, 0) for n, name in STANDINGS.items() if name != "replaced"},
        "flags": {rule.name: asked.get(rule.name, 0) for rule in RULES},
        "seconds": round(done.seconds, 3),
    }
    say(summary, as_json)
