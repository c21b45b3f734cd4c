"""How did earlier rounds end in the same settlements?

Reads the kept counts of earlier campaigns of the same kind; writes nothing. What lies outside the person's areas, or a
target too small for their eyes, is not told.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.statuses import STATUS
from tracker.coverage.units import SMALL_TARGET, moment

ROUNDS_SHOWN = 4  # with this one
CHRONIC_OF, CHRONIC_FROM = 3, 2  # missed in 2 of the last 3 rounds

# the newest first; a round that has not begun says nothing
EARLIER = text("""
    SELECT k.id, k.code, k.name, k.starts_on FROM campaign k
    WHERE k.kind = :kind AND k.starts_on < :starts_on AND k.id <> :campaign AND NOT k.practice
      AND EXISTS (SELECT 1 FROM campaign_settlement x
                  WHERE x.campaign_id = k.id
                    AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids)))
    ORDER BY k.starts_on DESC, k.code LIMIT :most""")

STATUSES_THEN = text(f"""
    SELECT x.campaign_id, x.settlement_id, x.target, x.vaccinated_confirmed, x.vaccinated,
           greatest(0, x.target - x.vaccinated_confirmed) AS unreached, {STATUS} AS status
    FROM campaign_settlement x
    WHERE x.campaign_id = ANY(:campaigns) AND x.settlement_id = ANY(:settlements) AND x.target >= :hide_below
      AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))""")

MISSED_THEN = text(f"""
    SELECT x.settlement_id, count(*) AS times FROM campaign_settlement x
    WHERE x.campaign_id = ANY(:campaigns) AND x.target >= :hide_below AND ({STATUS}) = 'missed'
      AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))
    GROUP BY x.settlement_id""")


def earlier_rounds(session: Session, campaign: Campaign, scope: Scope, most: int = ROUNDS_SHOWN - 1) -> list[Row[Any]]:
    """Rounds of the same kind before this one that the person sees something of, newest first."""
    its = {"kind": campaign.kind, "starts_on": campaign.starts_on, "campaign": campaign.id, "most": most}
    return list(session.execute(EARLIER, {**its, **scope.binds()}))


def statuses_then(
    session: Session, scope: Scope, rounds: Sequence[Row[Any]], settlements: Sequence[int], *, today: date
) -> dict[int, dict[int, Row[Any]]]:
    """By settlement, by campaign: its row of that round."""
    found: dict[int, dict[int, Row[Any]]] = {}
    asked = {**_asked(scope, rounds, today), "settlements": list(settlements)}
    for row in session.execute(STATUSES_THEN, asked):
        found.setdefault(row.settlement_id, {})[row.campaign_id] = row
    return found


def times_missed(
    session: Session, campaign: Campaign, scope: Scope, rounds: Sequence[Row[Any]], *, now: datetime
) -> dict[int, int]:
    """In how many of these rounds each settlement was missed."""
    found = session.execute(MISSED_THEN, _asked(scope, rounds, moment(campaign, now).today))
    return {row.settlement_id: row.times for row in found}


def _asked(scope: Scope, rounds: Sequence[Row[Any]], today: date) -> dict[str, Any]:
    return {
        "campaigns": [row.id for row in rounds], "over_before": today,
        "hide_below": SMALL_TARGET if scope.role == "observer" else 0, **scope.binds(),
    }  # fmt: skip
