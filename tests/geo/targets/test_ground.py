"""Blocks, neighbours, walking times, zones."""

import networkx as nx
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.targets.blocks import block_size, blocks_needed, cut, equal_parts
from geo.targets.graph import neighbours
from geo.targets.outlines import area_of, ground
from geo.targets.rules import Rules
from geo.targets.walking import (
    WGS84,
    metres_between,
    minutes_on_slopes,
    minutes_within,
    slope_speed_kmh,
)
from geo.targets.zones import shared_out


@given(st.integers(0, 5_000), st.integers(1, 60))
def test_parts_add_up_and_differ_by_one_at_most(total, parts):
    found = equal_parts(total, parts)

    assert sum(found) == total
    assert max(found) - min(found) <= 1


@pytest.mark.parametrize(("mean", "size"), [(20, 10), (100, 25), (400, 40)])
def test_a_block_is_a_quarter_of_a_team_day_within_limits(mean, size):
    assert block_size(np.array([mean * 10]), 10, Rules()) == size


@pytest.mark.parametrize(("children", "blocks"), [(0, 1), (40, 1), (41, 2), (80, 2), (81, 3)])
def test_a_settlement_beyond_the_size_is_cut(children, blocks):
    assert blocks_needed(np.array([children]), 40).tolist() == [blocks]


@pytest.mark.parametrize("extent", [None, shapely.box(71.49, 33.995, 71.51, 34.002)])
def test_blocks_share_the_extent_out_evenly_and_are_the_same_each_time(extent):
    whole = ground(71.5, 34.0, 500, extent, None)

    blocks = cut(71.5, 34.0, 500, extent, 7)
    again = cut(71.5, 34.0, 500, extent, 7)

    parts = [ground(71.5, 34.0, 500, extent, box) for box in blocks.box]
    assert np.array_equal(blocks.box, again.box)
    assert [part.area / whole.area for part in parts] == pytest.approx([1 / 7] * 7, rel=0.25)
    assert shapely.union_all(parts).area == pytest.approx(whole.area, rel=0.01)
    assert all(
        part.buffer(1e-4).contains(shapely.Point(*at))
        for part, at in zip(parts, zip(blocks.lon, blocks.lat, strict=True), strict=True)
    )


def test_a_thin_extent_is_cut_too():
    river_bank = shapely.LineString([(71.5, 34.0), (71.6, 34.05)]).buffer(1e-6)

    blocks = cut(71.55, 34.02, 200, river_bank, 5)

    assert len(blocks.lon) == 5
    assert np.isfinite(blocks.lon).all()


@given(st.integers(1, 40), st.integers(0, 1_000), st.sampled_from(["free", "line", "spot", "grid"]))
def test_the_graph_is_gabriels_and_in_one_piece(n, seed, kind):
    xy = np.random.default_rng(seed).random((n, 2)) * 1_000
    if kind == "line":
        xy[:, 1] = 3 * xy[:, 0]
    if kind == "spot":
        xy[:] = xy[0]
    if kind == "grid":
        xy = np.round(xy, -2)

    found = neighbours(xy)

    graph = nx.Graph(found.edges.tolist())
    graph.add_nodes_from(range(n))
    assert nx.is_connected(graph)
    assert set(found.piece.tolist()) == {0}
    for one, other in found.edges.tolist():
        middle, radius = (xy[one] + xy[other]) / 2, np.hypot(*(xy[one] - xy[other])) / 2
        assert (np.hypot(*(xy - middle).T) >= radius - 1e-2).all()


def test_a_river_parts_the_graph():
    xy = np.array([[0, 0], [100, 0], [0, 500], [100, 500]], float)

    found = neighbours(xy, shapely.LineString([(-1_000, 250), (1_000, 250)]))

    assert found.edges.tolist() == [[0, 1], [2, 3]]
    assert found.piece.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(("slope", "kmh"), [(0.0, 3.5), (0.1, 2.5), (0.2, 1.7), (-0.05, 4.2), (2.0, 0.5)])
def test_walking_speed_on_slopes(slope, kmh):
    assert slope_speed_kmh(np.array([slope]), 3.5)[0] == pytest.approx(kmh, abs=0.06)


def test_level_ground_costs_what_distance_costs():
    level = minutes_on_slopes(np.array([3_500.0]), np.zeros((1, 71)), Rules())
    uphill = minutes_on_slopes(np.array([3_500.0]), np.linspace(0, 700, 71)[None], Rules())

    assert level[0] == pytest.approx(78)
    assert uphill[0] > 1.9 * level[0]


def test_distances_are_geodesics():
    lon, lat = np.array([71.5, 71.62, 71.5]), np.array([34.0, 34.1, 34.25])

    found = metres_between(lon, lat)

    assert found[0, 1] == pytest.approx(WGS84.inv(71.5, 34.0, 71.62, 34.1)[2], rel=1e-5)
    assert (found == found.T).all()


def test_a_hamlet_of_fifteen_households_takes_under_an_hour():
    assert minutes_within(np.array([15.0]), np.array([31_416.0]), Rules())[0] == pytest.approx(45 + 10.9, abs=0.1)


def test_teams_are_shared_out_by_work_and_none_goes_without():
    assert shared_out(10, np.array([1.0, 50.0, 49.0])).tolist() == [1, 5, 4]


def test_fewer_teams_than_zones_cannot_be_shared_out():
    with pytest.raises(ValueError, match="2 teams cannot serve 3 zones"):
        shared_out(2, np.ones(3))


def test_a_team_days_area_is_one_piece():
    at = np.array([[71.5, 34.0], [71.53, 34.01]])

    area = area_of([ground(lon, lat, 100, None, None) for lon, lat in at], at)

    assert area.geom_type == "Polygon"
    assert area.is_valid
