"""The search box finds a place by any of its names, and nothing that lies elsewhere."""

import pytest

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_settlement,
    a_team,
    the_ground,
)
from tracker.accounts.scope import SERVER, scope_of
from tracker.coverage.searching import search_places


@pytest.fixture
def story(session):
    ground = the_ground(session)
    a_settlement(session, "PK-1", IN_PESHAWAR, name="Bara Kalay", name_ur="بڑا كلي")
    a_hamlet(session, "PK-2", (71.6, 34.1), name="Kalay Bara_Banda 100%", under_five=900)
    a_settlement(session, "BN-1", IN_BANNU, name="Bara Garhi")
    return ground, a_round(session)


def codes(session, scope, november, words, **more):
    return [place.code for place in search_places(session, scope, november, words, **more)]


def test_dawar_finds_nothing_of_peshawar(session, story):
    ground, november = story
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", ground.bannu))

    assert codes(session, dawar, november, "bara") == ["BN-1"]
    assert codes(session, dawar, november, "peshawar") == []
    assert codes(session, dawar, november, "PK-1") == []


def test_a_team_finds_only_where_it_is_sent(session, story):
    ground, november = story
    team = a_team(session, november, area=ground.peshawar_tehsil)
    a_plan(session, november, (team, FIRST_DAY, a_hamlet(session, "PK-3", (71.55, 34.05), name="Bara Kili"), 30))
    bilal = scope_of(session, a_person(session, "Bilal", "team", team=team))

    assert codes(session, bilal, november, "bara") == ["PK-3"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("pk-1", ["PK-1"]),
        ("KALAY bara", ["PK-2", "PK-1"]),
        ("بڑا کلی", ["PK-1"]),
        ("پشاور", ["PK201"]),
        ("pk201", ["PK201", "PK20101"]),
        ("100%", ["PK-2"]),
        ("bara_b", ["PK-2"]),
        ("bara%kalay", []),
        ("\\", []),
        ("  ", []),
        ("", []),
    ],
)
def test_all_words_are_found_in_any_order_and_script(session, story, words, found):
    assert codes(session, SERVER, story[1], words) == found


def test_an_area_comes_with_the_box_to_show_and_what_lies_around_it(session, story):
    place = search_places(session, SERVER, story[1], "bannu city")[0]

    assert (place.kind, place.type, place.area, place.area_name_ur) == ("area", "tehsil", "PK202", "بنوں")
    assert (place.west, place.south, place.east, place.north) == (70, 32.5, 71, 33.5)


def test_a_round_of_one_district_finds_only_there(session, story):
    december = a_round(session, "DEC", areas=[story[0].bannu])

    assert codes(session, SERVER, december, "bara") == ["BN-1"]
    assert codes(session, SERVER, december, "city") == ["PK20201"]
    assert codes(session, SERVER, december, "b", limit=2) == ["PK202", "PK20201"]
