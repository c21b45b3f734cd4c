"""Units in groups of equal weight that lie close together: centres are placed, filled by a minimum-cost flow, moved.

The districting classic (Hess et al. 1965): a unit goes whole to the centre that took most of it. What comes out in
pieces is mended afterwards; a group is never empty while there are units enough.
"""

from collections.abc import Sequence

import numpy as np
from ortools.graph.python import min_cost_flow

from geo.targets.walking import Floats, Ints

GRAIN = 10.0  # the flow counts tenths of a minute
SQUARE_M2 = 100.0  # and squares of ten metres
REPAIRS = 60


def divided(
    xy: Floats, weight: Floats, share: Floats, *, slack: float, nearest: int, rounds: int, turn: float = 0.0
) -> Ints:
    """(n,) group of each unit.

    xy, weight : (n, 2) metres and (n,) minutes of each unit.   share : (k,) of the whole that each group should hold
    slack : capacity ÷ share.   nearest : so many centres a unit may go to.   turn : radians, of the first cuts
    """
    group = halved(xy, weight, share, turn)
    if len(share) == 1 or len(xy) <= 1:
        return group
    capacity = share / share.sum() * weight.sum() * slack
    for _ in range(rounds):
        centre = centres(xy, weight, group, len(share))
        group = filled(xy, weight, centre, capacity, nearest)
    return group


def halved(xy: Floats, weight: Floats, share: Floats, turn: float = 0.0) -> Ints:
    """(n,) group of each unit by halving across the longer side, so that weights divide as the shares do."""
    rotated = xy @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    group = np.zeros(len(xy), np.int64)
    todo = [(np.arange(len(xy)), 0, len(share))]
    while todo:
        members, first, last = todo.pop()
        group[members] = first
        if last - first == 1 or not len(members):
            continue
        axis = int(np.argmax(np.ptp(rotated[members], axis=0)))
        members = members[np.lexsort((members, rotated[members, axis]))]
        half = first + (last - first) // 2
        part = share[first:half].sum() / share[first:last].sum()
        run = np.cumsum(weight[members]) - weight[members] / 2
        at = int(np.searchsorted(run, part * weight[members].sum()))
        if len(members) >= last - first:
            at = int(np.clip(at, half - first, len(members) - (last - half)))
        todo += [(members[at:], half, last), (members[:at], first, half)]
    return group


def centres(xy: Floats, weight: Floats, group: Ints, k: int) -> Floats:
    """(k, 2) weighted middles; an empty group's is the lightest unit's place."""
    total = np.bincount(group, weight, k).astype(float)
    middle = np.column_stack([np.bincount(group, weight * xy[:, axis], k).astype(float) for axis in (0, 1)])
    empty = total <= 0
    middle[~empty] /= total[~empty, None]
    middle[empty] = xy[np.argmin(weight)]
    return middle


def filled(
    xy: Floats,
    weight: Floats,
    centre: Floats,
    capacity: Floats,
    nearest: int,
    allowed: np.ndarray | None = None,
) -> Ints:
    """(n,) centre that takes most of each unit, at the least sum of weight × squared distance.

    capacity : (k,) minutes.   allowed : (n, k) whether a unit may go there; one that may go nowhere is -1
    """
    n, k = len(xy), len(centre)
    away = ((xy[:, None, :] - centre[None, :, :]) ** 2).sum(axis=2)
    usable = np.ones((n, k), bool) if allowed is None else allowed
    ranked = np.argsort(np.where(usable, away, np.inf), axis=1, kind="stable")[:, : min(nearest, k)]
    unit = np.repeat(np.arange(n), ranked.shape[1])
    to = ranked.ravel()
    open_ = usable[unit, to]
    unit, to = unit[open_], to[open_]
    whole = np.maximum(1, np.round(weight * GRAIN)).astype(np.int64)
    cost = np.minimum(away[unit, to] / SQUARE_M2, 1e9).astype(np.int64)
    flow = _flow(unit, to, cost, whole, np.round(capacity * GRAIN).astype(np.int64))
    order = np.lexsort((cost, -flow, unit))
    taken = np.full(n, -1, np.int64)
    first = np.unique(unit[order], return_index=True)
    taken[first[0]] = to[order][first[1]]
    return taken


