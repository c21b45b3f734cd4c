"""A scene is taken in once, kept as COGs of our own, and can be found by place and day."""

import json
from datetime import date

import numpy as np
import pystac
import pytest
from sqlalchemy import text

from geo.scenes.images import look
from tests.imagery.raster_files import BANDS, LEFT, SIDE, TOP, digital_numbers, mask_file, write_raster
from tracker.accounts.scope import SERVER
from tracker.errors import NotFound
from tracker.imagery.adding import NotSuspect, add_scene, decide, listed
from tracker.imagery.catalogue import as_catalogue, find_scenes, scene_of, usable_scenes
from tracker.imagery.opening import Reader, opened, rasterio
from tracker.imagery.place import scenes_dir
from tracker.imagery.stac import wish_from_item
from tracker.imagery.wish import Wish

DAY = date(2020, 5, 5)


@pytest.fixture
def place(session, tmp_path, monkeypatch):
    """Scenes are kept in a folder of this test's own."""
    monkeypatch.setenv("RASAI_LOCAL_DIR", str(tmp_path / "local"))
    return tmp_path


def a_wish(*files, **changes) -> Wish:
    return Wish(
        **{"files": files, "sensor": "sentinel-2-l2a", "day": DAY, "bands": BANDS, "baseline": "03.01"} | changes
    )


def the_scene(session, name="a"):
    return scene_of(next(row for row in find_scenes(session) if row.name == name))


def its_ndvi(scene):
    with Reader() as read:
        return look(scene, scene.grid.bounds, read).fine.indices["ndvi"]


def test_a_scene_is_kept_as_a_cog_and_read_again(session, place):
    added = add_scene(session, a_wish(write_raster(place / "a.tif"), mask_file=mask_file(place / "m.tif")))

    assert (added.scene, added.outcome, added.status) == ("a", "created", "usable")
    scene = the_scene(session)
    with opened(scenes_dir() / scene.bands["red"].file) as dataset:
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    dn = digital_numbers().astype(float)
    assert its_ndvi(scene) == pytest.approx((dn[2] - dn[1]) / (dn[2] + dn[1]))


def test_the_same_again_changes_nothing(session, place):
    wish = a_wish(write_raster(place / "a.tif"))
    add_scene(session, wish)

    assert add_scene(session, wish).outcome == "unchanged"
    assert len(find_scenes(session)) == 1


def test_the_same_file_with_another_baseline_replaces_what_was_said(session, place):
    file = write_raster(place / "a.tif", digital_numbers() + 1000)
    add_scene(session, a_wish(file))

    added = add_scene(session, a_wish(file, baseline="05.09"))

    assert added.outcome == "updated"
    assert the_scene(session).bands["red"].offset == pytest.approx(-0.1)
    assert added.old_folder is not None


def test_two_scenes_of_one_file_name_have_two_names(session, place):
    (place / "other").mkdir()
    add_scene(session, a_wish(write_raster(place / "a.tif")))

    added = add_scene(session, a_wish(write_raster(place / "other" / "a.tif", digital_numbers() + 7)))

    assert added.scene.startswith("a-")


@pytest.mark.parametrize(
    ("given", "kept"), [("a\0b", "a_b"), ("x\udcff\n", "x__"), ("خیبر", "خیبر"), (" ", "scene"), ("y" * 900, "y" * 200)]
)
def test_any_name_can_be_kept(session, place, given, kept):
    assert add_scene(session, a_wish(write_raster(place / "a.tif"), name=given)).scene == kept


def test_a_raster_with_its_first_row_in_the_south_is_turned(session, place):
    south = rasterio.Affine(10, 0, LEFT, 0, 10, TOP - SIDE * 10)
    rows = digital_numbers() + (np.arange(SIDE, dtype=np.uint16) * 3)[:, None]
    north = write_raster(place / "north.tif", rows)
    upside_down = write_raster(place / "south.tif", np.ascontiguousarray(rows[:, ::-1]), transform=south)

    added = add_scene(session, a_wish(upside_down))
    add_scene(session, a_wish(north))

    assert "south-up" in added.notes[0]
    assert the_scene(session, "south").grid == the_scene(session, "north").grid
    np.testing.assert_array_equal(its_ndvi(the_scene(session, "south")), its_ndvi(the_scene(session, "north")))


@pytest.mark.parametrize(
    ("added_dn", "baseline", "doubt"),
    [
        (0, "05.09", "offset taken twice"),
        (1000, "03.01", "offset forgotten"),
        (1000, "05.09", None),
        (0, "03.01", None),
    ],
)
def test_a_wrong_offset_makes_a_scene_suspect(session, place, added_dn, baseline, doubt):
    file = write_raster(place / "a.tif", digital_numbers() + added_dn)

    added = add_scene(session, a_wish(file, baseline=baseline, mask_file=mask_file(place / "m.tif")))

    assert (added.status, added.reason) == (("suspect", doubt) if doubt else ("usable", None))
    outline = scene_outline(session)
    assert len(usable_scenes(session, [outline], DAY)) == (0 if doubt else 1)


def scene_outline(session):
    from geoalchemy2.shape import to_shape

    return to_shape(find_scenes(session)[0].footprint)


