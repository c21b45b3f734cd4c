"""A correction replaces what it names, in whatever order the two arrive; several, circles and strangers."""

import uuid
from datetime import timedelta

import pytest

from tests.builders import NINE_IN_THE_MORNING, a_hamlet, a_round, a_team, a_visit, the_ground
from tests.visits.judged import asked, judge_what_waits, standing


@pytest.fixture
def november(session):
    the_ground(session)
    a_hamlet(session)
    campaign = a_round(session)
    return session, campaign, a_team(session, campaign, "T1"), a_team(session, campaign, "T2")


def test_a_replaced_visit_has_no_flags_and_is_nobodys_neighbour(november):
    session, campaign, team, _ = november
    wrong = a_visit(session, team, at=(71.50012, 34.00013), mock_location=True)
    judge_what_waits(session, campaign)
    assert asked(session, wrong) == {"mock_location": "doubt"}

    right = a_visit(session, team, replaces=wrong.instance_id, visited_at=NINE_IN_THE_MORNING + timedelta(minutes=1))
    judge_what_waits(session, campaign)

    assert (standing(wrong), asked(session, wrong)) == ("replaced", {})
    assert standing(right) == "valid"


def test_the_correction_may_arrive_first(november):
    session, campaign, team, other = november
    name = uuid.uuid4()
    right = a_visit(session, other, replaces=name)
    judge_what_waits(session, campaign)

    wrong = a_visit(session, team, instance_id=name)
    judge_what_waits(session, campaign)

    assert (standing(wrong), standing(right)) == ("replaced", "valid")


def test_of_several_corrections_the_last_made_counts(november):
    session, campaign, team, _ = november
    wrong = a_visit(session, team)
    later, earlier = (
        a_visit(session, team, replaces=wrong.instance_id, visited_at=NINE_IN_THE_MORNING + timedelta(hours=h))
        for h in (2, 1)
    )

    judge_what_waits(session, campaign)

    assert [standing(v) for v in (wrong, earlier, later)] == ["replaced", "replaced", "valid"]


def test_what_corrected_one_that_lost_is_replaced_with_it(november):
    session, campaign, team, _ = november
    wrong = a_visit(session, team)
    hour = [NINE_IN_THE_MORNING + timedelta(hours=h) for h in range(4)]
    first = a_visit(session, team, replaces=wrong.instance_id, visited_at=hour[1])
    again = a_visit(session, team, replaces=first.instance_id, visited_at=hour[2])
    judge_what_waits(session, campaign)
    assert [standing(v) for v in (wrong, first, again)] == ["replaced", "replaced", "valid"]

    beside = a_visit(session, team, replaces=wrong.instance_id, visited_at=hour[3])
    judge_what_waits(session, campaign)

    assert [standing(v) for v in (wrong, first, again, beside)] == ["replaced", "replaced", "replaced", "valid"]


def test_a_corrected_correction_never_comes_to_count_again(november):
    session, campaign, team, _ = november
    wrong = a_visit(session, team)
    latest = NINE_IN_THE_MORNING + timedelta(hours=5)
    first = a_visit(session, team, replaces=wrong.instance_id, visited_at=latest)
    again = a_visit(session, team, replaces=first.instance_id)
    beside = a_visit(session, team, replaces=wrong.instance_id, visited_at=NINE_IN_THE_MORNING - timedelta(minutes=9))

    judge_what_waits(session, campaign)

    assert [standing(v) for v in (wrong, first, again, beside)] == ["replaced", "replaced", "valid", "replaced"]


def test_a_correction_of_a_correction(november):
    session, campaign, team, _ = november
    first = a_visit(session, team)
    second = a_visit(session, team, replaces=first.instance_id)
    third = a_visit(session, team, replaces=second.instance_id)

    judge_what_waits(session, campaign)

    assert [standing(v) for v in (first, second, third)] == ["replaced", "replaced", "valid"]


def test_a_team_cannot_correct_another_teams_visit(november):
    session, campaign, bilals, dawars = november
    visit = a_visit(session, bilals)
    attempt = a_visit(session, dawars, replaces=visit.instance_id, replaces_team_id=dawars.id)

    judge_what_waits(session, campaign)

    assert (standing(visit), standing(attempt)) == ("valid", "valid")


def test_nor_push_aside_its_correction_before_the_visit_itself_arrives(november):
    session, campaign, bilals, dawars = november
    name = uuid.uuid4()
    own = a_visit(session, bilals, replaces=name, replaces_team_id=bilals.id)
    later = NINE_IN_THE_MORNING + timedelta(hours=1)
    a_visit(session, dawars, replaces=name, replaces_team_id=dawars.id, visited_at=later)

    judge_what_waits(session, campaign)
    assert standing(own) == "valid"
    visit = a_visit(session, bilals, instance_id=name)
    judge_what_waits(session, campaign)

    assert (standing(visit), standing(own)) == ("replaced", "valid")


def test_of_a_circle_the_last_made_stays(november):
    session, campaign, team, _ = november
    one, other = uuid.uuid4(), uuid.uuid4()
    first = a_visit(session, team, instance_id=one, replaces=other)
    last = a_visit(
        session, team, instance_id=other, replaces=one, visited_at=NINE_IN_THE_MORNING + timedelta(minutes=9)
    )

    judge_what_waits(session, campaign)

    assert (standing(first), standing(last)) == ("replaced", "valid")


def test_a_visit_that_names_itself_replaces_nothing(november):
    session, campaign, team, _ = november
    name = uuid.uuid4()
    visit = a_visit(session, team, instance_id=name, replaces=name)

    judge_what_waits(session, campaign)

    assert standing(visit) == "valid"
