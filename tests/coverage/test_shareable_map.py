"""The map to take along: one file, nothing fetched, names as text, and on its face who, when and where."""

import re

import pytest
from flask import Flask

from tests.builders import (
    FIRST_DAY,
    IN_PESHAWAR,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tests.coverage.test_report import AFTERWARDS
from tracker import create_app
from tracker.accounts.scope import SERVER, scope_of
from tracker.coverage import shareable_map as module
from tracker.coverage.shareable_map import LEAFLET, LeafletMissing, shareable_map
from tracker.errors import NotFound

MARKUP = '<script>alert("planted")</script><img src=x onerror=alert(1)>'
PLAIN_LINK = re.compile(r"<a\b[^>]*>", re.IGNORECASE)
ELSEWHERE = re.compile(r"(?:https?:)?//[\w-]+\.[a-z]{2,}", re.IGNORECASE)


@pytest.fixture(autouse=True)
def app(shared_database, monkeypatch) -> Flask:
    monkeypatch.setenv("DATABASE_URL", shared_database)
    app = create_app()
    with app.app_context():
        yield app


@pytest.fixture(autouse=True)
def _installed():
    if not (LEAFLET / "leaflet.js").is_file():
        pytest.skip("make setup has not installed Leaflet")


@pytest.fixture
def story(session):
    class Story:
        ground = the_ground(session)
        kili = a_hamlet(session, "KILI", under_five=40, name=f"Kili {MARKUP}", name_ur="کلی")
        banda = a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000), under_five=25)
        round = a_round(session, name=f"Round {'>'}one", illustration=True)
        team = a_team(session, round, "T1", ground.peshawar_tehsil)

    a_plan(session, Story.round, (Story.team, FIRST_DAY, Story.kili, 40), (Story.team, FIRST_DAY, Story.banda, 25))
    a_count(session, Story.round, Story.team, Story.kili, vaccinated=38)
    return Story


def a_map(session, story, level, scope=SERVER, **more) -> str:
    return shareable_map(session, story.round, scope, level, now=AFTERWARDS, made_by="Amina", **more)


@pytest.mark.parametrize("level", ["province", "district", "tehsil", "settlement"])
def test_the_file_fetches_nothing_from_anywhere(session, story, level):
    page = a_map(session, story, level)

    addresses = {address for address in ELSEWHERE.findall(PLAIN_LINK.sub("", page)) if "www.w3" not in address}
    assert addresses == set()
    assert "default-src 'none'" in page
    assert "L.map(" in page


@pytest.mark.parametrize("level", ["district", "settlement"])
def test_names_are_text_never_markup(session, story, level):
    page = a_map(session, story, level)

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert ("planted" in page) == (level == "settlement")


def test_its_face_says_who_when_where_and_that_areas_are_drawn(session, story):
    page = a_map(session, story, "district")

    assert "Amina" in page
    assert "2025, 05:00" in page  # in Peshawar
    assert "Asia/Karachi" in page
    assert "Khyber Pakhtunkhwa" in page
    assert "They are not official boundaries" in page
    assert re.search(r">27</bdi> <small>children not yet reached", page)  # 2 of KILI and all 25 of BANDA


def test_a_map_of_one_area_names_it(session, story):
    page = a_map(session, story, "settlement", area="PK201")

    assert "Peshawar (PK201)" in page


def test_dawar_takes_along_nothing_of_peshawar(session, story):
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", story.ground.bannu))

    page = a_map(session, story, "settlement", dawar)

    assert "BANDA" not in page
    assert "Bannu" in page
    with pytest.raises(NotFound):
        a_map(session, story, "settlement", dawar, area="PK201")


def test_an_observer_takes_along_no_small_target(session, story):
    a_plan(session, story.round, (story.team, FIRST_DAY, story.kili, 7), (story.team, FIRST_DAY, story.banda, 25))
    farid = scope_of(session, a_person(session, "Farid", "observer", story.ground.province))

    page = a_map(session, story, "settlement", farid)

    assert "38 / 7" not in page
    assert "Targets under 10 children are not shown" in page


def test_before_the_set_up_it_says_what_to_do(session, story, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "LEAFLET", tmp_path)

    with pytest.raises(LeafletMissing, match="make setup"):
        a_map(session, story, "district")
