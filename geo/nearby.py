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
LANE = np.int64(1) << 32  # from a square to the one beside it in the key of near_pairs
PAIRS_AT_ONCE = 1_000_000  # how many pairs are looked at in one go: memory stays bounded when a phone is stuck


def square_of(lon: Floats, lat: Floats, side_m: float) -> Rows:
    """Number of the square of each position: (n,). No two positions in one are farther apart than 1.42 × side_m."""
    height = side_m / LONG_DEGREE_M
    y = np.floor(lat / height)
    x = np.floor(lon / height * np.maximum(np.cos(np.radians((y + 0.5) * height)), 1e-6))
    return np.asarray(y.astype(np.int64) * 2_147_483_647 + x.astype(np.int64))


def squares(lon: Floats, lat: Floats, side_m: float) -> tuple[Rows, Rows]:
    """Column and row of squares of one size in degrees for all these positions: none is narrower than `side_m`."""
    east = metres_per_degree(np.minimum(np.abs(lat).max(), 85.0))[0]
    return (
        np.floor(lon * (float(east) / (side_m * 1.001))).astype(np.int64),
        np.floor(lat * (SHORT_DEGREE_M / side_m)).astype(np.int64),
    )


def near_pairs(
    lon: Floats, lat: Floats, other_lon: Floats, other_lat: Floats, within_m: float
) -> Iterator[tuple[Rows, Rows]]:
    """Pairs (i, j) where position i and other position j are at most `within_m` apart, in portions; each pair once."""
    if not len(lon) or not len(other_lon):
        return
    all_x, all_y = squares(np.concatenate([lon, other_lon]), np.concatenate([lat, other_lat]), within_m)
    key = (all_x - all_x.min() + 1) * LANE + (all_y - all_y.min() + 1)
    mine, others = key[: len(lon)], key[len(lon) :]
    index = np.argsort(others, kind="stable")
    others = others[index]
    for column in (-LANE, np.int64(0), LANE):  # a column's three squares around one are neighbours in the key
        start = np.searchsorted(others, mine + column - 1, side="left")
        count = np.searchsorted(others, mine + column + 1, side="right") - start
        for low, high in _portions(count):
            size = count[low:high]
            i = np.repeat(np.arange(low, high), size)
            j = index[np.arange(size.sum()) - np.repeat(np.cumsum(size) - size - start[low:high], size)]
            close = near_metres(lon[i], lat[i], other_lon[j], other_lat[j]) <= within_m
            if close.any():
                yield i[close], j[close]


def _portions(count: Rows) -> Iterator[tuple[int, int]]:
    """Ranges of rows that together form at most PAIRS_AT_ONCE pairs (a single row may form more)."""
    total = np.cumsum(count)
    if not len(total) or not total[-1]:
        return
    cuts = np.searchsorted(total, np.arange(PAIRS_AT_ONCE, total[-1], PAIRS_AT_ONCE))
    edges = np.unique(np.r_[0, cuts, len(count)])
    yield from zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
