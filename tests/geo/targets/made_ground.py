"""Ground for tests of plans: units where a test says, with the work of honest settlements."""

import numpy as np

from geo.targets.planning import Teams, Units
from geo.targets.rules import Rules
from geo.targets.walking import minutes_within

LON, LAT, METRES_A_DEGREE = 71.5, 34.0, 111_195.0


def units_at(xy, children, rules=None, needs=None, priority=None) -> Units:
    """Units at metres east and north of a place in Peshawar, with so many children."""
    xy, children = np.asarray(xy, float).reshape(-1, 2), np.asarray(children, np.int64)
    n, households = len(xy), np.maximum(children / 0.156 / 7.5, 1)
    return Units(
        name=np.array([f"S{k:05d}" for k in range(n)]), xy=xy, children=children,
        lon=LON + xy[:, 0] / (METRES_A_DEGREE * np.cos(np.radians(LAT))), lat=LAT + xy[:, 1] / METRES_A_DEGREE,
        minutes=minutes_within(households, np.full(n, 3e4), rules or Rules()),
        needs=np.zeros(n, np.int64) if needs is None else np.asarray(needs, np.int64),
        priority=np.zeros(n, bool) if priority is None else np.asarray(priority, bool),
    )  # fmt: skip


def teams_of(count: int, days: int, abilities=None) -> Teams:
    codes = [f"T{k}" for k in range(count)]
    return Teams(codes, abilities or [0] * count, np.full((count, 2), np.nan), [list(range(days))] * count)


def villages(n: int, seed: int = 0, side_m: float = 12_000) -> tuple[np.ndarray, np.ndarray]:
    """(places, children) of n villages."""
    random = np.random.default_rng(seed)
    return random.random((n, 2)) * side_m, random.integers(8, 40, n)
