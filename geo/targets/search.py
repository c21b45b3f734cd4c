"""Can a unit move to a neighbouring team-day, or two change places, so that the plan of a zone gets better?

The objective is a sum over team-days of what is unbalanced, walked, in pieces, over a cap, unmet or late, and over
teams whose days do not hang together. Sets of units are whole numbers with one bit per unit: every set's walk and
wholeness is computed once. Ties break by index and steps are counted, so that the same input gives the same plan.
"""

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field

import numpy as np

from geo.targets import rules as weigh
from geo.targets.orders import path_minutes, shortest_path
from geo.targets.rules import Rules
from geo.targets.walking import Floats

PROMISING = 0.15  # of the walks touched: so much shorter may the shortest path be than the one guessed from pieces
SHORTER = 0.95  # of a guessed walk: what its minutes may really be
WITHOUT_WORK = 1_000.0  # a team-day that is empty while there are units enough
LARGE_SET = 9  # places: more are expensive to order
MOST_LARGE_SETS = 1_500  # ordered in one search of a zone
GAIN = 1e-7


@dataclass
class Ground:
    """What does not change: the units of one zone. Lists, because single numbers are read, not arrays."""

    minutes: list[float]  # of work in each unit
    children: list[int]
    between: Floats  # (n, n) minutes of walking, the same both ways
    near: Sequence[Sequence[int]]
    piece: Sequence[int]  # of the graph
    movable: list[bool]
    priority: int  # set of the units that come early
    needs: list[int]  # of each unit, as bits
    rules: Rules
    near_set: list[int] = field(init=False)
    rows: list[list[float]] = field(init=False)
    pieces: list[int] = field(init=False)  # sets of the units in each piece of the graph
    walks: dict[int, tuple[float, tuple[int, ...]]] = field(default_factory=dict)
    wholes: dict[int, bool] = field(default_factory=dict)
    large_sets: int = 0

    def __post_init__(self) -> None:
        self.near_set = [sum(1 << v for v in found) for found in self.near]
        self.rows = self.between.tolist()
        kinds = sorted(set(self.piece))
        self.pieces = [sum(1 << u for u, p in enumerate(self.piece) if p == kind) for kind in kinds]

    def lacking(self, abilities: int) -> int:
        """The set of units whose needs a team of these abilities cannot meet."""
        return sum(1 << u for u, need in enumerate(self.needs) if need & ~abilities)

    def walk(self, chosen: int) -> tuple[float, tuple[int, ...]]:
        """Minutes of walking through a set of units, and their order."""
        known = self.walks.get(chosen)
        if known is None:
            units = units_of(chosen)
            if len(units) > LARGE_SET:
                self.large_sets += 1
            between = self.between[np.array(units, np.intp)[:, None], units] if units else self.between[:0, :0]
            order = shortest_path(between)
            known = (path_minutes(between, order), tuple(units[k] for k in order))
            self.walks[chosen] = known
        return known

    def whole(self, chosen: int) -> bool:
        """Whether a set of units hangs together, within each piece of the graph that it touches."""
        known = self.wholes.get(chosen)
        if known is None:
            known = all(self._reaches_all(chosen & piece) for piece in self.pieces) if chosen else True
            self.wholes[chosen] = known
        return known

    def _reaches_all(self, chosen: int) -> bool:
        if not chosen:
            return True
        near_set = self.near_set
        seen = todo = chosen & -chosen
        while todo:
            one = todo & -todo
            todo ^= one
            more = near_set[one.bit_length() - 1] & chosen & ~seen
            seen |= more
            todo |= more
        return seen == chosen


def units_of(chosen: int) -> list[int]:
    units = []
    while chosen:
        one = chosen & -chosen
        units.append(one.bit_length() - 1)
        chosen ^= one
    return units


def set_of(units: Iterable[int]) -> int:
    return sum(1 << int(u) for u in units)


