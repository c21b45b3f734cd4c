"""Outlines: repaired, measured, compared."""

import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import boundaries
from geo.vector_files import read_features

SQUARE = shapely.box(71, 34, 71.1, 34.1)
BOW_TIE = shapely.Polygon([(71, 34), (71.1, 34.1), (71.1, 34), (71, 34.1)])


def array(*shapes):
    out = np.full(len(shapes), None, dtype=object)
    out[:] = shapes
    return out


def test_a_crossing_ring_becomes_the_parts_that_it_encloses():
    shapes, mended = boundaries.repaired(array(SQUARE, BOW_TIE))

    assert list(mended) == [False, True]
    assert shapely.area(shapes[1]) == pytest.approx(shapely.area(SQUARE) / 2)
    assert [shapely.get_num_geometries(s) for s in shapes] == [1, 2]


@pytest.mark.parametrize(
    "shape",
    [
        None,
        shapely.Point(71, 34),
        shapely.LineString([(71, 34), (71.1, 34)]),
        shapely.Polygon(),
        shapely.GeometryCollection([SQUARE]),
        shapely.Polygon([(71, 34), (71.1, 34), (71.2, 34)]),
        shapely.Polygon([(71, 34), (np.inf, 34), (71.1, 34.1)]),
        shapely.Polygon([(71, 34), (np.nan, 34), (71.1, 34.1)]),
    ],
    ids=["nothing", "point", "line", "empty", "collection", "flat", "infinite", "not a number"],
)
def test_what_encloses_nothing_is_no_outline(shape):
    shapes, _ = boundaries.repaired(array(shape, SQUARE))

    assert shapes[0] is None
    assert shapes[1] is not None


def test_a_scribble_cannot_hold_the_import():
    corners = np.random.default_rng(1).random((5_000, 2))
    started = time.monotonic()

    shapes, mended = boundaries.repaired(array(shapely.Polygon(corners)))

    assert shapes[0] is None
    assert not mended[0]
    assert time.monotonic() - started < 20


def test_a_hole_is_no_ground_whatever_way_its_ring_runs():
    hole = shapely.box(71.02, 34.02, 71.08, 34.08)
    ways = [shapely.Polygon(SQUARE.exterior, [ring]) for ring in (hole.exterior.coords, hole.exterior.coords[::-1])]

    with_hole = boundaries.geodesic_km2(array(*ways))

    whole, without = boundaries.geodesic_km2(array(SQUARE, hole))
    assert with_hole == pytest.approx([whole - without] * 2)


def test_only_polygons_have_ground():
    ring = shapely.LineString(SQUARE.exterior.coords)

    km2 = boundaries.geodesic_km2(array(None, shapely.Point(0, 0), ring, shapely.GeometryCollection([SQUARE, ring])))

    assert km2 == pytest.approx([0, 0, 0, boundaries.geodesic_km2(array(SQUARE))[0]])


@pytest.mark.parametrize(("overhang", "outside"), [(0.0, 0.0), (0.01, 0.01), (1.0, 1.0)])
def test_the_share_outside_is_of_the_inner_area(overhang, outside):
    inner = shapely.box(71 + overhang, 34, 72 + overhang, 35)

    share = boundaries.share_outside(array(inner), array(shapely.box(71, 33, 72, 36)))

    assert share[0] == pytest.approx(outside, abs=1e-6)


@pytest.mark.parametrize(("common", "found"), [(0.0099, []), (0.0101, [(0, 1)]), (-0.5, [])])
def test_neighbours_overlap_when_over_one_per_cent_of_the_smaller_is_common(common, found):
    large, small = shapely.box(70, 30, 72, 31), shapely.box(72 - common, 30, 73 - common, 31)

    pairs = boundaries.overlapping_pairs(array(large, small), 0.01)

    assert [pair[:2] for pair in pairs] == found


def test_an_enclave_shares_a_border_and_no_ground():
    enclave = shapely.box(71.02, 34.02, 71.08, 34.08)

    assert boundaries.overlapping_pairs(array(shapely.difference(SQUARE, enclave), enclave), 0.0001) == []


def test_the_parent_is_who_covers_most_the_first_of_equals_or_nobody():
    halves = array(shapely.box(70, 30, 71, 31), shapely.box(71, 30, 72, 31))
    children = array(
        shapely.box(70.8, 30, 71.1, 31), shapely.box(70.9, 30, 71.1, 31), shapely.box(80, 30, 81, 31),
        shapely.box(72, 30, 73, 31),
    )  # fmt: skip

    assert list(boundaries.largest_overlap(children, halves)) == [0, 0, -1, -1]
    assert list(boundaries.largest_overlap(children, array())) == [-1] * 4


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(70, 71), st.floats(33, 34)), min_size=3, max_size=12))
def test_repairing_twice_changes_nothing_more(corners):
    once, _ = boundaries.repaired(array(shapely.Polygon(corners)))
    if once[0] is None:
        return

    twice, mended = boundaries.repaired(once)

    assert shapely.is_valid(once[0])
    assert not mended[0]
    assert shapely.equals_exact(once[0], twice[0])


def test_the_real_boundaries_are_sound(shared_data):
    file = shared_data / "admin" / "kp_cod_ab_2022.gpkg"
    districts, tehsils = (read_features(file, layer).geometry for layer in ("adm2", "adm3"))

    _, mended = boundaries.repaired(tehsils)
    parents = boundaries.largest_overlap(tehsils, districts)

    assert not mended.any()
    assert boundaries.geodesic_km2(tehsils).sum() == pytest.approx(100_897.1, abs=0.1)
    assert boundaries.share_outside(tehsils, districts[parents]).max() < 0.001
    assert boundaries.overlapping_pairs(tehsils, 0.001) == []
