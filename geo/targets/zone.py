"""One zone's plan: its units on its teams' days. Everything here is small and independent of other zones.

Division by flow, search, teams, needs and priorities, disturbance; each step begins from the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo.targets.division import divided, filled, mended
from geo.targets.rules import Rules
from geo.targets.search import Ground, TeamDays, disturbed, improve, set_of, units_of
from geo.targets.teams import grouped, matched, ordered_days
from geo.targets.walking import Floats, Ints, metres_between

SLACK = 1.02
NEAREST = 12
ROUNDS = 6
TOO_MANY = 40  # units per team-day: beyond, hopeless plans are divided and not searched
MANY = 15  # and here not disturbed
FAR_M = 1e6  # a team whose home is not known


@dataclass(frozen=True)
class ZoneTask:
    """What one zone needs to know; arrays per unit, lists per team. It can be sent to another process."""

    number: int
    seed: int
    lon: Floats
    lat: Floats
    xy: Floats
    minutes: Floats
    children: Ints
    needs: Ints  # bits
    priority: np.ndarray
    near: Sequence[Sequence[int]]  # within the zone
    piece: Ints
    between: Floats | None  # minutes on slopes or roads; None: from the distance
    abilities: Sequence[int]  # bits, per team
    home: Floats  # (t, 2) metres; NaN: not known
    free: Sequence[Sequence[int]]  # per team: the days that are not taken
    fixed: Ints  # (n, 2) team and day that a person fixed; -1: none
    rules: Rules


@dataclass(frozen=True)
class ZonePlan:
    """team, day : (n,) of each unit, within the zone's lists."""

    team: Ints
    day: Ints


def plan_zone(task: ZoneTask) -> ZonePlan:
    n, seats = len(task.minutes), sum(len(days) for days in task.free)
    if n == 0:
        return ZonePlan(np.zeros(0, np.int64), np.zeros(0, np.int64))
    random = np.random.default_rng([task.seed, task.number])
    ground, k = _ground(task), min(n, seats)
    days = _divided(task, ground, k, random)
    searching = n <= TOO_MANY * k
    if searching:
        improve(days)
    _to_teams(task, days, random)
    _keep_fixed(task, days)
    if searching:
        improve(days)
        _meet_needs(task, days)
        if n <= MANY * k:
            days = disturbed(days, task.rules.rounds, random)
        _force_needs(task, days)
    team, day = np.empty(n, np.int64), np.empty(n, np.int64)
    for chosen, its_team, its_day in zip(days.chosen, days.team, days.day, strict=True):
        units = units_of(chosen)
        team[units], day[units] = its_team, its_day
    return ZonePlan(team, day)


def _ground(task: ZoneTask) -> Ground:
    between = task.between
    if between is None:
        between = metres_between(task.lon, task.lat) * task.rules.minutes_a_metre
    return Ground(
        minutes=task.minutes.tolist(), children=task.children.tolist(), between=between, near=task.near,
        piece=task.piece.tolist(), movable=[True] * len(task.minutes), priority=set_of(np.flatnonzero(task.priority)),
        needs=task.needs.tolist(), rules=task.rules,
    )  # fmt: skip


def _weight(task: ZoneTask, ground: Ground) -> Floats:
    return task.minutes + to_nearest(ground.between)


def to_nearest(between: Floats) -> Floats:
    """(n,) minutes from each place to its nearest other; 0 where there is none."""
    if len(between) < 2:
        return np.zeros(len(between))
    return np.asarray((between + np.diag(np.full(len(between), np.inf))).min(axis=1), float)


def _divided(task: ZoneTask, ground: Ground, k: int, random: np.random.Generator) -> TeamDays:
    weight = _weight(task, ground)
    turn = float(random.random() * np.pi / 2) if task.seed else 0.0
    group = divided(task.xy, weight, np.ones(k), slack=SLACK, nearest=NEAREST, rounds=ROUNDS, turn=turn)
    group = mended(group, task.near, weight, k, task.piece)
    chosen = [set_of(np.flatnonzero(group == part)) for part in range(k)]
    if len(task.minutes) > TOO_MANY * k:
        return TeamDays(ground, chosen, float(weight.sum()) / k, max(float(task.children.sum()) / k, 1e-9))
    walked = sum(ground.walk(s)[0] for s in chosen)
    mean = (float(task.minutes.sum()) + walked) / k
    return TeamDays(ground, chosen, max(mean, 1e-9), max(float(task.children.sum()) / k, 1e-9))


def _middle(task: ZoneTask, chosen: Sequence[int]) -> Floats:
    return np.array([task.xy[units_of(s)].mean(axis=0) if s else task.xy.mean(axis=0) for s in chosen])


