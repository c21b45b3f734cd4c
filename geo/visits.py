"""What do visits say when they are seen beside each other? Pure functions over arrays of visits.

All arrays have one length n. `team` groups visits; within a team they are sorted by time, ties by id. `at_s`: seconds since the epoch,
float64. Positions: EPSG:4326 degrees, NaN where there is none. Every function answers with a (n,) bool array: True where the rule asks.
The answer depends on the set of visits alone, never on the order in which they came to be known.
"""
from collections.abc import Iterator

import numpy as np
from scipy.spatial import cKDTree

from geo.places import metres_per_degree, near_metres, on_sphere

COUNTS = ("children_eligible", "vaccinated", "absent", "refused", "other_missed", "guests_vaccinated", "zero_dose", "finger_marked")
HOUSEHOLD = COUNTS[:5]          # what became of the children of the household itself

UUID_HALVES = np.dtype([("hi", np.uint64), ("lo", np.uint64)])      # big-endian halves: sorted by (hi, lo) as PostgreSQL sorts UUIDs

VISIT = np.dtype([              # one visit, judged; sorted by (team, at_us, instance)
    ("instance", UUID_HALVES),
    ("team", np.int32),
    ("at_us", np.int64),        # microseconds since 1970, UTC, by the device's clock
    ("received_us", np.int64),  # of receipt at the server; NEVER: came by file
    ("lon", np.float64),        # degrees WGS 84; NaN: no position
    ("lat", np.float64),
    ("accuracy_m", np.float64), # NaN: not told
    *((name, np.int32) for name in COUNTS),
    ("is_revisit", np.bool_),
    ("mock_location", np.bool_),
    ("settlement", np.int32),   # as declared; 0: none
    ("unit", np.int32),         # where it counts: > 0 a settlement, < 0 minus the lowest area, 0 nowhere
    ("area", np.int32),         # lowest area of that unit; 0: nowhere
    ("standing", np.int8),      # 1 valid, 2 doubtful, 3 rejected, 4 replaced
    ("decided", np.int8),       # 1 kept, 3 set aside by a person; 0: the flags decide
    ("flags", np.int32),        # bit mask of rules
])
NEVER = np.iinfo(np.int64).min

PAIRS_AT_ONCE = 2_000_000       # how many pairs are looked at in one go: memory stays bounded when a phone is stuck
ROW = np.int64(1) << 32         # one column to the right, in the key of a grid square


