"""Strangers' rasters: each fault has its own words, and nothing of them is kept, fetched or opened.

A server on loopback and a file nearby stand for what a raster must not make us touch.
"""

import ctypes
import http.server
import json
import os
import signal
import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select

from tests.imagery.raster_files import BANDS, LEFT, TOP, digital_numbers, mask_file, vrt, with_header_side, write_raster
from tracker.imagery import opening
from tracker.imagery.adding import add_scene
from tracker.imagery.models import SceneRow
from tracker.imagery.opening import rasterio
from tracker.imagery.place import scenes_dir
from tracker.imagery.refusals import WHY, SceneRefused
from tracker.imagery.stac import wish_from_item
from tracker.imagery.wish import Wish

DAY = date(2020, 5, 5)
IN_OPEN, IN_NONBLOCK = 0x20, 0o4000


@pytest.fixture
def place(session, tmp_path, monkeypatch):
    """Scenes are kept in a folder of this test's own."""
    monkeypatch.setenv("RASAI_LOCAL_DIR", str(tmp_path / "local"))
    return tmp_path


class Canaries:
    """What must not be touched: an address, and a file."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_error(404)

            do_HEAD = do_POST = do_GET

            def log_message(self, *_words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.file = write_raster(folder / "canary.tif")
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.watch = self.libc.inotify_init1(IN_NONBLOCK)
        self.libc.inotify_add_watch(self.watch, os.fsencode(self.file), IN_OPEN)

    def touched(self) -> bool:
        try:
            opened = bool(os.read(self.watch, 65_536))
        except BlockingIOError:
            opened = False
        return opened or bool(self.asked)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        os.close(self.watch)


@pytest.fixture
def canaries(place):
    both = Canaries(place)
    yield both
    both.close()


def a_wish(*files: Path, **changes) -> Wish:
    return Wish(
        **{"files": files, "sensor": "sentinel-2-l2a", "day": DAY, "bands": BANDS, "baseline": "03.01"} | changes
    )


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def turned(degrees: float):
    return rasterio.Affine(10, 0, LEFT, 0, -10, TOP) @ rasterio.Affine.rotation(degrees)


PLAIN = {"sensor": "plain", "bands": (("red", 2), ("nir", 3)), "baseline": None, "scale": 1e-4}
STRANGE = {  # name: (rule, how it is made in a folder beside the canaries)
    "no such file": ("no_file", lambda at, _c: a_wish(at / "absent.tif")),
    "an address": ("no_file", lambda _at, c: a_wish(Path(f"/vsicurl/{c.url}/y.tif"))),
    "a plain address": ("no_file", lambda _at, c: a_wish(Path(f"{c.url}/z.tif"))),
    "a folder": ("no_file", lambda at, _c: a_wish(at)),
    "an empty file": ("not_tiff", lambda at, _c: a_wish(written(at / "e.tif", b""))),
    "a web page": ("not_tiff", lambda at, _c: a_wish(written(at / "p.tif", "<!doctype html><p>not found"))),
    "a picture": ("not_tiff", lambda at, _c: a_wish(written(at / "p.tif", b"\x89PNG\r\n\x1a\n" + bytes(200)))),
    "a VRT that names an address": (
        "not_tiff", lambda at, c: a_wish(written(at / "v.tif", vrt(f"/vsicurl/{c.url}/x.tif")))),
    "a VRT that names a file": ("not_tiff", lambda at, c: a_wish(written(at / "v.tif", vrt(str(c.file))))),
    "a zip": ("not_tiff", lambda at, _c: a_wish(written(at / "z.tif", b"PK\3\4" + bytes(60)))),
    "only four bytes of a TIFF": ("unreadable", lambda at, _c: a_wish(written(at / "f.tif", b"II*\0"))),
    "a TIFF of noise": ("unreadable", lambda at, _c: a_wish(written(at / "n.tif", b"II*\0" + bytes(range(256)) * 9))),
    "half of a file": (
        "truncated", lambda at, _c: a_wish(written(at / "h.tif", write_raster(at / "g.tif").read_bytes()[:30_000]))),
    "a header of two million pixels a side": (
        "too_large", lambda at, _c: a_wish(with_header_side(write_raster(at / "g.tif"), at / "b.tif", 2_000_000))),
    "no coordinate system": ("no_crs", lambda at, _c: a_wish(write_raster(at / "a.tif", crs=None))),
    "rotated": ("rotated", lambda at, _c: a_wish(write_raster(at / "a.tif", transform=turned(20)))),
    "sheared": (
        "rotated",
        lambda at, _c: a_wish(write_raster(at / "a.tif", transform=rasterio.Affine(10, 3, LEFT, 0, -10, TOP)))),
    "in degrees": (
        "not_projected",
        lambda at, _c: a_wish(
            write_raster(at / "a.tif", crs="EPSG:4326", transform=rasterio.Affine(1e-4, 0, 71, 0, -1e-4, 34)))),
    "in feet": ("not_projected", lambda at, _c: a_wish(write_raster(at / "a.tif", crs="EPSG:2263"))),
    "pixels that are not square": (
        "not_square",
        lambda at, _c: a_wish(write_raster(at / "a.tif", transform=rasterio.Affine(10, 0, LEFT, 0, -20, TOP)))),
    "pixels of 60 m": (
        "coarse",
        lambda at, _c: a_wish(write_raster(at / "a.tif", transform=rasterio.Affine(60, 0, LEFT, 0, -60, TOP)))),
    "neither nodata nor mask": ("no_nodata", lambda at, _c: a_wish(write_raster(at / "a.tif", nodata=None), **PLAIN)),
    "a plain raster without scale": (
        "no_scale", lambda at, _c: a_wish(write_raster(at / "a.tif"), **PLAIN | {"scale": None})),
    "a scale that is no number": (
        "not_finite", lambda at, _c: a_wish(write_raster(at / "a.tif"), **PLAIN | {"scale": float("nan")})),
    "a scale of nothing": ("not_finite", lambda at, _c: a_wish(write_raster(at / "a.tif"), **PLAIN | {"scale": 0.0})),
    "an offset without end": (
        "not_finite", lambda at, _c: a_wish(write_raster(at / "a.tif"), **PLAIN | {"offset": float("inf")})),
    "bands on two grids": (
        "other_grid",
        lambda at, _c: a_wish(
            write_raster(at / "a.tif"),
            write_raster(at / "b.tif", digital_numbers(1), transform=rasterio.Affine(10, 0, LEFT + 5, 0, -10, TOP)),
            bands=(*BANDS, ("B11", 4)))),
    "a mask of another place": (
        "mask_elsewhere",
        lambda at, _c: a_wish(write_raster(at / "a.tif"), mask_file=mask_file(at / "m.tif", left=LEFT + 50_000))),
    "a mask in another coordinate system": (
        "mask_elsewhere",
        lambda at, _c: a_wish(
            write_raster(at / "a.tif"),
            mask_file=write_raster(at / "m.tif", np.full((1, 96, 96), 4, np.uint8), crs="EPSG:32643"))),
    "fewer bands than named": ("few_bands", lambda at, _c: a_wish(write_raster(at / "a.tif"), bands=(("B04", 9),))),
    "band number nought": ("few_bands", lambda at, _c: a_wish(write_raster(at / "a.tif"), bands=(("B04", 0),))),
    "no bands": ("no_bands", lambda at, _c: a_wish(write_raster(at / "a.tif"), bands=())),
    "a band twice": (
        "twice", lambda at, _c: a_wish(write_raster(at / "a.tif"), bands=(("red", 1), ("B04", 2), ("B08", 3)))),
    "an unknown band": ("unknown_band", lambda at, _c: a_wish(write_raster(at / "a.tif"), bands=(("ndvi", 1),))),
    "an unknown mask": (
        "unknown_mask", lambda at, _c: a_wish(write_raster(at / "a.tif"), mask_band=3, mask_name="QA_PIXEL")),
    "tomorrow": (
        "future",
        lambda at, _c: a_wish(write_raster(at / "a.tif"), day=datetime.now(UTC).date() + timedelta(days=1))),
    "before there were satellites": (
        "ancient", lambda at, _c: a_wish(write_raster(at / "a.tif"), day=date(1950, 1, 1))),
    "no baseline after January 2022": (
        "offset_unknown", lambda at, _c: a_wish(write_raster(at / "a.tif"), day=date(2023, 5, 5), baseline=None)),
    "a baseline in words": ("bad_baseline", lambda at, _c: a_wish(write_raster(at / "a.tif"), baseline="new")),
    "metadata without an offset": (
        "bad_metadata",
        lambda at, _c: a_wish(write_raster(at / "a.tif"), baseline=None, metadata=written(at / "MTD.xml", "<x/>"))),
}  # fmt: skip


@pytest.mark.parametrize("name", STRANGE)
def test_each_fault_has_its_words_and_nothing_is_kept(session, place, canaries, name):
    rule, make = STRANGE[name]
    folder = place / "given"
    folder.mkdir()
    wish = make(folder, canaries)
    canaries.touched()  # what making the files opened

    with pytest.raises(SceneRefused) as refused:
        add_scene(session, wish)

    assert refused.value.rule == rule
    assert str(refused.value) != ""
    assert not canaries.touched()
    assert session.scalar(select(func.count()).select_from(SceneRow)) == 0
    assert list(scenes_dir().glob("*")) == []


def test_every_reason_is_tried_here_or_needs_a_machine_that_breaks():
    tried = {rule for rule, _make in STRANGE.values()}

    assert set(WHY) - tried == {"large_blocks", "memory", "crashed", "bad_item", "no_asset", "remote", "outside"}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, "no_file"),  # as it should be, but the files are not there
        ({"id": None}, "bad_item"),
        ({"type": "FeatureCollection"}, "bad_item"),
        ({"properties": {"datetime": "spring"}}, "bad_item"),
        ({"assets": {}}, "no_asset"),
        ({"assets": {"thumbnail": {"href": "t.png"}}}, "no_asset"),
        ({"assets": {"red": {"href": "http://127.0.0.1:9/red.tif"}}}, "remote"),
        ({"assets": {"red": {"href": "s3://bucket/red.tif"}}}, "remote"),
        ({"assets": {"red": {"href": "/vsicurl/http://127.0.0.1:9/red.tif"}}}, "remote"),
        ({"assets": {"red": {"href": "//host/red.tif"}}}, "remote"),
        ({"assets": {"red": {"href": "../../etc/passwd"}}}, "outside"),
        ({"assets": {"red": {"href": "%2e%2e/%2e%2e/etc/passwd"}}}, "outside"),
        ({"assets": {"red": {"href": "/etc/passwd"}}}, "outside"),
    ],
)
def test_a_stac_item_leads_only_to_files_beside_it(session, place, changes, rule):
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2A_42SXC_20200505_0_L2A",
        "collection": "sentinel-2-l2a",
        "bbox": [71, 34, 71.1, 34.1],
        "links": [],
        "properties": {"datetime": "2020-05-05T06:00:00Z"},
        "geometry": {"type": "Point", "coordinates": [71, 34]},
        "assets": {"red": {"href": "red.tif"}, "nir": {"href": "nir.tif"}},
    } | changes
    file = written(place / "item.json", json.dumps(item))

    with pytest.raises(SceneRefused) as refused:
        add_scene(session, wish_from_item(file))

    assert refused.value.rule == rule


def test_a_process_that_breaks_is_told_in_words(place):
    from tracker.imagery.apart import apart

    with pytest.raises(SceneRefused) as refused:
        apart(lambda: os.kill(os.getpid(), signal.SIGKILL) or {}, "evil.tif")
    assert refused.value.rule == "crashed"

    with pytest.raises(SceneRefused) as refused:
        apart(lambda: {"much": len(bytearray(6_000_000_000))}, "evil.tif")
    assert refused.value.rule == "memory"


def test_only_geotiff_is_ever_registered():
    assert opening.REGISTERED == opening.ALLOWED
