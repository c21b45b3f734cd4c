"""Who is near whom? Positions sorted into squares, so that only neighbours are compared.

Positions are EPSG:4326 degrees. Squares are rows of one height; within a row all are equally wide, about as wide as
high, so that a square depends on the position alone, never on what else is there.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from geo.places import metres_per_degree, near_metres

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

SHORT_DEGREE_M = 110_000.0  # a little less than a degree of latitude, or of longitude at the equator, measures anywhere
LONG_DEGREE_M = 112_000.0  # a little more
LANE = np.int64(1) << 32  # from a square to the one beside it where both are one number
NARROWEST_M = 10.0  # side of the squares of near_pairs: narrower ones would be too many to number
PAIRS_AT_ONCE = 200_000  # how many pairs are looked at in one go: memory stays bounded when a phone is stuck
PARTNERS_AT_FIRST = 32  # of one position, where one of them may be answer enough


def square_of(lon: Floats, lat: Floats, side_m: float) -> Rows:
    """Number of the square of each position: (n,). No two positions in one are farther apart than 1.42 × side_m."""
    height = side_m / LONG_DEGREE_M
    y = np.floor(lat / height)
    x = np.floor(lon / height * np.maximum(np.cos(np.radians((y + 0.5) * height)), 1e-6))
    return np.asarray(y.astype(np.int64) * 2_147_483_647 + x.astype(np.int64))


def squares(lon: Floats, lat: Floats, side_m: float) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Column and row of squares of one size in degrees for all these positions: none is narrower than `side_m`."""
    east = metres_per_degree(np.minimum(np.abs(lat).max(), 85.0))[0]
    return (
        np.floor(lon * (float(east) / (side_m * 1.001))).astype(np.int32),
        np.floor(lat * (SHORT_DEGREE_M / side_m)).astype(np.int32),
    )


def near_pairs(
    lon: Floats,
    lat: Floats,
    other_lon: Floats,
    other_lat: Floats,
    within_m: float,
    group: Rows | None = None,
    other_group: Rows | None = None,
    answered: npt.NDArray[np.bool_] | None = None,
) -> Iterator[tuple[Rows, Rows]]:
    """Pairs (i, j) where position i and other position j are at most `within_m` apart, in portions; each pair once.

    group, other_group : whole numbers; only pairs of one group are looked for
    answered : (n,) bool, which the caller sets between portions: no more pairs are needed for these positions
    """
    if not len(lon) or not len(other_lon):
        return
    mine, others, column = _keys(lon, lat, other_lon, other_lat, within_m, group, other_group)
    index = np.argsort(others, kind="stable")
    others = others[index]
    known = np.flatnonzero(mine >= 0)
    for step in (-column, 0, column):  # a column's three squares around one are neighbours in the key
        start = np.searchsorted(others, mine[known] + step - 1, side="left")
        count = np.searchsorted(others, mine[known] + step + 1, side="right") - start
        offset, most = 0, PARTNERS_AT_FIRST if answered is not None else len(others)
        while True:
            open_ = count > offset if answered is None else (count > offset) & ~answered[known]
            if not open_.any():
                break
            i, first, size = known[open_], start[open_] + offset, np.minimum(count[open_] - offset, most)
            yield from _close(i, first, size, index, lon, lat, other_lon, other_lat, within_m)
            offset, most = offset + most, 2 * most


def _keys(
    lon: Floats,
    lat: Floats,
    other_lon: Floats,
    other_lat: Floats,
    within_m: float,
    group: Rows | None,
    other_group: Rows | None,
) -> tuple[Rows, Rows, int]:
    """A number for the square and group of each position and other position, and the step from column to column.

    -1 for a position whose group has no others.
    """
    x, y = squares(np.concatenate([lon, other_lon]), np.concatenate([lat, other_lat]), max(within_m, NARROWEST_M))
    x, y = x.astype(np.int64) - x.min() + 1, y.astype(np.int64) - y.min() + 1
    rows, columns = int(y.max()) + 2, int(x.max()) + 2
    key = x * rows + y
    mine, others = key[: len(lon)], key[len(lon) :]
    if group is not None and other_group is not None:
        known, rank = np.unique(other_group, return_inverse=True)
        place = np.minimum(np.searchsorted(known, group), len(known) - 1)
        lane = rows * columns
        mine = np.where(known[place] == group, mine + place * lane, -1)
        others = others + rank * lane
    return mine, others, rows


def _close(
    i: Rows,
    first: Rows,
    size: Rows,
    index: Rows,
    lon: Floats,
    lat: Floats,
    other_lon: Floats,
    other_lat: Floats,
    within_m: float,
) -> Iterator[tuple[Rows, Rows]]:
    """Of the candidates index[first:first + size] of each position i those that are near, in portions."""
    north = within_m / SHORT_DEGREE_M
    for low, high in _portions(size):
        n = size[low:high]
        a = np.repeat(i[low:high], n)
        b = index[np.arange(n.sum()) - np.repeat(np.cumsum(n) - n - first[low:high], n)]
        level = np.abs(lat[a] - other_lat[b]) <= north
        a, b = a[level], b[level]
        close = near_metres(lon[a], lat[a], other_lon[b], other_lat[b]) <= within_m
        if close.any():
            yield a[close], b[close]


def _portions(count: Rows) -> Iterator[tuple[int, int]]:
    """Ranges of rows that together form at most PAIRS_AT_ONCE pairs (a single row may form more)."""
    total = np.cumsum(count)
    cuts = np.searchsorted(total, np.arange(PAIRS_AT_ONCE, total[-1], PAIRS_AT_ONCE))
    edges = np.unique(np.r_[0, cuts, len(count)])
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
