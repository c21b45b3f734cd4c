"""A round's plan: units to teams and days, and the order in which each team-day is walked.

The same input, seed and versions of the libraries give the same plan, with any number of processes and rows in any
order: units are sorted by name, ties break by index, rounds are counted, random numbers come from (seed, zone).
"""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from geo.targets.graph import Neighbours, neighbours
from geo.targets.orders import shortest_path
from geo.targets.rules import Rules
from geo.targets.walking import Floats, Ints, metres_along, metres_between
from geo.targets.zone import FAR_M, ZonePlan, ZoneTask, plan_zone
from geo.targets.zones import Zones, given, made

FEW_ZONES = 8  # so few are planned in this process
NOBODY = -1


@dataclass(frozen=True)
class Units:
    """What is shared out. Arrays of one length; `name` is unique and sorts the rows."""

    name: np.ndarray  # str: settlement, or settlement/number of a block
    lon: Floats  # degrees
    lat: Floats
    xy: Floats  # (n, 2) metres in the area's UTM zone
    minutes: Floats  # of work inside
    children: Ints
    needs: Ints  # bits that a team must have
    priority: np.ndarray  # bool

    def __len__(self) -> int:
        return len(self.name)

    def taken(self, rows: Ints) -> "Units":
        return Units(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class Teams:
    """Who walks. In order; the plan speaks of their positions."""

    code: Sequence[str]
    abilities: Sequence[int]  # bits
    home: Floats  # (t, 2) metres; NaN: not known
    free: Sequence[Sequence[int]]  # days that are not taken; 0 is the first of the round

    def __len__(self) -> int:
        return len(self.code)


@dataclass(frozen=True)
class Terrain:
    """What lies on the ground, as far as it is loaded. All in the plane of `Units.xy`."""

    barriers: shapely.Geometry | None = None
    minutes_between: Callable[[Floats, Floats], Floats] | None = None
    # lon, lat → (n, n) minutes from row to column, known better than by distance; None: straight line with a detour


@dataclass(frozen=True)
class Plan:
    """team, day, order, zone : (n,) of the units as given; order counts from 1 within the team-day."""

    team: Ints
    day: Ints
    order: Ints
    walk_km: Floats  # walked from the stop before; 0 for the first
    walk_minutes: Floats
    arrive_minute: Floats  # of the day
    zone: Ints
    uneven_zones: list[int] = field(default_factory=list)


def plan(
    units: Units,
    teams: Teams,
    rules: Rules,
    *,
    seed: int = 1,
    zone: Ints | None = None,
    fixed: Ints | None = None,
    terrain: Terrain | None = None,
    processes: int = 1,
) -> Plan:
    """Share units out to teams and days.

    zone  : (n,) 0…z-1 of each unit where zones are given.   fixed : (n, 2) team and day that a person fixed, -1: none
    seed  : another gives another plan of about the same quality.   processes : how many work on zones at once
    """
    order = np.argsort(units.name, kind="stable")
    back = np.argsort(order, kind="stable")
    terrain = terrain or Terrain()
    its = units.taken(order)
    its_fixed = np.full((len(units), 2), NOBODY, np.int64) if fixed is None else fixed[order]
    graph = neighbours(its.xy, terrain.barriers)
    near = graph.lists()
    zones = _zones(its, teams, rules, near, graph, seed, None if zone is None else zone[order])
    members = _teams_of_zones(its, teams, zones, its_fixed)
    tasks = [
        _task(z, its, teams, rules, seed, near, graph, zones, members, its_fixed, terrain)
        for z in range(len(zones.teams))
    ]
    team, day = np.full(len(its), NOBODY, np.int64), np.full(len(its), NOBODY, np.int64)
    for z, found in enumerate(_each(tasks, processes)):
        rows = np.flatnonzero(zones.of == z)
        team[rows], day[rows] = np.array(members[z], np.int64)[found.team], found.day
    place, km, walk, arrive = walked_orders(its, team, day, teams, rules, terrain)
    return Plan(
        team[back], day[back], place[back], km[back], walk[back], arrive[back], zones.of[back],
        zones.uneven(_weights(its, rules)),
    )  # fmt: skip


def _weights(units: Units, rules: Rules) -> Floats:
    """Minutes of each unit, with the walk to its nearest neighbour."""
    if len(units) < 2:
        return units.minutes
    nearest = cKDTree(units.xy).query(units.xy, k=2)[0][:, 1]
    return np.asarray(units.minutes + nearest * rules.minutes_a_metre, float)


def _zones(
    units: Units, teams: Teams, rules: Rules, near: list[list[int]], graph: Neighbours, seed: int, zone: Ints | None
) -> Zones:
    weight = _weights(units, rules)
    if zone is not None and len(np.unique(zone)) <= len(teams):
        return given(np.unique(zone, return_inverse=True)[1].astype(np.int64), weight, len(teams))
    turn = float(np.random.default_rng([seed]).random() * np.pi / 2)
    found = made(units.xy, weight, near, graph.piece, teams=len(teams), teams_a_zone=rules.teams_a_zone, turn=turn)
    seats = found.teams * max((len(free) for free in teams.free), default=0)
    if (
        np.bincount(found.of, minlength=len(seats)) < seats
    ).any():  # too few units: none of them may lie idle elsewhere
        return Zones(np.zeros(len(units), np.int64), np.array([len(teams)], np.int64))
    return found


def _teams_of_zones(units: Units, teams: Teams, zones: Zones, fixed: Ints) -> list[list[int]]:
    """The teams of each zone: those that a person fixed there, those that its needs want, then those at home nearby."""
    seat = np.repeat(np.arange(len(zones.teams)), zones.teams)
    centre = np.array([units.xy[zones.of == z].mean(axis=0) if (zones.of == z).any() else (np.nan, np.nan)
                       for z in range(len(zones.teams))])  # fmt: skip
    away = np.hypot(*(teams.home[:, None, :] - centre[seat][None, :, :]).transpose(2, 0, 1))
    cost = np.where(np.isnan(away), FAR_M, away)
    along = np.argsort(np.argsort(centre[:, 0] + centre[:, 1], kind="stable"), kind="stable")[seat]
    cost = cost + 1e-3 * np.abs(np.arange(len(teams))[:, None] * len(zones.teams) / len(teams) - along[None, :])
    for s, wanted in _wanted(units, teams, zones):
        lacks = np.array([bool(wanted & ~able) for able in teams.abilities])
        cost[lacks, s] += 10 * FAR_M
    for row in np.flatnonzero(fixed[:, 0] >= 0):
        cost[fixed[row, 0], seat == zones.of[row]] -= 100 * FAR_M
    rows, columns = linear_sum_assignment(cost)
    members: list[list[int]] = [[] for _ in zones.teams]
    for team, s in zip(rows.tolist(), columns.tolist(), strict=True):
        members[seat[s]].append(team)
    return [sorted(its) for its in members]


def _wanted(units: Units, teams: Teams, zones: Zones) -> list[tuple[int, int]]:
    """Seats of zones that want a team of certain abilities: so many that the work with that need fits."""
    found, first = [], 0
    each = units.minutes.sum() / max(1, len(teams))
    for z, seats in enumerate(zones.teams.tolist()):
        inside = zones.of == z
        taken = 0
        kinds = sorted(
            set(units.needs[inside & (units.needs > 0)].tolist()), key=lambda need: (-need.bit_count(), need)
        )
        for need in kinds:
            minutes = float(units.minutes[inside & (units.needs == need)].sum())
            for _ in range(int(np.ceil(minutes * 1.15 / max(each, 1e-9)))):
                if taken < seats:
                    found.append((first + taken, need))
                    taken += 1
        first += seats
    return found


def _task(
    z: int, units: Units, teams: Teams, rules: Rules, seed: int, near: list[list[int]], graph: Neighbours,
    zones: Zones, members: list[list[int]], fixed: Ints, terrain: Terrain,
) -> ZoneTask:  # fmt: skip
    rows = np.flatnonzero(zones.of == z)
    place = {int(u): k for k, u in enumerate(rows)}
    within = [[place[v] for v in near[u] if v in place] for u in rows.tolist()]
    seat = {team: k for k, team in enumerate(members[z])}
    its_fixed = np.array(
        [[seat.get(int(t), NOBODY), d] if t >= 0 else (NOBODY, NOBODY) for t, d in fixed[rows]], np.int64
    )
    known = terrain.minutes_between
    between = None if known is None else known(units.lon[rows], units.lat[rows])
    return ZoneTask(
        number=z, seed=seed, lon=units.lon[rows], lat=units.lat[rows], xy=units.xy[rows], minutes=units.minutes[rows],
        children=units.children[rows], needs=units.needs[rows], priority=units.priority[rows], near=within,
        piece=graph.piece[rows], between=None if between is None else (between + between.T) / 2,
        abilities=[teams.abilities[t] for t in members[z]], home=teams.home[members[z]].reshape(-1, 2),
        free=[list(teams.free[t]) for t in members[z]], fixed=its_fixed.reshape(-1, 2), rules=rules,
    )  # fmt: skip


def _each(tasks: list[ZoneTask], processes: int) -> list[ZonePlan]:
    if processes <= 1 or len(tasks) <= FEW_ZONES:
        return [plan_zone(task) for task in tasks]
    # not forked: whoever asks may have threads, and a fork would copy their locks
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(plan_zone, tasks, chunksize=2))


