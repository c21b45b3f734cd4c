"""Where do unreached children wait, and which settlement should a team visit first?

Reads coverage counts through the report, never visits; writes nothing. Order: unreached, then zero-dose seen, then days waiting.
"""
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import coverage_report, moment


def rank_gaps(session: Session, campaign: Campaign, scope: Scope, *, now: datetime, area: str | None = None, limit: int | None = None) -> list[dict[str, Any]]:
    """Settlements by children not reached; settlements without any are left out unless nothing else is there."""
    report = coverage_report(session, campaign, scope, "settlement", now=now, area=area)
    today = moment(campaign, now, None).today
    gaps = [_gap(row, today) for row in report["rows"] if row["code"] is not None and row["unreached"] is not None]
    gaps.sort(key=lambda g: (-g["unreached"], -g["zero_dose"], -g["days_waiting"], g["code"]))
    gaps = gaps if limit is None else gaps[:limit]
    return [{"rank": n, **gap} for n, gap in enumerate(gaps, 1)]


def _gap(row: dict[str, Any], today: date) -> dict[str, Any]:
    return {
        "code": row["code"], "name": row["name"], "name_ur": row["name_ur"], "area": row["area"], "area_name": row["area_name"], "team": row["team"],
        "target": row["target"], "vaccinated_confirmed": row["vaccinated_confirmed"], "unreached": row["unreached"], "reasons": reasons(row),
        "zero_dose": row["zero_dose"], "days_waiting": max(0, (today - date.fromisoformat(row["last_day"])).days), "status": row["status"]}


def reasons(row: dict[str, Any]) -> dict[str, int]:
    """Why the unreached children of a row were not reached: reasons that are known first, the rest "no visit".

    What was recovered on revisits is taken off the known reasons in the order absent, refused, other.
    """
    left, recovered, known = row["unreached"], row["recovered"], {}
    for reason in ("absent", "refused", "other"):
        missed = row[f"missed_{reason}"]
        found_again = min(missed, recovered)
        recovered -= found_again
        known[reason] = min(missed - found_again, left)
        left -= known[reason]
    return {"no_visit": left, **known}
