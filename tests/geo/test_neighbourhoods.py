"""Sums over what lies near: on the distance, and a metre beyond."""

import numpy as np
import pytest

from geo.boundaries import WGS84
from geo.neighbourhoods import sums_within

HERE = (71.5, 34.0)


@pytest.mark.parametrize(("away_m", "sums"), [(1990, [3, 3]), (2010, [1, 2])])
@pytest.mark.parametrize("azimuth", [0, 45, 90])
def test_what_lies_within_is_added(away_m, sums, azimuth):
    lon, lat, _ = WGS84.fwd(*HERE, azimuth, away_m)

    found = sums_within(np.array([HERE[0], lon]), np.array([HERE[1], lat]), np.array([1, 2]), 2000.0)

    assert found.tolist() == sums


def test_places_on_both_sides_of_the_date_line_are_near():
    found = sums_within(np.array([179.9999, -179.9999]), np.array([0.0, 0.0]), np.array([1, 2]), 100.0)

    assert found.tolist() == [3, 3]


@pytest.mark.parametrize("count", [0, 3])
def test_nothing_to_add_is_zero(count):
    assert sums_within(np.zeros(count), np.zeros(count), np.zeros(count, int), 100.0).tolist() == [0] * count
