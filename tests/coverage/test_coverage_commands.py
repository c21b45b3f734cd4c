"""Coverage by command line: every format, exit codes, and output that is a document and nothing else."""

import csv
import io
import json

import pytest
from click.testing import CliRunner
from flask.cli import ScriptInfo
from sqlalchemy import text

from tests.builders import (
    FIRST_DAY,
    IN_PESHAWAR,
    a_hamlet,
    a_plan,
    a_round,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tracker import create_app
from tracker.coverage.shareable_map import LEAFLET
from tracker.database import transaction


@pytest.fixture
def flask(database):
    """Run one of our commands; (exit code, standard output, standard error)."""
    app = create_app()

    def run(*words):
        info = ScriptInfo(create_app=lambda: app)
        result = CliRunner().invoke(app.cli, [str(word) for word in words], obj=info)
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture(autouse=True)
def _a_round(flask):
    with transaction() as session:
        ground = the_ground(session)
        kili = a_hamlet(session, "KILI", under_five=40, name="=1+1", name_ur="کلی")
        a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000), under_five=25)
        november = a_round(session, "NOV")
        team = a_team(session, november, "T1", ground.peshawar_tehsil)
        a_plan(session, november, (team, FIRST_DAY, kili, 40))
        a_visit(session, team, kili, eligible=3, vaccinated=2)
    code, out, _ = flask("coverage", "recount", "--campaign", "NOV", "--json")
    assert (code, json.loads(out)["different"]) == (0, 0)


@pytest.mark.parametrize("level", ["province", "district", "tehsil", "settlement", "team", "day"])
def test_a_report_is_one_document(flask, level):
    code, out, _ = flask("coverage", "report", "--campaign", "NOV", "--level", level, "--format", "json")

    report = json.loads(out)
    assert code == 0
    assert report.keys() == {"campaign", "level", "counted_at", "rows", "total"}
    assert report["total"]["vaccinated"] == sum(row["vaccinated"] for row in report["rows"]) == 2


def test_a_table_for_people_and_one_for_spreadsheets(flask):
    _, table, _ = flask("coverage", "report", "--campaign", "NOV", "--level", "district")
    _, sheet, _ = flask("coverage", "report", "--campaign", "NOV", "--level", "settlement", "--format", "csv")
    _, by_area, _ = flask("coverage", "report", "--campaign", "NOV", "--level", "tehsil", "--format", "csv")

    assert table.splitlines()[0].split()[:3] == ["code", "name", "settlements"]
    assert "Peshawar" in table
    rows = {row["code"]: row for row in csv.DictReader(io.StringIO(sheet))}
    assert rows["KILI"]["name"] == "'=1+1"  # a name must not become a formula
    assert rows["KILI"]["target"] == "40"
    assert {row["missed"] for row in csv.DictReader(io.StringIO(by_area))} == {"2", "0"}


@pytest.mark.parametrize(("level", "shape"), [("tehsil", "MultiPolygon"), ("settlement", "Point"), ("team", None)])
def test_the_same_rows_on_a_map(flask, level, shape):
    _, out, _ = flask("coverage", "report", "--campaign", "NOV", "--level", level, "--format", "geojson")

    features = json.loads(out)["features"]
    assert {feature["geometry"] and feature["geometry"]["type"] for feature in features} == {shape}
    assert sum(feature["properties"]["vaccinated"] for feature in features) == 2


def test_gaps_in_every_format(flask):
    found = {how: flask("coverage", "gaps", "--campaign", "NOV", "--limit", 1, "--format", how) for how in
             ("table", "csv", "json", "geojson")}  # fmt: skip

    assert {code for code, _, _ in found.values()} == {0}
    document = json.loads(found["json"][1])
    assert document.keys() == {"campaign", "rows"}
    assert [(row["rank"], row["code"], row["unreached"]) for row in document["rows"]] == [(1, "KILI", 38)]
    assert document["rows"][0]["reasons"] == {"no_visit": 37, "absent": 1, "refused": 0, "other": 0}
    assert next(csv.DictReader(io.StringIO(found["csv"][1])))["no_visit"] == "37"
    assert len(json.loads(found["geojson"][1])["features"]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ("report", "--campaign", "NONE", "--level", "district"),
        ("report", "--campaign", "NOV", "--level", "zone"),
        ("report", "--campaign", "NOV", "--level", "village"),
        ("report", "--campaign", "NOV", "--level", "team", "--until", "yesterday"),
        ("gaps", "--campaign", "NOV", "--limit", "0"),
    ],
)
def test_wrong_usage_ends_with_two_and_an_empty_output(flask, words):
    code, out, err = flask("coverage", *words)

    assert (code, out) == (2, "")
    assert err


def test_a_recount_that_finds_a_difference_ends_with_one_until_it_is_repaired(flask):
    with transaction() as session:
        session.execute(text("UPDATE coverage_count SET vaccinated = 99"))

    code, out, err = flask("coverage", "recount", "--campaign", "NOV", "--json")
    repaired = flask("coverage", "recount", "--campaign", "NOV", "--repair", "--json")

    assert (code, json.loads(out)["different"]) == (1, 1)
    assert "--repair" in err
    assert (repaired[0], json.loads(repaired[1])["repaired"]) == (0, 1)
    assert flask("coverage", "recount", "--campaign", "NOV")[0] == 0


def test_a_map_is_written_to_its_file(flask, tmp_path):
    if not LEAFLET.is_dir():
        pytest.skip("make setup has not installed Leaflet")
    out = tmp_path / "map.html"

    code, printed, _ = flask(
        "coverage", "map", "--campaign", "NOV", "--level", "settlement", "--made-by", "Amina", "--out", out
    )

    assert (code, printed) == (0, "")
    assert "Amina" in out.read_text(encoding="utf-8")
