"""Which settlement should a team visit first, and why were its children not reached?"""

from datetime import datetime, timedelta

import pytest

from tests.builders import (
    CATCH_UP,
    FIRST_DAY,
    IN_PESHAWAR,
    LAST_DAY,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tests.coverage.test_report import AFTERWARDS, at
from tracker.accounts.scope import SERVER, scope_of
from tracker.campaigns.settlements import refresh_settlements
from tracker.coverage.gaps import rank_gaps, reasons
from tracker.errors import NotFound

KEYS = {
    "rank", "code", "name", "area", "team", "target", "vaccinated_confirmed", "unreached", "reasons", "zero_dose",
    "days_waiting", "status",
}  # fmt: skip


@pytest.fixture
def story(session):
    class Story:
        ground = the_ground(session)
        round = None
        team = None

    Story.round = a_round(session)
    Story.team = a_team(session, Story.round, "T1", Story.ground.peshawar_tehsil)
    return Story


def a_place(session, story, code, under_five, metres=0, at=IN_PESHAWAR):
    place = a_hamlet(session, code, metres_east_of(at, metres), under_five=under_five)
    refresh_settlements(session, story.round)
    return place


def gaps(session, story, scope=SERVER, now: datetime = AFTERWARDS, **more):
    return rank_gaps(session, story.round, scope, now=now, **more)


def test_most_unreached_children_first(session, story):
    a_place(session, story, "LESS", 30)
    most = a_place(session, story, "MOST", 50, 3000)
    a_place(session, story, "DONE", 5, 6000)
    done = session.query(type(most)).filter_by(code="DONE").one()
    a_count(session, story.round, story.team, most, vaccinated=18, vaccinated_confirmed=10)
    a_count(session, story.round, story.team, done, vaccinated=5)

    found = gaps(session, story)

    assert [(gap["rank"], gap["code"], gap["unreached"]) for gap in found] == [(1, "MOST", 40), (2, "LESS", 30)]
    assert all(gap.keys() >= KEYS for gap in found)
    assert (found[0]["area"], found[0]["target"], found[0]["vaccinated_confirmed"]) == ("PK20101", 50, 10)
    assert gaps(session, story, limit=1) == found[:1]


def test_among_equals_zero_dose_seen_nearby_goes_first(session, story):
    a_place(session, story, "ALONE", 30)
    beside = a_place(session, story, "BESIDE", 30, 10_000)
    there = a_place(session, story, "THERE", 20, 11_500)
    a_count(session, story.round, story.team, there, vaccinated=20, zero_dose=3)

    found = gaps(session, story)

    assert [(gap["code"], gap["zero_dose"]) for gap in found] == [("BESIDE", 3), ("ALONE", 0)]
    assert beside.code == found[0]["code"]


def test_then_the_one_that_waits_longest(session, story):
    early, late = a_place(session, story, "B-EARLY", 30), a_place(session, story, "A-LATE", 30, 9000)
    a_plan(session, story.round, (story.team, FIRST_DAY, early, 30), (story.team, LAST_DAY, late, 30))

    found = gaps(session, story, now=at(CATCH_UP, 12))

    assert [(gap["code"], gap["days_waiting"], gap["team"]) for gap in found] == [
        ("B-EARLY", 3, "T1"),
        ("A-LATE", 1, "T1"),
    ]
    assert {gap["days_waiting"] for gap in gaps(session, story, now=at(FIRST_DAY, 12) - timedelta(days=3))} == {0}


@pytest.mark.parametrize(
    ("missed", "recovered", "unreached", "expected"),
    [
        ((5, 3, 2), 0, 20, {"no_visit": 10, "absent": 5, "refused": 3, "other": 2}),
        ((5, 3, 2), 6, 20, {"no_visit": 16, "absent": 0, "refused": 2, "other": 2}),
        ((5, 3, 2), 0, 6, {"no_visit": 0, "absent": 5, "refused": 1, "other": 0}),
        ((5, 3, 2), 99, 4, {"no_visit": 4, "absent": 0, "refused": 0, "other": 0}),
    ],
)
def test_known_reasons_first_and_the_rest_was_not_visited(missed, recovered, unreached, expected):
    absent, refused, other = missed
    row = {"missed_absent": absent, "missed_refused": refused, "missed_other": other}

    found = reasons({**row, "recovered": recovered, "unreached": unreached})

    assert found == expected
    assert sum(found.values()) == unreached


def test_dawar_sees_the_gaps_of_bannu_only_and_nothing_of_what_lies_near_them(session, story):
    border = (71.0, 33.5)  # Bannu's corner is Peshawar's
    a_place(session, story, "DOMEL", 30, at=(border[0] - 0.001, border[1] - 0.001))
    beyond = a_place(session, story, "KILI", 20, at=(border[0] + 0.001, border[1] + 0.001))
    a_count(session, story.round, story.team, beyond, vaccinated=2, zero_dose=9)
    dawar = scope_of(session, a_person(session, "Dawar", "supervisor", story.ground.bannu))

    assert [(gap["code"], gap["zero_dose"]) for gap in gaps(session, story, dawar)] == [("DOMEL", 0)]
    assert [(gap["code"], gap["zero_dose"]) for gap in gaps(session, story)] == [("DOMEL", 9), ("KILI", 9)]
    with pytest.raises(NotFound):
        gaps(session, story, dawar, area="PK201")


def test_an_observer_sees_no_gap_of_a_small_target(session, story):
    a_place(session, story, "NINE", 9)
    a_place(session, story, "TEN", 10, 3000)
    farid = scope_of(session, a_person(session, "Farid", "observer", story.ground.province))

    assert [gap["code"] for gap in gaps(session, story, farid)] == ["TEN"]