def _to_teams(task: ZoneTask, days: TeamDays, random: np.random.Generator) -> None:
    """Give every set of units its team and its day."""
    free = np.array([len(its) for its in task.free], np.int64)
    sizes = _sizes(len(days.chosen), free)
    middle = _middle(task, days.chosen)
    group = grouped(days, middle, sizes, random)
    members = [np.flatnonzero(group == t).tolist() for t in range(len(free))]
    areas = [set_of(u for k in its for u in units_of(days.chosen[k])) for its in members]
    counts = np.array([len(its) for its in members], np.int64)
    centre = _middle(task, areas)
    away = np.hypot(*(centre[:, None, :] - task.home[None, :, :]).transpose(2, 0, 1))
    away = np.where(np.isnan(away), FAR_M, away) + np.abs(np.arange(len(free))[:, None] - np.arange(len(free))) * 1e-3
    team_of = matched(days.ground, areas, task.abilities, away, counts, free)
    team, day = [0] * len(days.chosen), [0] * len(days.chosen)
    for t, its in enumerate(members):
        taken = ordered_days(days.ground, [days.chosen[k] for k in its], middle[its], task.free[int(team_of[t])])
        for k, on in zip(its, taken, strict=True):
            team[k], day[k] = int(team_of[t]), on
    lacking = {able: days.ground.lacking(able) for able in set(task.abilities)}
    days.team, days.day = team, day
    days.lacking = [lacking[task.abilities[t]] for t in team] if task.needs.any() else []
    days.recount()


def _sizes(k: int, free: Ints) -> Ints:
    """How many of k team-days each team gets: one more at a time, to the team with the fewest."""
    sizes = np.zeros(len(free), np.int64)
    for _ in range(k):
        sizes[int(np.argmin(np.where(sizes < free, sizes, np.iinfo(np.int64).max)))] += 1
    return sizes


def _keep_fixed(task: ZoneTask, days: TeamDays) -> None:
    """What a person fixed goes where they said, and stays there."""
    where = {(t, d): k for k, (t, d) in enumerate(zip(days.team, days.day, strict=True))}
    for u in np.flatnonzero(task.fixed[:, 0] >= 0).tolist():
        seat = (int(task.fixed[u, 0]), int(task.fixed[u, 1]))
        if seat not in where:
            where[seat] = len(days.chosen)
            days.chosen.append(0)
            days.team.append(seat[0])
            days.day.append(seat[1])
            if days.lacking:
                days.lacking.append(days.ground.lacking(task.abilities[seat[0]]))
        k = where[seat]
        for other in range(len(days.chosen)):
            days.chosen[other] &= ~(1 << u)
        days.chosen[k] |= 1 << u
        days.ground.movable[u] = False
    days.recount()


def _meet_needs(task: ZoneTask, days: TeamDays) -> None:
    """Where needs or priority days are not kept: one flow over what is allowed, and a search after it."""
    if not _wrong(days):
        return
    ground = days.ground
    allowed = _allowed(task, days)
    weight = _weight(task, ground)
    centre = _middle(task, days.chosen)
    capacity = np.full(len(days.chosen), weight.sum() / len(days.chosen) * 1.1)
    to = filled(task.xy, weight, centre, capacity, len(days.chosen), allowed)
    tried = days.copied()
    for u in range(len(weight)):
        if to[u] >= 0 and ground.movable[u]:
            tried.chosen[tried.at[u]] &= ~(1 << u)
            tried.chosen[int(to[u])] |= 1 << u
    tried.recount()
    improve(tried)
    if tried.total() < days.total():
        _take(days, tried)


def _take(days: TeamDays, other: TeamDays) -> None:
    days.chosen, days.at, days.work, days.children = other.chosen, other.at, other.work, other.children
    days.cost, days.area_cost = other.cost, other.area_cost


def _wrong(days: TeamDays) -> list[int]:
    """Units whose need their team-day does not meet, or whose priority comes too late."""
    late = days.ground.rules.latest_day
    wrong = 0
    for k, chosen in enumerate(days.chosen):
        if days.lacking:
            wrong |= chosen & days.lacking[k]
        if days.day[k] >= late:
            wrong |= chosen & days.ground.priority
    return units_of(wrong)


def _allowed(task: ZoneTask, days: TeamDays) -> np.ndarray:
    """(n, k) whether a unit may go to a team-day: needs met, and priority in time."""
    allowed = np.ones((len(task.minutes), len(days.chosen)), bool)
    for k in range(len(days.chosen)):
        if days.lacking:
            allowed[units_of(days.lacking[k]), k] = False
        if days.day[k] >= task.rules.latest_day:
            allowed[task.priority, k] = False
    return allowed


def _force_needs(task: ZoneTask, days: TeamDays) -> None:
    """What is still wrong goes where it is allowed, at the least cost; for another unit where that is better."""
    allowed = _allowed(task, days)
    for u in _wrong(days):
        if not days.ground.movable[u]:
            continue
        a, best = days.at[u], None
        if days.chosen[a] == 1 << u:
            continue
        for b in np.flatnonzero(allowed[u]).tolist():
            options = [0, *(1 << v for v in units_of(days.chosen[b]) if allowed[v, a] and days.ground.movable[v])]
            for back in options:
                cost = _cost_after(days, a, b, 1 << u, back)
                if best is None or cost < best[0] - 1e-9:
                    best = (cost, b, back)
        if best is not None:
            days.exchange(a, best[1], 1 << u, best[2])


def _cost_after(days: TeamDays, a: int, b: int, out: int, back: int) -> float:
    """What the objective grows by; from the two team-days alone."""
    to_a, to_b = (days.chosen[a] ^ out) | back, (days.chosen[b] ^ back) | out
    return days.cost_of(a, to_a) + days.cost_of(b, to_b) - days.cost[a] - days.cost[b]
