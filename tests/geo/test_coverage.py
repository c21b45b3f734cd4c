"""Which inhabited cells does a visit reach? On the reach, and a centimetre beyond."""

import numpy as np
import pyproj
import pytest
import shapely

from geo.cells import OTHER_REACH_M, REACH_M, inhabited_cells
from geo.coverage import CellGrids, reached_cells

ROUND_M = {"urban": 500.0, "small": 200.0, "hamlet": 100.0}
PESHAWAR, SYDNEY = (71.5, 34.0), (151.2, -33.9)


def grids_of(*places: tuple[str, tuple[float, float]]) -> CellGrids:
    """Round settlements of these types at (lon, lat)."""
    made = [inhabited_cells(shapely.Point(at), None, ROUND_M[kind], kind) for kind, at in places]
    return CellGrids(
        np.array([g.utm_epsg for g in made]),
        np.array([g.cell_m or 0 for g in made]),
        np.array([REACH_M.get(kind, OTHER_REACH_M) for kind, _ in places]),
        np.cumsum([0, *(len(g.east_m) for g in made)]),
        np.concatenate([g.east_m for g in made]),
        np.concatenate([g.north_m for g in made]),
    )


def position(grids: CellGrids, settlement: int, east_m: float, north_m: float) -> tuple[float, float]:
    """(lon, lat) of a place in the settlement's zone."""
    back = pyproj.Transformer.from_crs(int(grids.utm_epsg[settlement]), 4326, always_xy=True)
    return back.transform(east_m, north_m)


def reached(grids: CellGrids, settlement: int, *positions: tuple[float, float]) -> set[tuple[int, int]]:
    lon, lat = np.array(positions).T
    visit, cell = reached_cells(grids, np.full(len(lon), settlement), lon, lat)
    pairs = list(zip(visit.tolist(), cell.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    return set(pairs)


@pytest.mark.parametrize(("kind", "reach_m"), [("urban", 50), ("small", 100), ("hamlet", 100)])
@pytest.mark.parametrize("at", [PESHAWAR, SYDNEY])
def test_a_visit_reaches_a_cell_within_reach_of_its_centre(kind, reach_m, at):
    grids = grids_of((kind, at))
    cell = len(grids.east_m) // 2
    east, north = grids.east_m[cell], grids.north_m[cell]

    within = reached(grids, 0, position(grids, 0, east + reach_m - 0.01, north))
    beyond = reached(grids, 0, position(grids, 0, east + reach_m + 0.01, north))

    assert (0, cell) in within
    assert (0, cell) not in beyond


def test_each_visit_is_measured_in_its_own_settlement():
    grids = grids_of(("hamlet", PESHAWAR), ("small", PESHAWAR), ("urban", SYDNEY))
    lon, lat = np.array([PESHAWAR, PESHAWAR, SYDNEY]).T

    visit, cell = reached_cells(grids, np.array([0, 1, 2]), lon, lat)

    assert set(visit.tolist()) == {0, 1, 2}
    assert cell[visit == 0].tolist() == [0]
    assert (cell < grids.cells[visit]).all()


def test_nothing_visited_reaches_nothing():
    visit, cell = reached_cells(grids_of(("urban", PESHAWAR)), np.empty(0, int), np.empty(0), np.empty(0))

    assert len(visit) == len(cell) == 0


def test_the_same_as_measuring_to_every_cell():
    grids = grids_of(("urban", PESHAWAR), ("small", (71.6, 34.1)), ("small", (77.9999, 30.0)), ("hamlet", (71.4, 33.9)))
    chance = np.random.default_rng(4)
    settlement = chance.integers(0, 4, 2000)
    centre = np.array([PESHAWAR, (71.6, 34.1), (77.9999, 30.0), (71.4, 33.9)])[settlement]
    lon, lat = (centre + chance.normal(0, 0.003, centre.shape)).T

    visit, cell = reached_cells(grids, settlement, lon, lat)

    expected = set()
    for k, its in enumerate(settlement.tolist()):
        flat = pyproj.Transformer.from_crs(4326, int(grids.utm_epsg[its]), always_xy=True)
        east, north = flat.transform(lon[k], lat[k])
        low, high = grids.start[its], grids.start[its + 1]
        away_m = np.hypot(grids.east_m[low:high] - east, grids.north_m[low:high] - north)
        expected |= {(k, c) for c in np.flatnonzero(away_m <= grids.reach_m[its]).tolist()}
    assert set(zip(visit.tolist(), cell.tolist(), strict=True)) == expected
