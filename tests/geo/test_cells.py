"""Inhabited cells: the grid, the extent, and the one cell that is always there."""

import numpy as np
import pyproj
import pytest
import shapely

from geo.cells import inhabited_cells, utm_zone

CENTRE = shapely.Point(71.5, 34.0)  # zone 42 north
METRES = pyproj.Transformer.from_crs(4326, 32642, always_xy=True)
DEGREES = pyproj.Transformer.from_crs(32642, 4326, always_xy=True)


def block(west, south, east, north):
    """A rectangle in whole metres of zone 42, as it would be drawn in degrees."""
    return shapely.transform(shapely.box(west, south, east, north), DEGREES.transform, interleaved=False)


@pytest.mark.parametrize(("kind", "cell_m"), [("urban", 50), ("small", 100)])
def test_the_grid_lies_on_whole_multiples(kind, cell_m):
    grid = inhabited_cells(CENTRE, None, 500.0, kind)

    assert grid.cell_m == cell_m
    assert grid.utm_epsg == 32642
    assert set(grid.east_m % cell_m) == set(grid.north_m % cell_m) == {cell_m // 2}


def test_a_cell_counts_when_its_centre_lies_in_the_extent():
    # two whole cells of 100 m, and a strip that ends just before, then just after, the next cell's centre
    before, after = (block(300_000, 3_700_000, 300_000 + width, 3_700_100) for width in (249, 251))

    assert len(inhabited_cells(shapely.centroid(before), before, 0, "small").east_m) == 2
    assert len(inhabited_cells(shapely.centroid(after), after, 0, "small").east_m) == 3


def test_a_round_extent_has_the_cells_of_its_disc():
    grid = inhabited_cells(CENTRE, None, 500.0, "urban")

    away = np.hypot(*np.subtract((grid.east_m, grid.north_m), np.array(METRES.transform(71.5, 34.0))[:, None]))
    assert away.max() <= 500
    assert len(away) == pytest.approx(np.pi * 500**2 / 50**2, rel=0.03)


@pytest.mark.parametrize("kind", ["hamlet", "camp", "school", "other"])
def test_any_other_type_is_one_cell_at_its_middle(kind):
    grid = inhabited_cells(CENTRE, None, 100.0, kind)

    assert grid.cell_m is None
    assert np.hypot(grid.east_m[0] - METRES.transform(71.5, 34)[0], grid.north_m[0] - METRES.transform(71.5, 34)[1]) < 1


def test_an_extent_that_holds_no_centre_is_one_cell():
    sliver = block(300_001, 3_700_001, 300_040, 3_700_040)

    grid = inhabited_cells(shapely.centroid(sliver), sliver, 0, "small")

    assert grid.cell_m is None
    assert (abs(grid.east_m[0] - 300_020), abs(grid.north_m[0] - 3_700_020)) <= (1, 1)


def test_utm_zones():
    assert list(utm_zone(np.array([71.5, -70.0, 180.0, -180.0]), np.array([34.0, -33.0, 0.0, -0.1]))) == [
        32642, 32719, 32660, 32701,
    ]  # fmt: skip
