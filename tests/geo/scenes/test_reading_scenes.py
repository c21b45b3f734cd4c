"""Digital numbers become reflectance, masks become "not to be used", both become an index."""

from datetime import date

import numpy as np
import pytest

from geo.scenes.grid import Grid
from geo.scenes.images import look
from geo.scenes.indices import normalised
from geo.scenes.masks import grown, judge_mask
from geo.scenes.offsets import OffsetUnknown, baseline_of, offset_doubt, sentinel_2_offset_dn
from geo.scenes.reflectance import averaged, reflectance
from geo.scenes.scene import Band, Scene

LEFT, TOP = 700_020.0, 3_790_020.0
FINE = Grid(32642, LEFT, TOP, 10.0, 40, 40)
WIDE = Grid(32642, LEFT, TOP, 20.0, 20, 20)


# reflectance


@pytest.mark.parametrize(
    ("dn", "rho"),
    [(0, None), (799, None), (800, 1e-4), (1000, 1e-4), (2500, 0.15), (13_000, 1.2), (13_001, None), (65_535, None)],
)
def test_reflectance_has_limits_and_a_floor(dn, rho):
    found = reflectance(np.array([dn], np.uint16), 1e-4, -0.1, (0.0, 65_535.0))[0]

    assert np.isnan(found) if rho is None else found == pytest.approx(rho)


def test_a_fraction_that_is_no_number_is_not_used():
    assert np.isnan(reflectance(np.array([np.nan, np.inf]), 1.0, 0.0)).all()


def test_a_mean_of_four_needs_all_four():
    values = np.array([[0.1, 0.3, 0.2, np.nan], [0.1, 0.3, 0.2, 0.2]])

    means = averaged(values, 2)

    assert means[0, 0] == pytest.approx(0.2)
    assert np.isnan(means[0, 1])


def test_an_index_of_nothing_is_nothing():
    assert np.isnan(normalised(np.array([4e-7]), np.array([5e-7]))[0])
    assert normalised(np.array([0.25]), np.array([0.10]))[0] == pytest.approx(0.43, abs=0.002)


# the offset of Sentinel-2


@pytest.mark.parametrize(
    ("words", "offset"),
    [("03.01", 0), ("02.14", 0), ("03.99", 0), ("04.00", -1000), ("05.09", -1000), ("N0510", -1000), ("5.9", -1000)],
)
def test_the_baseline_tells_the_offset_whatever_the_date(words, offset):
    for day in (date(2016, 5, 1), date(2024, 5, 1)):
        assert sentinel_2_offset_dn(None, baseline_of(words), day) == offset


def test_what_is_told_comes_before_the_baseline():
    assert sentinel_2_offset_dn(0.0, (5, 9), date(2024, 5, 1)) == 0.0


def test_without_baseline_scenes_of_2022_are_refused_and_older_ones_have_none():
    assert sentinel_2_offset_dn(None, None, date(2022, 1, 24)) == 0.0
    with pytest.raises(OffsetUnknown):
        sentinel_2_offset_dn(None, None, date(2022, 1, 25))


@pytest.mark.parametrize("words", ["none", "five", "05.09.1", "99", "-1.0"])
def test_what_is_no_baseline(words):
    with pytest.raises(ValueError, match=words):
        baseline_of(words)


def land(count=400):
    return np.full(count, 0.12), np.full(count, 0.07), np.ones(count, bool)


@pytest.mark.parametrize(("dark", "doubt"), [(20, None), (21, "offset taken twice")])
def test_an_offset_taken_twice_shows_as_ground_that_is_too_dark(dark, doubt):
    red, blue, seen = land()
    red[:dark] = -0.011

    assert offset_doubt(red, blue, seen) == doubt


@pytest.mark.parametrize(("blue", "doubt"), [(0.11, None), (0.1101, "offset forgotten")])
def test_a_forgotten_offset_shows_as_ground_that_is_nowhere_dark(blue, doubt):
    red, _blue, seen = land()

    assert offset_doubt(red, np.full(400, blue), seen) == doubt


