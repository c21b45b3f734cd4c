"""Each rule about neighbours, written a second time, slowly and in plain words: it must find the same visits."""

import itertools
import random
from collections import Counter
from dataclasses import dataclass
from statistics import median

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import visits as fast
from geo.boundaries import WGS84
from geo.visits import SECOND_US

LON, LAT = 71.5, 34.0


@dataclass(frozen=True)
class V:
    """One visit, as little as the rules need."""

    team: int
    at_s: int
    east_m: float
    north_m: float
    household: tuple[int, ...] = (2, 2, 0, 0, 0)
    first: bool = True
    usable: bool = True
    slack_m: float = 0.0

    @property
    def position(self) -> tuple[float, float]:
        lon, lat, _ = WGS84.fwd(LON, LAT, 90, self.east_m)
        lon, lat, _ = WGS84.fwd(lon, lat, 0, self.north_m)
        return round(lon, 7), round(lat, 7)

    @property
    def day(self) -> int:
        return self.at_s // 86_400


def metres(a: V, b: V) -> float:
    return float(WGS84.inv(*a.position, *b.position)[2])


def in_order(visits: list[V]) -> list[V]:
    return sorted(visits, key=lambda v: (v.team, v.at_s))


def columns(visits: list[V]) -> dict[str, np.ndarray]:
    position = np.array([v.position for v in visits], float).reshape(-1, 2)
    return {
        "team": np.array([v.team for v in visits], np.int32),
        "at_us": np.array([v.at_s for v in visits], np.int64) * SECOND_US,
        "lon": position[:, 0].copy(),
        "lat": position[:, 1].copy(),
    }


def rows(mask: np.ndarray) -> set[int]:
    return set(np.flatnonzero(mask).tolist())


# visits that crowd together in place and time, so that every rule has something to find
crowded = st.lists(
    st.builds(
        V,
        team=st.integers(1, 2),
        at_s=st.one_of(st.integers(0, 40).map(lambda k: k * 240), st.integers(0, 200_000)),
        east_m=st.sampled_from([0.0, 3.0, 9.0, 14.0, 16.0, 19.0, 25.0, 700.0, 90_000.0]),
        north_m=st.sampled_from([0.0, 4.0, 12.0]),
        household=st.sampled_from([(2, 2, 0, 0, 0), (3, 2, 1, 0, 0), (1, 1, 0, 0, 0)]),
        first=st.sampled_from([True, True, True, False]),
        usable=st.sampled_from([True, True, True, False]),
        slack_m=st.sampled_from([0.0, 8.0, 100.0]),
    ),
    max_size=60,
).map(in_order)


@settings(max_examples=150, deadline=None)
@given(crowded)
def test_impossible_speed_is_what_comes_after_a_leap(visits):
    seen = [(k, v) for k, v in enumerate(visits) if v.usable]
    want = set()
    for (_, a), (k, b) in itertools.pairwise(seen):
        beyond = metres(a, b) - a.slack_m - b.slack_m
        if a.team == b.team and beyond > 500 and (a.at_s == b.at_s or beyond / (b.at_s - a.at_s) * 3.6 > 60):
            want.add(k)

    slack, usable = np.array([v.slack_m for v in visits]), np.array([v.usable for v in visits], bool)
    asked, _, _ = fast.impossible_speed(**columns(visits), slack_m=slack, usable=usable, over_m=500, over_kmh=60)

    assert rows(asked) == want


@settings(max_examples=150, deadline=None)
@given(crowded)
def test_pace_is_everybody_in_an_hour_that_is_too_full(visits):
    want = set()
    for team in (1, 2):
        mine = [(k, v.at_s) for k, v in enumerate(visits) if v.team == team and v.first]
        for _, start in mine:
            hour = [k for k, at in mine if start <= at <= start + 3600]
            want |= set(hour) if len(hour) > 5 else set()

    c = columns(visits)
    asked = fast.crowded_hour(c["team"], c["at_us"], np.array([v.first for v in visits], bool), 5, 3600)

    assert rows(asked) == want


@settings(max_examples=150, deadline=None)
@given(crowded)
def test_stacked_is_everybody_in_a_full_window_around_a_centre(visits):
    counted = [k for k, v in enumerate(visits) if v.first and v.usable]
    want = set()
    for c in counted:
        near = [k for k in counted if visits[k].team == visits[c].team and metres(visits[k], visits[c]) <= 15]
        for start in (visits[k].at_s for k in near):
            window = [k for k in near if start <= visits[k].at_s <= start + 7200]
            want |= set(window) if c in window and len(window) > 6 else set()

    mask = np.array([v.first and v.usable for v in visits], bool)
    asked = fast.stacked(**columns(visits), counted=mask, more_than=6, within_m=15, within_s=7200)

    assert rows(asked) == want