@dataclass
class TeamDays:
    """The state of a search: which units each team-day has."""

    ground: Ground
    chosen: list[int]  # per team-day: the set of its units
    mean_minutes: float
    mean_children: float
    team: list[int] = field(default_factory=list)  # per team-day; empty: not yet shared out to teams
    lacking: list[int] = field(default_factory=list)  # per team-day: units that its team cannot serve
    day: list[int] = field(default_factory=list)  # per team-day, 0 is the first; empty: not yet known
    at: list[int] = field(init=False)  # per unit: its team-day
    work: list[float] = field(init=False)
    children: list[int] = field(init=False)
    cost: list[float] = field(init=False)
    area_cost: dict[int, float] = field(default_factory=dict)  # per team
    base: dict[int, float] = field(default_factory=dict)  # of every set met so far

    def __post_init__(self) -> None:
        self.most_minutes, self.most_children = self.ground.rules.capacity_minutes, self.ground.rules.children
        self.recount()

    def recount(self) -> None:
        """Count everything from the sets."""
        g = self.ground
        self.at = [-1] * len(g.minutes)
        for k, chosen in enumerate(self.chosen):
            for u in units_of(chosen):
                self.at[u] = k
        self.work = [sum(g.minutes[u] for u in units_of(chosen)) for chosen in self.chosen]
        self.children = [sum(g.children[u] for u in units_of(chosen)) for chosen in self.chosen]
        self.cost = [self.cost_of(k, self.chosen[k]) for k in range(len(self.chosen))]
        self.area_cost = {team: self.cost_of_area(self.area(team)) for team in sorted(set(self.team))}

    def area(self, team: int) -> int:
        """All units of a team."""
        area = 0
        for k, its in enumerate(self.team):
            if its == team:
                area |= self.chosen[k]
        return area

    def cost_of_area(self, area: int) -> float:
        return 0.0 if self.ground.whole(area) else weigh.AREA_IN_PIECES

    def cost_of(self, k: int, chosen: int) -> float:
        """What one team-day adds to the objective with these units."""
        return self.base_of(chosen) + self.people(k, chosen)

    def base_of(self, chosen: int) -> float:
        """The same without what hangs on its team and day."""
        known = self.base.get(chosen)
        if known is None:
            g = self.ground
            walk, units = g.walk(chosen)
            minutes, children = walk, 0
            for u in sorted(units):
                minutes += g.minutes[u]
                children += g.children[u]
            known = self.balance(minutes, children) + weigh.WALKED_MINUTE * walk
            if not chosen:
                known += WITHOUT_WORK
            elif not g.whole(chosen):
                known += weigh.IN_PIECES
            self.base[chosen] = known
        return known

    def balance(self, minutes: float, children: int) -> float:
        off = minutes / self.mean_minutes - 1
        cost = off * off
        over = abs(off) - weigh.FREE_SHARE
        if over > 0:
            cost += weigh.UNBALANCED * over * over
        over = abs(children / self.mean_children - 1) - weigh.FREE_SHARE
        if over > 0:
            cost += weigh.UNBALANCED * over * over
        if minutes > self.most_minutes:
            cost += weigh.OVER_CAPACITY * (minutes / self.most_minutes - 1)
        if children > self.most_children:
            cost += weigh.OVER_CAPACITY * (children / self.most_children - 1)
        return cost

    def people(self, k: int, chosen: int) -> float:
        """Needs unmet, and priority that waits."""
        cost = 0.0
        if self.lacking:
            cost += weigh.NEED_UNMET * (chosen & self.lacking[k]).bit_count()
        if self.day:
            early = (chosen & self.ground.priority).bit_count()
            if early:
                late = self.day[k] >= self.ground.rules.latest_day
                cost += early * (weigh.PRIORITY_WAITS * self.day[k] + (weigh.PRIORITY_LATE if late else 0.0))
        return cost

    def total(self) -> float:
        return sum(self.cost) + sum(self.area_cost.values())

    # one exchange: units `out` of team-day a go to b, units `back` of b to a

    def gain(self, a: int, b: int, out: int, back: int) -> float:
        """How much the objective falls; minus infinity when that is not worth computing exactly."""
        to_a, to_b = (self.chosen[a] ^ out) | back, (self.chosen[b] ^ back) | out
        if not to_a or not to_b:
            return -np.inf
        before = self.cost[a] + self.cost[b]
        if (to_a not in self.base or to_b not in self.base) and not self._promising(a, b, out, back, before):
            return -np.inf
        after = self.base_of(to_a) + self.people(a, to_a)
        if after >= before + 2 * weigh.AREA_IN_PIECES:
            return -np.inf
        after += self.base_of(to_b) + self.people(b, to_b)
        if self.team and self.team[a] != self.team[b]:
            for k, now in ((a, to_a), (b, to_b)):
                team = self.team[k]
                before += self.area_cost[team]
                after += self.cost_of_area((self.area(team) & ~self.chosen[k]) | now)
        return before - after

    def _difference(self, out: int, back: int) -> tuple[float, int]:
        """Minutes of work and children that go over from a to b."""
        g, minutes, children = self.ground, 0.0, 0
        for u in units_of(out):
            minutes += g.minutes[u]
            children += g.children[u]
        for u in units_of(back):
            minutes -= g.minutes[u]
            children -= g.children[u]
        return minutes, children

    def _promising(self, a: int, b: int, out: int, back: int, before: float) -> bool:
        """Whether a guess of both walks, from the ways known, leaves room for a gain."""
        if self.ground.large_sets > MOST_LARGE_SETS:
            return False
        minutes, children = self._difference(out, back)
        walk = self._guessed(self.chosen[a], out, back)
        dearest = before + weigh.WALKED_MINUTE * PROMISING * walk
        after = self.balance(self.work[a] - minutes + walk * SHORTER, self.children[a] - children)
        after += weigh.WALKED_MINUTE * walk + self.people(a, (self.chosen[a] ^ out) | back)
        if after >= dearest:
            return False
        walk = self._guessed(self.chosen[b], back, out)
        dearest += weigh.WALKED_MINUTE * PROMISING * walk
        after += self.balance(self.work[b] + minutes + walk * SHORTER, self.children[b] + children)
        after += weigh.WALKED_MINUTE * walk + self.people(b, (self.chosen[b] ^ back) | out)
        return after < dearest

    def _guessed(self, chosen: int, out: int, back: int) -> float:
        """Minutes through a set when a unit leaves and another joins: the order known, with as little change."""
        rows = self.ground.rows
        minutes, known = self.ground.walk(chosen)
        order = list(known)
        if out:
            u = out.bit_length() - 1
            k = order.index(u)
            row = rows[u]
            if k > 0:
                minutes -= row[order[k - 1]]
            if k + 1 < len(order):
                minutes -= row[order[k + 1]]
                if k > 0:
                    minutes += rows[order[k - 1]][order[k + 1]]
            del order[k]
        if back:
            row = rows[back.bit_length() - 1]
            minutes += _cheapest_insertion(order, row, rows)
        return minutes

    def exchange(self, a: int, b: int, out: int, back: int) -> None:
        minutes, children = self._difference(out, back)
        self.chosen[a], self.chosen[b] = (self.chosen[a] ^ out) | back, (self.chosen[b] ^ back) | out
        self.work[a] -= minutes
        self.work[b] += minutes
        self.children[a] -= children
        self.children[b] += children
        for u in units_of(out):
            self.at[u] = b
        for u in units_of(back):
            self.at[u] = a
        for k in (a, b):
            self.cost[k] = self.cost_of(k, self.chosen[k])
        if self.team and self.team[a] != self.team[b]:
            for team in (self.team[a], self.team[b]):
                self.area_cost[team] = self.cost_of_area(self.area(team))

    def copied(self) -> "TeamDays":
        other = copy(self)
        for name in ("chosen", "at", "work", "children", "cost"):
            setattr(other, name, list(getattr(self, name)))
        other.area_cost = dict(self.area_cost)
        return other


