"""Does the test of team-days leave honest work alone, and see a day that was written at a desk?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.patterns import TeamDays, digit_chi2, gap_variation, p_values, significant


def honest_days(rng: np.random.Generator, days: int) -> TeamDays:
    """Team-days of 20 to 60 doors: scattered positions, uneven gaps, missed children who come together."""
    visits = rng.integers(20, 61, days)
    group = np.repeat(np.arange(days), visits)
    n = len(group)
    lon, lat = 71.5 + rng.uniform(0, 0.004, n), 34.0 + rng.uniform(0, 0.004, n)
    at_us = np.cumsum(rng.gamma(1.5, 400, n) * 1e6).astype(np.int64)
    eligible = visits * 2
    missed = rng.binomial(eligible, rng.beta(1.2, 16, days))
    return TeamDays(
        visits,
        digit_chi2(lon.round(7), lat.round(7), group, days),
        gap_variation(at_us, group, days),
        eligible,
        missed,
    )


def unlike_real_work(days: TeamDays) -> np.ndarray:
    """Judged as one round, everybody else's days being the neighbours."""
    others = days.eligible.sum() - days.eligible, days.missed.sum() - days.missed
    return significant(p_values(days, *others, miss_rate_above=0.03), level=0.001)


def test_honest_days_are_left_alone():
    rounds = [unlike_real_work(honest_days(np.random.default_rng(seed), 300)) for seed in range(40)]

    assert np.mean(rounds) < 0.001
    assert np.mean([r.any() for r in rounds]) < 0.1


@pytest.mark.parametrize("sign", ["digits", "gaps"])
def test_a_day_at_the_desk_stands_out(sign):
    days = honest_days(np.random.default_rng(7), 300)
    if sign == "digits":
        rounded = 71.5 + np.arange(40) * 5e-5
        days.digit_chi2[3] = digit_chi2(rounded, rounded - 37, np.zeros(40, int), 1)[0]
    else:
        beat = np.arange(40) * 600_000_000 + np.random.default_rng(1).integers(-3, 3, 40) * 1_000_000
        days.gap_variation[3] = gap_variation(beat, np.zeros(40, int), 1)[0]

    assert np.flatnonzero(unlike_real_work(days)).tolist() == [3]


def test_nobody_missed_among_many_is_odd_only_where_the_neighbours_miss_some():
    rng = np.random.default_rng(2)
    eligible = np.full(200, 200)
    missed = rng.binomial(eligible, 0.12)
    missed[0] = 0
    unknown = np.full(200, np.nan)
    days = TeamDays(np.full(200, 100), unknown, unknown, eligible, missed)
    others = eligible.sum() - eligible, missed.sum() - missed

    assert np.flatnonzero(p_values(days, *others, 0.03) < 1e-6).tolist() == [0]
    assert (p_values(days, *others, 0.2) == 1).all()


def test_digits_are_those_that_are_printed():
    lon, lat = np.full(20, 71.1234567), np.full(20, 34.7654321)

    # all twenty in one of ten cells, on both axes: 2 × (20²·10/20 − 20)
    assert digit_chi2(lon, lat, np.zeros(20, int), 1)[0] == pytest.approx(360)
    assert np.isnan(digit_chi2(lon[:19], lat[:19], np.zeros(19, int), 1)[0])


@given(st.lists(st.floats(0, 1), max_size=40), st.sampled_from([0.001, 0.05, 0.5]))
def test_benjamini_hochberg_is_the_largest_step_that_holds(p, level):
    ranked = sorted(p)
    steps = [k for k in range(1, len(p) + 1) if ranked[k - 1] < level * k / len(p)]
    limit = ranked[steps[-1] - 1] if steps else -1.0

    assert significant(np.array(p, float), level).tolist() == [x <= limit for x in p]


def test_no_days_at_all():
    nothing = np.empty(0)
    whole = np.empty(0, int)

    p = p_values(TeamDays(whole, nothing, nothing, whole, whole), whole, whole, 0.03)

    assert significant(p, 0.001).tolist() == []
