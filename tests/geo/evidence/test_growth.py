"""How tall trees of an age are, how much ground they cover, and how green that makes it."""

import pytest

from geo.evidence.growth import FAST, SLOW, cover, expected_gain, gain_of, growth_of, height_m, is_fast


@pytest.mark.parametrize(("months", "metres"), [(12, 1.0), (24, 2.9), (27, 2.8)])
def test_eucalyptus_grows_as_measured_in_khyber_pakhtunkhwa(months, metres):
    assert height_m(FAST, months / 12) == pytest.approx(metres, abs=0.7)


@pytest.mark.parametrize(
    ("growth", "age", "gain"), [(FAST, 3, 0.03), (FAST, 5, 0.10), (SLOW, 7, 0.03), (SLOW, 12, 0.10)]
)
def test_what_trees_of_an_age_give(growth, age, gain):
    assert gain_of(growth, age, 1075, 0.25) == pytest.approx(gain, abs=0.012)


def test_crowns_cover_nine_tenths_at_most_and_nothing_before_planting():
    assert cover(FAST, 40, 2500) == 0.9
    assert cover(FAST, 40, 9000) == cover(FAST, 40, 2500)
    assert cover(FAST, -1, 1075) == 0.0


@pytest.mark.parametrize("name", ["Eucalyptus", "poplar", "Acacia nilotica", "shisham", "Eucalyptus camaldulensis"])
def test_fast_species_by_any_spelling(name):
    assert growth_of(name) is FAST


@pytest.mark.parametrize("name", ["chir pine", "Acacia modesta", "olive", "unknown"])
def test_everything_else_is_slow(name):
    assert growth_of(name) is SLOW


def test_mixed_claims_expect_the_mean_by_stems():
    fast, slow = (expected_gain("block", ((name, 1.0),), 1075, 1.0, 6.0, 0.25) for name in ("poplar", "oak"))

    mixed = expected_gain("block", (("poplar", 0.6), ("oak", 0.4)), 1075, 1.0, 6.0, 0.25)

    assert mixed == pytest.approx(0.6 * fast + 0.4 * slow)
    assert is_fast((("poplar", 0.5), ("oak", 0.5)))
    assert not is_fast((("poplar", 0.49), ("oak", 0.51)))


@pytest.mark.parametrize(
    ("kind", "stems"), [("enclosure", 1000), ("nursery", 1000), ("linear", 1000), ("block", None), ("block", 0)]
)
def test_nothing_is_expected_of_enclosures_nurseries_lines_or_without_stems(kind, stems):
    assert expected_gain(kind, (("poplar", 1.0),), stems, 1.0, 6.0, 0.25) is None


def test_land_that_is_as_green_as_a_canopy_gains_nothing():
    assert expected_gain("block", (("poplar", 1.0),), 1075, 1.0, 6.0, 0.70) == 0.0