def _flow(unit: Ints, to: Ints, cost: Ints, supply: Ints, capacity: Ints) -> Ints:
    """Flow on each arc unit → centre; what fits nowhere goes over a dear arc of its own and shows as no flow."""
    n, k = len(supply), len(capacity)
    sink, dear = n + k, int(cost.max(initial=0)) * 4 + 1_000
    solver = min_cost_flow.SimpleMinCostFlow()
    arcs = solver.add_arcs_with_capacity_and_unit_cost(unit, n + to, supply[unit], cost)
    solver.add_arcs_with_capacity_and_unit_cost(n + np.arange(k), np.full(k, sink), capacity, np.zeros(k, np.int64))
    solver.add_arcs_with_capacity_and_unit_cost(np.arange(n), np.full(n, sink), supply, np.full(n, dear, np.int64))
    solver.set_nodes_supplies(np.arange(n + k + 1), np.concatenate([supply, np.zeros(k, np.int64), [-supply.sum()]]))
    if solver.solve() != solver.OPTIMAL:
        return np.zeros(len(unit), np.int64)
    return np.asarray(solver.flows(arcs), np.int64)


def mended(group: Ints, near: Sequence[Sequence[int]], weight: Floats, k: int, piece: Ints) -> Ints:
    """The same division with every group in one piece where the graph allows: what is cut off goes to its lightest
    neighbour. Groups that came out empty take a unit from the edge of the heaviest.
    """
    group = group.copy()
    for _ in range(REPAIRS):
        cut_off = _cut_off(group, near, weight, piece)
        if not cut_off:
            break
        total = np.bincount(group, weight, k)
        moved = False
        for members in cut_off:
            around = sorted({int(group[v]) for u in members for v in near[u]} - {int(group[members[0]])})
            if around:
                to = min(around, key=lambda g: (total[g], g))
                total[group[members[0]]] -= weight[members].sum()
                total[to] += weight[members].sum()
                group[members] = to
                moved = True
        if not moved:
            break
    return _none_empty(group, near, weight, k)


def _cut_off(group: Ints, near: Sequence[Sequence[int]], weight: Floats, piece: Ints) -> list[list[int]]:
    """Parts of groups beside the heaviest part of the same group and piece of the graph."""
    seen = np.zeros(len(group), bool)
    parts: dict[tuple[int, int], list[list[int]]] = {}
    for start in range(len(group)):
        if seen[start]:
            continue
        part, todo = [], [start]
        seen[start] = True
        while todo:
            u = todo.pop()
            part.append(u)
            for v in near[u]:
                if not seen[v] and group[v] == group[u]:
                    seen[v] = True
                    todo.append(v)
        parts.setdefault((int(group[start]), int(piece[start])), []).append(sorted(part))
    lost = []
    for found in parts.values():
        if len(found) > 1:
            heaviest = max(found, key=lambda part: (weight[part].sum(), -part[0]))
            lost += [part for part in found if part is not heaviest]
    return sorted(lost)


def _none_empty(group: Ints, near: Sequence[Sequence[int]], weight: Floats, k: int) -> Ints:
    count = np.bincount(group, minlength=k)
    while len(group) >= k and (count == 0).any():
        total = np.where(count > 1, np.bincount(group, weight, k), -1)
        heaviest = int(total.argmax())
        members = np.flatnonzero(group == heaviest)
        inside = [sum(int(group[v]) == heaviest for v in near[int(u)]) for u in members]
        group[members[int(np.argmin(inside))]] = int(np.flatnonzero(count == 0)[0])
        count = np.bincount(group, minlength=k)
    return group
