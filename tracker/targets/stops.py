"""The stops of a plan while it is made or changed: put in walking order, summed up to team-days, written as a version.

A published version is never written to. Stops and team-days are written with COPY-sized statements, not row by row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from geo.targets.graph import neighbours
from geo.targets.planning import Teams, Terrain, Units, walked_orders
from geo.targets.rules import Rules
from tracker.campaigns.models import Campaign, Microplan
from tracker.campaigns.planning import NEXT_VERSION
from tracker.targets.inputs import in_plane
from tracker.targets.models import TargetDay, TargetPlan, TargetStop

TeamDayKey = tuple[int, date]
ROWS_AT_ONCE = 5_000
METRES_A_DEGREE = 111_195.0


@dataclass
class Stop:
    """As a row of `target_stop`, without its plan."""

    settlement_id: int
    block: int
    again: int
    team_id: int
    on_date: date
    children: int
    minutes: float
    lon: float
    lat: float
    box: list[float] | None
    zone: int
    is_priority: bool
    needs: list[str]
    is_fixed: bool = False
    position: int = 0
    walk_km: float = 0.0
    walk_minutes: float = 0.0
    arrive_minute: int = 0

    @property
    def key(self) -> TeamDayKey:
        return self.team_id, self.on_date

    @property
    def unit(self) -> tuple[int, int, int]:
        return self.settlement_id, self.block, self.again

    @property
    def name(self) -> str:
        return f"{self.settlement_id:010d}/{self.block:06d}/{self.again}"


@dataclass
class Facts:
    """How a version came about."""

    source: str
    travel: str
    rules: Rules
    parameters: dict[str, Any]
    area_ids: list[int]
    made_by: int | None = None
    made_from: int | None = None
    from_day: date | None = None
    measures: dict[str, Any] = field(default_factory=dict)
    short_of: dict[str, Any] = field(default_factory=dict)


def walked(
    stops: Sequence[Stop], rules: Rules, homes: dict[int, tuple[float, float]], terrain: Terrain | None = None
) -> list[Stop]:
    """The same stops in walking order, team-day by team-day, with ways and times.

    homes : lon and lat of where a team assembles, where that is known
    """
    if not stops:
        return []
    units, team, day, teams = _as_arrays(stops, homes)
    order, km, minutes, arrive = walked_orders(units, team, day, teams, rules, terrain)
    out = [
        replace(stop, position=int(order[k]), walk_km=round(float(km[k]), 3), walk_minutes=round(float(minutes[k]), 2),
                arrive_minute=int(arrive[k]))
        for k, stop in enumerate(stops)
    ]  # fmt: skip
    return sorted(out, key=lambda stop: (stop.team_id, stop.on_date, stop.position))


def _as_arrays(
    stops: Sequence[Stop], homes: dict[int, tuple[float, float]]
) -> tuple[Units, np.ndarray, np.ndarray, Teams]:
    ids = sorted({stop.team_id for stop in stops})
    seat = {team: k for k, team in enumerate(ids)}
    lon, lat = np.array([s.lon for s in stops]), np.array([s.lat for s in stops])
    epsg = (
        32600 + int((float(lon.mean()) + 180) // 6) + 1
        if lat.mean() >= 0
        else 32700 + int((float(lon.mean()) + 180) // 6) + 1
    )
    home = np.array([homes.get(team, (np.nan, np.nan)) for team in ids], float).reshape(-1, 2)
    at_home = np.full(home.shape, np.nan)
    known = ~np.isnan(home).any(axis=1)
    if known.any():
        at_home[known] = in_plane(home[known, 0], home[known, 1], epsg)
    units = Units(
        np.array([s.name for s in stops]), lon, lat, in_plane(lon, lat, epsg), np.array([s.minutes for s in stops]),
        np.array([s.children for s in stops], np.int64), np.zeros(len(stops), np.int64),
        np.array([s.is_priority for s in stops]),
    )  # fmt: skip
    first = min(stop.on_date for stop in stops)
    teams = Teams([str(team) for team in ids], [0] * len(ids), at_home, [[]] * len(ids))
    team = np.array([seat[s.team_id] for s in stops], np.int64)
    return units, team, np.array([(s.on_date - first).days for s in stops], np.int64), teams


HOMES = text("""
    SELECT t.id, ST_X(ST_PointOnSurface(a.boundary)) AS lon, ST_Y(ST_PointOnSurface(a.boundary)) AS lat
    FROM team t JOIN area a ON a.id = t.area_id WHERE t.campaign_id = :campaign""")


def homes_of(session: Session, campaign: Campaign) -> dict[int, tuple[float, float]]:
    """Where teams assemble: the middle of their area."""
    return {row.id: (row.lon, row.lat) for row in session.execute(HOMES, {"campaign": campaign.id})}


def days_of_stops(
    stops: Sequence[Stop], fixed: Iterable[TeamDayKey] = (), changed: Iterable[TeamDayKey] = ()
) -> list[dict[str, Any]]:
    """Rows of `target_day` for all team-days of these stops, sums over their rows."""
    now, its_fixed, its_changed = datetime.now(UTC), set(fixed), set(changed)
    whole = whole_days(stops)
    groups: dict[TeamDayKey, list[Stop]] = {}
    for stop in stops:
        groups.setdefault(stop.key, []).append(stop)
    return [
        {
            "team_id": key[0], "on_date": key[1], "stops": len(its), "children": sum(s.children for s in its),
            "minutes": round(sum(s.minutes + s.walk_minutes for s in its), 2),
            "walk_km": round(sum(s.walk_km for s in its), 3), "is_connected": whole[key], "is_fixed": key in its_fixed,
            "changed_at": now if key in its_changed else None,
        }
        for key, its in sorted(groups.items())
    ]  # fmt: skip


def whole_days(stops: Sequence[Stop], of: Iterable[TeamDayKey] | None = None) -> dict[TeamDayKey, bool]:
    """Whether each team-day hangs together in the graph of all these stops."""
    if not stops:
        return {}
    places: dict[tuple[float, float], int] = {}
    row = [places.setdefault((s.lon, s.lat), len(places)) for s in stops]
    at = np.array(list(places))
    middle = np.radians(at[:, 1].mean())
    graph = neighbours(at * METRES_A_DEGREE * np.array([np.cos(middle), 1.0]))
    wanted = None if of is None else set(of)
    keys = sorted({s.key for s in stops if wanted is None or s.key in wanted})
    found = {}
    near = graph.lists()
    for key, members in _members(stops, row, keys).items():
        found[key] = _hangs_together(members, near)
    return found


def _members(stops: Sequence[Stop], row: list[int], keys: list[TeamDayKey]) -> dict[TeamDayKey, set[int]]:
    members: dict[TeamDayKey, set[int]] = {key: set() for key in keys}
    for stop, place in zip(stops, row, strict=True):
        if stop.key in members:
            members[stop.key].add(place)
    return members


def _hangs_together(members: set[int], near: list[list[int]]) -> bool:
    left = set(members)
    todo = [left.pop()] if left else []
    while todo:
        for v in near[todo.pop()]:
            if v in left:
                left.discard(v)
                todo.append(v)
    return not left


def write_version(
    session: Session, campaign: Campaign, stops: Sequence[Stop], facts: Facts, *, fixed: Iterable[TeamDayKey] = (),
    changed: Iterable[TeamDayKey] = (),
) -> Microplan:  # fmt: skip
    """A new draft of these stops."""
    session.refresh(campaign, with_for_update=True)  # versions are numbered one at a time
    plan = Microplan(campaign_id=campaign.id, version=session.scalar(NEXT_VERSION, {"campaign": campaign.id}),
                     source=facts.source, published_at=None)  # fmt: skip
    session.add(plan)
    session.flush()
    session.add(TargetPlan(
        microplan_id=plan.id, made_by=facts.made_by, made_from=facts.made_from, from_day=facts.from_day,
        area_ids=facts.area_ids, parameters={**facts.parameters, "rules": asdict(facts.rules)}, travel=facts.travel,
        measures=facts.measures, short_of=facts.short_of,
    ))  # fmt: skip
    session.flush()
    write_rows(session, plan.id, stops, days_of_stops(stops, fixed, changed))
    return plan


def write_rows(session: Session, plan_id: int, stops: Sequence[Stop], days: Sequence[dict[str, Any]]) -> None:
    for table, rows in ((TargetDay, days), (TargetStop, [vars(stop) for stop in stops])):
        for k in range(0, len(rows), ROWS_AT_ONCE):
            session.execute(insert(table), [{"microplan_id": plan_id, **row} for row in rows[k : k + ROWS_AT_ONCE]])


def numbers_of(rules: dict[str, Any]) -> dict[str, float | None]:
    """The figures that a version was made with, as it keeps them."""
    return {name: value for name, value in rules.items() if isinstance(value, int | float)}


STOPS = text("""
    SELECT settlement_id, block, again, team_id, on_date, children, minutes, lon, lat, box, zone, is_priority, needs,
           is_fixed, position, walk_km, walk_minutes, arrive_minute
    FROM target_stop WHERE microplan_id = :plan ORDER BY team_id, on_date, position""")


def read_stops(session: Session, plan_id: int) -> list[Stop]:
    """All stops of a version, in order."""
    return [Stop(**row) for row in session.execute(STOPS, {"plan": plan_id}).mappings()]
