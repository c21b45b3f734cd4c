"""Control land: shifted copies of the claim, clear of every claim, alike before planting."""

from datetime import date

import numpy as np
import pytest
import shapely

from geo.evidence.blocks import block_means, candidate_shifts, matching, step_m, steps_m
from geo.evidence.parameters import DEFAULTS
from geo.evidence.periods import Periods, in_season, periods, seasons_for

CLAIM = shapely.box(0, 0, 100, 50)


@pytest.mark.parametrize(
    ("width_m", "pixel_m", "metres"),
    [(60, 10, 120), (60.1, 10, 180), (100, 20, 180), (100, 30, 180), (100, 25, 225), (100, 5, 180)],
)
def test_copies_stand_sixty_metres_apart_on_whole_pixels(width_m, pixel_m, metres):
    assert step_m(width_m, pixel_m, DEFAULTS) == metres
    assert step_m(width_m, pixel_m, DEFAULTS) % pixel_m == 0


def test_a_claim_alone_has_a_hundred_and_twenty_candidates():
    assert len(candidate_shifts(CLAIM, steps_m(CLAIM, 10, DEFAULTS), [], None, DEFAULTS)) == 120


@pytest.mark.parametrize(("gap_m", "out"), [(30, True), (30.1, False)])
def test_a_candidate_within_thirty_metres_of_any_claim_is_out(gap_m, out):
    steps = steps_m(CLAIM, 10, DEFAULTS)  # 180 and 120
    other = shapely.box(180, 120 + 50 + gap_m, 280, 120 + 50 + gap_m + 10)  # just north of the copy one step aside

    shifts = candidate_shifts(CLAIM, steps, [other], None, DEFAULTS).tolist()

    assert ([1, 1] not in shifts) is out
    assert [-1, 1] in shifts


@pytest.mark.parametrize(("share", "out"), [(0.19, False), (0.21, True)])
def test_a_candidate_on_land_where_nothing_is_planted_is_out(share, out):
    lake = shapely.box(180, 120, 180 + 100 * share, 170)

    shifts = candidate_shifts(CLAIM, steps_m(CLAIM, 10, DEFAULTS), [], lake, DEFAULTS).tolist()

    assert ([1, 1] not in shifts) is out


def test_every_copy_is_measured_with_the_claims_own_weights():
    rng = np.random.default_rng(4)
    image, shares = rng.random((90, 90)), rng.random((5, 6))
    shifts = np.array([(0, 1), (2, -3), (-5, 5)])

    found = block_means(image, shares, (42, 42), (8, 8), shifts, DEFAULTS)

    for (east, north), mean in zip(shifts, found, strict=True):
        row, column = 42 - north * 8, 42 + east * 8
        assert mean == pytest.approx((image[row : row + 5, column : column + 6] * shares).sum() / shares.sum())


@pytest.mark.parametrize(("hidden", "seen"), [(4, True), (5, False)])
def test_a_block_of_which_a_fifth_is_hidden_still_counts(hidden, seen):
    image, shares = np.ones((60, 60)), np.ones((4, 5))  # twenty pixels, four of them are a fifth
    image[25, 25 : 25 + min(hidden, 4)] = np.nan
    image[26, 25 : 25 + hidden - min(hidden, 4)] = np.nan

    found = block_means(image, shares, (25, 25), (5, 5), np.array([(0, 0)]), DEFAULTS)

    assert np.isfinite(found[0]) == seen


def when(pre: int, post: int) -> Periods:
    dates = np.arange(pre + post)
    return Periods(dates < pre, dates >= pre)


def test_the_most_alike_come_first_then_the_nearest_at_most_thirty():
    shifts = np.array([(a, b) for a in range(-5, 6) for b in range(-5, 6) if (a, b) != (0, 0)])
    claim, blocks = np.full(13, 0.3), np.full((13, 120), 0.35)
    blocks[:, 7] = 0.31

    kept = matching(claim, blocks, shifts, when(8, 5), DEFAULTS)

    assert kept[0] == 7
    assert len(kept) == 30
    assert np.abs(shifts[kept[1:5]]).sum(1).tolist() == [1, 1, 1, 1]
    assert shifts[kept[1]].tolist() == [-1, 0]


@pytest.mark.parametrize(("apart", "kept"), [(0.10, 1), (0.1001, 0)])
def test_land_that_was_different_is_no_control(apart, kept):
    found = matching(np.full(13, 0.3), np.full((13, 1), 0.3 + apart), np.array([(1, 0)]), when(8, 5), DEFAULTS)

    assert len(found) == kept


@pytest.mark.parametrize(("dates", "kept"), [(6, 1), (5, 0)])
def test_a_block_needs_three_fifths_of_the_claims_dates(dates, kept):
    blocks = np.full((15, 1), 0.3)
    blocks[dates:10] = np.nan  # of ten before planting

    assert len(matching(np.full(15, 0.3), blocks, np.array([(1, 0)]), when(10, 5), DEFAULTS)) == kept


def ordinals(*days: date) -> np.ndarray:
    return np.array([day.toordinal() for day in days])


def test_the_seasons_begin_and_end_on_their_days():
    autumn, spring = DEFAULTS.seasons
    days = ordinals(date(2020, 9, 30), date(2020, 10, 1), date(2020, 12, 15), date(2020, 12, 16))

    assert in_season(days, autumn).tolist() == [False, True, True, False]
    days = ordinals(date(2021, 4, 14), date(2021, 4, 15), date(2021, 6, 20), date(2021, 6, 21))
    assert in_season(days, spring).tolist() == [False, True, True, False]


def test_walnuts_are_bare_in_autumn():
    assert seasons_for(["Walnut"], DEFAULTS) == DEFAULTS.seasons[1:]
    assert seasons_for(["chir pine"], DEFAULTS) == DEFAULTS.seasons


def test_before_is_three_years_and_after_begins_half_a_year_later():
    planted, as_of = date(2020, 8, 1), date(2023, 6, 1)
    days = ordinals(
        date(2017, 8, 1), date(2017, 8, 2), date(2020, 6, 1), date(2020, 6, 2),
        date(2020, 8, 1), date(2022, 4, 27), date(2022, 4, 26), date(2023, 6, 1), date(2023, 6, 2),
    )  # fmt: skip
    always = (((1, 1), (12, 31)),)

    found = periods(days, np.ones(len(days), bool), planted, as_of, always, DEFAULTS)

    assert found.pre.tolist() == [False, True, True, False, False, False, False, False, False]
    assert found.post.tolist() == [False, False, False, False, False, True, False, True, False]
