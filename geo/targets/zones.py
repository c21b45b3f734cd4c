"""Which zone (area in charge, about four teams) does each unit belong to, and how many teams does a zone get?

Zones are given (areas that are loaded) or made: balanced by work, each in one piece.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geo.targets.division import divided, mended
from geo.targets.walking import Floats, Ints

SLACK = 1.003
NEAREST = 10
ROUNDS = 8
EVEN_ENOUGH = 0.04
UNEVEN = 0.15  # hours per team of given zones may differ so much before it is said
MOST_MOVES_A_ZONE = 40


@dataclass(frozen=True)
class Zones:
    """of : (n,) zone of each unit.   teams : (z,) how many each gets."""

    of: Ints
    teams: Ints

    def uneven(self, weight: Floats) -> list[int]:
        """Zones whose work per team differs from the mean by more than 15 %."""
        per_team = np.bincount(self.of, weight, len(self.teams)) / self.teams
        mean = weight.sum() / self.teams.sum()
        return [int(z) for z in np.flatnonzero(np.abs(per_team / max(mean, 1e-9) - 1) > UNEVEN)]


def shared_out(teams: int, weight: Floats) -> Ints:
    """Teams to zones by their weight: largest remainder, at least one each.

    raises : ValueError when there are fewer teams than zones
    """
    if teams < len(weight):
        raise ValueError(f"{teams} teams cannot serve {len(weight)} zones")
    free = teams - len(weight)
    extra = np.maximum(weight / max(weight.sum(), 1e-9) * teams - 1, 0)
    wanted = extra / max(extra.sum(), 1e-9) * free
    whole = np.floor(wanted + 1e-9).astype(np.int64)
    rest = np.argsort(-(wanted - whole), kind="stable")[: free - whole.sum()]
    whole[rest] += 1
    return np.asarray(whole + 1, np.int64)


def given(zone: Ints, weight: Floats, teams: int) -> Zones:
    return Zones(zone, shared_out(teams, np.bincount(zone, weight).astype(float)))


def made(
    xy: Floats,
    weight: Floats,
    near: Sequence[Sequence[int]],
    piece: Ints,
    *,
    teams: int,
    teams_a_zone: int,
    turn: float,
) -> Zones:
    """Zones of about `teams_a_zone` teams, within 4 % of equal work per team where the ground allows."""
    k = int(min(max(1, round(teams / teams_a_zone)), max(1, len(xy))))
    each = np.full(k, teams // k, np.int64)
    each[: teams % k] += 1
    zone = divided(xy, weight, each.astype(float), slack=SLACK, nearest=NEAREST, rounds=ROUNDS, turn=turn)
    zone = mended(zone, near, weight, k, piece)
    return Zones(_evened(zone, weight, each, near, piece), each)


def _evened(zone: Ints, weight: Floats, teams: Ints, near: Sequence[Sequence[int]], piece: Ints) -> Ints:
    """Units at the edge move to a neighbouring zone while that brings both nearer to their share."""
    at: list[int] = zone.tolist()
    share: list[float] = (teams / teams.sum() * weight.sum()).tolist()
    w = weight.tolist()
    members: list[set[int]] = [set() for _ in teams]
    for unit, z in enumerate(at):
        members[z].add(unit)
    total = [sum(w[u] for u in sorted(part)) for part in members]
    stuck: set[int] = set()
    for _ in range(MOST_MOVES_A_ZONE * len(teams)):
        off = [(abs(total[z] / share[z] - 1), -z) for z in range(len(teams)) if z not in stuck]
        if not off or max(off)[0] <= EVEN_ENOUGH:
            break
        z = -max(off)[1]
        move = _best_move(z, at, total, share, w, members, near)
        if move is None:
            stuck.add(z)
            continue
        unit, to = move
        came = at[unit]
        members[came].discard(unit)
        members[to].add(unit)
        total[came] -= w[unit]
        total[to] += w[unit]
        at[unit] = to
        stuck -= {came, to}
    return np.array(at, np.int64)


def _best_move(
    z: int,
    zone: list[int],
    total: list[float],
    share: list[float],
    w: list[float],
    members: list[set[int]],
    near: Sequence[Sequence[int]],
) -> tuple[int, int] | None:
    """Out of a zone that is too heavy, or into one that is too light."""
    heavy = total[z] > share[z]
    found = []
    for unit in sorted(members[z]):
        for other in near[unit]:
            if zone[other] != z:
                moving, to = (unit, zone[other]) if heavy else (other, z)
                came = zone[moving]
                before = (total[came] / share[came] - 1) ** 2 + (total[to] / share[to] - 1) ** 2
                after = ((total[came] - w[moving]) / share[came] - 1) ** 2 + (
                    (total[to] + w[moving]) / share[to] - 1
                ) ** 2
                if after < before - 1e-9:
                    found.append((after - before, moving, to))
    for _gain, moving, to in sorted(set(found)):
        if _stays_whole(moving, zone[moving], zone, members, near):
            return moving, to
    return None


def _stays_whole(unit: int, z: int, zone: list[int], members: list[set[int]], near: Sequence[Sequence[int]]) -> bool:
    """Whether the unit's neighbours within its zone still hang together without it."""
    ends = [v for v in near[unit] if zone[v] == z]
    if len(members[z]) <= 1:
        return False
    if len(ends) <= 1:
        return True
    seen, todo, missing = {unit, ends[0]}, [ends[0]], set(ends[1:])
    while todo and missing:
        for v in near[todo.pop()]:
            if v not in seen and zone[v] == z:
                seen.add(v)
                missing.discard(v)
                todo.append(v)
    return not missing
