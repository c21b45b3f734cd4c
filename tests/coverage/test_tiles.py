"""Tiles of the map: who gets which features, from which distance, with which numbers."""

import math
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    LAST_DAY,
    NINE_IN_THE_MORNING,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_token,
    a_visit,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tests.coverage.vector_tiles import features_in
from tracker import create_app
from tracker.campaigns.models import Team
from tracker.coverage.following import follow
from tracker.database import transaction

NEAR, MIDDLE, FAR = 13, 9, 6


def tile_at(place, z):
    """z/x/y of the tile that holds (lon, lat)."""
    lon, lat = place
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return f"{z}/{x}/{y}"


class Story:
    """A round over Peshawar and Bannu. KILI (40 children): its day is over, 10 confirmed of 10 reported; BANDA (25):
    its team has never been heard; DOMEL (60) lies in Bannu; CHOTA has 5 children."""

    def __init__(self):
        with transaction() as session:
            self.ground = the_ground(session)
            kili = a_hamlet(session, "KILI", under_five=40, name="Tor Kili", name_ur="تور کلے")
            banda = a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 900), under_five=25)
            chota = a_hamlet(session, "CHOTA", metres_east_of(IN_PESHAWAR, 1300), under_five=5)
            domel = a_hamlet(session, "DOMEL", IN_BANNU, under_five=60)
            self.round = a_round(session, areas=[self.ground.peshawar, self.ground.bannu])
            bilals = a_team(session, self.round, "T1", self.ground.peshawar)
            silent = a_team(session, self.round, "T2", self.ground.peshawar)
            a_plan(session, self.round, (bilals, FIRST_DAY, kili, 40), (silent, LAST_DAY, banda, 25),
                   (bilals, LAST_DAY, chota, 5))  # fmt: skip
            for n in range(5):
                at, door = NINE_IN_THE_MORNING + timedelta(minutes=20 * n), metres_east_of(IN_PESHAWAR, 15 * n)
                a_visit(session, bilals, kili, at=door, visited_at=at)
            self.mocked = a_visit(
                session, bilals, kili, eligible=1, vaccinated=1, mock_location=True,
                visited_at=NINE_IN_THE_MORNING + timedelta(days=1),
            )  # fmt: skip
            a_visit(session, a_team(session, self.round, "T3", self.ground.bannu), domel, at=IN_BANNU)
            people = [
                a_person(session, "Amina", "coordinator", self.ground.peshawar),
                a_person(session, "Bilal", "team", team=bilals),
                a_person(session, "Dawar", "coordinator", self.ground.bannu),
                a_person(session, "Vera", "verifier", self.ground.peshawar),
                a_person(session, "Oman", "observer", self.ground.peshawar),
            ]
            self.headers = {person.name: a_token(session, person) for person in people}
        follow(self.round.id)


@pytest.fixture
def story(database):
    return Story()


@pytest.fixture
def ask(story):
    client = create_app().test_client()
    return lambda address, who="Amina", **more: client.get(
        f"/tiles/{address}", headers={**(story.headers[who] if who else {}), **more}
    )


def codes(answer):
    return {feature["code"] for feature in features_in(answer.data)}


# who gets in


def test_dawar_gets_an_empty_tile_of_peshawar(ask):
    for zoom in (MIDDLE, NEAR):
        answer = ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, zoom)}.mvt", "Dawar")

        assert (answer.status_code, answer.data) == (204, b"")
    assert ask(f"NOV/visits/{tile_at(IN_PESHAWAR, NEAR)}.mvt", "Dawar").data == b""
    assert codes(ask(f"NOV/settlements/{tile_at(IN_BANNU, MIDDLE)}.mvt", "Dawar")) == {"DOMEL"}


def test_nobody_gets_a_tile_without_signing_in(ask):
    answer = ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt", None)

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


def test_visits_are_not_for_those_who_see_numbers_only(ask):
    for who in ("Vera", "Oman"):
        assert ask(f"NOV/visits/{tile_at(IN_PESHAWAR, NEAR)}.mvt", who).status_code == 403


