"""What do visits say when they are seen beside each other? Pure functions over arrays of visits.

All arrays of one call have one length n. `team` groups visits; within a team they are sorted by time, ties by id.
`at_us`: microseconds since 1970, int64. Positions: EPSG:4326 degrees. Every function answers with a (n,) bool array:
True where the rule asks. The answer depends on the set of visits alone, never on the order in which they came to be
known, and costs about n log n also when all of them lie on one spot.
"""

import itertools

import numpy as np
import numpy.typing as npt

from geo.nearby import LANE, near_pairs, square_of, squares
from geo.places import near_metres

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.integer]
Whether = npt.NDArray[np.bool_]

COUNTS = (
    "children_eligible",
    "vaccinated",
    "absent",
    "refused",
    "other_missed",
    "guests_vaccinated",
    "zero_dose",
    "finger_marked",
)
HOUSEHOLD = COUNTS[:5]  # what became of the children of the household itself

UUID_HALVES = np.dtype([("hi", np.uint64), ("lo", np.uint64)])  # sorted by (hi, lo) as PostgreSQL sorts UUIDs

VISIT = np.dtype(
    [  # one visit, judged; arrays of them are sorted by (team, at_us, instance)
        ("instance", UUID_HALVES),
        ("team", np.int32),
        ("at_us", np.int64),  # microseconds since 1970, UTC, by the device's clock
        ("received_us", np.int64),  # of receipt at the server; NEVER: came by file
        ("lon", np.float64),  # degrees WGS 84; NaN: no position
        ("lat", np.float64),
        ("accuracy_m", np.float64),  # NaN: not told
        *((name, np.int32) for name in COUNTS),
        ("is_revisit", np.bool_),
        ("mock_location", np.bool_),
        ("settlement", np.int32),  # as declared; 0: none
        ("unit", np.int32),  # where it counts: > 0 a settlement, < 0 minus the lowest area, 0 nowhere
        ("area", np.int32),  # lowest area of that unit; 0: nowhere
        ("standing", np.int8),  # 1 valid, 2 doubtful, 3 rejected, 4 replaced
        ("decided", np.int8),  # 1 kept, 3 set aside by a person; 0: the flags decide
        ("flags", np.int32),  # bit mask of rules
    ]
)
NEVER = np.iinfo(np.int64).min

SECOND_US = 1_000_000
CROWD = 24  # of so many visits on one spot, more alike speak through some of them: see _spokesmen


def impossible_speed(
    team: Whole,
    at_us: Whole,
    lon: Floats,
    lat: Floats,
    slack_m: Floats,
    usable: Whether,
    over_m: float,
    over_kmh: float,
) -> tuple[Whether, Floats, Floats]:
    """Too far from the team's visit before, in too little time; positions that are not usable are passed over.

    returns : (n,) asked, (n,) metres beyond both accuracies, (n,) km/h (inf when no time passed)
    The later visit of a pair is asked about; the earlier is the later one of the pair before it.
    """
    n = len(team)
    metres, kmh, asked = np.zeros(n), np.zeros(n), np.zeros(n, bool)
    seen = np.flatnonzero(usable)
    before, after = seen[:-1], seen[1:]
    same = team[before] == team[after]
    before, after = before[same], after[same]
    beyond = near_metres(lon[before], lat[before], lon[after], lat[after]) - slack_m[before] - slack_m[after]
    far = beyond > over_m
    before, after, beyond = before[far], after[far], beyond[far]
    seconds = (at_us[after] - at_us[before]) / SECOND_US
    with np.errstate(divide="ignore"):
        speed = np.where(seconds > 0, beyond / seconds * 3.6, np.inf)
    too_fast = speed > over_kmh
    metres[after], kmh[after] = beyond, speed
    asked[after[too_fast]] = True
    return asked, metres, kmh


def crowded_hour(team: Whole, at_us: Whole, counted: Whether, more_than: int, within_s: float) -> Whether:
    """All visits of any window of `within_s` that holds more than `more_than` counted visits of one team."""
    asked = np.zeros(len(team), bool)
    rows = np.flatnonzero(counted)
    if len(rows) <= more_than:
        return asked
    first, last = rows[: len(rows) - more_than], rows[more_than:]
    full = np.flatnonzero((team[first] == team[last]) & (at_us[last] - at_us[first] <= within_s * SECOND_US))
    asked[rows[_in_windows(len(rows), full, full + more_than + 1)]] = True
    return asked