def impossible_speed(team: np.ndarray, at_s: np.ndarray, lon: np.ndarray, lat: np.ndarray, slack_m: np.ndarray, usable: np.ndarray,
                     over_m: float, over_kmh: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Too far from the team's visit before, in too little time; positions that are not usable are passed over.

    returns : (n,) asked, (n,) metres beyond both accuracies, (n,) km/h (inf when no time passed)
    The later visit of a pair is asked about, and the earlier too when it is itself too far from the one before it.
    """
    n = len(team)
    metres, kmh = np.zeros(n), np.zeros(n)
    seen = np.flatnonzero(usable)
    if len(seen) < 2:
        return np.zeros(n, bool), metres, kmh
    before, after = seen[:-1], seen[1:]
    same = team[before] == team[after]
    before, after = before[same], after[same]
    beyond = near_metres(lon[before], lat[before], lon[after], lat[after]) - slack_m[before] - slack_m[after]
    seconds = at_s[after] - at_s[before]
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.where(seconds > 0, beyond / seconds * 3.6, np.inf)
    too_fast = (beyond > over_m) & (speed > over_kmh)
    metres[after], kmh[after] = beyond, speed
    asked = np.zeros(n, bool)
    asked[after[too_fast]] = True
    return asked, metres, kmh


def crowded_hour(team: np.ndarray, at_s: np.ndarray, counted: np.ndarray, more_than: int, within_s: float) -> np.ndarray:
    """All visits of any window of `within_s` that holds more than `more_than` counted visits of one team."""
    asked = np.zeros(len(team), bool)
    rows = np.flatnonzero(counted)
    if len(rows) <= more_than:
        return asked
    first, last = rows[:-more_than], rows[more_than:]
    full = np.flatnonzero((team[first] == team[last]) & (at_s[last] - at_s[first] <= within_s))
    return _mark_windows(asked, rows, full, more_than + 1)


def _mark_windows(asked: np.ndarray, rows: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """Mark `length` successive rows from each start."""
    edges = np.zeros(len(rows) + 1, int)
    np.add.at(edges, starts, 1)
    np.add.at(edges, np.minimum(starts + length, len(rows)), -1)
    asked[rows[np.cumsum(edges[:-1]) > 0]] = True
    return asked


def copied_rows(team: np.ndarray, at_s: np.ndarray, lon: np.ndarray, lat: np.ndarray, counts: np.ndarray, usable: np.ndarray, at_least: int,
                within_m: float, beat_s: float) -> np.ndarray:
    """Runs of successive visits with the same counts, each near the one before, at a steady beat.

    counts : (n, k) whole numbers.   Every window of `at_least` visits whose gaps all lie within `beat_s` of their median is marked.
    """
    n, gaps = len(team), at_least - 1
    asked = np.zeros(n, bool)
    if n < at_least:
        return asked
    alike = (team[1:] == team[:-1]) & (counts[1:] == counts[:-1]).all(axis=1) & usable[1:] & usable[:-1]
    close = np.flatnonzero(alike)
    alike[close] = near_metres(lon[close], lat[close], lon[close + 1], lat[close + 1]) <= within_m
    run = np.cumsum(np.r_[0, alike])
    starts = np.flatnonzero(run[gaps:] - run[:-gaps] == gaps)
    if not len(starts):
        return asked
    windows = np.diff(at_s)[starts[:, None] + np.arange(gaps)]
    steady = (np.abs(windows - np.median(windows, axis=1, keepdims=True)) <= beat_s).all(axis=1)
    return _mark_windows(asked, np.arange(n), starts[steady], at_least)


def repeated_positions(team: np.ndarray, lon: np.ndarray, lat: np.ndarray, usable: np.ndarray, at_least: int) -> np.ndarray:
    """The same position to 6 decimals, as it would be printed, `at_least` times for one team."""
    asked = np.zeros(len(team), bool)
    rows = np.flatnonzero(usable)
    # coarse first: what prints alike to 6 decimals lies within one step of 1e-5, in this cell or the next
    x, y = np.floor(lon[rows] * 1e5).astype(np.int64), np.floor(lat[rows] * 1e5).astype(np.int64)
    crowded = np.zeros(len(rows), bool)
    for dx in (0, 1):
        for dy in (0, 1):
            _, which, size = np.unique(_mix(team[rows], (x + dx) // 2, (y + dy) // 2), return_inverse=True, return_counts=True)
            crowded |= size[which] >= at_least
    rows = rows[crowded]
    text = np.array([f"{t} {a:.6f} {b:.6f}" for t, a, b in zip(team[rows], lon[rows], lat[rows], strict=True)])
    if len(text):
        _, which, size = np.unique(text, return_inverse=True, return_counts=True)
        asked[rows[size[which] >= at_least]] = True
    return asked


def _mix(*parts: np.ndarray) -> np.ndarray:
    """Several whole numbers folded into one; different ones may rarely meet, so the caller looks again."""
    key = np.zeros(len(parts[0]), np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            key = (key ^ part.astype(np.int64).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    return key


def stacked(team: np.ndarray, at_s: np.ndarray, lon: np.ndarray, lat: np.ndarray, counted: np.ndarray, more_than: int, within_m: float,
            within_s: float) -> np.ndarray:
    """More than `more_than` counted visits of one team around one of them: within `within_m` of it and in a window of `within_s`.

    The window moves; it must hold the visit in the middle. All visits of such a window are marked.
    """
    asked = np.zeros(len(team), bool)
    rows = np.flatnonzero(counted)
    candidates = _many_nearby_in_time(team, at_s, lon, lat, rows, more_than, within_m, within_s)
    for group in _split_by(candidates, team[candidates]):
        _mark_stacks(asked, group, at_s, lon, lat, more_than, within_m, within_s)
    return asked


def _many_nearby_in_time(team: np.ndarray, at_s: np.ndarray, lon: np.ndarray, lat: np.ndarray, rows: np.ndarray, more_than: int,
                         within_m: float, within_s: float) -> np.ndarray:
    """Rows that share a neighbourhood of grid squares with more than `more_than` counted visits of their team: a quick sieve."""
    if len(rows) <= more_than:
        return rows[:0]
    side = within_m * 2 / 100_000           # degrees, a little more than 2 × within_m in latitude
    x, y = np.floor(lon[rows] * np.cos(np.radians(np.round(lat[rows]))) / side), np.floor(lat[rows] / side)
    keep = np.zeros(len(rows), bool)
    for dx in (0, 1):
        for dy in (0, 1):
            _, which, size = np.unique(_mix(team[rows], (x + dx) // 2, (y + dy) // 2), return_inverse=True, return_counts=True)
            keep |= size[which] > more_than
    return rows[keep]


def _mark_stacks(asked: np.ndarray, rows: np.ndarray, at_s: np.ndarray, lon: np.ndarray, lat: np.ndarray, more_than: int, within_m: float,
                 within_s: float) -> None:
    """One team's candidates; neighbours are looked up visit by visit, in a tree, so that a stuck phone needs no table of all pairs."""
    times = at_s[rows]
    tree = cKDTree(on_sphere(lon[rows], lat[rows]))
    _, first_of = np.unique(np.column_stack([lon[rows], lat[rows]]), axis=0, return_index=True)
    for k in first_of:                      # visits on one and the same spot have the same neighbours
        near = np.array(sorted(tree.query_ball_point(on_sphere(lon[rows[k:k + 1]], lat[rows[k:k + 1]])[0], within_m * 1.01)))
        here = near[near_metres(lon[rows[near]], lat[rows[near]], lon[rows[k]], lat[rows[k]]) <= within_m]
        if len(here) <= more_than:
            continue
        middle = (lon[rows[here]] == lon[rows[k]]) & (lat[rows[here]] == lat[rows[k]])
        t = times[here]
        starts = np.flatnonzero(t[more_than:] - t[:-more_than] <= within_s)
        ends = np.searchsorted(t, t[starts] + within_s, side="right")
        holds = np.cumsum(np.r_[0, middle])
        for s, e in zip(starts, ends, strict=True):
            if holds[e] > holds[s]:
                asked[rows[here[s:e]]] = True


def _split_by(rows: np.ndarray, key: np.ndarray) -> list[np.ndarray]:
    """Rows in groups of equal key; the key is sorted."""
    return np.split(rows, np.flatnonzero(np.diff(key)) + 1) if len(rows) else []


def repeated_households(team: np.ndarray, day: np.ndarray, at_s: np.ndarray, lon: np.ndarray, lat: np.ndarray, counts: np.ndarray,
                        counted: np.ndarray, within_m: float, apart_s: float) -> np.ndarray:
    """First visits that stand on another one's doorstep with other numbers, some time apart, by another team or on another day.

    counts : (n, k) the household's numbers.   Here visits need not be sorted.
    Visits alike in place, team, day and numbers are folded into one with its first and last time before pairs are formed.
    """
    asked = np.zeros(len(team), bool)
    team_day = team.astype(np.int64) * 1_000_000 + day.astype(np.int64)
    rows = np.flatnonzero(counted & (np.abs(lat) <= 80))
    rows = rows[_beside_another_group(lon[rows], lat[rows], team_day[rows], within_m)]
    if len(rows) < 2:
        return asked
    numbers = np.unique(counts[rows], axis=0, return_inverse=True)[1].ravel()
    first, which = _folded(lon[rows], lat[rows], team_day[rows], numbers)
    earliest, latest = np.full(len(first), np.inf), np.full(len(first), -np.inf)
    np.minimum.at(earliest, which, at_s[rows])
    np.maximum.at(latest, which, at_s[rows])
    folded = rows[first]
    spread_from, spread_to = np.full(len(first), np.inf), np.full(len(first), -np.inf)     # times of partners
    for a, b in _pairs_within(lon[folded], lat[folded], team_day[folded], within_m):
        differ = numbers[first[a]] != numbers[first[b]]
        a, b = a[differ], b[differ]
        for one, other in ((a, b), (b, a)):
            np.minimum.at(spread_from, one, earliest[other])
            np.maximum.at(spread_to, one, latest[other])
    times = at_s[rows]
    asked[rows] = (times - spread_from[which] > apart_s) | (spread_to[which] - times > apart_s)
    return asked


def _folded(*columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows that are alike in all columns folded into one: (row of the first of each, which one each row became)."""
    order = np.lexsort(columns)
    new = np.r_[True, np.logical_or.reduce([np.diff(c[order]) != 0 for c in columns])]
    which = np.empty(len(order), int)
    which[order] = np.cumsum(new) - 1
    return order[new], which


def _squares(lon: np.ndarray, lat: np.ndarray, within_m: float) -> np.ndarray:
    """Key of the grid square of each position; no square is narrower than `within_m`, |lat| ≤ 80."""
    east, north = metres_per_degree(np.abs(lat).max())
    x = np.floor(lon / (within_m * 1.001 / east)).astype(np.int64)
    y = np.floor(lat / (within_m * 1.001 / north)).astype(np.int64)
    return np.asarray((x - x.min() + 1) * ROW + (y - y.min()))


def _beside_another_group(lon: np.ndarray, lat: np.ndarray, group: np.ndarray, within_m: float) -> np.ndarray:
    """A sieve: whether somebody of another group may be within `within_m`."""
    if not len(lon):
        return np.zeros(0, bool)
    key = _squares(lon, lat, within_m)
    order = np.argsort(key, kind="stable")
    beside = np.empty(len(key), bool)
    beside[order] = _of_several_groups(key[order], group[order])
    return beside


def _pairs_within(lon: np.ndarray, lat: np.ndarray, group: np.ndarray, within_m: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (a, b) of positions at most `within_m` apart, each once, in portions; places where all are of one group give none.
    """
    key = _squares(lon, lat, within_m)
    index = np.argsort(key, kind="stable")
    key = key[index]
    for step in (0, 1, ROW - 1, ROW, ROW + 1):          # this square, the one above, and the three to the right
        start = np.arange(len(key)) + 1 if step == 0 else np.searchsorted(key, key + step, side="left")
        count = np.maximum(np.searchsorted(key, key + step, side="right") - start, 0)
        for low, high in _portions(count):
            size = count[low:high]
            a = np.repeat(np.arange(low, high), size)
            b = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size) + np.repeat(start[low:high], size)
            a, b = index[a], index[b]
            close = (group[a] != group[b]) & (near_metres(lon[a], lat[a], lon[b], lat[b]) <= within_m)
            if close.any():
                yield a[close], b[close]


def _of_several_groups(key: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Whether a square, together with the eight around it, holds members of more than one group; keys are sorted."""
    squares, first = np.unique(key, return_index=True)
    low, high = np.minimum.reduceat(group, first), np.maximum.reduceat(group, first)
    least, most = low.copy(), high.copy()
    for step in (1, ROW - 1, ROW, ROW + 1):
        for sign in (-1, 1):
            at = np.searchsorted(squares, squares + sign * step)
            there = at < len(squares)
            there[there] = squares[at[there]] == squares[there] + sign * step
            least[there] = np.minimum(least[there], low[at[there]])
            most[there] = np.maximum(most[there], high[at[there]])
    return (least != most)[np.searchsorted(squares, key)]


def _portions(count: np.ndarray) -> list[tuple[int, int]]:
    """Ranges of rows that together form at most PAIRS_AT_ONCE pairs (a single row may form more)."""
    total = np.cumsum(count)
    if not len(total) or not total[-1]:
        return []
    cuts = np.searchsorted(total, np.arange(PAIRS_AT_ONCE, total[-1], PAIRS_AT_ONCE))
    edges = np.unique(np.r_[0, cuts + 1, len(count)])
    return [(int(a), int(b)) for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a]
