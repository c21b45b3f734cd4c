"""How do left-over units fit into the days that remain, with the least change to what is already published?

Units go in one by one, largest regret first, each where it adds least walking among the team-days of its zone; caps
come first, and a team-day that has not changed yet costs ten minutes to change. What does not fit goes to the next
zones, then to the catch-up day. Then, only where a cap is exceeded, units of the neighbours are moved.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from geo.targets.orders import path_minutes, shortest_path
from geo.targets.rules import Rules
from geo.targets.walking import Floats, Ints, metres_between

FIRST_CHANGE_MIN = 10.0
OVER_CAP = 1e4  # of a share beyond a cap: caps come first
NEXT_ZONES = 3
LEAVES = 1.0  # per unit that leaves its published team-day
LATE_MIN = 60.0  # a priority unit after its latest day
MOST_MOVES = 40


@dataclass
class ComingDay:
    """One team-day that is still to come, and what it holds as published."""

    team: int
    day: int
    zone: int
    abilities: int
    units: list[int] = field(default_factory=list)
    is_fixed: bool = False
    is_catch_up: bool = False


@dataclass(frozen=True)
class LeftOver:
    """Arrays over all units: those of coming days and those left over."""

    lon: Floats
    lat: Floats
    xy: Floats
    minutes: Floats  # that remain
    children: Ints
    needs: Ints
    priority: np.ndarray
    zone: Ints
    movable: np.ndarray  # bool; False: a person fixed it


@dataclass(frozen=True)
class Replanned:
    """place : position in the list of coming days, by unit; only of units that went in or moved.

    beyond : units that exceed a cap where they are now
    """

    place: dict[int, int]
    moved: list[int]
    beyond: list[int]


def replan(units: LeftOver, left: Sequence[int], days: list[ComingDay], rules: Rules) -> Replanned:
    """Put the units `left` into `days`; the days' own units stay unless a cap asks otherwise."""
    work = _Work(units, days, rules)
    todo, place = sorted(left), {}
    while todo:
        choice = max((work.choice(u) for u in todo), key=lambda c: (c.regret, -c.unit))
        todo.remove(choice.unit)
        if choice.to >= 0:
            work.put(choice.unit, choice.to)
            place[choice.unit] = choice.to
    moved = work.relieve(set(place))
    place |= {u: work.at[u] for u in moved}
    return Replanned(place, moved, work.beyond())


@dataclass(frozen=True)
class _Choice:
    unit: int
    to: int  # -1: no team-day may take it
    regret: float


