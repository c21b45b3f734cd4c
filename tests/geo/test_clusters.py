"""Where do rare things crowd together?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.clusters import crowded_places

LON, LAT = 71.5, 34.0
KM_IN_DEGREES = 1 / 111.195


def on_a_line(count: int, apart_km: float = 1.0):
    """Places one beside the other, going north."""
    return np.full(count, LON), LAT + np.arange(count) * apart_km * KM_IN_DEGREES


def test_a_crowd_is_found_with_its_places_and_what_would_be_usual():
    lon, lat = on_a_line(40)
    cases = np.full(40, 1)
    cases[10:14] = 12
    population = np.full(40, 50)

    found = crowded_places(lon, lat, cases, population)

    assert sorted(found[0].places.tolist()) == [10, 11, 12, 13]
    assert (found[0].cases, round(found[0].expected, 1), found[0].p) == (48, 8.4, 0.01)


def test_a_single_place_is_no_crowd_and_an_even_spread_is_none():
    lon, lat = on_a_line(40, apart_km=6)
    lonely = np.zeros(40, np.int64)
    lonely[7] = 30

    assert crowded_places(lon, lat, lonely, np.full(40, 50)) == []
    assert crowded_places(*on_a_line(40), np.full(40, 3), np.full(40, 50)) == []


@pytest.mark.parametrize(("apart_km", "together"), [(4.9, True), (5.1, False)])
def test_places_farther_apart_than_five_kilometres_do_not_crowd_together(apart_km, together):
    lon, lat = on_a_line(30, apart_km)
    cases = np.zeros(30, np.int64)
    cases[3:5] = 15

    assert bool(crowded_places(lon, lat, cases, np.full(30, 40))) is together


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_little_to_say_anything(count):
    lon, lat = on_a_line(count)

    assert crowded_places(lon, lat, np.ones(count, np.int64), np.zeros(count, np.int64)) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), min_size=2, max_size=30))
@settings(max_examples=40, deadline=None)
def test_the_same_rows_give_the_same_answer_and_no_place_stands_twice(rows):
    cases, population = np.array(rows, np.int64).T
    lon, lat = on_a_line(len(rows))

    once, again = (crowded_places(lon, lat, cases, population, replicates=19) for _ in range(2))

    assert [(c.places.tolist(), c.p) for c in once] == [(c.places.tolist(), c.p) for c in again]
    places = [int(p) for c in once for p in c.places]
    assert len(places) == len(set(places))
    assert all(c.cases > c.expected and len(c.places) >= 2 for c in once)
