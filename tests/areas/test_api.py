"""Areas over HTTP: open to all who have signed in, to nobody else."""

import pytest

from tests.builders import a_person, a_token, the_ground
from tracker import create_app
from tracker.database import transaction


@pytest.fixture
def client(database):
    return create_app().test_client()


@pytest.fixture
def dawar(client):
    with transaction() as session:
        ground = the_ground(session)
        return a_token(session, a_person(session, "Dawar", "observer", ground.bannu))


def test_nobody_sees_areas_without_signing_in(client):
    answer = client.get("/api/v1/areas")

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


def test_names_and_outlines_are_no_secret_to_dawar(client, dawar):
    answer = client.get("/api/v1/areas?level=district", headers=dawar)

    features = answer.json["features"]
    assert answer.status_code == 200
    assert answer.mimetype == "application/geo+json"
    assert (answer.json["type"], answer.json["next"]) == ("FeatureCollection", None)
    assert [f["properties"]["code"] for f in features] == ["PK201", "PK202"]
    assert features[0]["properties"] == {
        "code": "PK201", "name": "Peshawar", "name_ur": "پشاور", "name_ps": None, "level": "district", "parent": "PK2",
    }  # fmt: skip
    assert features[0]["geometry"]["type"] == "MultiPolygon"


def test_the_list_goes_on_page_by_page(client, dawar):
    codes, cursor = [], ""
    for _ in range(3):
        page = client.get(f"/api/v1/areas?limit=2&cursor={cursor}", headers=dawar).json
        codes += [f["properties"]["code"] for f in page["features"]]
        cursor = page["next"]

    assert codes == ["PK2", "PK201", "PK202", "PK20101", "PK20201"]
    assert cursor is None


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("parent=PK2", ["PK201", "PK202"]),
        ("parent=PK202&level=tehsil", ["PK20201"]),
        ("parent=NOWHERE", []),
        ("vintage=2025-01-01&level=province&tolerance_m=500", ["PK2"]),
        ("vintage=1999-01-01", []),
    ],
)
def test_filters(client, dawar, query, codes):
    page = client.get(f"/api/v1/areas?{query}", headers=dawar).json

    assert [f["properties"]["code"] for f in page["features"]] == codes


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("level=village", "level"), ("vintage=yesterday", "vintage"), ("tolerance_m=nan", "tolerance_m"),
        ("tolerance_m=-1", "tolerance_m"), ("limit=0", "limit"), ("cursor=made-up", "cursor"),
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_answered_with_its_field(client, dawar, query, field):
    answer = client.get(f"/api/v1/areas?{query}", headers=dawar)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field
