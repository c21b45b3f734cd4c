"""A gain is told from noise by treating each control block as if it were the claim."""

import dataclasses
from datetime import date

import numpy as np
import pytest

from geo.evidence.gain import (
    BELOW,
    DIVERGING,
    GAINED,
    GREENER,
    NO_TREND,
    TOO_NOISY,
    TOO_YOUNG,
    Estimate,
    estimate,
    judge_gain,
    look_again,
)
from geo.evidence.growth import FAST, gain_of
from geo.evidence.periods import Periods
from geo.evidence.series import Claimed

T, J = np.arange(12)[:, None], np.arange(16)[None]
CLAIM = np.round(0.25 + 0.03 * np.sin(0.9 * T) + 0.01 * np.cos(2.1 * T) + 0.11 * (T >= 7), 6)[:, 0]
BLOCKS = np.round(0.24 + 0.03 * np.sin(0.9 * T) + 0.02 * np.cos(1.7 * J) + 0.03 * np.sin(1.3 * T * (J + 1)), 6)
PRE = np.arange(12) < 7
POPLARS = Claimed(date(2018, 3, 10), "block", (("poplar", 1.0),), 1075, 1.0)


def five_year_old_poplars(_age, before):
    return gain_of(FAST, 5.0, 1075, before)


def the_estimate(claim=CLAIM, blocks=BLOCKS, when=None, expected=five_year_old_poplars):
    found = estimate(claim, blocks, np.arange(12), when or Periods(PRE, ~PRE), 0.0, expected)
    assert isinstance(found, Estimate)
    return found


def test_the_rules_own_example_gives_its_numbers():
    found = the_estimate()

    assert found.delta == pytest.approx(0.107986, abs=5e-7)
    assert found.s == pytest.approx(0.026650, abs=5e-7)
    assert found.nu == 6
    assert found.interval == pytest.approx((0.042775, 0.173197), abs=5e-7)
    assert found.mde == pytest.approx(0.089349, abs=5e-7)
    assert found.expected_gain == pytest.approx(0.091191, abs=5e-7)
    assert found.p_supports == pytest.approx(0.003356, abs=5e-7)
    assert judge_gain(found, POPLARS).verdict == "supports"
    assert judge_gain(found, POPLARS).reason == GAINED


def test_five_dates_before_are_too_few_and_six_are_enough():
    six, five = PRE & (np.arange(12) > 0), PRE & (np.arange(12) > 1)

    assert isinstance(estimate(CLAIM, BLOCKS, np.arange(12), Periods(six, ~PRE), 0, five_year_old_poplars), Estimate)
    assert estimate(CLAIM, BLOCKS, np.arange(12), Periods(five, ~PRE), 0, five_year_old_poplars) == (5, 5)


def test_a_date_with_seven_blocks_does_not_count():
    blocks = BLOCKS.copy()
    blocks[3, 7:] = np.nan  # seven are left

    assert the_estimate().pre_dates == 7
    assert the_estimate(blocks=blocks).pre_dates == 6


def test_the_spread_of_perfectly_equal_blocks_is_at_least_a_hundredth():
    equal = np.repeat(BLOCKS[:, :1], 16, axis=1)

    assert the_estimate(blocks=equal).s == 0.010


def changed(**numbers):
    """An estimate of a claim whose trees should have given 0.10."""
    usual = Estimate(0.0, 0.02, 6, (-0.05, 0.05), 0.07, 16, 5.0, 0.26, 0.10, None, None, False, 7, 5)
    return judge_gain(dataclasses.replace(usual, **numbers), POPLARS)


@pytest.mark.parametrize(
    ("numbers", "verdict", "reason"),
    [
        ({"diverging": True, "delta": 0.1, "interval": (0.05, 0.15)}, "cannot tell", DIVERGING),
        ({"delta": -0.01, "interval": (-0.07, 0.049)}, "contradicts", BELOW),
        ({"delta": -0.01, "interval": (-0.07, 0.051)}, "cannot tell", TOO_NOISY),
        ({"delta": -0.01, "interval": (-0.07, 0.049), "mde": 0.101}, "cannot tell", TOO_NOISY),
        ({"delta": 0.05, "interval": (0.001, 0.099)}, "supports", GAINED),
        ({"delta": 0.049, "interval": (0.001, 0.097)}, "cannot tell", TOO_NOISY),  # under half of what is expected
        ({"delta": 0.05, "interval": (-0.001, 0.101)}, "cannot tell", TOO_NOISY),
        ({"expected_gain": 0.034, "delta": 0.03, "interval": (0.01, 0.05)}, "cannot tell", TOO_YOUNG),
        ({"expected_gain": 0.036, "delta": 0.03, "interval": (0.01, 0.05)}, "supports", GAINED),
        ({"expected_gain": None, "delta": 0.03, "interval": (0.001, 0.06), "age": 1.0}, "supports", GREENER),
        ({"expected_gain": None, "delta": 0.029, "interval": (0.001, 0.06), "age": 1.0}, "cannot tell", NO_TREND),
        ({"expected_gain": None, "delta": 0.03, "interval": (0.001, 0.06), "age": 0.9}, "cannot tell", NO_TREND),
    ],
)
def test_the_first_verdict_that_fits(numbers, verdict, reason):
    found = changed(**numbers)

    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_gain_three_times_what_is_claimed_and_more_is_not_plausible():
    assert dataclasses.replace(the_estimate(), delta=0.41, expected_gain=0.10).implausible
    assert not dataclasses.replace(the_estimate(), delta=0.40, expected_gain=0.10).implausible


def test_a_claim_that_left_its_like_before_planting_is_not_judged():
    claim = CLAIM.copy()
    claim[4:7] += 0.2
    when = Periods(np.arange(12) < 8, np.arange(12) >= 7)  # eight dates before: four and four

    assert the_estimate(claim=claim, when=when).diverging
    assert not the_estimate(when=when).diverging


def test_it_says_when_to_look_again():
    young = dataclasses.replace(the_estimate(), mde=0.07, ndvi_before=0.26)

    assert look_again(young, POPLARS) == "2021-06-09"  # poplars of three and a quarter years give 0.035
    assert look_again(dataclasses.replace(young, mde=2.0), POPLARS) is None
