"""What outlines of claims tell: measures of their own, whatever the number of parts, rings and repeated positions."""

import numpy as np
import pytest
import shapely

from geo.claims.outlines import in_crs, is_metric, to_degrees, to_metres
from geo.claims.shapes import (
    compactness,
    corners,
    decimals_told,
    mean_width_m,
    roundness,
    share_of_rectangle,
    share_on_lattice,
    spikes,
)
from geo.false_discoveries import q_values


def shapes(*given: shapely.Geometry | None) -> np.ndarray:
    out = np.full(len(given), None, dtype=object)
    out[:] = given
    return out


SQUARE = shapely.box(0, 0, 100, 100)
HOLED = shapely.Polygon(SQUARE.exterior.coords, [shapely.box(40, 40, 60, 60).exterior.coords])
TWO = shapely.MultiPolygon([SQUARE, shapely.box(200, 0, 300, 100)])


def test_corners_of_all_rings_are_taken_in_a_circle_without_the_closing_one():
    c = corners(shapes(SQUARE, HOLED, None, TWO))

    assert np.bincount(c.outline, minlength=4).tolist() == [4, 8, 0, 8]
    assert (np.abs(c.before - c.at).sum(axis=1) > 0).all()
    assert (np.abs(c.after - c.before).sum(axis=1) > 0).all()


def test_a_position_recorded_twice_is_one_corner():
    doubled = shapely.Polygon([(0, 0), (0, 0), (100, 0), (100, 0), (100, 100), (0, 100), (0, 0), (0, 0)])

    assert len(corners(shapes(doubled)).at) == 4


@pytest.mark.parametrize(("angle_deg", "found"), [(9.9, 1), (10.1, 0)])
def test_a_spike_has_a_sharp_angle(angle_deg, found):
    half = np.tan(np.radians(angle_deg / 2)) * 60
    spiked = shapely.Polygon([(0, 0), (50 - half, 0), (50, -60), (50 + half, 0), (100, 0), (100, 100), (0, 100)])

    got = spikes(shapes(SQUARE, spiked), angle_below_deg=10, side_from_m=10, sides_over_base=5)

    assert got.outline.tolist() == [1] * found
    assert got.tip.tolist() == [[50, -60]] * found


def test_a_spike_at_the_first_corner_is_found_too():
    spiked = shapely.Polygon([(50, -60), (52, 0), (100, 0), (100, 100), (0, 100), (0, 0), (48, 0)])

    assert spikes(shapes(spiked), angle_below_deg=10, side_from_m=10, sides_over_base=5).tip.tolist() == [[50, -60]]


def test_widths_and_compactness_have_their_known_values():
    assert mean_width_m(shapes(shapely.box(0, 0, 1000, 5)))[0] == pytest.approx(10_000 / 2_010)
    assert compactness(shapes(SQUARE, TWO)) == pytest.approx([np.pi / 4, np.pi / 4])
    assert np.isnan(compactness(shapes(None)))[0]


def test_a_circle_is_round_a_square_fills_its_rectangle():
    circle, square = shapely.Point(5, 5).buffer(80, quad_segs=10), shapely.box(0, 0, 10, 10)

    assert roundness(shapes(circle, square, None), 12)[0] == pytest.approx(0, abs=1e-9)
    assert np.isnan(roundness(shapes(square, None), 12)).all()
    assert share_of_rectangle(shapes(square, circle)) == pytest.approx([1, np.pi / 4], abs=0.01)


def test_the_share_of_corners_on_a_grid():
    off = shapely.Polygon([(0, 0), (100, 3), (100, 100), (0, 100)])

    assert share_on_lattice(shapes(SQUARE, off), 10, 0.01).tolist() == [1, 0.75]


@pytest.mark.parametrize("decimals", range(9))
def test_how_many_decimals_were_written(decimals):
    rng = np.random.default_rng(decimals)
    wild = shapely.Polygon(rng.uniform(10, 80, (9, 2)))
    written = shapely.transform(wild, lambda xy: np.round(xy, decimals))

    assert decimals_told(shapes(written))[0] == decimals


def test_the_way_to_metres_and_back():
    degrees = shapes(shapely.box(71, 34, 71.01, 34.01), shapely.box(79, 34, 79.01, 34.01), None)
    zones = np.array([32642, 32644, 32642])

    metres = to_metres(degrees, zones)

    assert shapely.area(metres)[:2] == pytest.approx([1.02e6, 1.02e6], rel=0.02)
    assert shapely.equals_exact(to_degrees(metres, zones)[:2], degrees[:2], 1e-9).all()


def test_only_planes_in_metres_are_metric():
    codes = np.array(["EPSG:32642", "EPSG:4326", "", "EPSG:2277", "nonsense"], dtype=object)

    own, metric = in_crs(shapes(*[shapely.box(71, 34, 71.01, 34.01)] * 5), codes)

    assert metric.tolist() == [True, False, False, False, False]
    assert shapely.area(own[0]) > 1e5
    assert is_metric("EPSG:32642")


def test_q_values_are_those_of_benjamini_and_hochberg():
    """Example of the paper's kind: p·m/rank, made monotone from the largest down; what was not tested stays out."""
    p = [0.01, None, 0.04, 0.03, 0.5]

    assert q_values(p) == pytest.approx([0.04, None, 0.16 / 3, 0.16 / 3, 0.5])
    assert q_values([None, None]) == [None, None]
    assert q_values([]) == []
