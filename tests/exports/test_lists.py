"""Lists taken out: who may have which, what a file holds and says of itself, and that no text runs as a formula."""

import csv
import io
import json
import sqlite3

import pyarrow.parquet as pq
import pytest
import python_calamine
import shapely
from sqlalchemy import text

from tests.read_only_round import a_told_round
from tracker.database import transaction
from tracker.exports.lists import LISTS
from tracker.exports.taking_out import FORMATS

EVERY = [(name, how) for name in LISTS for how in FORMATS]


@pytest.fixture(scope="module")
def told(cluster, template):
    with a_told_round(cluster, template) as round_:
        yield round_


@pytest.fixture
def client(told):
    return told.client


@pytest.fixture
def cast(told):
    return told.headers


def taken(client, headers, address: str):
    answer = client.get(f"/campaigns/{address}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


def rows_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


@pytest.mark.parametrize("name", LISTS)
def test_what_lies_elsewhere_does_not_exist_for_dawar(client, cast, name):
    of_another_round = client.get(f"/campaigns/PESHAWAR/lists/{name}.csv", headers=cast["Dawar"])
    of_an_area = client.get(f"/campaigns/BOTH/lists/{name}.csv?area=PK201", headers=cast["Dawar"])
    own = taken(client, cast["Dawar"], f"BOTH/lists/{name}.csv").text

    assert of_another_round.status_code == 404
    assert of_an_area.status_code == (404 if "area" in LISTS[name].filters else 422)
    assert not any(code in own for code in ("KILI", "BANDA", "PK201\n", "PK20101", "T1,"))


@pytest.mark.parametrize(("name", "how"), EVERY)
def test_every_list_comes_in_every_format(client, cast, name, how):
    answer = taken(client, cast["Amina"], f"BOTH/lists/{name}.{how}")

    assert answer.data
    assert answer.headers["Content-Type"] == FORMATS[how].media_type
    assert f"BOTH-{name}-" in answer.headers["Content-Disposition"]


def test_an_observer_gets_no_visits_and_no_small_target(client, cast):
    refused = client.get("/campaigns/BOTH/lists/visits.csv", headers=cast["Farid"])
    rows = {row["code"]: row for row in rows_of(taken(client, cast["Farid"], "BOTH/lists/settlements.csv"))}

    assert refused.status_code == 403
    assert rows["KILI"]["target"] == "40"
    assert rows["BANDA"]["target"] == rows["BANDA"]["unreached"] == rows["BANDA"]["status"] == ""
    assert "targets under 10 are left out" in rows["KILI"]["base"]


def test_a_team_gets_its_own_visits(client, cast):
    rows = rows_of(taken(client, cast["Bilal"], "BOTH/lists/visits.csv"))

    assert [row["team"] for row in rows] == ["T1", "T1"]


def test_no_text_runs_as_a_formula(client, cast):
    settlements = {row["code"]: row for row in rows_of(taken(client, cast["Amina"], "BOTH/lists/settlements.csv"))}
    notes = {row["note"] for row in rows_of(taken(client, cast["Amina"], "BOTH/lists/visits.csv"))}

    assert settlements["KILI"]["name"] == "'=1+1"
    assert notes == {"'@SUM(A1)", ""}


def test_each_row_says_filter_base_time_and_person(client, cast):
    rows = rows_of(taken(client, cast["Amina"], "BOTH/lists/settlements.csv?area=PK201&status=not_started"))

    assert rows == []  # their days are over: nothing has not started
    (first, *_rest) = rows_of(taken(client, cast["Amina"], "BOTH/lists/settlements.csv?area=PK201"))
    assert first["filter"] == "area = PK201 (own areas)"
    assert "target_fixed: as published with the microplan" in first["base"]
    assert first["as_of"].endswith("+05:00")
    assert first["taken_by"] == "amina@example.org"


def test_the_byte_order_mark_comes_on_wish(client, cast):
    plain = taken(client, cast["Amina"], "BOTH/lists/teams.csv").data
    marked = taken(client, cast["Amina"], "BOTH/lists/teams.csv?bom=yes").data

    assert not plain.startswith(b"\xef\xbb\xbf")
    assert marked.startswith(b"\xef\xbb\xbf")
    assert marked[3:].splitlines()[0] == plain.splitlines()[0]


def test_a_filter_that_the_list_does_not_heed_is_refused(client, cast):
    unheeded = client.get("/campaigns/BOTH/lists/teams.csv?status=missed", headers=cast["Amina"])
    unknown = client.get("/campaigns/BOTH/lists/settlements.csv?status=red", headers=cast["Amina"])

    assert unheeded.status_code == unknown.status_code == 422


def test_the_same_settlements_in_every_format(client, cast, tmp_path):
    files = {how: taken(client, cast["Amina"], f"BOTH/lists/settlements.{how}").data for how in FORMATS}
    for how, data in files.items():
        (tmp_path / f"list.{how}").write_bytes(data)

    told = {row["code"]: int(row["target"]) for row in csv.DictReader(io.StringIO(files["csv"].decode()))}
    features = json.loads(files["geojson"])["features"]
    sheet = python_calamine.load_workbook(tmp_path / "list.xlsx").get_sheet_by_name("settlements").to_python()
    table = pq.read_table(tmp_path / "list.parquet")
    with sqlite3.connect(tmp_path / "list.gpkg") as database:
        package = dict(database.execute("SELECT code, target FROM settlements"))
        about = dict(database.execute("SELECT name, value FROM about"))
        (columns,) = database.execute("SELECT count(*) FROM data_dictionary").fetchone()

    assert told == {"KILI": 40, "BANDA": 9}
    assert {f["properties"]["code"]: f["properties"]["target"] for f in features} == told
    assert {row[0]: row[sheet[0].index("target")] for row in sheet[1:]} == told
    assert dict(zip(table["code"].to_pylist(), table["target"].to_pylist(), strict=True)) == package == told
    assert about["taken_by"] == "amina@example.org"
    assert columns == len(LISTS["settlements"].columns)


def test_a_geoparquet_places_its_rows(client, cast, tmp_path):
    (tmp_path / "areas.parquet").write_bytes(taken(client, cast["Amina"], "BOTH/lists/areas.parquet").data)

    table = pq.read_table(tmp_path / "areas.parquet")
    geo = json.loads(table.schema.metadata[b"geo"])
    outlines = [shapely.from_wkb(shape) for shape in table["geometry"].to_pylist() if shape]

    assert geo["primary_column"] == "geometry"
    assert geo["columns"]["geometry"]["encoding"] == "WKB"
    assert {shape.geom_type for shape in outlines} == {"MultiPolygon"}
    assert json.loads(table.schema.metadata[b"rasai"])["about"]["campaign"] == "BOTH"


def test_who_took_what_out_stands_in_the_audit_trail(client, cast):
    taken(client, cast["Amina"], "BOTH/lists/visits.csv?team=T1")

    with transaction() as session:
        newest = text("SELECT thing, facts FROM audit_entry WHERE action = 'take out' ORDER BY id DESC LIMIT 1")
        entry = session.execute(newest).one()
    assert entry == ("BOTH/visits", {"format": "csv", "filter": {"team": "T1"}})


def test_the_page_offers_what_the_role_may_have(client, cast):
    coordinator = client.get("/campaigns/BOTH/lists", headers=cast["Amina"]).text
    observer = client.get("/campaigns/BOTH/lists", headers=cast["Farid"]).text

    assert "lists/visits.csv" in coordinator
    assert "lists/visits.csv" not in observer
    assert "lists/settlements.gpkg" in observer


def test_numbers_equal_the_report(client, cast):
    report = client.get("/api/v1/campaigns/BOTH/coverage?level=settlement", headers=cast["Amina"]).json["rows"]
    rows = {row["code"]: row for row in rows_of(taken(client, cast["Amina"], "BOTH/lists/settlements.csv"))}

    for row in (row for row in report if row["code"]):
        for key in ("target", "visits", "vaccinated", "vaccinated_confirmed", "unreached", "still_missed", "cells"):
            assert int(rows[row["code"]][key]) == row[key], (row["code"], key)
        assert rows[row["code"]]["status"] == row["status"]