def test_too_little_land_tells_nothing():
    red, blue, seen = land(399)

    assert offset_doubt(red - 0.2, blue - 0.2, seen) is None


# masks


def unusable(kind, value):
    return bool(judge_mask(np.array([value]), kind).unusable[0])


@pytest.mark.parametrize(
    ("value", "not_used"),
    [(0, 1), (1, 1), (2, 1), (3, 1), (4, 0), (5, 0), (6, 0), (7, 0), (8, 1), (9, 1), (10, 1), (11, 1)],
)
def test_scl_classes(value, not_used):
    assert unusable("SCL", value) == bool(not_used)


def test_only_cloud_shadow_and_cirrus_of_scl_are_grown():
    assert np.flatnonzero(judge_mask(np.arange(12), "SCL").cloudy).tolist() == [3, 8, 9, 10]


@pytest.mark.parametrize(
    ("kind", "value", "not_used", "cloudy"),
    [
        ("QA_PIXEL", 1 << 6, False, False),  # clear
        ("QA_PIXEL", 1 << 0, True, False),  # fill
        ("QA_PIXEL", 1 << 1, True, False),  # dilated cloud
        ("QA_PIXEL", 1 << 2, True, True),  # cirrus
        ("QA_PIXEL", 1 << 3, True, True),  # cloud
        ("QA_PIXEL", 1 << 4, True, True),  # shadow
        ("QA_PIXEL", 1 << 5, True, False),  # snow
        ("QA_PIXEL", 1 << 7, False, False),  # water
        ("BQA", 2720, False, False),  # clear as published
        ("BQA", 1, True, False),
        ("BQA", 1 << 4, True, True),
        ("BQA", 3 << 5, True, True),
        ("BQA", 2 << 5, False, False),
        ("BQA", 3 << 7, True, True),
        ("BQA", 3 << 9, True, False),
        ("BQA", 3 << 11, True, True),
        ("PIXEL_QA", 322, False, False),  # clear as published
        ("PIXEL_QA", 1 << 3, True, True),
        ("PIXEL_QA", 1 << 4, True, False),
        ("PIXEL_QA", 1 << 5, True, True),
        ("PIXEL_QA", 0, True, False),
        ("PLAIN", 0, False, False),
        ("PLAIN", 1, True, True),
        ("PLAIN", 255, True, True),
    ],
)
def test_masks_of_other_sensors(kind, value, not_used, cloudy):
    judged = judge_mask(np.array([value]), kind)

    assert (bool(judged.unusable[0]), bool(judged.cloudy[0])) == (not_used, cloudy)


@pytest.mark.parametrize(("pixel_m", "count"), [(10.0, 113), (20.0, 29), (30.0, 13)])
def test_clouds_grow_by_sixty_metres_in_a_disc(pixel_m, count):
    cloudy = np.zeros((21, 21), bool)
    cloudy[10, 10] = True

    found = grown(cloudy, pixel_m)

    row, column = np.nonzero(found)
    assert found.sum() == count
    assert np.hypot(row - 10, column - 10).max() * pixel_m == 60


# together


class Rasters(dict):
    """Bands by name of file; reading hands over a part."""

    def __call__(self, band: Band, part: Grid) -> np.ndarray:
        row, column = band.grid.window_of(part)
        assert row >= 0
        assert column >= 0
        return self[band.file][row : row + part.rows, column : column + part.columns]


def a_scene(rasters: Rasters, *, scl: np.ndarray | None = None, swir: bool = True) -> Scene:
    rng = np.random.default_rng(5)
    bands = {}
    for name, low in (("blue", 600), ("green", 900), ("red", 1200), ("nir", 2500)):
        rasters[name] = rng.integers(low, low + 300, (40, 40))
        bands[name] = Band(name, 1, FINE, (0.0,), 1e-4, 0.0)
    if swir:
        for name in ("swir1", "swir2"):
            rasters[name] = rng.integers(2000, 2300, (20, 20))
            bands[name] = Band(name, 1, WIDE, (0.0,), 1e-4, 0.0)
    rasters["SCL"] = np.full((20, 20), 4) if scl is None else scl
    return Scene(1, "s", date(2020, 5, 1), "sentinel-2-l2a", ("x",), bands, Band("SCL", 1, WIDE), "SCL")


