"""Which team-days make one team's round, which team takes which, and on which day?

Groups of a team lie together and make equal rounds; the days of a round follow each other on the ground unless
priority settlements want it otherwise.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from geo.targets import rules as weigh
from geo.targets.division import halved
from geo.targets.orders import shortest_path
from geo.targets.search import Ground, TeamDays
from geo.targets.walking import Floats, Ints

ROUNDS = 6
EVEN = 4.0  # per square of what a team's minutes differ from the mean
UNEVEN = 60.0  # per square of what they differ beyond a tenth
SPREAD = 0.5  # per mean square distance from a team's middle, in those of the zone's teams
LACKS = 1e7  # of a team that cannot serve a group: rather walk far


def grouped(days: TeamDays, middle: Floats, slots: Ints, random: np.random.Generator) -> Ints:
    """(k,) group (a team to be) of each team-day.

    middle : (k, 2) metres.   slots : (t,) most team-days of each group
    """
    k, t = len(middle), len(slots)
    if t == 1:
        return np.zeros(k, np.int64)
    seat = np.repeat(np.arange(t), slots)
    group = _begun(middle, slots)
    for _ in range(ROUNDS):
        centre = _centres(middle, group, t)
        away = ((middle[:, None, :] - centre[seat][None, :, :]) ** 2).sum(axis=2)
        rows, columns = linear_sum_assignment(away)
        group = np.empty(k, np.int64)
        group[rows] = seat[columns]
    return _exchanged(days, middle, group, t)


def _begun(middle: Floats, slots: Ints) -> Ints:
    """Halving across the longer side, by the number of team-days."""

    return halved(middle, np.ones(len(middle)), slots.astype(float))


def _centres(middle: Floats, group: Ints, t: int) -> Floats:
    count = np.maximum(np.bincount(group, minlength=t), 1)
    return np.column_stack([np.bincount(group, middle[:, axis], t) / count for axis in (0, 1)])


def _exchanged(days: TeamDays, middle: Floats, group: Ints, t: int) -> Ints:
    """Team-days of two teams change places while the teams get better."""
    g = days.ground
    minutes = np.array([w + g.walk(s)[0] for w, s in zip(days.work, days.chosen, strict=True)])
    unit = max(float(((middle - middle.mean(axis=0)) ** 2).sum(axis=1).mean()) / t, 1.0)
    mean = minutes.sum() / t

    def cost(members: list[int]) -> float:
        area = 0
        for k in members:
            area |= days.chosen[k]
        off = minutes[members].sum() / mean - 1
        at = middle[members]
        spread = ((at - at.mean(axis=0)) ** 2).sum() / unit / len(middle) * t if members else 0.0
        beyond = max(0.0, abs(off) - weigh.FREE_SHARE)
        pieces = 0.0 if g.whole(area) else weigh.AREA_IN_PIECES
        return float(pieces + EVEN * off * off + UNEVEN * beyond * beyond + SPREAD * spread)

    its = [np.flatnonzero(group == team).tolist() for team in range(t)]
    costs = [cost(members) for members in its]
    for _ in range(20 * len(group)):
        best = None
        for one in range(t):
            for other in range(one + 1, t):
                for a in its[one]:
                    for b in its[other]:
                        left = sorted([*(k for k in its[one] if k != a), b])
                        right = sorted([*(k for k in its[other] if k != b), a])
                        gain = costs[one] + costs[other] - cost(left) - cost(right)
                        if gain > 1e-9 and (best is None or gain > best[0] + 1e-12):
                            best = (gain, one, other, left, right)
        if best is None:
            break
        _, one, other, its[one], its[other] = best
        costs[one], costs[other] = cost(its[one]), cost(its[other])
    out = np.empty(len(group), np.int64)
    for team, members in enumerate(its):
        out[members] = team
    return out


def matched(
    ground: Ground, areas: Sequence[int], abilities: Sequence[int], away: Floats, sizes: Ints, slots: Ints
) -> Ints:
    """(t,) team for each group: needs first, then what lies near.

    areas : set of units of each group.   away : (groups, teams) metres.   sizes, slots : days needed, days free
    """
    unmet = np.array([[(area & ground.lacking(able)).bit_count() for able in abilities] for area in areas], float)
    unfit = (sizes[:, None] > slots[None, :]) * 1e12
    groups, teams = linear_sum_assignment(unmet * LACKS + away + unfit)
    out = np.empty(len(areas), np.int64)
    out[groups] = teams
    return out


def ordered_days(ground: Ground, chosen: Sequence[int], middle: Floats, free: Sequence[int]) -> list[int]:
    """The day (of those free) of each of a team's sets: priority early, else along a path."""
    if len(chosen) <= 1:
        return list(free[:1]) if chosen else []
    away = np.sqrt(((middle[:, None, :] - middle[None, :, :]) ** 2).sum(axis=2))
    path = shortest_path(away)
    place = {k: position for position, k in enumerate(path)}
    latest = ground.rules.latest_day
    cost = np.zeros((len(chosen), len(free)))
    for k, units in enumerate(chosen):
        early = (units & ground.priority).bit_count()
        for d, day in enumerate(free):
            late = weigh.PRIORITY_LATE if day >= latest else 0.0
            cost[k, d] = early * (weigh.PRIORITY_WAITS * day + late) + 1e-6 * abs(place[k] - d)
    rows, columns = linear_sum_assignment(cost)
    out = [0] * len(chosen)
    for k, d in zip(rows, columns, strict=True):
        out[int(k)] = free[int(d)]
    return out