def _cheapest_insertion(order: list[int], row: list[float], rows: list[list[float]]) -> float:
    if not order:
        return 0.0
    best = min(row[order[0]], row[order[-1]])
    before = order[0]
    for here in order[1:]:
        more = row[before] + row[here] - rows[before][here]
        if more < best:
            best = more
        before = here
    return best


def improve(days: TeamDays, start: Iterable[int] | None = None) -> None:
    """Move and exchange units of neighbouring team-days while the objective falls, beginning with `start` (all)."""
    g = days.ground
    todo = list(range(len(g.minutes))) if start is None else sorted(set(start))
    waiting = set(todo)
    while todo:
        upcoming: list[int] = []
        for u in todo:
            if u not in waiting:
                continue
            waiting.discard(u)
            best = _best_for(days, u)
            if best is None:
                continue
            days.exchange(*best)
            for v in sorted(_touched(days, best[0], best[1])):
                if v not in waiting:
                    waiting.add(v)
                    upcoming.append(v)
        todo = upcoming


def _touched(days: TeamDays, a: int, b: int) -> set[int]:
    """Units whose prospects change when these two team-days did: theirs, and the ones beside."""
    g, found = days.ground, set()
    for u in units_of(days.chosen[a] | days.chosen[b]):
        found.add(u)
        found.update(g.near[u])
    return found


def _best_for(days: TeamDays, u: int) -> tuple[int, int, int, int] | None:
    """The best exchange that takes unit u out of its team-day, or None."""
    g = days.ground
    if not g.movable[u]:
        return None
    a, out = days.at[u], 1 << u
    best, most = None, GAIN
    for b in sorted({days.at[v] for v in g.near[u]} - {a}):
        gain = days.gain(a, b, out, 0)
        if gain > most:
            best, most = (a, b, out, 0), gain
        reach = days.chosen[a]
        for v in units_of(days.chosen[b]):
            if g.movable[v] and g.near_set[v] & reach:
                gain = days.gain(a, b, out, 1 << v)
                if gain > most:
                    best, most = (a, b, out, 1 << v), gain
    return best


def disturbed(days: TeamDays, rounds: int, random: np.random.Generator) -> TeamDays:
    """So many rounds of three random moves and a search; a round that made it worse is undone."""
    g = days.ground
    best, least = days, days.total()
    for _ in range(rounds):
        tried = best.copied()
        shaken: set[int] = set()
        for _ in range(3):
            u = int(random.integers(len(g.minutes)))
            pick = random.random()
            a = tried.at[u]
            around = sorted({tried.at[v] for v in g.near[u]} - {a})
            if around and g.movable[u] and tried.chosen[a] != 1 << u:
                b = around[int(pick * len(around))]
                tried.exchange(a, b, 1 << u, 0)
                shaken |= _touched(tried, a, b)
        improve(tried, shaken)
        total = tried.total()
        if total <= least + GAIN:
            best, least = tried, min(total, least)
    return best
