"""Shares of pixels are exact, edges are left out, and a mean is of what can be seen."""

import numpy as np
import pytest
import shapely

from geo.evidence.zonal import mean_of, means, weights_of
from geo.scenes.grid import Grid

GRID = Grid(32642, 700_000.0, 3_790_000.0, 10.0, 60, 60)


def blob(x_m: float, y_m: float, reach_m: float) -> shapely.Polygon:
    """An irregular plot around a place, metres from the grid's upper left corner."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    reach = reach_m * (1 + 0.2 * np.sin(3 * angle + x_m) + 0.1 * np.cos(5 * angle))
    return shapely.Polygon(
        np.column_stack([700_000 + x_m + reach * np.cos(angle), 3_790_000 - y_m + reach * np.sin(angle)])
    )


def by_intersection(polygon: shapely.Polygon, size_m: float = 10.0) -> np.ndarray:
    """The same shares the slow way: every pixel cut with the eroded polygon."""
    eroded = polygon.buffer(-size_m / 2)
    x, y = np.meshgrid(700_000 + np.arange(60) * size_m, 3_790_000 - (np.arange(60) + 1) * size_m)
    share = shapely.area(shapely.intersection(shapely.box(x, y, x + size_m, y + size_m), eroded)) / size_m**2
    return np.where(share < 0.5, 0.0, share)


def test_shares_are_those_of_cutting_every_pixel():
    polygons = np.array([blob(200, 250, 80), blob(411.3, 300.7, 55), blob(100, 480, 37)], object)

    for polygon, weights in zip(polygons, weights_of(polygons, GRID), strict=True):
        shares = np.zeros((60, 60))
        shares[weights.rows, weights.columns] = weights.share
        assert shares == pytest.approx(by_intersection(polygon), abs=1e-5)
        assert weights.lost == pytest.approx(1 - np.count_nonzero(shares) * 100 / polygon.area)


def square(side_m: float) -> shapely.Polygon:
    return shapely.box(700_100, 3_789_800 - side_m, 700_100 + side_m, 3_789_800)


@pytest.mark.parametrize(("wide", "too_small"), [(8, False), (7, True)])
def test_a_plot_needs_eight_whole_pixels(wide, too_small):
    strip = shapely.box(700_095, 3_789_785, 700_105 + wide * 10, 3_789_805)  # eroded: one row of `wide` pixels

    weights = weights_of(np.array([strip], object), GRID)[0]

    assert weights.full == wide
    assert weights.too_small() == too_small


def test_a_plot_that_is_mostly_edge_is_too_small():
    strip = shapely.box(700_095, 3_789_789, 700_305, 3_789_803)  # 14 m wide; eroded 4 m, never half of a pixel
    field = shapely.box(700_095, 3_789_785, 700_195, 3_789_805)  # and ten whole pixels

    weights = weights_of(np.array([strip | field], object), GRID)[0]

    assert weights.full >= 8
    assert weights.lost > 0.6
    assert weights.too_small()


def test_a_sliver_has_no_pixels():
    sliver = shapely.box(700_100, 3_789_700, 700_109, 3_789_800)

    weights = weights_of(np.array([sliver], object), GRID)[0]

    assert len(weights.share) == 0
    assert weights.too_small()


def test_a_mean_is_of_usable_pixels_and_tells_their_share():
    polygon = square(60)  # eroded: 50 m, half pixels at its edges
    image = np.full((60, 60), 0.3)
    image[20:23] = 0.6
    weights = weights_of(np.array([polygon], object), GRID)
    image[weights[0].rows[0], weights[0].columns[0]] = np.nan

    mean, clear = means(image, weights)

    share = weights[0].share
    seen = image[weights[0].rows, weights[0].columns]
    assert clear[0] == pytest.approx(1 - share[0] / share.sum())
    assert mean_of(image, weights[0]) == pytest.approx((mean[0], clear[0]))
    assert mean[0] == pytest.approx(np.nansum(seen * share) / share[np.isfinite(seen)].sum())


def test_where_nothing_is_usable_there_is_no_mean():
    weights = weights_of(np.array([square(60), shapely.box(700_100, 3_789_700, 700_109, 3_789_800)], object), GRID)

    mean, clear = means(np.full((60, 60), np.nan), weights)

    assert np.isnan(mean).all()
    assert clear[0] == 0
    assert np.isnan(clear[1])
