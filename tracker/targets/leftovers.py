"""What was left over on the days that are past? Missed and doubtful settlements, and children to seek again.

Reads the published plan's stops and the kept counts, never visits. Children count as reached when a valid visit says
so; a place that is covered leaves only those known to be missed there.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.coverage.statuses import STATUS
from tracker.targets.stops import Stop

WORTH_A_SECOND_WAY = 0.10  # of what was planned: less is an estimate's error unless somebody is known to be missed
SHORTEST_MINUTES = 10.0  # at a place that is visited again

COUNTED = text(f"""
    SELECT x.settlement_id, x.vaccinated_confirmed, x.visits > x.visits_rejected AS is_visited, {STATUS} AS status,
           greatest(0, x.missed_absent + x.missed_refused + x.missed_other - x.recovered) AS still_missed
    FROM campaign_settlement x WHERE x.campaign_id = :campaign AND x.settlement_id = ANY(:settlements)""")

BY_TEAM = text("""
    SELECT unit_id, team_id, sum(vaccinated_confirmed) AS confirmed FROM coverage_count
    WHERE campaign_id = :campaign AND unit_id = ANY(:settlements) GROUP BY 1, 2""")


def left_over(session: Session, campaign: Campaign, past: Sequence[Stop], day: date) -> dict[tuple[int, int, int], int]:
    """Children left of each past stop that is not done, by unit; a place without an estimate may be left with 0."""
    its = {"campaign": campaign.id, "settlements": sorted({s.settlement_id for s in past}), "over_before": day}
    counted = {row.settlement_id: row for row in session.execute(COUNTED, its)}
    by_team = {(row.unit_id, row.team_id): int(row.confirmed) for row in session.execute(BY_TEAM, its)}
    stops_at: dict[int, list[Stop]] = {}
    for stop in past:
        stops_at.setdefault(stop.settlement_id, []).append(stop)
    left: dict[tuple[int, int, int], int] = {}
    for settlement, stops in sorted(stops_at.items()):
        row = counted.get(settlement)
        if row is None:
            continue
        planned = sum(s.children for s in stops)
        unvisited = [s for s in stops if not s.children and not row.is_visited]
        left |= {s.unit: 0 for s in unvisited}
        _share(
            left,
            stops,
            _children_left(planned, row),
            {s.team_id: by_team.get((settlement, s.team_id), 0) for s in stops},
        )
    return left


def _children_left(planned: int, row: object) -> int:
    left = max(0, planned - int(row.vaccinated_confirmed))  # type: ignore[attr-defined]
    known = min(left, int(row.still_missed))  # type: ignore[attr-defined]
    if row.status == "covered":  # type: ignore[attr-defined]
        return known
    return left if left >= WORTH_A_SECOND_WAY * planned else known


def _share(left: dict[tuple[int, int, int], int], stops: list[Stop], children: int, confirmed: dict[int, int]) -> None:
    """Children left go to the teams that reached fewest of theirs, and there to the stops at the end of their way."""
    reached = dict(confirmed)
    open_children: dict[tuple[int, int, int], int] = {}
    for stop in sorted(stops, key=lambda s: (s.on_date, s.position)):
        done = min(stop.children, reached[stop.team_id])
        reached[stop.team_id] -= done
        open_children[stop.unit] = stop.children - done
    by_need = sorted(stops, key=lambda s: (-open_children[s.unit], -s.position, s.unit))
    for room in (open_children, {s.unit: s.children for s in stops}):
        for stop in by_need:
            taken = min(children, room[stop.unit] - left.get(stop.unit, 0))
            if taken > 0:
                left[stop.unit] = left.get(stop.unit, 0) + taken
                children -= taken


def visited_again(stop: Stop, children: int) -> Stop:
    """The same place once more, with the children that are left."""
    part = children / stop.children if stop.children else 1.0
    return replace(
        stop, again=stop.again + 1, children=children, minutes=round(max(SHORTEST_MINUTES, stop.minutes * part), 2),
        is_fixed=False, position=0, walk_km=0.0, walk_minutes=0.0, arrive_minute=0,
    )  # fmt: skip