def test_a_person_decides_about_a_suspect_scene_once(session, place):
    file = write_raster(place / "a.tif", digital_numbers() + 1000)
    add_scene(session, a_wish(file, mask_file=mask_file(place / "m.tif")))

    row = decide(session, SERVER, "a", use=True, reason="bright salt flat")

    assert (row.status, row.reason) == ("usable", "bright salt flat")
    assert session.scalar(text("SELECT action FROM audit_entry ORDER BY id DESC LIMIT 1")) == "decide"
    with pytest.raises(NotSuspect):
        decide(session, SERVER, "a", use=False, reason="again")
    with pytest.raises(NotFound):
        decide(session, SERVER, "nowhere", use=True, reason="x")


def test_without_infrared_or_with_eight_bits_a_scene_is_only_shown(session, place):
    no_nir = add_scene(session, a_wish(write_raster(place / "a.tif"), bands=(("red", 2), ("blue", 1))))
    byte = write_raster(place / "b.tif", (digital_numbers() // 16).astype(np.uint8))
    named = (("blue", 1), ("red", 2), ("nir", 3))
    eight_bits = add_scene(session, a_wish(byte, sensor="plain", baseline=None, bands=named))

    assert no_nir.status == eight_bits.status == "shown"
    assert "infrared" in no_nir.reason
    assert "8-bit" in eight_bits.reason


def test_offsets_stand_in_the_products_metadata_by_band(session, place):
    metadata = place / "MTD_MSIL2A.xml"
    offsets = "".join(f'<BOA_ADD_OFFSET band_id="{k}">{-1000 - k}</BOA_ADD_OFFSET>' for k in (1, 3, 7))
    metadata.write_text(f"<x><PROCESSING_BASELINE>03.00</PROCESSING_BASELINE>{offsets}</x>")
    file = write_raster(place / "a.tif", digital_numbers() + 1000)

    add_scene(session, a_wish(file, day=date(2023, 5, 5), baseline=None, metadata=metadata))

    bands = the_scene(session).bands
    assert [round(bands[name].offset, 6) for name in ("blue", "red", "nir")] == [-0.1001, -0.1003, -0.1007]


@pytest.mark.parametrize("offset", [-0.1, -1000.0])
def test_an_offset_may_be_told_in_reflectance_or_as_a_digital_number(session, place, offset):
    add_scene(session, a_wish(write_raster(place / "a.tif", digital_numbers() + 1000), offset=offset))

    assert the_scene(session).bands["nir"].offset == pytest.approx(-0.1)


def test_a_stac_item_tells_files_bands_and_offsets(session, place):
    for k, name in enumerate(("blue", "red", "nir")):
        write_raster(place / f"{name}.tif", digital_numbers()[k : k + 1] + 1000)
    mask_file(place / "scl.tif")
    told = {"raster:bands": [{"scale": 1e-4, "offset": -0.1, "nodata": 0}]}
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2B_42SXC_20230505_0_L2A",
        "collection": "sentinel-2-l2a",
        "bbox": [71, 34, 71.1, 34.1],
        "links": [],
        "properties": {"datetime": "2023-05-05T06:00:00Z"},
        "geometry": {"type": "Point", "coordinates": [71, 34]},
        "assets": {
            **{name: {"href": f"./{name}.tif", **told} for name in ("blue", "red", "nir")},
            "scl": {"href": "scl.tif"},
        },
    }
    (place / "item.json").write_text(json.dumps(item))

    added = add_scene(session, wish_from_item(place / "item.json"))

    scene = the_scene(session, "S2B_42SXC_20230505_0_L2A")
    assert added.status == "usable"
    assert (scene.sensor, scene.day, scene.mask_kind) == ("sentinel-2-l2a", date(2023, 5, 5), "SCL")
    dn = digital_numbers().astype(float)
    assert its_ndvi(scene) == pytest.approx((dn[2] - dn[1]) / (dn[2] + dn[1]))


def test_scenes_are_found_by_place_and_day(session, place):
    for k, day in enumerate((date(2019, 5, 1), date(2020, 5, 1), date(2021, 5, 1))):
        add_scene(session, a_wish(write_raster(place / f"{k}.tif", digital_numbers() + k), day=day))

    here = find_scenes(session)[0].item["bbox"]

    assert [row["scene"] for row in listed(find_scenes(session, bounds=here))] == ["0", "1", "2"]
    assert [row.name for row in find_scenes(session, since=date(2020, 5, 1), until=date(2020, 12, 31))] == ["1"]
    assert find_scenes(session, bounds=(0.0, 0.0, 1.0, 1.0)) == []


def test_the_catalogue_is_stac_that_others_can_read(session, place):
    add_scene(session, a_wish(write_raster(place / "a.tif"), mask_file=mask_file(place / "m.tif")))

    as_catalogue(find_scenes(session), place / "stac", scenes_dir())

    item = next(iter(pystac.Catalog.from_file(str(place / "stac" / "catalog.json")).get_items()))
    assert item.id == "a"
    assert item.datetime.date() == DAY
    assert item.assets["0"].extra_fields["proj:code"] == "EPSG:32642"
    with opened(scenes_dir() / item.assets["0"].href) as dataset:
        assert dataset.count == 3