def test_short_wave_indices_are_made_at_twenty_metres_of_averaged_bands():
    rasters = Rasters()
    scene = a_scene(rasters)

    seen = look(scene, FINE.bounds, rasters)

    assert sorted(seen.fine.indices) == ["ndvi", "ndwi"]
    assert sorted(seen.coarse.indices) == ["bsi", "mndwi", "nbr", "ndmi"]
    nir = rasters["nir"].reshape(20, 2, 20, 2).mean((1, 3)) * 1e-4
    assert seen.coarse.indices["nbr"] == pytest.approx(normalised(nir, rasters["swir2"] * 1e-4))
    assert seen.fine.indices["ndvi"] == pytest.approx(normalised(rasters["nir"] * 1e-4, rasters["red"] * 1e-4))


def test_without_short_wave_bands_there_are_only_fine_indices():
    rasters = Rasters()

    seen = look(a_scene(rasters, swir=False), FINE.bounds, rasters)

    assert seen.coarse is None


def test_a_part_is_the_same_as_that_part_of_the_whole():
    rasters = Rasters()
    scl = np.full((20, 20), 4)
    scl[7, 7] = 9
    scene = a_scene(rasters, scl=scl)
    bounds = (LEFT + 100, TOP - 230, LEFT + 180, TOP - 150)

    whole, part = look(scene, FINE.bounds, rasters), look(scene, bounds, rasters)

    for images, others in ((part.fine, whole.fine), (part.coarse, whole.coarse)):
        inside = images.grid.within(bounds)
        for name, values in images.indices.items():
            row, column = images.grid.window_of(inside)
            there, left = others.grid.window_of(inside)
            mine = values[row : row + inside.rows, column : column + inside.columns]
            its = others.indices[name][there : there + inside.rows, left : left + inside.columns]
            np.testing.assert_array_equal(mine, its)


def test_a_mask_of_another_place_leaves_nothing():
    rasters = Rasters()
    scene = a_scene(rasters)
    elsewhere = Grid(32642, LEFT + 50_000, TOP, 20.0, 20, 20)
    scene = Scene(**{**vars(scene), "mask": Band("SCL", 1, elsewhere)})

    assert np.isnan(look(scene, FINE.bounds, rasters).fine.indices["ndvi"]).all()


def test_a_scene_that_does_not_reach_there_shows_nothing():
    rasters = Rasters()

    assert look(a_scene(rasters), (0.0, 0.0, 10.0, 10.0), rasters) is None


# grids


def test_pixels_of_two_scenes_of_a_lattice_lie_on_each_other():
    other = Grid(32642, LEFT + 1_230.0, TOP - 40.0, 10.0, 7, 9)

    assert other.lattice == FINE.lattice
    assert other.coarser(2).lattice == FINE.coarser(2).lattice
    assert Grid(32642, LEFT + 5, TOP, 10.0, 4, 4).lattice != FINE.lattice


def test_coarser_pixels_leave_out_what_is_left_over_at_the_edges():
    odd = Grid(32642, LEFT + 10, TOP - 10, 10.0, 7, 8)

    coarse = odd.coarser(2)

    assert (coarse.rows, coarse.columns) == (3, 3)
    assert coarse.left_m % 20 == FINE.left_m % 20 == 0


def test_a_bound_on_an_edge_touches_no_pixel_beyond():
    assert FINE.within((LEFT, TOP - 20, LEFT + 10, TOP)) == Grid(32642, LEFT, TOP, 10.0, 2, 1)
    assert FINE.within((LEFT - 100, TOP, LEFT - 50, TOP + 10)) is None
