"""Numbers for DHIS2: by a mapping file, nothing guessed, nothing from elsewhere."""

import io
import json

import pytest

from tests.read_only_round import a_told_round
from tracker import create_app

MAPPING = {
    "level": "district", "dataSet": "pBOMPrpg1QX", "period": "monthly", "orgUnits": {"PK201": "O6uvpzGd5pu"},
    "dataElements": {
        "vaccinated": "f7n9E0hX8qk",
        "target": {"dataElement": "Ix2HsbDMLea", "categoryOptionCombo": "HllvX50cXC0"},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def told(cluster, template):
    with a_told_round(cluster, template) as round_:
        yield round_


def sent(told, who: str, mapping: dict, campaign: str = "BOTH"):
    file = (io.BytesIO(json.dumps(mapping).encode()), "mapping.json")
    return told.client.post(f"/campaigns/{campaign}/lists/dhis2", headers=told.headers[who], data={"mapping": file})


def test_what_lies_elsewhere_has_no_values_for_dawar(told):
    assert sent(told, "Dawar", MAPPING, "PESHAWAR").status_code == 404
    assert sent(told, "Dawar", MAPPING).json["dataValues"] == []


def test_values_are_the_numbers_of_the_report(told):
    answer = sent(told, "Admin", MAPPING)
    report = told.client.get("/api/v1/campaigns/BOTH/coverage?level=district", headers=told.headers["Admin"]).json
    peshawar = next(row for row in report["rows"] if row["code"] == "PK201")

    assert answer.json["dataSet"] == "pBOMPrpg1QX"
    assert answer.json["period"] == "202511"
    common = {"orgUnit": "O6uvpzGd5pu", "period": "202511"}
    assert answer.json["dataValues"] == [
        {**common, "dataElement": "f7n9E0hX8qk", "value": str(peshawar["vaccinated"])},
        {
            **common,
            "dataElement": "Ix2HsbDMLea",
            "categoryOptionCombo": "HllvX50cXC0",
            "value": str(peshawar["target"]),
        },
    ]
    assert "PK202" in answer.headers["X-Not-Mapped"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"dataElements": {"happiness": "f7n9E0hX8qk"}}, "dataElements.happiness"),
        ({"orgUnits": {"PK201": "short"}}, "orgUnits.PK201"),
        ({"colour": 1}, "colour"), ({"dataElements": {}}, "dataElements"), ({"level": "street"}, "level"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_read_is_refused_by_field(told, changed, field):
    answer = told.client.post(
        "/campaigns/BOTH/lists/dhis2", headers={**told.headers["Admin"], "Accept": "application/json"},
        data={"mapping": (io.BytesIO(json.dumps({**MAPPING, **changed}).encode()), "m.json")},
    )  # fmt: skip

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"].startswith(field)


def test_the_command_tells_what_is_not_mapped(told, tmp_path):
    (tmp_path / "mapping.json").write_text(json.dumps(MAPPING))
    command = ["dhis2", "export", "--campaign", "BOTH", "--mapping", str(tmp_path / "mapping.json")]

    done = create_app().test_cli_runner().invoke(args=[*command, "--out", str(tmp_path / "out.json"), "--json"])

    assert done.exit_code == 3, done.output
    assert len(json.loads((tmp_path / "out.json").read_text())["dataValues"]) == 2
    assert "PK202" in json.loads(done.stdout)["not_mapped"]