@pytest.mark.parametrize(
    "address",
    [
        "NOV/settlements/99/0/0.mvt", "NOV/settlements/3/8/0.mvt", "NOV/settlements/3/-1/0.mvt",
        "NOV/visits/21/0/0.mvt",
        "NOV/nothing/3/1/1.mvt", "NOV/areas/3/1/9.mvt", "NOV/areas/3/1/1.mvt?level=galaxy", "NOWHERE/areas/3/1/1.mvt",
        "NOV/settlements/9/99999999999999999999/0.mvt", "NOV/settlements/3/1/1.png",
    ],
)  # fmt: skip
def test_a_tile_that_does_not_exist_is_not_found(ask, address):
    answer = ask(address)

    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"


def test_a_day_that_is_none_is_said_so(ask):
    answer = ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt?until=yesterday")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "until"


def test_a_browser_keeps_its_own_tile_and_nobody_elses(ask):
    address = f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt"
    first = ask(address)

    assert first.headers["Cache-Control"] == "private, no-cache"
    assert ask(address, **{"If-None-Match": first.headers["ETag"]}).status_code == 304
    assert ask(address, "Oman", **{"If-None-Match": first.headers["ETag"]}).status_code == 200


# settlements


def test_a_settlement_has_its_status_and_from_near_its_names(ask):
    middle = {f["code"]: f for f in features_in(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt").data)}
    near = {f["code"]: f for f in features_in(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, 11)}.mvt").data)}

    assert middle.keys() == {"KILI", "BANDA", "CHOTA"}
    kili = middle["KILI"]
    assert (kili["layer"], kili["status"], kili["target"], kili["unreached"]) == ("settlements", "missed", 40, 30)
    assert kili["team"] == "T1"
    assert "name" not in kili
    assert (near["KILI"]["name"], near["KILI"]["name_ur"]) == ("Tor Kili", "تور کلے")
    assert isinstance(kili["id"], int)


def test_no_word_is_told_apart_from_missed(ask):
    features = {f["code"]: f for f in features_in(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt").data)}

    assert features["BANDA"]["status"] == features["CHOTA"]["status"] == "missed"
    assert features["BANDA"]["no_word"] is True  # T2 has never been heard
    assert "no_word" not in features["KILI"]


def test_up_to_a_day_only_its_visits_count(ask, story):
    address = f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt"
    before = {f["code"]: f for f in features_in(ask(f"{address}?until={FIRST_DAY - timedelta(days=1)}").data)}
    first = {f["code"]: f for f in features_in(ask(f"{address}?until={FIRST_DAY}").data)}

    assert (before["KILI"]["status"], before["KILI"]["unreached"]) == ("not_started", 40)
    assert (first["KILI"]["status"], first["KILI"]["unreached"]) == ("missed", 30)
    assert first["BANDA"]["status"] == "not_started"


def test_a_team_sees_its_own_settlements_from_any_distance(ask):
    for zoom in (FAR, MIDDLE):
        assert codes(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, zoom)}.mvt", "Bilal")) == {"KILI", "CHOTA"}


@pytest.mark.parametrize(("who", "shown"), [("Amina", 5), ("Oman", None)])
def test_a_small_target_is_not_for_observers(ask, who, shown):
    features = {f["code"]: f for f in features_in(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, MIDDLE)}.mvt", who).data)}

    assert features["CHOTA"].get("target") == features["CHOTA"].get("unreached") == shown
    assert ("status" in features["CHOTA"]) == (shown is not None)
    assert features["KILI"]["target"] == 40


# from afar


def test_from_afar_settlements_are_summed_in_a_grid(ask):
    features = features_in(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, FAR)}.mvt").data)

    assert all("code" not in feature for feature in features)
    assert sum(f["settlements"] for f in features) == 3
    assert sum(f["target"] for f in features) == 70
    assert sum(f["unreached"] for f in features) == 60
    assert sum(f["confirmed"] for f in features) == 10


def test_small_targets_are_in_no_observers_sum(ask):
    features = features_in(ask(f"NOV/settlements/{tile_at(IN_PESHAWAR, FAR)}.mvt", "Oman").data)

    assert sum(f.get("target", 0) for f in features) == 65
    assert sum(f.get("unreached", 0) for f in features) == 55


GRID = text("""
    SELECT zoom, sum(settlements), sum(target), sum(unreached), sum(vaccinated_confirmed), sum(lon_e6), sum(lat_e6)
    FROM settlement_grid WHERE campaign_id = :id GROUP BY zoom ORDER BY zoom""")
SUMS = text("""
    SELECT count(*), sum(target), sum(greatest(0, target - vaccinated_confirmed)), sum(vaccinated_confirmed),
           sum(round(ST_X(point) * 1e6)), sum(round(ST_Y(point) * 1e6))
    FROM campaign_settlement WHERE campaign_id = :id""")


def test_the_grid_equals_the_settlements_after_every_change(session):
    ground = the_ground(session)
    hamlets = [a_hamlet(session, f"H{n}", metres_east_of(IN_PESHAWAR, 4000 * n), under_five=8 + n) for n in range(5)]
    campaign = a_round(session)
    team = a_team(session, campaign, "T1", ground.peshawar)

    def grid_equals_sums():
        settlements = tuple(session.execute(SUMS, {"id": campaign.id}).one())
        grid = session.execute(GRID, {"id": campaign.id}).all()
        return [row.zoom for row in grid] == list(range(9)) and {tuple(row[1:]) for row in grid} == {settlements}

    assert grid_equals_sums()
    a_count(session, campaign, team, hamlets[0], vaccinated=3)
    assert grid_equals_sums()
    a_count(session, campaign, team, hamlets[1], vaccinated=30)  # more than its target
    assert grid_equals_sums()
    a_plan(session, campaign, (team, FIRST_DAY, hamlets[2], 99))  # its target crosses ten
    assert grid_equals_sums()
    a_hamlet(session, "H5", IN_BANNU, under_five=7)
    assert grid_equals_sums()
    session.execute(text("DELETE FROM campaign_settlement WHERE settlement_id = :gone"), {"gone": hamlets[3].id})
    assert grid_equals_sums()


# visits


def test_visits_show_from_near_with_standing_and_questions(ask, story):
    features = features_in(ask(f"NOV/visits/{tile_at(IN_PESHAWAR, NEAR)}.mvt").data)

    assert len(features) == 6
    asked = next(f for f in features if f["instance_id"] == str(story.mocked.instance_id))
    assert (asked["layer"], asked["standing"], asked["accuracy_m"]) == ("visits", "doubtful", 8.0)
    assert "mock_location" in asked["flags"].split(";")
    assert {f["standing"] for f in features if f is not asked} == {"valid"}
    assert ask(f"NOV/visits/{tile_at(IN_PESHAWAR, NEAR - 1)}.mvt").data == b""


def test_visits_of_later_days_are_not_there_yet(ask):
    features = features_in(ask(f"NOV/visits/{tile_at(IN_PESHAWAR, NEAR)}.mvt?until={FIRST_DAY}").data)

    assert len(features) == 5


def test_a_replaced_visit_is_nowhere_on_the_map(ask, story):
    with transaction() as session:
        a_visit(
            session, session.get_one(Team, story.mocked.team_id), None, replaces=story.mocked.instance_id, eligible=1,
            vaccinated=1, visited_at=NINE_IN_THE_MORNING + timedelta(days=1, hours=1),
        )  # fmt: skip
    follow(story.round.id)

    ids = {f["instance_id"] for f in features_in(ask(f"NOV/visits/{tile_at(IN_PESHAWAR, NEAR)}.mvt").data)}

    assert str(story.mocked.instance_id) not in ids
    assert len(ids) == 6


# areas


def test_outlines_carry_names_and_no_numbers(ask, story):
    tile = ask(f"NOV/areas/{tile_at((71.0, 33.9), FAR)}.mvt?level=district").data
    features = {feature["code"]: feature for feature in features_in(tile)}

    assert features.keys() == {"PK201", "PK202"}
    assert features["PK201"] == {
        "layer": "areas", "id": story.ground.peshawar.id, "code": "PK201", "name": "Peshawar", "name_ur": "پشاور",
    }  # fmt: skip


def test_new_counts_do_not_move_outlines(ask, story):
    address = f"NOV/areas/{tile_at(IN_PESHAWAR, FAR)}.mvt"
    tag = ask(address).headers["ETag"]
    with transaction() as session:
        session.execute(text("UPDATE campaign SET counted_at = :now"), {"now": datetime.now().astimezone()})

    assert ask(address, **{"If-None-Match": tag}).status_code == 304