def walked_orders(
    units: Units, team: Ints, day: Ints, teams: Teams, rules: Rules, terrain: Terrain | None = None
) -> tuple[Ints, Floats, Floats, Floats]:
    """(order, kilometres from the stop before, minutes for them, minute of arrival) of each unit in its team-day."""
    n = len(units)
    order = np.zeros(n, np.int64)
    km, minutes, arrive = np.zeros(n), np.zeros(n), np.zeros(n)
    known = terrain.minutes_between if terrain else None
    key = team * 10_000 + day
    for rows in _runs(key):
        lon, lat = units.lon[rows], units.lat[rows]
        between = known(lon, lat) if known else metres_between(lon, lat) * rules.minutes_a_metre
        walked = _from_afar(rows[shortest_path(between)], units, teams.home[team[rows[0]]], known is not None)
        place = {int(u): k for k, u in enumerate(rows)}
        index = [place[int(u)] for u in walked]
        order[walked] = np.arange(1, len(walked) + 1)
        km[walked[1:]] = metres_along(units.lon[walked], units.lat[walked]) * rules.detour / 1000
        minutes[walked[1:]] = between[index[:-1], index[1:]]
        done = np.cumsum(minutes[walked] + units.minutes[walked]) - units.minutes[walked]
        arrive[walked] = rules.start_minute + done
    return order, km, minutes, arrive


def _runs(key: Ints) -> list[Ints]:
    """Rows of each value, values in order."""
    if not len(key):
        return []
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _from_afar(walked: Ints, units: Units, home: Floats, directed: bool) -> Ints:
    """Of the two directions the one that begins farther from where teams assemble."""
    if directed or np.isnan(home).any() or len(walked) < 2:
        return walked
    ends = units.xy[[walked[0], walked[-1]]]
    first, last = np.hypot(*(ends - home).T)
    return walked if first >= last else walked[::-1]