def _in_windows(n: int, starts: Whole, ends: Whole) -> Whether:
    """Which of n places lie in any of the half-open ranges [start, end): (n,)."""
    edges = np.bincount(starts, minlength=n + 1) - np.bincount(ends, minlength=n + 1)
    return np.asarray(np.cumsum(edges[:n]) > 0)


def copied_rows(
    team: Whole,
    at_us: Whole,
    lon: Floats,
    lat: Floats,
    counts: Whole,
    usable: Whether,
    at_least: int,
    within_m: float,
    beat_s: float,
) -> Whether:
    """Runs of successive visits with the same counts, each near the one before, at a steady beat.

    counts : (n, k) whole numbers.   Every window of `at_least` visits whose gaps all lie within `beat_s` of their
    median is asked about; a visit without usable position ends a run.
    """
    n, gaps = len(team), at_least - 1
    asked = np.zeros(n, bool)
    if n < at_least:
        return asked
    alike = (team[1:] == team[:-1]) & usable[1:] & usable[:-1]
    for column in counts.T:
        alike &= column[1:] == column[:-1]
    close = np.flatnonzero(alike)
    alike[close] = near_metres(lon[close], lat[close], lon[close + 1], lat[close + 1]) <= within_m
    run = np.cumsum(np.r_[0, alike])
    starts = np.flatnonzero(run[gaps:] - run[:-gaps] == gaps)
    windows = np.diff(at_us)[starts[:, None] + np.arange(gaps)]
    if len(starts):
        off_beat = np.abs(windows - np.median(windows, axis=1, keepdims=True)).max(axis=1)
        starts = starts[off_beat <= beat_s * SECOND_US]
    return _in_windows(n, starts, starts + at_least)


def repeated_positions(team: Whole, lon: Floats, lat: Floats, usable: Whether, at_least: int) -> Whether:
    """The same position to 6 decimals, as it would be printed, `at_least` times for one team."""
    asked = np.zeros(len(team), bool)
    rows = np.flatnonzero(usable)
    of, x, y = team[rows], printed_micros(lon[rows]), printed_micros(lat[rows])
    crowded = _maybe_crowded(at_least, of, x, y)
    rows, of, x, y = rows[crowded], of[crowded], x[crowded], y[crowded]
    for group in _alike(of, x, y):
        if len(group) >= at_least:
            asked[rows[group]] = True
    return asked


def printed_micros(degrees: Floats) -> Whole:
    """Millionths of a degree as '%.6f' prints them: correctly rounded, ties of the stored number to even."""
    product = degrees * 1e6
    nearest = np.rint(product)
    # on a tie the product itself was rounded: its error, exact by Dekker's splitting, says to which side it lies
    tie = np.flatnonzero(np.abs(product - nearest) == 0.5)
    a, p = degrees[tie], product[tie]
    high = a * 134217729.0
    high = high - (high - a)
    error = (high * 1e6 - p) + (a - high) * 1e6  # 1e6 has few enough bits to need no splitting itself
    nearest[tie] = np.where(error > 0, np.ceil(p), np.where(error < 0, np.floor(p), nearest[tie]))
    return nearest.astype(np.int64)


