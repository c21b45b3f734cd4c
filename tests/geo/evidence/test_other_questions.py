"""Open before, prepared, kept, plantable: each on its threshold and one past it."""

import numpy as np
import pytest

from geo.evidence.kept import first_loss, judge_kept
from geo.evidence.open_before import judge_open_before
from geo.evidence.parameters import DEFAULTS
from geo.evidence.plantable import judge_plantable
from geo.evidence.prepared import judge_prepared
from geo.evidence.series import Means, Series

PLANTED = 10_000
ALL_YEAR = (((1, 1), (6, 30)), ((7, 1), (12, 31)))
BLOCKS = np.arange(12)


def a_series(days, claim, *, control=0.25, swir=None, pixels=None, wet=None, snow=None, clear=1.0) -> Series:
    """A claim and twelve blocks on these days; one value for all days, or one for each."""
    count = len(days)

    def means(values, around):
        blocks = np.repeat(np.broadcast_to(around, count)[:, None], 12, axis=1).astype(float)
        return Means(np.broadcast_to(values, count).astype(float), np.full(count, clear), blocks)

    its = {"ndvi": means(claim, control)}
    if swir is not None:
        its |= {"nbr": means(swir, 0.1), "bsi": means(0.0, 0.0)}
    ndvi = np.broadcast_to(claim if pixels is None else pixels, (4, count)).T if np.ndim(pixels) < 2 else pixels
    return Series(
        np.array(days), np.ones(count), np.zeros(count) if snow is None else snow, np.zeros((12, 2), int), its,
        np.ones(4), np.array(ndvi), np.zeros((count, 4), np.int8) if wet is None else wet,
    )  # fmt: skip


# open before


def before(green: float, layer: float | None = None, *, days=None, trees_in=4):
    """The verdict where `trees_in` of four pixels had that NDVI before planting, the others 0.2."""
    days = np.arange(PLANTED - 900, PLANTED - 100, 50) if days is None else days
    pixels = np.full((len(days), 4), 0.2)
    pixels[:, :trees_in] = green
    series = a_series(days, 0.25, pixels=pixels)
    return judge_open_before(series, np.ones(len(days), bool), PLANTED, ALL_YEAR, layer)


@pytest.mark.parametrize(("green", "verdict"), [(0.45, "contradicts"), (0.449, "supports")])
def test_closed_forest_before_planting(green, verdict):
    assert before(green).verdict == verdict


def test_one_brown_day_is_no_clearing_two_are():
    days = np.arange(PLANTED - 900, PLANTED - 100, 50)
    pixels = np.full((len(days), 4), 0.5)
    pixels[0] = 0.1
    one = a_series(days, 0.25, pixels=pixels.copy())
    pixels[1] = 0.1
    two = a_series(days, 0.25, pixels=pixels)

    verdicts = [judge_open_before(s, np.ones(len(days), bool), PLANTED, ALL_YEAR, None).verdict for s in (one, two)]

    assert verdicts == ["contradicts", "supports"]


@pytest.mark.parametrize(
    ("trees_in", "layer", "verdict"),
    [
        (0, 0.10, "supports"),
        (0, 0.11, "cannot tell"),
        (0, 0.30, "cannot tell"),  # layer and scenes against each other
        (1, 0.10, "cannot tell"),  # a quarter
        (2, 0.11, "contradicts"),
        (2, 0.10, "cannot tell"),
        (4, None, "contradicts"),
    ],
)
def test_layer_and_scenes_together(trees_in, layer, verdict):
    assert before(0.5, layer, trees_in=trees_in).verdict == verdict


def test_where_no_season_is_brown_only_a_layer_can_tell():
    days = np.arange(PLANTED - 900, PLANTED - 100, 50)
    green_everywhere = a_series(days, 0.5, control=0.5)
    pre = np.ones(len(days), bool)

    assert judge_open_before(green_everywhere, pre, PLANTED, ALL_YEAR, None).verdict == "cannot tell"
    assert judge_open_before(green_everywhere, pre, PLANTED, ALL_YEAR, 0.5).verdict == "contradicts"
    assert judge_open_before(None, np.empty(0, bool), PLANTED, ALL_YEAR, 0.0).verdict == "supports"


# prepared


def worked(fall: float, days_low: int, apart_days: int = 20):
    """Three years of quiet, then `days_low` days in a row that much browner, around planting."""
    quiet = list(range(PLANTED - 900, PLANTED - 130, 40))
    around = [PLANTED - 100 + k * apart_days for k in range(8)]
    claim = np.full(len(quiet) + 8, 0.25)
    claim[len(quiet) + 2 : len(quiet) + 2 + days_low] -= fall
    series = a_series(quiet + around, claim)
    return judge_prepared(series, BLOCKS, series.days < PLANTED - 130, PLANTED)


