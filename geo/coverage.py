"""Which inhabited cells did these visits reach? Pure functions over arrays.

Grids come from `geo.cells`: squares aligned to whole multiples of their side, so that the centre of a square follows
from its number, and a visit can only reach its own square and the eight around it.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyproj

Whole = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

MOST_SQUARES = 1 << 12  # across one settlement, either way: 200 km of 50 m squares


@dataclass(frozen=True)
class CellGrids:
    """The inhabited cells of k settlements, one after the other: `start[j]:start[j + 1]` are those of settlement j.

    Centres are whole metres in the settlement's own zone, within a settlement sorted by (east, north).
    """

    utm_epsg: Whole  # (k,)
    cell_m: Whole  # (k,) side of a cell; 0: the settlement is one cell
    reach_m: Floats  # (k,) how near to a cell's centre a visit must come; no longer than a cell's side
    start: Whole  # (k + 1,)
    east_m: Whole  # (cells,)
    north_m: Whole

    @cached_property
    def cells(self) -> Whole:
        """(k,) number of inhabited cells."""
        return np.diff(self.start)

    @cached_property
    def first_square(self) -> tuple[Whole, Whole]:
        """(k,) lowest east and north number of a settlement's squares; 0 where it is one cell."""
        first = self.start[:-1]
        side = np.maximum(self.cell_m, 1)
        if not len(first):
            return first, first
        return self.east_m[first] // side, np.minimum.reduceat(self.north_m, first) // side

    @cached_property
    def keys(self) -> Whole:
        """(cells,) ascending: which settlement, and which of its squares."""
        owner = np.repeat(np.arange(len(self.utm_epsg)), self.cells)
        side = np.maximum(self.cell_m[owner], 1)
        west, south = self.first_square
        x = np.where(self.cell_m[owner] > 0, self.east_m // side - west[owner], 0)
        y = np.where(self.cell_m[owner] > 0, self.north_m // side - south[owner], 0)
        return _key(owner, x, y)


def reached_cells(grids: CellGrids, settlement: Whole, lon: Floats, lat: Floats) -> tuple[Whole, Whole]:
    """Pairs (visit, cell of its settlement, counted from 0) where the visit came within reach of the cell's centre.

    settlement : (n,) row in `grids`.   lon, lat : (n,) degrees EPSG:4326, none missing
    returns    : two arrays of one length, in no order; a visit without a cell in reach is in no pair
    """
    east, north = _projected(grids.utm_epsg[settlement], lon, lat)
    single = np.flatnonzero(grids.cell_m[settlement] == 0)
    its_cell = grids.start[settlement[single]]
    near = _within(
        east[single] - grids.east_m[its_cell],
        north[single] - grids.north_m[its_cell],
        grids.reach_m[settlement[single]],
    )
    visits, cells = [single[near]], [np.zeros(int(near.sum()), np.int64)]
    if len(single) < len(settlement):
        visit, cell = _reached_squares(grids, settlement, east, north, np.flatnonzero(grids.cell_m[settlement] > 0))
        visits, cells = [*visits, visit], [*cells, cell]
    return np.concatenate(visits), np.concatenate(cells)


def _reached_squares(
    grids: CellGrids, settlement: Whole, east: Floats, north: Floats, rows: Whole
) -> tuple[Whole, Whole]:
    """The same for visits (`rows`) of settlements with a grid of squares."""
    owner = settlement[rows]
    side, reach = grids.cell_m[owner], grids.reach_m[owner]
    x, y = (np.floor(metres[rows] / side).astype(np.int64) for metres in (east, north))
    west, south = grids.first_square
    visits, cells = [], []
    for step_x in (-1, 0, 1):
        for step_y in (-1, 0, 1):
            away_x, away_y = (x + step_x) * side + side // 2 - east[rows], (y + step_y) * side + side // 2 - north[rows]
            column, line = x + step_x - west[owner], y + step_y - south[owner]
            inside = (column >= 0) & (column < MOST_SQUARES) & (line >= 0) & (line < MOST_SQUARES)
            near = np.flatnonzero(_within(away_x, away_y, reach) & inside)
            wanted = _key(owner[near], column[near], line[near])
            at = np.minimum(np.searchsorted(grids.keys, wanted), len(grids.keys) - 1)
            inhabited = grids.keys[at] == wanted
            visits.append(rows[near[inhabited]])
            cells.append(at[inhabited] - grids.start[owner[near[inhabited]]])
    return np.concatenate(visits), np.concatenate(cells)


def _within(east_m: Floats, north_m: Floats, reach_m: Floats) -> npt.NDArray[np.bool_]:
    """As squares: the recount in SQL compares the same numbers."""
    within: npt.NDArray[np.bool_] = east_m * east_m + north_m * north_m <= reach_m * reach_m
    return within


def _key(owner: Whole, x: Whole, y: Whole) -> Whole:
    key: Whole = (owner * MOST_SQUARES + x) * MOST_SQUARES + y
    return key


def _projected(epsg: Whole, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    """Positions in the UTM zone given for each."""
    east, north = np.empty(len(lon)), np.empty(len(lon))
    for zone in np.unique(epsg):
        mine = epsg == zone
        east[mine], north[mine] = _to_utm(int(zone)).transform(lon[mine], lat[mine])
    return east, north


@lru_cache(maxsize=128)
def _to_utm(epsg: int) -> pyproj.Transformer:
    """Making one takes milliseconds: each zone's is kept."""
    return pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
