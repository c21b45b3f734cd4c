"""In which order are the places of a team-day walked? The shortest open path; exact for nine places and fewer.

Above that: the nearest neighbour from every start, then pairs of ways are uncrossed while that helps (2-opt).
"""

from functools import lru_cache
from itertools import permutations

import numpy as np

from geo.targets.walking import Floats, Ints

BY_ORDERS = 7  # up to here every order is looked at
EXACT = 9  # up to here every set of places (Held and Karp 1962)
ALL_STARTS = 120  # above that many places only some starts are tried
STARTS = 8
UNCROSSED_FROM = 3  # the best starts that are uncrossed
MOST_UNCROSSED = 400


def shortest_path(minutes: Floats) -> list[int]:
    """The places 0 … n-1 in the order of a shortest path through all, from any start to any end.

    minutes : (n, n) from place to place; of the two directions either may come out when they cost the same
    """
    n = len(minutes)
    if n <= 2:
        return list(range(n)) if n < 2 or minutes[0, 1] <= minutes[1, 0] else [1, 0]
    if n <= BY_ORDERS:
        return _of_all_orders(minutes, n)
    if n <= EXACT:
        return _of_all_sets(minutes, n)
    return _nearest_and_uncrossed((minutes + minutes.T) / 2)


def path_minutes(minutes: Floats, order: list[int]) -> float:
    return float(minutes[order[:-1], order[1:]].sum()) if len(order) > 1 else 0.0


@lru_cache(maxsize=16)
def _orders(n: int) -> tuple[Ints, Ints]:
    """(all orders, their steps as indices into the flat matrix)"""
    orders = np.array(list(permutations(range(n))), np.int64)
    return orders, orders[:, :-1] * n + orders[:, 1:]


@lru_cache(maxsize=16)
def _one_way_orders(n: int) -> tuple[Ints, Ints]:
    """The same without the way back of each: enough where both directions cost the same."""
    orders, steps = _orders(n)
    kept = orders[:, 0] < orders[:, -1]
    return orders[kept], steps[kept]


def _of_all_orders(minutes: Floats, n: int) -> list[int]:
    two_ways = n <= 5 or bool((minutes != minutes.T).any())
    orders, steps = _orders(n) if two_ways else _one_way_orders(n)
    best: list[int] = orders[int(minutes.ravel()[steps].sum(axis=1).argmin())].tolist()
    return best


@lru_cache(maxsize=4)
def _sets(n: int) -> list[tuple[Ints, Ints, Ints]]:
    """By size from 2: (set, last place in it, set without that place)."""
    steps = []
    for size in range(2, n + 1):
        rows = [
            (s, last, s & ~(1 << last))
            for s in range(1 << n) if s.bit_count() == size for last in range(n) if s >> last & 1
        ]  # fmt: skip
        steps.append(tuple(np.array(column, np.int64) for column in zip(*rows, strict=True)))
    return steps  # type: ignore[return-value]


def _of_all_sets(minutes: Floats, n: int) -> list[int]:
    least = np.full((1 << n, n), np.inf)
    least[1 << np.arange(n), np.arange(n)] = 0.0
    inward = minutes.T
    for chosen, last, before in _sets(n):
        least[chosen, last] = (least[before] + inward[last]).min(axis=1)
    left, order = (1 << n) - 1, [int(least[-1].argmin())]
    while len(order) < n:
        left &= ~(1 << order[-1])
        order.append(int((least[left] + minutes[:, order[-1]]).argmin()))
    return order[::-1]


def _nearest_and_uncrossed(minutes: Floats) -> list[int]:
    n = len(minutes)
    starts = np.arange(n) if n <= ALL_STARTS else np.linspace(0, n - 1, STARTS).astype(int)
    orders, lengths = _nearest_next(minutes, starts)
    best = np.argsort(lengths, kind="stable")[: UNCROSSED_FROM if n <= ALL_STARTS else 1]
    found = [_uncrossed(minutes, orders[k]) for k in best]
    return min(found, key=lambda order: path_minutes(minutes, order))


def _nearest_next(minutes: Floats, starts: Ints) -> tuple[Ints, Floats]:
    """Always on to the nearest place left, from each start: (s, n) orders and (s,) minutes."""
    rows, n = np.arange(len(starts)), len(minutes)
    seen = np.zeros((len(starts), n))
    orders, lengths = np.empty((len(starts), n), np.int64), np.zeros(len(starts))
    orders[:, 0], here = starts, starts
    seen[rows, here] = np.inf
    for k in range(1, n):
        onward = minutes[here] + seen
        here = onward.argmin(axis=1)
        lengths += onward[rows, here]
        orders[:, k] = here
        seen[rows, here] = np.inf
    return orders, lengths


def _uncrossed(minutes: Floats, order: Ints) -> list[int]:
    """2-opt, the best exchange first, on the path closed by a place that costs nothing."""
    n = len(order)
    closed = np.zeros((n + 1, n + 1))
    closed[:n, :n] = minutes
    tour = np.append(order, n)
    ahead = np.triu_indices(n + 1, 1)
    for _ in range(MOST_UNCROSSED):
        following = np.roll(tour, -1)
        step = closed[tour, following]
        saved = step[:, None] + step[None, :] - closed[np.ix_(tour, tour)] - closed[np.ix_(following, following)]
        k = int(saved[ahead].argmax())
        i, j = ahead[0][k], ahead[1][k]
        if saved[i, j] <= 1e-9:
            break
        tour[i + 1 : j + 1] = tour[i + 1 : j + 1][::-1]
    end = int(np.flatnonzero(tour == n)[0])
    path: list[int] = np.roll(tour, -end)[1:].tolist()
    return path
