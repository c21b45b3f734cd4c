"""How good is a plan, and what is it short of? Everything here can be counted again from an export.

Shares over the mean count empty team-days as 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from geo.targets.graph import Neighbours
from geo.targets.rules import Rules
from geo.targets.walking import Floats, Ints


@dataclass(frozen=True)
class TeamDayTotals:
    """One row per team-day that has units, sorted by team and day."""

    team: Ints
    day: Ints
    minutes: Floats
    children: Ints
    walk_km: Floats
    units: Ints


def totals(
    team: Ints, day: Ints, minutes: Floats, walk_minutes: Floats, children: Ints, walk_km: Floats
) -> TeamDayTotals:
    keys, row = np.unique(np.column_stack([team, day]), axis=0, return_inverse=True)
    row, k = row.ravel(), len(keys)
    return TeamDayTotals(
        keys[:, 0], keys[:, 1], np.bincount(row, minutes + walk_minutes, k).astype(float),
        np.bincount(row, children, k).astype(np.int64), np.bincount(row, walk_km, k).astype(float),
        np.bincount(row, minlength=k),
    )  # fmt: skip


def max_over_mean(values: Floats | Ints, team_days: int) -> float:
    """Largest ÷ mean over all team-days, empty ones included; 1 where there is nothing."""
    mean = float(np.sum(values)) / max(1, team_days)
    return float(np.max(values)) / mean if len(values) and mean > 0 else 1.0


def percentile_over_mean(values: Floats | Ints, team_days: int, percent: float) -> float:
    padded = np.concatenate([values, np.zeros(max(0, team_days - len(values)))])
    return float(np.percentile(padded, percent) / max(padded.mean(), 1e-9)) if len(padded) else 1.0


def connected(groups: Ints, graph: Neighbours) -> dict[int, bool]:
    """For each group of units: does it hang together, within each piece of the graph?"""
    near = graph.lists()
    found: dict[int, bool] = {}
    for group in np.unique(groups).tolist():
        members = set(np.flatnonzero(groups == group).tolist())
        parts = _parts(members, near)
        found[group] = parts == len({int(graph.piece[u]) for u in members})
    return found


def _parts(members: set[int], near: Sequence[Sequence[int]]) -> int:
    left, parts = set(members), 0
    while left:
        parts += 1
        todo = [min(left)]
        left.discard(todo[0])
        while todo:
            for v in near[todo.pop()]:
                if v in left:
                    left.discard(v)
                    todo.append(v)
    return parts


@dataclass(frozen=True)
class Shortage:
    """What is missing for everything to fit; zeros: nothing."""

    children: int
    minutes: float
    team_days: int
    teams: int

    def __bool__(self) -> bool:
        return bool(self.children or self.minutes > 0.5 or self.team_days)


def shortage(minutes: float, children: int, team_days: int, days: int, rules: Rules) -> Shortage:
    """Of an area or zone with that much work and so many team-days.

    Team-days count as full at `filled_to` of their hours: lumps remain
    """
    needed = max(minutes / rules.capacity_minutes, children / rules.children)
    short_minutes = max(0.0, minutes - team_days * rules.capacity_minutes)
    short_children = max(0, children - team_days * rules.children)
    if needed <= team_days:
        return Shortage(0, 0.0, 0, 0)
    return Shortage(
        children=max(short_children, ceil(short_minutes / max(minutes, 1e-9) * children)),
        minutes=short_minutes,
        team_days=max(1, ceil(needed / rules.filled_to) - team_days),
        teams=max(1, ceil(needed / rules.filled_to / days) - team_days // days),
    )
