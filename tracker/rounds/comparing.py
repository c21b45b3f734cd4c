"""How did the same settlements and areas fare, round after round?

Reads the kept counts of this round and of earlier ones of its kind; writes nothing. All is shown in the boundaries of
the round that is looked at: each settlement where it lies in them now; what was counted in an older area and in no
settlement by share of ground, and said to be so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import area_in_scope, levels_loaded
from tracker.coverage.statuses import STATUS, STATUSES
from tracker.coverage.units import SMALL_TARGET, moment
from tracker.orders.gap_list import GapList, Wish, list_gaps
from tracker.orders.history import earlier_rounds
from tracker.rounds.vintages import shares_known

ROUNDS_SHOWN = 6  # with this one
CHRONIC_SHOWN = 50

BY_AREA = text(f"""
    WITH seen AS (
        SELECT x.campaign_id, p.area_id AS place, x.target, x.vaccinated, x.vaccinated_confirmed, {STATUS} AS status
        FROM campaign_settlement x JOIN settlement_place p ON p.settlement_id = x.settlement_id AND p.vintage = :vintage
        WHERE x.campaign_id = ANY(:campaigns) AND x.target >= :hide_below
          AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))
    )
    SELECT s.campaign_id, a.code, a.name_en, a.name_ur, a.name_ps, count(*) AS settlements, sum(s.target) AS target,
           sum(s.vaccinated) AS vaccinated, sum(s.vaccinated_confirmed) AS confirmed,
           sum(greatest(0, s.target - s.vaccinated_confirmed)) AS unreached,
           {", ".join(f"count(*) FILTER (WHERE s.status = '{status}') AS is_{status}" for status in STATUSES)}
    FROM seen s JOIN area_within w ON w.area_id = s.place AND w.ancestor_level = :level
    JOIN area a ON a.id = w.ancestor_id
    WHERE CAST(:area AS integer) IS NULL
       OR s.place IN (SELECT i.area_id FROM area_within i WHERE i.ancestor_id = CAST(:area AS integer))
    GROUP BY s.campaign_id, a.id""")

# what counted in no settlement, of rounds in older boundaries, by share of ground
BY_SHARE = text("""
    SELECT c.campaign_id, a.code, round(sum(c.vaccinated * s.share)) AS vaccinated
    FROM coverage_count c JOIN campaign k ON k.id = c.campaign_id AND k.vintage <> :vintage
    JOIN area_share s ON s.from_area_id = c.area_id JOIN area t ON t.id = s.to_area_id AND t.vintage = :vintage
    JOIN area_within w ON w.area_id = t.id AND w.ancestor_level = :level
    JOIN area a ON a.id = w.ancestor_id
    WHERE c.campaign_id = ANY(:campaigns) AND c.unit_id < 0 AND in_areas(c.area_id, :areas) AND in_areas(t.id, :areas)
      AND (CAST(:area AS integer) IS NULL
           OR t.id IN (SELECT i.area_id FROM area_within i WHERE i.ancestor_id = CAST(:area AS integer)))
    GROUP BY c.campaign_id, a.code""")


@dataclass(frozen=True)
class Cell:
    """One area in one round."""

    settlements: int
    target: int
    confirmed: int
    vaccinated: int
    unreached: int
    by_status: dict[str, int]
    by_share: int  # children reported that are placed here by share of ground

    @property
    def coverage(self) -> float | None:
        return self.confirmed / self.target if self.target else None


@dataclass
class Comparison:
    rounds: list[Any]  # oldest first, this one last: id, code, name, starts_on, vintage
    level: str
    levels: list[str]
    rows: list[tuple[dict[str, Any], list[Cell | None]]]  # area, its cell per round; most unreached now first
    chronic: GapList
    other_vintages: list[Any]  # rounds that counted in other boundaries
    shares_missing: list[Any]  # of these, whose shares are not measured yet


def compare_rounds(
    session: Session, campaign: Campaign, scope: Scope, level: str | None, area: str | None, *, now: datetime
) -> Comparison:
    """Raises NotFound for an area that is none of the person's."""
    found = area_in_scope(session, campaign, scope, area) if area else None
    levels = levels_loaded(session, campaign)
    level = level if level in levels else next((one for one in levels if one == "district"), levels[-1])
    ids = [row.id for row in earlier_rounds(session, campaign, scope, most=ROUNDS_SHOWN - 1)]
    rounds = [session.get_one(Campaign, i) for i in reversed(ids)] + [campaign]
    values = {
        "campaigns": [one.id for one in rounds], "vintage": campaign.vintage, "level": level,
        "area": found.id if found else None, "over_before": moment(campaign, now).over_before,
        "hide_below": SMALL_TARGET if scope.role == "observer" else 0, **scope.binds(),
    }  # fmt: skip
    shared = {(r.campaign_id, r.code): int(r.vaccinated) for r in session.execute(BY_SHARE, values)}
    cells = session.execute(BY_AREA, values).all()
    others = [one for one in rounds if one.vintage != campaign.vintage]
    return Comparison(
        rounds, level, levels, _rows(rounds, cells, shared),
        list_gaps(session, campaign, scope, Wish(area=area, chronic=True, order="missed_before"), now=now),
        others, [one for one in others if not shares_known(session, one.vintage, campaign.vintage)],
    )  # fmt: skip


def _rows(
    rounds: list[Campaign], cells: Sequence[Row[Any]], shared: dict[tuple[int, str], int]
) -> list[tuple[dict[str, Any], list[Cell | None]]]:
    areas: dict[str, dict[str, Any]] = {}
    found: dict[tuple[str, int], Cell] = {}
    for row in cells:
        areas[row.code] = {key: getattr(row, key) for key in ("code", "name_en", "name_ur", "name_ps")}
        by_status = {status: getattr(row, f"is_{status}") for status in STATUSES}
        found[row.code, row.campaign_id] = Cell(
            row.settlements, int(row.target), int(row.confirmed), int(row.vaccinated), int(row.unreached), by_status,
            shared.get((row.campaign_id, row.code), 0),
        )  # fmt: skip
    rows = [(area, [found.get((code, one.id)) for one in rounds]) for code, area in areas.items()]
    return sorted(rows, key=lambda row: (-(row[1][-1].unreached if row[1][-1] else 0), row[0]["code"]))


def trend(cells: list[Cell | None]) -> int | None:
    """Points of confirmed coverage since the round before; None when one of the two says nothing."""
    now, before = cells[-1], next((cell for cell in reversed(cells[:-1]) if cell), None)
    if now is None or before is None or now.coverage is None or before.coverage is None:
        return None
    return round(100 * (now.coverage - before.coverage))
