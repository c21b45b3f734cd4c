"""Where do unreached children wait, and which settlement should a team visit first?

Reads the report of settlements, never visits; writes nothing. Order: unreached children, then children seen nearby who
never had a dose, then days waiting.
"""

from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.neighbourhoods import sums_within
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import coverage_report
from tracker.coverage.units import moment

NEARBY_M = 2_000.0  # half an hour on foot: whoever finds zero-dose children there asks next door too; our choice
KNOWN_REASONS = ("absent", "refused", "other")
COPIED = (  # from the settlement's row of the report
    "code", "name", "name_ur", "name_ps", "area", "area_name", "area_name_ur", "area_name_ps", "team", "target",
    "vaccinated_confirmed", "unreached", "status",
)  # fmt: skip

POSITIONS = text("""
    SELECT s.code, ST_X(x.point) AS lon, ST_Y(x.point) AS lat
    FROM campaign_settlement x JOIN settlement s ON s.id = x.settlement_id WHERE x.campaign_id = :campaign""")


def rank_gaps(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    *,
    now: datetime,
    area: str | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Settlements with children not reached, the most urgent first.

    `zero_dose` counts those seen within 2 km; `days_waiting` runs from the settlement's (last) planned day.
    """
    report = coverage_report(session, campaign, scope, "settlement", now=now, area=area)
    rows = [row for row in report["rows"] if row["code"] is not None]
    nearby = _zero_dose_nearby(session, campaign, rows)
    today = moment(campaign, now).today
    gaps = [
        _gap(row, zero_dose, today) for row, zero_dose in zip(rows, nearby, strict=True) if row["unreached"]
    ]  # null, too: a small target that is not for this person's eyes
    gaps.sort(key=lambda gap: (-gap["unreached"], -gap["zero_dose"], -gap["days_waiting"], gap["code"]))
    return [{"rank": rank, **gap} for rank, gap in enumerate(gaps[:limit], 1)]


def reasons(row: dict[str, Any]) -> dict[str, int]:
    """Why the unreached children of a settlement's row were not reached: known reasons first, the rest "no visit".

    Who was found again on a revisit is taken off the known reasons in the order absent, refused, other.
    """
    left, recovered, known = row["unreached"], row["recovered"], {}
    for reason in KNOWN_REASONS:
        missed = row[f"missed_{reason}"]
        found_again = min(missed, recovered)
        recovered -= found_again
        known[reason] = min(missed - found_again, left)
        left -= known[reason]
    return {"no_visit": left, **known}


def _gap(row: dict[str, Any], zero_dose: int, today: date) -> dict[str, Any]:
    return {
        **{key: row[key] for key in COPIED},
        "reasons": reasons(row),
        "zero_dose": zero_dose,
        "days_waiting": max(0, (today - date.fromisoformat(row["last_day"])).days),
    }


def _zero_dose_nearby(session: Session, campaign: Campaign, rows: list[dict[str, Any]]) -> list[int]:
    """Per row the children seen near it who never had a dose, as far as the person may see them."""
    seen = np.array([row["zero_dose"] for row in rows], np.int64)
    if not seen.any():
        return [0] * len(rows)
    where = {code: (lon, lat) for code, lon, lat in session.execute(POSITIONS, {"campaign": campaign.id})}
    lon, lat = np.array([where[row["code"]] for row in rows]).T
    nearby: list[int] = sums_within(lon, lat, seen, NEARBY_M).tolist()
    return nearby