def _mixed(*parts: Whole) -> npt.NDArray[np.uint64]:
    """Several whole numbers folded into one; different ones may rarely meet, so the caller looks again."""
    key = np.zeros(len(parts[0]), np.uint64)
    with np.errstate(over="ignore"):
        for part in parts:
            key = (key ^ part.astype(np.int64).view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
            key ^= key >> np.uint64(29)
    return key


def _maybe_crowded(at_least: int, *parts: Whole) -> Whether:
    """A quick sieve: False where surely fewer than `at_least` rows are alike in all parts."""
    bits = max(10, (8 * len(parts[0])).bit_length())
    slots = (_mixed(*parts) >> np.uint64(64 - bits)).astype(np.int64)
    return np.asarray(np.bincount(slots)[slots] >= at_least) if len(slots) else np.zeros(0, bool)


def _alike(*parts: Whole) -> list[npt.NDArray[np.intp]]:
    """Rows in groups that are alike in all parts."""
    if not len(parts[0]):
        return []
    order = np.lexsort(parts[::-1])
    new = np.logical_or.reduce([np.diff(part[order]) != 0 for part in parts])
    return np.split(order, np.flatnonzero(new) + 1)


def stacked(
    team: Whole,
    at_us: Whole,
    lon: Floats,
    lat: Floats,
    counted: Whether,
    more_than: int,
    within_m: float,
    within_s: float,
) -> Whether:
    """More than `more_than` counted visits of one team around one of them: within `within_m` of it and in a window of
    `within_s`.

    The window moves; it must hold the visit in the middle. All visits of such a window are asked about. Of a crowd
    (over CROWD visits of one hour in a square whose corners are within reach of each other) all are asked about, and
    only the first and last of them are looked at as somebody's neighbours.
    """
    asked = np.zeros(len(team), bool)
    rows = np.flatnonzero(counted)
    rows = rows[_maybe_stacked(team[rows], at_us[rows], lon[rows], lat[rows], more_than, within_m, within_s)]
    spot = square_of(lon[rows], lat[rows], within_m * 0.7)
    hour = at_us[rows] // int(within_s * SECOND_US / 2)
    speaks, crowd = np.ones(len(rows), bool), max(CROWD, 2 * more_than + 2)
    crowded = np.flatnonzero(_maybe_crowded(crowd + 1, team[rows], spot, hour))
    for group in _alike(team[rows[crowded]], spot[crowded], hour[crowded]):
        if len(group) > crowd:
            members = np.sort(crowded[group])
            asked[rows[members]] = True
            speaks[members[crowd // 2 : len(members) - crowd // 2]] = False
    rows = rows[speaks]
    centre, member = _same_team_pairs(team[rows], at_us[rows], lon[rows], lat[rows], within_m, within_s)
    asked[rows[_members_of_full_windows(centre, member, at_us[rows], more_than, within_s)]] = True
    return asked


def _maybe_stacked(
    team: Whole, at_us: Whole, lon: Floats, lat: Floats, more_than: int, within_m: float, within_s: float
) -> Whether:
    """A sieve. A circle of `within_m` lies whole within a square of four times that side in one of four grids, and a
    window in time within one of twice its length in one of two calendars.
    """
    keep = np.zeros(len(team), bool)
    if not len(team):
        return keep
    x, y = squares(lon, lat, within_m * 2)
    window = at_us // int(within_s * SECOND_US)
    for dx, dy, dt in itertools.product((0, 1), repeat=3):
        keep |= _maybe_crowded(more_than + 1, team, (x + dx) >> 1, (y + dy) >> 1, (window + dt) >> 1)
    return keep


def _same_team_pairs(
    team: Whole, at_us: Whole, lon: Floats, lat: Floats, within_m: float, within_s: float
) -> tuple[Whole, Whole]:
    """(centre, member) pairs of one team near each other in place and time; everybody is a member of their own."""
    window = at_us // int(within_s * SECOND_US)
    lane = team.astype(np.int64) * 4_000_000 + (window - window.min() if len(window) else window)
    centres, members = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for step in (-1, 0, 1):
        for i, j in near_pairs(lon, lat, lon, lat, within_m, lane + step, lane):
            near = (team[i] == team[j]) & (np.abs(at_us[i] - at_us[j]) <= within_s * SECOND_US)
            centres.append(i[near])
            members.append(j[near])
    return np.concatenate(centres), np.concatenate(members)


def _members_of_full_windows(centre: Whole, member: Whole, at_us: Whole, more_than: int, within_s: float) -> Whole:
    """Members of windows in time that hold their centre and more than `more_than` members."""
    order = np.lexsort((at_us[member], centre))
    centre, member = centre[order], member[order]
    within_us = int(within_s * SECOND_US)
    lane = np.int64(4 * within_us + 1)  # members of one centre are at most `within_us` before or after it
    since = at_us[member] - at_us[centre] + within_us
    key = centre * lane + since
    ends = np.searchsorted(key, np.minimum(key + within_us, centre * lane + 2 * within_us), side="right")
    at_centre = np.searchsorted(key, centre * lane + within_us)  # first member of the centre's own time
    last_at_centre = np.searchsorted(key, centre * lane + within_us, side="right") - 1
    starts = np.arange(len(key))
    full = (ends - starts > more_than) & (starts <= last_at_centre) & (ends > at_centre)
    return np.asarray(np.unique(member[_in_windows(len(key), starts[full], ends[full])]))


def household_key(counts: Whole) -> npt.NDArray[np.int64]:
    """The five numbers of a household as one: (n, 5) to (n,). Numbers from 4,095 up are taken as alike."""
    key = np.zeros(len(counts), np.int64)
    for column in counts.T:
        key = (key << 12) | np.minimum(column.astype(np.int64), 4095)
    return key


def repeated_households(
    team: Whole,
    day: Whole,
    at_us: Whole,
    lon: Floats,
    lat: Floats,
    household: Whole,
    subject: Whether,
    within_m: float,
    apart_s: float,
) -> Whether:
    """First visits on another one's doorstep with other numbers, some time apart, by another team or on another day.

    Visits here are first visits with a usable position, in any order. day : (n,) int, days since 1970.
    household : household_key of the counts.   subject : which visits the question is asked about; all are neighbours.
    Of a crowd (over CROWD visits of one team-day on one spot) only some speak as neighbours, chosen so that everybody
    on the spot gets the same answer as from all of them.
    """
    asked = np.zeros(len(team), bool)
    if len(team) < 2:
        return asked
    team_day = team.astype(np.int64) * 1_000_000 + day
    rows = np.flatnonzero(_beside_another_group(lon, lat, team_day, within_m))
    subjects = rows[subject[rows]]
    partners = rows[_spokesmen(team_day[rows], at_us[rows], lon[rows], lat[rows], household[rows], within_m)]
    done = np.zeros(len(subjects), bool)
    for i, j in near_pairs(lon[subjects], lat[subjects], lon[partners], lat[partners], within_m, answered=done):
        a, b = subjects[i], partners[j]
        again = (
            (team_day[a] != team_day[b])
            & (household[a] != household[b])
            & (np.abs(at_us[a] - at_us[b]) > apart_s * SECOND_US)
        )
        done[i[again]] = True
    asked[subjects[done]] = True
    return asked


def _spokesmen(team_day: Whole, at_us: Whole, lon: Floats, lat: Floats, household: Whole, within_m: float) -> Whether:
    """Who speaks as a neighbour: all, but of a crowd only the first CROWD and the last and first with other numbers.

    Whoever asks for a visit with other numbers than his own, long before or after, is answered by the earliest and the
    latest visit, or by the earliest and the latest that differ from these.
    """
    speaks = np.ones(len(team_day), bool)
    spot = square_of(lon, lat, within_m * 0.7)
    crowded = np.flatnonzero(_maybe_crowded(CROWD + 1, team_day, spot))
    for group in _alike(team_day[crowded], spot[crowded]):
        if len(group) <= CROWD:
            continue
        members = crowded[group]
        members = members[np.lexsort((lat[members], lon[members], household[members], at_us[members]))]
        numbers = household[members]
        others_first, others_last = numbers != numbers[0], numbers != numbers[-1]
        speaks[members[CROWD:]] = False
        speaks[members[-1]] = True
        if others_first.any():
            speaks[members[np.argmax(others_first)]] = True
            speaks[members[len(members) - 1 - np.argmax(others_last[::-1])]] = True
    return speaks


def _beside_another_group(lon: Floats, lat: Floats, group: Whole, within_m: float) -> Whether:
    """A sieve: whether somebody of another group may be within `within_m`.

    Two who are near each other share a square of twice that side in one of four grids.
    """
    x, y = squares(lon, lat, within_m)
    beside = np.zeros(len(group), bool)
    for dx in (0, 1):
        for dy in (0, 1):
            square = ((x + dx) >> 1).astype(np.int64) * LANE + ((y + dy) >> 1)
            order = np.argsort(square)
            square = square[order]
            starts = np.flatnonzero(np.r_[True, square[1:] != square[:-1]])
            del square  # a million visits are many: what has been used is let go
            of = group[order]
            mixed = np.minimum.reduceat(of, starts) != np.maximum.reduceat(of, starts)
            beside[order] |= np.repeat(mixed, np.diff(np.r_[starts, len(order)]))
    return beside
