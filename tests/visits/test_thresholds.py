"""Limits of rules: what a campaign overrides holds for all of its visits, and only what makes sense is taken."""

import pytest

from tests.builders import a_hamlet, a_round, a_team, a_visit, metres_east_of, the_ground
from tests.visits.judged import asked, judge_what_waits
from tracker.errors import WrongRequest
from tracker.visits.thresholds import limits_of, set_limits


@pytest.fixture
def november(session):
    the_ground(session)
    a_hamlet(session)
    return a_round(session)


def test_a_changed_limit_judges_anew_what_was_judged_before(session, november):
    hamlet = a_hamlet(session, "BANDA", (71.6, 34.1))
    visit = a_visit(session, a_team(session, november), hamlet, at=metres_east_of(hamlet, 300))
    judge_what_waits(session, november)
    assert "settlement_mismatch" in asked(session, visit)

    set_limits(session, november, "settlement_mismatch", {"beyond_m": 400.0})
    judge_what_waits(session, november)

    assert asked(session, visit) == {}


def test_none_goes_back_to_the_default(session, november):
    set_limits(session, november, "pace", {"more_than": 40})
    set_limits(session, november, "pace", {"more_than": None})

    assert limits_of(november)["pace"].more_than == 25
    assert november.thresholds == {}


def test_how_far_locating_reaches_can_be_set(session, november):
    visit = a_visit(session, a_team(session, november), at=metres_east_of((71.5, 34.0), 380), accuracy_m=0)
    set_limits(session, november, "locating", {"locate_reach_m": 300.0})

    judge_what_waits(session, november)

    assert visit.unit_id > 0


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("no_such_rule", {"beyond_m": 1.0}),
        ("pace", {"no_such_limit": 1}),
        ("pace", {"more_than": 2.5}),
        ("pace", {"more_than": "30"}),
        ("settlement_mismatch", {"beyond_m": -1.0}),
        ("settlement_mismatch", {"beyond_m": float("nan")}),
        ("locating", {"locate_reach_m": 401.0}),
        ("no_position", {"beyond_m": 1.0}),
        ("outside_hours", {"to_hour": 25.0}),
        ("outside_hours", {"from_hour": 19.0}),
        ("repeated_household", {"within_m": 1e300}),
    ],
)
def test_what_makes_no_sense_is_refused(session, november, rule, changes):
    with pytest.raises(WrongRequest):
        set_limits(session, november, rule, changes)

    assert november.thresholds == {}
