"""GDAL's own reader, as QGIS uses it, copies a collection page by page into a GeoPackage: the same as the file."""

import json
import shutil
import sqlite3
import subprocess
import threading

import pytest
from werkzeug.serving import make_server

from tests.builders import IN_PESHAWAR, a_hamlet, a_person, a_round, a_team, a_token, metres_east_of, the_ground
from tests.coverage.counted import a_count
from tracker import create_app
from tracker.database import transaction
from tracker.exports.lists import LISTS

SETTLEMENTS, A_PAGE = 23, 10


@pytest.fixture
def served(database):
    """(address, headers, token) of a running server with a round of 23 settlements, some counted."""
    with transaction() as session:
        ground = the_ground(session)
        places = [
            a_hamlet(session, f"S{n:03}", metres_east_of(IN_PESHAWAR, 300 * n), under_five=20 + n)
            for n in range(SETTLEMENTS)
        ]
        campaign = a_round(session, "NOV")
        team = a_team(session, campaign, "T1", ground.peshawar_tehsil)
        for n, place in enumerate(places[:12]):
            a_count(session, campaign, team, place, vaccinated=2 * n)
        headers = a_token(session, a_person(session, "Amina", "coordinator", ground.peshawar))
    server = make_server("127.0.0.1", 0, create_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}", headers, headers["Authorization"].removeprefix("Bearer ")
    server.shutdown()
    thread.join()


@pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="ogr2ogr (Debian: gdal-bin) is not installed")
@pytest.mark.parametrize("collection", ["settlements_NOV", "areas_NOV"])
def test_ogr2ogr_copies_the_same_count_and_attributes(served, tmp_path, collection):
    address, headers, token = served
    kind = collection.partition("_")[0]
    out = tmp_path / "copied.gpkg"

    command = [
        "ogr2ogr", "-f", "GPKG", str(out), f"OAPIF:{address}/oapi", collection, "-oo", f"PAGE_SIZE={A_PAGE}",
        "--config", "GDAL_HTTP_HEADERS", f"Authorization: Bearer {token}", "-nln", kind,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    exported = create_app().test_client().get(f"/campaigns/NOV/lists/{kind}.geojson", headers=headers)
    expected = {f["properties"]["code"]: f for f in json.loads(exported.data)["features"]}
    expected.pop(None, None)  # what lies in no area has no outline, and is no feature
    with sqlite3.connect(out) as database:
        database.row_factory = sqlite3.Row
        rows = {row["code"]: dict(row) for row in database.execute(f"SELECT * FROM {kind}")}
    assert rows.keys() == expected.keys()
    names = [column.name for column in LISTS[kind].columns]
    for code, row in rows.items():
        copied = {name: _told(row[name]) for name in names}
        assert copied == {name: _told(expected[code]["properties"][name]) for name in names}


def _told(value):
    """GeoPackage keeps true as 1 and rounds no numbers; times lose what stands after the milliseconds."""
    if isinstance(value, bool):
        return int(value)
    return value
