"""Made-up satellite scenes over the demonstration's claims: a job, for it takes minutes, and then claims are checked.

Each scene is taken in and committed on its own; begun again, it goes on with the next day.
"""

from datetime import date, timedelta
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.scenes.synthetic import Land, scene_days
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.demo.claims import make_campaign
from tracker.imagery.made_scenes import add_made_scenes
from tracker.jobs import Job, enqueue, say_progress
from tracker.plantations.check_queue import enqueue_check

TASK = "demo_scenes"
NAME = "demo"
YEARS_BEFORE = 3  # of the oldest planting: what the land was like
IN_SEASON, OUTSIDE = 6, 4  # scenes a year, in each of the two seasons and outside
LATELY_IN_SEASON, LATELY_OUTSIDE = 9, 12  # in the last 400 days, from which verdicts are read
LATELY_DAYS = 400

KNOWN = text("SELECT EXISTS (SELECT FROM scene WHERE name = :name)")
DISTRICT = text("""
    SELECT ST_AsBinary(a.boundary) FROM campaign c JOIN campaign_area k ON k.campaign_id = c.id
    JOIN area a ON a.id = k.area_id WHERE c.id = :campaign ORDER BY a.code LIMIT 1""")


def enqueue_scenes(session: Session, campaign: Campaign, as_of: date, seed: int) -> Job:
    words: dict[str, Any] = {"as_of": as_of.isoformat(), "seed": seed}
    return enqueue(session, TASK, campaign.code, campaign_id=campaign.id, **words)


def run_scenes(job_id: int, as_of: str, seed: int) -> dict[str, Any]:
    """The job."""
    day = date.fromisoformat(as_of)
    with transaction() as session:
        campaign_id = session.get_one(Job, job_id).campaign_id
        district = shapely.from_wkb(bytes(session.scalar(DISTRICT, {"campaign": campaign_id})))
    made = make_campaign(district, day, seed)
    land = Land(made.country.grid, [claim.plot for claim in made.claims], seed)
    days = days_of_scenes(day, seed)
    for done, taken_on in enumerate(days, 1):
        with transaction() as session:
            if not session.scalar(KNOWN, {"name": f"synthetic-{NAME}-{taken_on:%Y%m%d}"}):
                list(add_made_scenes(session, land, [taken_on], NAME))
        say_progress(job_id, done, len(days))
    with transaction() as session:
        enqueue_check(session, session.get_one(Campaign, campaign_id), day)
    return {"scenes": len(days)}


def days_of_scenes(as_of: date, seed: int) -> list[date]:
    """Few scenes over the years before, more in the last ones."""
    first, lately = date(as_of.year - 8 - YEARS_BEFORE, 1, 1), as_of - timedelta(days=LATELY_DAYS)
    before = scene_days(first, lately, IN_SEASON, OUTSIDE, seed)
    return before + scene_days(lately + timedelta(days=1), as_of, LATELY_IN_SEASON, LATELY_OUTSIDE, seed + 1)