@pytest.mark.parametrize(
    ("fall", "days_low", "verdict"), [(0.051, 2, "supports"), (0.049, 2, "cannot tell"), (0.2, 1, "cannot tell")]
)
def test_ground_is_bare_on_two_dates_in_a_row(fall, days_low, verdict):
    assert worked(fall, days_low).verdict == verdict


# kept


def a_loss(fall: float, days_low: int, *, swir: bool = True, at: int = 30):
    """Four years of scenes every twenty days, with a fall after planting."""
    days = np.arange(PLANTED, PLANTED + 1400, 20)
    values = np.full(len(days), 0.1)
    values[at : at + days_low] -= fall
    series = a_series(days, values if not swir else 0.25, swir=values if swir else None, control=0.1)
    return judge_kept(series, BLOCKS, PLANTED, int(days[-1]))


@pytest.mark.parametrize(
    ("fall", "days_low", "verdict"), [(0.101, 2, "contradicts"), (0.099, 2, "supports"), (0.5, 1, "supports")]
)
def test_a_fall_of_a_tenth_on_two_dates_is_a_loss(fall, days_low, verdict):
    assert a_loss(fall, days_low).verdict == verdict


def test_the_day_of_the_loss_is_the_first_of_the_two():
    assert a_loss(0.2, 3).numbers["first_day"] == "0030-01-08"
    assert a_loss(0.2, 3).numbers["fall"] == pytest.approx(-0.2)


def test_without_short_wave_infrared_fire_is_seen_but_its_absence_is_not():
    assert a_loss(0.2, 2, swir=False).verdict == "contradicts"
    assert a_loss(0.0, 0, swir=False).verdict == "cannot tell"


@pytest.mark.parametrize(("gap_days", "verdict"), [(90, "supports"), (91, "cannot tell")])
def test_a_gap_of_over_three_months_hides_a_fire(gap_days, verdict):
    end = PLANTED + 1000
    days = np.array([*range(PLANTED, end - 300, 20), *range(end - 210 - (300 - 210 - 90), end, 15)])
    days = days[(days <= end - 300) | (days >= end - 300 + gap_days)]
    days = np.unique([*days, end - 300, end - 300 + gap_days, end])
    series = a_series(days, 0.25, swir=0.1)

    assert judge_kept(series, BLOCKS, PLANTED, end).verdict == verdict


def test_six_dates_of_memory_are_needed():
    days, values = np.arange(PLANTED + 1, PLANTED + 161, 20), np.full(8, 0.1)
    values[5:7] = -0.3

    assert first_loss(days, values, PLANTED, DEFAULTS) is None  # the first fall has five before it
    days, values = np.arange(PLANTED + 1, PLANTED + 181, 20), np.full(9, 0.1)
    values[6:8] = -0.3
    assert first_loss(days, values, PLANTED, DEFAULTS) == (6, pytest.approx(-0.4))


def test_snow_is_no_loss():
    days = np.arange(PLANTED, PLANTED + 1400, 20)
    nbr, snow = np.full(len(days), 0.1), np.zeros(len(days))
    nbr[30:32], snow[30:32] = -0.4, 0.06

    assert judge_kept(a_series(days, 0.25, swir=nbr, snow=snow), BLOCKS, PLANTED, int(days[-1])).verdict == "supports"


# plantable


def on_land(*, wet_days: int = 0, green: float = 0.3, built: float | None = 0.0, age: float = 5.0, days: int = 20):
    when = np.arange(PLANTED, PLANTED + days * 40, 40)
    wet = np.zeros((days, 4), np.int8)
    wet[:wet_days] = 1
    return judge_plantable(a_series(when, green, wet=wet), built, age)


@pytest.mark.parametrize(
    ("land", "verdict"),
    [
        ({}, "supports"),
        ({"wet_days": 10}, "contradicts"),  # on half of the dates
        ({"wet_days": 9}, "supports"),
        ({"green": 0.119}, "contradicts"),
        ({"green": 0.121}, "supports"),
        ({"green": 0.119, "age": 2.9}, "cannot tell"),
        ({"built": 0.5}, "contradicts"),
        ({"built": 0.05}, "supports"),
        ({"built": 0.06}, "cannot tell"),
        ({"built": None}, "cannot tell"),
        ({"days": 5}, "cannot tell"),
    ],
)
def test_water_rock_and_towns_are_not_plantable(land, verdict):
    assert on_land(**land).verdict == verdict
