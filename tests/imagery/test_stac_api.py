"""Scenes are fetched from a STAC API only where a setting names one, and only what we read of them."""

import http.server
import json
import threading
from datetime import date

import pytest

from tests.imagery.raster_files import digital_numbers, mask_file, write_raster
from tracker.imagery.adding import add_scene
from tracker.imagery.searching import NoStacApi, StacApiSilent, fetch_scenes
from tracker.imagery.stac import wish_from_item

ASKED = ("sentinel-2-l2a", "sentinel-2-l2a", (71.0, 34.0, 71.1, 34.1), date(2023, 5, 1), date(2023, 5, 31), 5)


@pytest.fixture
def api(tmp_path):
    """A small STAC API on loopback with one scene; what it was asked for."""
    given, asked = tmp_path / "served", []
    given.mkdir()
    for k, name in enumerate(("red", "nir")):
        write_raster(given / f"{name}.tif", digital_numbers()[k + 1 : k + 2] + 1000)
    mask_file(given / "scl.tif")
    (given / "visual.tif").write_bytes(b"never fetched")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path.partition("?")[0])
            here = f"http://127.0.0.1:{self.server.server_port}"
            file = given / self.path.rpartition("/")[2]
            if file.suffix == ".tif" and file.exists():
                return self.answer(file.read_bytes())
            return self.answer(json.dumps(root(here) if self.path in ("", "/") else found(here)).encode())

        do_POST = do_GET

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def root(here):
    links = [{"rel": rel, "href": f"{here}/{path}"} for rel, path in (("self", ""), ("root", ""), ("search", "search"))]
    conforms = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
    return {
        "type": "Catalog",
        "stac_version": "1.0.0",
        "id": "api",
        "description": "d",
        "links": links,
        "conformsTo": conforms,
    }


def found(here):
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "S2B_42SXC_20230505",
        "collection": "sentinel-2-l2a",
        "bbox": [71, 34, 71.1, 34.1],
        "links": [],
        "properties": {"datetime": "2023-05-05T06:00:00Z", "s2:processing_baseline": "05.09"},
        "geometry": {"type": "Point", "coordinates": [71, 34]},
        "assets": {name: {"href": f"{here}/{name}.tif"} for name in ("red", "nir", "scl", "visual")},
    }
    return {"type": "FeatureCollection", "features": [item], "links": []}


def test_a_scene_is_fetched_and_taken_in(session, api, tmp_path, monkeypatch):
    address, asked = api
    monkeypatch.setenv("RASAI_LOCAL_DIR", str(tmp_path / "local"))
    monkeypatch.setenv("RASAI_STAC_API", address)

    (item,) = fetch_scenes(*ASKED, tmp_path / "fetched")
    added = add_scene(session, wish_from_item(item))

    assert (added.scene, added.status) == ("S2B_42SXC_20230505", "usable")
    assert "/visual.tif" not in asked
    list(fetch_scenes(*ASKED, tmp_path / "fetched"))
    assert asked.count("/red.tif") == 1  # it is there already


def test_without_the_setting_nothing_is_asked(monkeypatch, tmp_path):
    monkeypatch.delenv("RASAI_STAC_API", raising=False)

    with pytest.raises(NoStacApi):
        next(fetch_scenes(*ASKED, tmp_path))


def test_an_api_that_is_not_there_is_told_in_words(monkeypatch, tmp_path):
    monkeypatch.setenv("RASAI_STAC_API", "http://127.0.0.1:9/")

    with pytest.raises(StacApiSilent):
        next(fetch_scenes(*ASKED, tmp_path))
