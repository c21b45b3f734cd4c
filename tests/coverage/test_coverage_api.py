"""Numbers over HTTP: who is let in, what lies elsewhere does not exist, and when a browser may keep its answer."""

import pytest

from tests.builders import (
    IN_BANNU,
    IN_PESHAWAR,
    a_hamlet,
    a_person,
    a_round,
    a_team,
    a_token,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tracker import create_app
from tracker.campaigns.models import Campaign
from tracker.database import transaction

ROUTES = ("coverage", "gaps", "settlements")


@pytest.fixture
def client(database):
    return create_app().test_client()


@pytest.fixture
def cast(client):
    """Headers by name; KILI and BANDA in Peshawar, DOMEL in Bannu, a round over each and one over both."""
    with transaction() as session:
        ground = the_ground(session)
        kili = a_hamlet(session, "KILI", under_five=40)
        a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000), under_five=9)
        domel = a_hamlet(session, "DOMEL", IN_BANNU, under_five=60)
        both = a_round(session, "BOTH")
        a_round(session, "PESHAWAR", areas=[ground.peshawar])
        team = a_team(session, both, "T1", ground.peshawar_tehsil)
        a_count(session, both, team, kili, vaccinated=12)
        a_count(session, both, team, domel, vaccinated=34)
        people = {
            "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
            "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
            "Farid": a_person(session, "Farid", "observer", ground.province),
            "Bilal": a_person(session, "Bilal", "team", team=team),
        }
        return {name: a_token(session, person) for name, person in people.items()}


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_gets_in_without_signing_in(client, cast, route):
    assert client.get(f"/api/v1/campaigns/BOTH/{route}").status_code == 401


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("campaign", "query"),
    [("PESHAWAR", ""), ("NONE", ""), ("BOTH", "?area=PK201"), ("BOTH", "?area=PK20101"), ("BOTH", "?area=PK999")],
)
def test_what_lies_elsewhere_does_not_exist_for_dawar(client, cast, route, campaign, query):
    answer = client.get(f"/api/v1/campaigns/{campaign}/{route}{query}", headers=cast["Dawar"])
    unknown = client.get(f"/api/v1/campaigns/NONE/{route}", headers=cast["Dawar"])

    assert answer.status_code == 404
    assert {**answer.json, "code": ""} == {**unknown.json, "code": ""}  # the code only finds it in the log


def test_each_sees_the_campaigns_that_touch_their_areas(client, cast):
    def codes(name):
        return [row["code"] for row in client.get("/api/v1/campaigns", headers=cast[name]).json["rows"]]

    assert codes("Dawar") == codes("Bilal") == ["BOTH"]
    assert codes("Amina") == ["BOTH", "PESHAWAR"]


def test_numbers_are_those_of_ones_own_areas(client, cast):
    def numbers(name, query):
        answer = client.get(f"/api/v1/campaigns/BOTH/coverage?{query}", headers=cast[name]).json
        return {row["code"]: row["vaccinated"] for row in answer["rows"]}, answer["total"]["vaccinated"]

    assert numbers("Amina", "level=district") == ({"PK201": 12}, 12)
    assert numbers("Dawar", "level=settlement") == ({"DOMEL": 34}, 34)
    assert numbers("Amina", "level=tehsil&area=PK201&until=2025-11-09") == ({"PK20101": 0}, 0)
    assert numbers("Bilal", "level=team") == ({"T1": 46}, 46)
    assert numbers("Farid", "") == ({"PK201": 12, "PK202": 34}, 46)


def test_gaps_and_settlements_are_those_of_ones_own_areas(client, cast):
    gaps = client.get("/api/v1/campaigns/BOTH/gaps?limit=1", headers=cast["Amina"]).json
    places = client.get("/api/v1/campaigns/BOTH/settlements", headers=cast["Amina"])

    assert (gaps["campaign"], [row["code"] for row in gaps["rows"]]) == ("BOTH", ["KILI"])
    assert places.mimetype == "application/geo+json"
    properties = {f["properties"]["code"]: f["properties"] for f in places.json["features"]}
    assert set(properties) == {"KILI", "BANDA"}
    assert properties["KILI"] == {
        "code": "KILI", "name": "KILI", "name_ur": None, "type": "hamlet", "area": "PK20101", "target": 40,
        "status": "missed",
    }  # fmt: skip
    assert places.json["features"][0]["geometry"]["coordinates"] == pytest.approx(IN_PESHAWAR)


def test_an_observer_sees_no_small_target_in_the_list(client, cast):
    answer = client.get("/api/v1/campaigns/BOTH/settlements", headers=cast["Farid"]).json

    shown = {
        f["properties"]["code"]: (f["properties"]["target"], f["properties"]["status"]) for f in answer["features"]
    }
    assert shown["BANDA"] == (None, None)
    assert shown["KILI"][0] == 40


def test_the_list_of_settlements_goes_on_page_by_page(client, cast):
    codes, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/campaigns/BOTH/settlements?limit=1&cursor={cursor}", headers=cast["Farid"]).json
        codes += [f["properties"]["code"] for f in page["features"]]
        cursor = page["next"]

    assert codes == ["KILI", "BANDA", "DOMEL"]


@pytest.mark.parametrize(
    "query",
    [
        "coverage?level=village", "coverage?level=zone", "coverage?until=yesterday", "coverage?until=2025-13-01",
        "gaps?limit=0", "gaps?limit=many", "settlements?cursor=x", "settlements?limit=5001",
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_answered_by_field(client, cast, query):
    answer = client.get(f"/api/v1/campaigns/BOTH/{query}", headers=cast["Amina"])

    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_first_and_the_last_day_of_the_calendar_are_days(client, cast, day):
    assert client.get(f"/api/v1/campaigns/BOTH/coverage?until={day}", headers=cast["Amina"]).status_code == 200


@pytest.mark.parametrize("route", ROUTES)
def test_a_browser_keeps_its_answer_until_something_is_counted_and_nobody_elses(client, cast, route):
    def ask(name, tag=None):
        headers = {**cast[name], **({"If-None-Match": tag} if tag else {})}
        return client.get(f"/api/v1/campaigns/BOTH/{route}", headers=headers)

    first = ask("Amina")
    tag = first.headers["ETag"]

    assert "private" in first.headers["Cache-Control"]
    assert ask("Amina", tag).status_code == 304
    assert ask("Dawar", tag).status_code == 200
    with transaction() as session:
        campaign = session.query(Campaign).filter_by(code="BOTH").one()
        campaign.revision += 1
    assert ask("Amina", tag).status_code == 200
