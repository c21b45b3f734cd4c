"""How good is a plan of daily target areas, and how long does it take? Beside the two methods that people would use.

`python -m benchmarks.targets_plan [large]`: 2,000 settlements with 300 teams over 4 days, dense and scattered; `large`:
10,000 with 1,200. Baselines in the same run: k-means with nearest neighbour, and halving of the coordinates by work.
Balance is the largest and the 95th percentile over the mean of all team-days; walking is between stops.
"""

import os
import resource
import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.cluster.vq import kmeans2

from benchmarks.measure import say, show_table
from geo.targets.blocks import block_size, blocks_needed, cut, equal_parts
from geo.targets.division import halved
from geo.targets.graph import Neighbours, neighbours
from geo.targets.measures import connected, max_over_mean, percentile_over_mean
from geo.targets.planning import Teams, Units, plan
from geo.targets.rules import Rules
from geo.targets.walking import metres_between, minutes_within

DAYS, CHILDREN_A_TEAM_DAY = 4, 85
LON, LAT, METRES_A_DEGREE = 71.5, 34.0, 111_195.0
GROUNDS = (("dense, 600 people/km²", 600.0), ("scattered, 30 people/km²", 30.0))
HEAD = ("", "hours p95", "max", "children p95", "max", "connected", "km between stops", "seconds")


@dataclass(frozen=True)
class Divided:
    """One way of making team-days: (n,) group of each unit, kilometres walked, minutes walked per group."""

    name: str
    group: np.ndarray
    km: np.ndarray  # per group
    seconds: float


def main() -> None:
    settlements, teams = (10_000, 1_200) if "large" in sys.argv[1:] else (2_000, 300)
    for words, density in GROUNDS:
        rules = Rules()
        units = made_units(settlements, teams * DAYS, density, rules)
        graph = neighbours(units.xy)
        found = [
            planned(units, teams, rules),
            planned(units, teams, Rules(rounds=0), "ours, fast"),
            by_halving(units, teams * DAYS, rules),
            by_k_means(units, teams * DAYS, rules),
        ]
        title = f"{settlements:,} settlements, {len(units):,} units, {teams:,} teams × {DAYS} days, {words}"
        show_table(title, HEAD, [row_of(way, units, teams * DAYS, graph, rules) for way in found])
    own, theirs = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    say(f"Memory at most: {own:.0f} MB, and {theirs:.0f} MB in each process that plans zones.")


def made_units(settlements: int, team_days: int, density: float, rules: Rules) -> Units:
    """Settlements of unequal size, six of ten of them in clusters; cut into blocks as a plan cuts them."""
    random = np.random.default_rng(1)
    children = np.exp(random.normal(5.6, 1.0, settlements))
    children = np.maximum(1, np.round(children * team_days * CHILDREN_A_TEAM_DAY / children.sum())).astype(np.int64)
    people = children / 0.156
    side = np.sqrt(people.sum() / density * 1e6)
    clusters = random.random((max(3, settlements // 40), 2)) * side
    near = clusters[random.integers(len(clusters), size=settlements)]
    near = near + random.normal(0, side / np.sqrt(len(clusters)) / 4, (settlements, 2))
    at = np.abs(np.where(random.random((settlements, 1)) < 0.6, near, random.random((settlements, 2)) * side))
    return _in_blocks(at, children, people, team_days, rules)


def _in_blocks(at: np.ndarray, children: np.ndarray, people: np.ndarray, team_days: int, rules: Rules) -> Units:
    count = blocks_needed(children, block_size(children, team_days, rules))
    scale = np.array([METRES_A_DEGREE * np.cos(np.radians(LAT)), METRES_A_DEGREE])
    radius = np.select([people > 750, people > 150], [500.0, 200.0], 100.0)
    rows = []
    for k, place in enumerate(at / scale + np.array([LON, LAT])):
        n = int(count[k])
        blocks = cut(*place, radius[k], None, n)
        middles = [tuple(place)] if n == 1 else list(zip(blocks.lon, blocks.lat, strict=True))
        households, ground = people[k] / rules.people_a_household / n, np.pi * radius[k] ** 2 / n
        rows += [
            (f"{k:05d}/{b:04d}", *middle, households, ground, part)
            for b, (middle, part) in enumerate(zip(middles, equal_parts(int(children[k]), n), strict=True))
        ]
    name, lon, lat, households, ground, part = (np.array(column) for column in zip(*rows, strict=True))
    xy = np.column_stack([lon - LON, lat - LAT]) * scale
    n = len(name)
    return Units(
        name, lon, lat, xy, minutes_within(households, ground, rules), part, np.zeros(n, int), np.zeros(n, bool)
    )


def planned(units: Units, teams: int, rules: Rules, name: str = "ours") -> Divided:
    who = Teams([str(k) for k in range(teams)], [0] * teams, np.full((teams, 2), np.nan), [list(range(DAYS))] * teams)
    started = time.monotonic()
    found = plan(units, who, rules, processes=os.cpu_count() or 1)
    seconds = time.monotonic() - started
    group = found.team * DAYS + found.day
    return Divided(name, group, np.bincount(group, found.walk_km, teams * DAYS), seconds)


def by_halving(units: Units, groups: int, rules: Rules) -> Divided:
    started = time.monotonic()
    group = halved(units.xy, units.minutes, np.ones(groups))
    return Divided(
        "halving, nearest next", group, _nearest_next_km(units, group, groups, rules), time.monotonic() - started
    )


def by_k_means(units: Units, groups: int, rules: Rules) -> Divided:
    started = time.monotonic()
    _centres, group = kmeans2(units.xy, groups, minit="++", seed=1)
    km = _nearest_next_km(units, group, groups, rules)
    return Divided("k-means, nearest next", group, km, time.monotonic() - started)


def _nearest_next_km(units: Units, group: np.ndarray, groups: int, rules: Rules) -> np.ndarray:
    """Each group walked from its westernmost unit, always on to the nearest that is left."""
    km = np.zeros(groups)
    for g in range(groups):
        rows = np.flatnonzero(group == g)
        if len(rows) < 2:
            continue
        metres = metres_between(units.lon[rows], units.lat[rows])
        here, left = int(units.lon[rows].argmin()), set(range(len(rows)))
        left.discard(here)
        while left:
            onward = min(left, key=lambda k: (metres[here, k], k))
            km[g] += metres[here, onward] * rules.detour / 1000
            here = onward
            left.discard(here)
    return km


def row_of(way: Divided, units: Units, groups: int, graph: Neighbours, rules: Rules) -> tuple[object, ...]:
    work = np.bincount(way.group, units.minutes, groups)
    minutes = work + way.km * 60 / rules.speed_kmh
    children = np.bincount(way.group, units.children, groups)
    whole = np.mean(list(connected(way.group, graph).values()))
    return (
        way.name, f"{percentile_over_mean(minutes, groups, 95):.2f}", f"{max_over_mean(minutes, groups):.2f}",
        f"{percentile_over_mean(children, groups, 95):.2f}", f"{max_over_mean(children, groups):.2f}",
        f"{whole:.1%}", f"{way.km.sum():,.0f}", f"{way.seconds:.1f}",
    )  # fmt: skip


if __name__ == "__main__":
    main()