@settings(max_examples=150, deadline=None)
@given(crowded)
def test_repeated_household_is_a_door_with_two_stories(visits):
    def tell_apart(a: V, b: V) -> bool:
        other_day = a.team != b.team or a.day != b.day
        return a.household != b.household and abs(a.at_s - b.at_s) > 900 and other_day

    want = {
        k for k, a in enumerate(visits) if any(tell_apart(a, b) and metres(a, b) <= 20 for b in visits)
    }  # fmt: skip

    c = columns(visits)
    key = fast.household_key(np.array([v.household for v in visits], np.int32).reshape(-1, 5))
    everybody = np.ones(len(visits), bool)
    day = np.array([v.day for v in visits], np.int64)
    asked = fast.repeated_households(
        c["team"], day, c["at_us"], c["lon"], c["lat"], key, everybody, within_m=20, apart_s=900
    )

    assert rows(asked) == want


steps = st.tuples(
    st.sampled_from([(60, 0.0), (63, 2.0), (60, 4.0), (70, 0.0), (60, 7.0)]), st.sampled_from([0, 0, 0, 1])
)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=40), st.integers(0, 40))
def test_copied_is_a_run_with_a_beat(walk, second_team_from):
    at, east, visits = 0, 0.0, []
    for k, ((seconds, metres_on), number) in enumerate(walk):
        at, east = at + seconds, east + metres_on
        visits.append(V(1 if k < second_team_from else 2, at, east, 0.0, household=(2, 2 - number, number, 0, 0)))
    want = set()
    for k in range(len(visits) - 4):
        run = visits[k : k + 5]
        pairs = list(itertools.pairwise(run))
        gaps = [b.at_s - a.at_s for a, b in pairs]
        if (
            all(a.team == b.team and a.household == b.household and metres(a, b) <= 5 for a, b in pairs)
            and max(abs(g - median(gaps)) for g in gaps) <= 5
        ):
            want |= set(range(k, k + 5))

    counts = np.array([v.household for v in visits], np.int32).reshape(-1, 5)
    usable = np.ones(len(visits), bool)
    asked = fast.copied_rows(**columns(visits), counts=counts, usable=usable, at_least=5, within_m=5, beat_s=5)

    assert rows(asked) == want


near_a_tie = st.integers(-180_000_000, 180_000_000).map(lambda k: k / 1e6 + 5e-7)
coordinates = st.one_of(
    st.floats(-180, 180), near_a_tie, st.integers(-18_000_000_000, 18_000_000_000).map(lambda k: k / 1e8)
)


@settings(max_examples=500)
@given(st.lists(coordinates, min_size=1, max_size=50))
def test_six_decimals_are_those_that_would_be_printed(degrees):
    printed = [round(float(f"{d:.6f}") * 1e6) for d in degrees]

    assert fast.printed_micros(np.array(degrees, float)).tolist() == printed


def test_the_same_position_three_times_is_asked_about_but_not_two_times_each_by_two_teams():
    lon = np.array([71.1234561, 71.1234562, 71.1234564, 71.1234561, 71.1234566])
    team, lat = np.array([1, 1, 1, 2, 2]), np.full(5, 34.0)

    asked = fast.repeated_positions(team, lon, lat, np.ones(5, bool), at_least=3)

    assert rows(asked) == {0, 1, 2}
    assert Counter(f"{x:.6f}" for x in lon)["71.123456"] == 4


@pytest.mark.parametrize("spread_m", [0.0, 4.0])
def test_three_hundred_thousand_visits_on_one_spot_are_judged_in_seconds(spread_m):
    """A phone that is stuck at one place, with or without its usual tremor."""
    n, rng = 300_000, np.random.default_rng(1)
    at_us = np.sort(rng.integers(0, 4 * 86_400, n)) * SECOND_US
    lon, lat = LON + rng.normal(0, spread_m / 92_000, n), LAT + rng.normal(0, spread_m / 111_000, n)
    team, everybody = np.ones(n, np.int32), np.ones(n, bool)
    counts = rng.integers(0, 9, (n, 5)).astype(np.int32)

    stack = fast.stacked(team, at_us, lon, lat, everybody, 6, 15, 7200)
    again = fast.repeated_households(
        team, at_us // (86_400 * SECOND_US), at_us, lon, lat, fast.household_key(counts), everybody, 20, 900
    )
    same = fast.repeated_positions(team, lon, lat, everybody, 3)

    assert stack.mean() > 0.999
    assert again.mean() > 0.999
    assert same.all() == (spread_m == 0)


def test_the_order_of_rows_does_not_matter_to_households():
    rng = random.Random(3)
    visits = [
        V(
            rng.randint(1, 3),
            rng.randint(0, 4 * 86_400),
            rng.uniform(0, 60),
            rng.uniform(0, 60),
            (rng.randint(1, 4),) * 5,
        )
        for _ in range(400)
    ]
    shuffled = rng.sample(range(400), 400)

    def asked(order):
        some = [visits[k] for k in order]
        c = columns(some)
        key = fast.household_key(np.array([v.household for v in some], np.int32))
        day = np.array([v.day for v in some])
        mask = fast.repeated_households(
            c["team"], day, c["at_us"], c["lon"], c["lat"], key, np.ones(400, bool), 20, 900
        )
        return {order[k] for k in rows(mask)}

    assert asked(list(range(400))) == asked(shuffled)
