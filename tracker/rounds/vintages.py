"""How do areas of an older vintage of boundaries lie in those of another? By share of their ground.

Settlements need no such guess: each has its place in every vintage. Shares serve only what was counted in an area and
in no settlement of it. Writes `area_share`; worked out once per pair of vintages, by a job.
"""

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.database import transaction
from tracker.jobs import enqueue, waiting_or_running

LEAST_SHARE = 0.0005  # slivers between two drawings of one border

# the lowest areas of each vintage: visits count there
MEASURE = text("""
    WITH lowest AS (
        SELECT a.id, a.vintage, a.boundary FROM area a
        WHERE a.vintage IN (:old, :new) AND NOT EXISTS (SELECT 1 FROM area below WHERE below.parent_id = a.id)
    ), pairs AS (
        SELECT f.id AS from_id, t.id AS to_id,
               ST_Area(CAST(ST_Intersection(f.boundary, t.boundary) AS geography))
                   / nullif(ST_Area(CAST(f.boundary AS geography)), 0) AS share
        FROM lowest f JOIN lowest t ON t.vintage = :new AND ST_Intersects(f.boundary, t.boundary)
        WHERE f.vintage = :old
    )
    INSERT INTO area_share (from_area_id, to_area_id, share)
    SELECT from_id, to_id, least(1.0, share) FROM pairs WHERE share >= :least
    ON CONFLICT (from_area_id, to_area_id) DO UPDATE SET share = excluded.share""")

MEASURED = text("""
    SELECT EXISTS (SELECT 1 FROM area_share s JOIN area f ON f.id = s.from_area_id JOIN area t ON t.id = s.to_area_id
                   WHERE f.vintage = :old AND t.vintage = :new)""")


def shares_known(session: Session, old: date, new: date) -> bool:
    return bool(session.scalar(MEASURED, {"old": old, "new": new}))


def ask_for_shares(session: Session, old: date, new: date) -> None:
    """Queue the measuring, unless it waits already."""
    subject = f"{old}/{new}"
    if waiting_or_running(session, "area_shares", subject) is None:
        enqueue(session, "area_shares", subject, old=old.isoformat(), new=new.isoformat())


def measure_shares(_job_id: int, *, old: str, new: str) -> dict[str, Any]:
    """A job: measure how the lowest areas of one vintage lie in those of the other."""
    values = {"old": date.fromisoformat(old), "new": date.fromisoformat(new), "least": LEAST_SHARE}
    with transaction() as session:
        return {"shares": session.execute(MEASURE, values).rowcount}  # type: ignore[attr-defined]