class _Work:
    """The coming days while units go in."""

    def __init__(self, units: LeftOver, days: list[ComingDay], rules: Rules) -> None:
        self.units, self.days, self.rules = units, days, rules
        self.at = {u: k for k, day in enumerate(days) for u in day.units}
        self.changed = [False] * len(days)
        self.walk = [self._walk(day.units) for day in days]
        self.minutes = [float(units.minutes[day.units].sum()) for day in days]
        self.children = [int(units.children[day.units].sum()) for day in days]
        self.near_zones = self._near_zones()
        self.known: dict[tuple[int, int], float] = {}

    def _walk(self, members: Sequence[int]) -> float:
        between = metres_between(self.units.lon[members], self.units.lat[members]) * self.rules.minutes_a_metre
        return path_minutes(between, shortest_path(between)) if len(members) > 1 else 0.0

    def _near_zones(self) -> dict[int, list[int]]:
        zones = sorted({day.zone for day in self.days} | set(self.units.zone.tolist()))
        middle = {}
        for zone in zones:
            rows = np.flatnonzero(self.units.zone == zone)
            middle[zone] = self.units.xy[rows].mean(axis=0) if len(rows) else np.full(2, np.inf)
        return {
            zone: sorted(zones, key=lambda other: (_away(middle[zone], middle[other]), other))[: NEXT_ZONES + 1]
            for zone in zones
        }

    def allowed(self, u: int, k: int) -> bool:
        day = self.days[k]
        return not day.is_fixed and not int(self.units.needs[u]) & ~day.abilities

    def cost(self, u: int, k: int) -> float:
        """Minutes that a unit costs in a team-day: walking, the change, and what goes over a cap."""
        key = (u, k)
        if key not in self.known:
            self.known[key] = self._walk([*self.days[k].units, u]) - self.walk[k]
        added = self.known[key]
        cost = added + (0.0 if self.changed[k] else FIRST_CHANGE_MIN)
        if self.units.priority[u] and self.days[k].day >= self.rules.latest_day:
            cost += 1.0 * self.days[k].day
        over = max(
            0.0,
            (self.minutes[k] + self.walk[k] + float(self.units.minutes[u]) + added) / self.rules.capacity_minutes - 1,
        )
        over += max(0.0, (self.children[k] + int(self.units.children[u])) / self.rules.children - 1)
        return cost + OVER_CAP * over

    def choice(self, u: int) -> _Choice:
        """Where a unit costs least: in its zone, else the next ones, else on the catch-up day."""
        circles = [[int(self.units.zone[u])], self.near_zones[int(self.units.zone[u])], sorted(self.near_zones)]
        fallback: tuple[float, int] | None = None
        for catch_up in (False, True):
            for zones in circles:
                costs = sorted(
                    (self.cost(u, k), k) for k, day in enumerate(self.days)
                    if day.zone in zones and day.is_catch_up == catch_up and self.allowed(u, k)
                )  # fmt: skip
                if costs and (fallback is None or costs[0][0] < fallback[0]):
                    fallback = costs[0]
                if costs and costs[0][0] < OVER_CAP * 1e-3:
                    second = costs[1][0] if len(costs) > 1 else costs[0][0] + OVER_CAP
                    return _Choice(u, costs[0][1], second - costs[0][0])
                if zones is circles[1] and not catch_up:
                    break  # not all over the area before the catch-up day was asked
        return _Choice(u, fallback[1] if fallback else -1, 0.0)

    def put(self, u: int, k: int) -> None:
        if u in self.at:
            self._take_out(u)
        self.days[k].units.append(u)
        self.at[u] = k
        self.changed[k] = True
        self._recount(k)

    def _take_out(self, u: int) -> None:
        k = self.at.pop(u)
        self.days[k].units.remove(u)
        self.changed[k] = True
        self._recount(k)

    def _recount(self, k: int) -> None:
        members = self.days[k].units
        self.walk[k] = self._walk(members)
        self.minutes[k] = float(self.units.minutes[members].sum())
        self.children[k] = int(self.units.children[members].sum())
        self.known = {key: value for key, value in self.known.items() if key[1] != k}

    def over(self, k: int) -> float:
        share = (self.minutes[k] + self.walk[k]) / self.rules.capacity_minutes - 1
        return max(0.0, share, self.children[k] / self.rules.children - 1)

    def relieve(self, new: set[int]) -> list[int]:
        """Where a changed team-day is over a cap, published units move to a team-day of the zone that has room."""
        moved: list[int] = []
        for _ in range(MOST_MOVES):
            worst = max(
                range(len(self.days)), key=lambda k: (self.over(k) if self.changed[k] else 0.0, -k), default=None
            )
            if worst is None or not self.changed[worst] or self.over(worst) <= 1e-9:
                break
            found = [
                (self.cost(u, k), u, k)
                for u in self.days[worst].units if self.units.movable[u] and u not in new
                for k, day in enumerate(self.days)
                if k != worst and day.zone == self.days[worst].zone and not day.is_catch_up and self.allowed(u, k)
            ]  # fmt: skip
            fits = [move for move in found if move[0] < OVER_CAP * 1e-3]
            if not fits or not self._late_enough(min(fits)):
                break
            _cost, u, k = min(fits)
            self.put(u, k)
            moved.append(u)
        return sorted(set(moved))

    def _late_enough(self, move: tuple[float, int, int]) -> bool:
        """Moving one unit must be worth what it costs people to relearn: `LEAVES` of the objective is 50 minutes."""
        return move[0] <= LEAVES / 0.02 * 4

    def beyond(self) -> list[int]:
        over = [k for k in range(len(self.days)) if self.changed[k] and self.over(k) > 1e-9]
        return sorted(u for k in over for u in self.days[k].units)


def _away(one: Floats, other: Floats) -> float:
    away = float(np.hypot(*(one - other)))
    return away if np.isfinite(away) else np.inf
