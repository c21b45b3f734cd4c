"""Tile keys: a tile of any zoom is one range of keys."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.morton import tile_keys, tile_range


def tile_of(lon, lat, z):
    """The usual formula of the web map."""
    x = (lon + 180) / 360 * 2**z
    y = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z
    return int(x), int(y)


@given(st.floats(-179.99, 179.99), st.floats(-85, 85), st.integers(0, 18))
def test_a_position_lies_in_the_range_of_its_tile_and_of_no_other(lon, lat, z):
    key = tile_keys(np.array([lon]), np.array([lat]))[0]
    x, y = tile_of(lon, lat, z)

    first, last = tile_range(z, x, y)
    other = tile_range(z, (x + 1) % 2**z, y)

    assert first <= key <= last
    assert z == 0 or not other[0] <= key <= other[1]


def test_beyond_the_map_is_its_edge():
    keys = tile_keys(np.array([0.0, 0.0, 180.0]), np.array([90.0, 85.0511287798066, -90.0]))

    assert keys[0] == keys[1]
    assert keys[2] == 4**20 - 1


@pytest.mark.parametrize("tile", [(1, 2, 0), (0, -1, 0), (21, 0, 0), (3, 0, 8)])
def test_a_tile_that_does_not_exist_is_refused(tile):
    with pytest.raises(ValueError, match="no tile"):
        tile_range(*tile)
