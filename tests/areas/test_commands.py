"""Areas and settlements by command line: exit codes, JSON, rejects files."""

import csv
import json

import pytest
from click.testing import CliRunner

from tests.builders import a_round
from tracker import create_app
from tracker.accounts.models import AuditEntry
from tracker.coverage.models import CampaignSettlement
from tracker.database import transaction

DISTRICTS = (("PK201", "پشاور", 71), ("PK202", "Bannu", 70))


@pytest.fixture
def flask(database):
    """Run one of our commands; (exit code, standard output, standard error)."""
    app = create_app()

    def run(*words):
        result = CliRunner().invoke(app.cli, [str(word) for word in words], obj=_script_info(app))
        return result.exit_code, result.stdout, result.stderr

    return run


def _script_info(app):
    from flask.cli import ScriptInfo

    return ScriptInfo(create_app=lambda: app)


def districts(tmp_path, *rows, name="districts.geojson"):
    """A file of districts, one degree wide: (code, name, west)."""
    document = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"P": code, "N": title},
                "geometry": {
                    "type": "Polygon",
                    "coordinates": [[[w, 33], [w + 1, 33], [w + 1, 34], [w, 34], [w, 33]]],
                },
            }
            for code, title, w in rows
        ],
    }
    file = tmp_path / name
    file.write_text(json.dumps(document), encoding="utf-8")
    return file


NAMED = ("--level", "district", "--code-field", "P", "--name-field", "N")


def test_areas_are_imported_and_listed(flask, tmp_path):
    file, rejects = districts(tmp_path, *DISTRICTS), tmp_path / "rejects.csv"

    code, out, _ = flask("areas", "import", file, *NAMED, "--vintage", "2025-01-01", "--rejects", rejects, "--json")
    listed = json.loads(flask("areas", "list", "--json")[1])

    summary = json.loads(out)
    assert code == 0
    assert list(summary) == ["read", "created", "updated", "unchanged", "repaired", "rejected", "seconds"]
    assert summary["created"] == 2
    assert rejects.read_text().strip() == "row,field,rule,message"
    assert [(a["code"], a["name"], a["level"], a["parent"], a["vintage"]) for a in listed] == [
        ("PK201", "پشاور", "district", None, "2025-01-01"),
        ("PK202", "Bannu", "district", None, "2025-01-01"),
    ]
    assert listed[0]["area_km2"] == pytest.approx(10_306.2, abs=0.1)


def test_an_import_that_changes_something_stands_in_the_audit_trail(flask, tmp_path):
    file = districts(tmp_path, *DISTRICTS)

    for _ in range(2):
        flask("areas", "import", file, *NAMED, "--vintage", "2025-01-01")

    with transaction() as session:
        entry = session.query(AuditEntry).one()
        assert (entry.action, entry.kind, entry.thing) == ("import", "areas", "district of 2025-01-01")
        assert (entry.facts["file"], entry.facts["created"], entry.person_id) == ("districts.geojson", 2, None)


def test_without_a_vintage_the_newest_is_meant(flask, tmp_path):
    flask("areas", "import", districts(tmp_path, *DISTRICTS), *NAMED, "--vintage", "2020-01-01")
    flask("areas", "import", districts(tmp_path, *DISTRICTS), *NAMED, "--vintage", "2022-01-01")

    out = flask("areas", "import", districts(tmp_path, ("PK203", "Swat", 73)), *NAMED, "--json")[1]

    assert json.loads(out)["created"] == 1
    assert {a["vintage"] for a in json.loads(flask("areas", "list", "--json")[1])} == {"2022-01-01"}
    assert len(json.loads(flask("areas", "list", "--vintage", "2020-01-01", "--json")[1])) == 2


def test_refused_rows_end_with_1_and_are_written_as_read(flask, tmp_path):
    file, rejects = districts(tmp_path, *DISTRICTS, ("PK201", "Again", 75)), tmp_path / "rejects.csv"

    code, out, err = flask("areas", "import", file, *NAMED, "--rejects", rejects, "--json")

    row = next(csv.DictReader(rejects.open(encoding="utf-8", newline="")))
    assert (code, json.loads(out)["rejected"], json.loads(out)["created"]) == (1, 1, 0)
    assert (row["P"], row["N"], row["row"], row["field"], row["rule"]) == ("PK201", "Again", "3", "P", "duplicate_code")
    assert row["message"] in err
    assert json.loads(flask("areas", "list", "--json")[1]) == []


def test_keep_good_takes_the_rest_and_ends_with_3(flask, tmp_path):
    file = districts(tmp_path, *DISTRICTS, ("PK201", "Again", 75))

    code, out, _ = flask("areas", "import", file, *NAMED, "--keep-good", "--json")

    assert (code, json.loads(out)["created"]) == (3, 2)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--level", "village", "--code-field", "P", "--name-field", "N"), 2, "--level"),
        (("--level", "district", "--code-field", "NO", "--name-field", "N"), 2, "it has P, N"),
        ((*NAMED, "--vintage", "yesterday"), 2, "--vintage"),
        ((*NAMED, "--layer", "nowhere"), 1, "there is no layer nowhere"),
    ],
)
def test_wrong_usage_is_told(flask, tmp_path, words, code, says):
    got, out, err = flask("areas", "import", districts(tmp_path, *DISTRICTS), *words)

    assert (got, out) == (code, "")
    assert says in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_read_ends_with_1_and_one_sentence(flask, tmp_path):
    (tmp_path / "noise.gpkg").write_bytes(b"\x00noise" * 100)

    code, out, err = flask("areas", "import", tmp_path / "noise.gpkg", *NAMED, "--json")

    assert (code, out) == (1, "")
    assert err.startswith("Error: noise.gpkg is of no known format.")


def test_settlements_come_as_a_table_too_and_reach_the_open_round(flask, tmp_path):
    flask("areas", "import", districts(tmp_path, *DISTRICTS), *NAMED)
    with transaction() as session:
        november = a_round(session).id
    table = tmp_path / "settlements.csv"
    table.write_text('code,name,x,y,u5\nA,"<b>Kili</b>",71.5,33.5,40\nB,Garhi,70.5,33.5,10\n', encoding="utf-8")
    words = ("--code-field", "code", "--name-field", "name", "--under-five-field", "u5", "--lon", "x", "--lat", "y")

    code, out, _ = flask("settlements", "import", table, *words, "--json")

    assert (code, json.loads(out)["created"]) == (0, 2)
    with transaction() as session:
        rows = session.query(CampaignSettlement).filter_by(campaign_id=november)
        assert sorted(row.target for row in rows) == [10, 40]


def test_a_settlement_without_position_is_refused(flask, tmp_path):
    table, rejects = tmp_path / "settlements.csv", tmp_path / "rejects.csv"
    table.write_text("code,name,lon,lat\nA,Kili,71.5,33.5\nB,Garhi,,\n")
    words = ("--code-field", "code", "--name-field", "name", "--rejects", rejects)

    code, _, err = flask("settlements", "import", table, *words)

    assert code == 1
    assert "row 2, geometry (no_place)" in err
    assert next(csv.DictReader(rejects.open()))["code"] == "B"
