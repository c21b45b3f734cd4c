"""Which inhabited cells did these visits reach? Pure functions over arrays."""
from dataclasses import dataclass

import numpy as np
import pyproj

OFFSET = 1 << 22        # cell numbers lie between −2^22 and 2^22 in both directions


@dataclass(frozen=True)
class CellGrids:
    """The inhabited cells of many settlements, one after the other; `start[k]:start[k + 1]` are those of settlement k."""

    utm_epsg: np.ndarray        # (k,)
    cell_m: np.ndarray          # (k,) side of a cell; 0: the settlement is one cell
    reach_m: np.ndarray         # (k,) how near to a cell's centre a visit must come
    start: np.ndarray           # (k + 1,)
    east_m: np.ndarray          # centres, in the settlement's own zone
    north_m: np.ndarray

    def cells(self, k: int) -> int:
        return int(self.start[k + 1] - self.start[k])


def reached_cells(grids: CellGrids, settlement: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs (visit, cell of its settlement, counted from 0) where the visit came within reach of the cell's centre.

    settlement : (n,) row in `grids`.   lon, lat : (n,) degrees EPSG:4326
    A visit reaches at most the nine cells around it, since reach is no longer than a cell's side.
    """
    east, north = _projected(grids.utm_epsg[settlement], lon, lat)
    size = grids.cell_m[settlement]
    single = np.flatnonzero(size == 0)
    first = grids.start[settlement[single]]
    near = np.hypot(east[single] - grids.east_m[first], north[single] - grids.north_m[first]) <= grids.reach_m[settlement[single]]
    visit, cell = [single[near]], [np.zeros(near.sum(), int)]
    many = np.flatnonzero(size > 0)
    x, y = (np.floor(a[many] / size[many]).astype(np.int64) for a in (east, north))
    keys = _cell_keys(grids)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            at = _find(keys, grids.start, settlement[many], x + dx, y + dy)
            there = np.flatnonzero(at >= 0)
            v, c = many[there], at[there]
            close = np.hypot(east[v] - grids.east_m[c], north[v] - grids.north_m[c]) <= grids.reach_m[settlement[v]]
            visit.append(v[close])
            cell.append(c[close] - grids.start[settlement[v[close]]])
    return np.concatenate(visit), np.concatenate(cell)


def _projected(epsg: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the UTM zone given for each."""
    east, north = np.empty(len(lon)), np.empty(len(lon))
    for zone in np.unique(epsg):
        mine = epsg == zone
        east[mine], north[mine] = _transformer(int(zone)).transform(lon[mine], lat[mine])
    return east, north


_TRANSFORMERS: dict[int, pyproj.Transformer] = {}


def _transformer(epsg: int) -> pyproj.Transformer:
    if epsg not in _TRANSFORMERS:
        _TRANSFORMERS[epsg] = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    return _TRANSFORMERS[epsg]


def _key(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x + OFFSET) * np.int64(2 * OFFSET) + (y + OFFSET)


def _cell_keys(grids: CellGrids) -> np.ndarray:
    """Key of each cell; those of one settlement are sorted because they are by (east, north)."""
    owner = np.repeat(np.arange(len(grids.utm_epsg)), np.diff(grids.start))
    size = np.maximum(grids.cell_m[owner], 1)
    return _key(np.floor_divide(grids.east_m, size).astype(np.int64), np.floor_divide(grids.north_m, size).astype(np.int64)), owner


def _find(keys: np.ndarray, start: np.ndarray, settlement: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Index of the cell (x, y) of each settlement; -1 where it is not inhabited."""
    return _search_within(keys, start[settlement], start[settlement + 1], _key(x, y))


def _search_within(keys: np.ndarray, low: np.ndarray, high: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Binary search in many ranges at once: index of `wanted` in keys[low:high], else -1."""
    low, high, end = low.copy(), high.copy(), high
    while (low < high).any():
        middle = (low + high) // 2
        less = keys[np.minimum(middle, len(keys) - 1)] < wanted
        open_ = low < high
        low = np.where(open_ & less, middle + 1, low)
        high = np.where(open_ & ~less, middle, high)
    there = (low < end) & (keys[np.minimum(low, len(keys) - 1)] == wanted)
    return np.where(there, low, -1)
