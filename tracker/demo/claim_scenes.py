"""Made-up satellite scenes over the demonstration's claims: a job, for it takes minutes, and then claims are checked.

Each scene is taken in and committed on its own; begun again, it goes on with the next day.
"""

import time
from datetime import date, timedelta
from functools import lru_cache
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
IN_SEASON, OUTSIDE = 4, 3  # scenes a year, in each of the two seasons and outside
LATELY_IN_SEASON, LATELY_OUTSIDE = 9, 12  # in the last 400 days, from which verdicts are read
LATELY_DAYS = 400

AT_ONCE_S = 30.0  # of one job

KNOWN = text("SELECT name FROM scene WHERE name LIKE 'synthetic-%'")
DISTRICT = text("""
    SELECT ST_AsBinary(a.boundary) FROM campaign c JOIN campaign_area k ON k.campaign_id = c.id
    JOIN area a ON a.id = k.area_id WHERE c.id = :campaign ORDER BY a.code LIMIT 1""")


def enqueue_scenes(session: Session, campaign: Campaign, as_of: date, seed: int) -> Job:
    words: dict[str, Any] = {"as_of": as_of.isoformat(), "seed": seed}
    return enqueue(session, TASK, campaign.code, campaign_id=campaign.id, **words)


def run_scenes(job_id: int, as_of: str, seed: int) -> dict[str, Any]:
    """The job: makes scenes for a while and queues itself again, so that other work is not kept waiting."""
    day, begun = date.fromisoformat(as_of), time.monotonic()
    with transaction() as session:
        campaign_id = session.get_one(Job, job_id).campaign_id
        district = bytes(session.scalar(DISTRICT, {"campaign": campaign_id}))
        there = set(session.scalars(KNOWN))
    days = days_of_scenes(day, seed)
    left = [taken_on for taken_on in days if _name(taken_on) not in there]
    land = _land(district, day, seed)
    while left and time.monotonic() - begun < AT_ONCE_S:
        with transaction() as session:
            list(add_made_scenes(session, land, [left.pop(0)], NAME))
        say_progress(job_id, len(days) - len(left), len(days))
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        if left:
            enqueue_scenes(session, campaign, day, seed)
        else:
            enqueue_check(session, campaign, day)
            _land.cache_clear()
    return {"scenes": len(days) - len(left)}


@lru_cache(maxsize=1)
def _land(district: bytes, as_of: date, seed: int) -> Land:
    """Drawing it takes longer than a scene: it is kept from one job to the next."""
    made = make_campaign(shapely.from_wkb(district), as_of, seed)
    return Land(made.country.grid, [claim.plot for claim in made.claims], seed)


def _name(taken_on: date) -> str:
    return f"synthetic-{NAME}-{taken_on:%Y%m%d}"


def days_of_scenes(as_of: date, seed: int) -> list[date]:
    """Few scenes over the years before, more in the last ones."""
    first, lately = date(as_of.year - 8 - YEARS_BEFORE, 1, 1), as_of - timedelta(days=LATELY_DAYS)
    before = scene_days(first, lately, IN_SEASON, OUTSIDE, seed)
    return before + scene_days(lately + timedelta(days=1), as_of, LATELY_IN_SEASON, LATELY_OUTSIDE, seed + 1)
