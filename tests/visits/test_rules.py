"""Each rule on its threshold and one past it; and what flags make of a visit's standing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from tests.builders import (
    FIRST_DAY,
    NINE_IN_THE_MORNING,
    a_hamlet,
    a_plan,
    a_round,
    a_settlement,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tests.visits.judged import asked, judge_what_waits, numbers, standing
from tracker.visits.rules import RULES

BORDER_OF_PESHAWAR = (71.0, 34.0)


class Round:
    """Peshawar's round with Bilal's team and one hamlet."""

    def __init__(self, session):
        self.session = session
        ground = the_ground(session)
        self.campaign = a_round(session, areas=[ground.peshawar])
        self.hamlet = a_hamlet(session)
        self.team = a_team(session, self.campaign, "T1")
        self.post = a_team(session, self.campaign, "F1", type="fixed")

    def visit(self, *, team=None, settlement=None, east_m=-50.0, minutes=0.0, **more):
        """A visit east of the hamlet's edge (before it: inside), so many minutes after nine on the first day."""
        more.setdefault("at", metres_east_of(self.hamlet, east_m))
        more.setdefault("visited_at", NINE_IN_THE_MORNING + timedelta(minutes=minutes))
        return a_visit(self.session, team or self.team, settlement, **more)

    def asked(self, visit):
        judge_what_waits(self.session, self.campaign)
        return asked(self.session, visit)


@pytest.fixture
def november(session) -> Round:
    return Round(session)


def test_an_ordinary_visit_raises_no_question(november):
    visit = november.visit(settlement=november.hamlet)

    assert november.asked(visit) == {}
    assert standing(visit) == "valid"
    assert visit.unit_id == november.hamlet.id


@pytest.mark.parametrize(
    ("away_m", "accuracy_m", "is_asked"),
    [
        (149, 0, False),
        (151, 0, True),
        (189, 40, False),
        (191, 40, True),
        (249, 300, False),
        (251, 300, True),
        (151, None, True),
    ],
)
def test_away_from_the_settlement_named(november, away_m, accuracy_m, is_asked):
    visit = november.visit(settlement=november.hamlet, east_m=away_m, accuracy_m=accuracy_m)

    assert ("settlement_mismatch" in november.asked(visit)) == is_asked
    if is_asked:
        assert numbers(november.session, visit, "settlement_mismatch") == {"away_m": pytest.approx(away_m, abs=1)}


@pytest.mark.parametrize(
    ("outside_m", "accuracy_m", "is_asked"), [(99, 0, False), (101, 0, True), (149, 50, False), (151, 50, True)]
)
def test_outside_the_campaigns_areas(november, outside_m, accuracy_m, is_asked):
    visit = november.visit(at=metres_east_of(BORDER_OF_PESHAWAR, -outside_m), accuracy_m=accuracy_m)

    flags = november.asked(visit)

    assert flags.get("outside_campaign_area") == ("reject" if is_asked else None)
    assert visit.unit_id != 0


@pytest.mark.parametrize(("away_m", "is_asked"), [(99, False), (101, True)])
def test_outside_the_days_plan(november, away_m, is_asked):
    a_plan(november.session, november.campaign, (november.team, FIRST_DAY, november.hamlet, 10))
    visit = november.visit(east_m=away_m, accuracy_m=0)
    next_day = november.visit(east_m=away_m, accuracy_m=0, minutes=24 * 60)

    assert ("outside_team_area" in november.asked(visit)) == is_asked
    assert "outside_team_area" not in asked(november.session, next_day)


@pytest.mark.parametrize(
    ("there", "severity"),
    [
        ("2025-11-10T06:59:59", "warn"), ("2025-11-10T07:00:00", None), ("2025-11-10T19:00:00", None),
        ("2025-11-10T19:00:01", "warn"), ("2025-11-13T12:00:00", None), ("2025-11-14T00:00:00", "warn"),
        ("2025-11-09T12:00:00", "warn"), ("2025-11-08T23:59:59", "reject"), ("2025-11-15T08:00:00", "reject"),
    ],
)  # fmt: skip
def test_hours_and_days_of_the_round_in_its_own_zone(november, there, severity):
    visit = november.visit(visited_at=datetime.fromisoformat(there + "+05:00"))

    assert november.asked(visit).get("outside_hours") == severity


@pytest.mark.parametrize(
    ("late", "is_asked"),
    [
        (timedelta(minutes=-10), False),
        (timedelta(minutes=-10, seconds=-1), True),
        (timedelta(days=14), False),
        (timedelta(days=14, seconds=1), True),
    ],
)
def test_the_phones_clock_against_the_servers(november, late, is_asked):
    visit = november.visit(received_at=NINE_IN_THE_MORNING + late)
    by_file = november.visit(received_at=None, minutes=30)

    assert ("clock" in november.asked(visit)) == is_asked
    assert "clock" not in asked(november.session, by_file)


@pytest.mark.parametrize(("accuracy_m", "severity"), [(50.0, None), (50.1, "warn"), (500.0, "warn"), (500.1, "doubt")])
def test_a_weak_position_and_one_that_serves_no_other_check(november, accuracy_m, severity):
    visit = november.visit(settlement=november.hamlet, east_m=5_000, accuracy_m=accuracy_m)

    flags = november.asked(visit)

    assert flags.get("weak_position") == severity
    assert ("settlement_mismatch" in flags) == (accuracy_m <= 500)


def test_no_position(november):
    visit = november.visit(at=None)

    assert november.asked(visit) == {"no_position": "doubt"}
    assert (visit.unit_id, standing(visit)) == (0, "doubtful")


@pytest.mark.parametrize(("seconds", "is_asked"), [(61, False), (59, True)])
def test_a_kilometre_in_a_minute(november, seconds, is_asked):
    first = november.visit(east_m=-100, accuracy_m=0)
    later = november.visit(east_m=900, accuracy_m=0, minutes=seconds / 60)

    assert ("impossible_speed" in november.asked(later)) == is_asked
    assert "impossible_speed" not in asked(november.session, first)


def test_two_places_at_one_time(november):
    here, there = november.visit(east_m=-100), november.visit(east_m=900)

    flags = [november.asked(here), asked(november.session, there)]

    assert sum("impossible_speed" in f for f in flags) == 1


def test_half_a_kilometre_is_the_phones_own_wandering(november):
    november.visit(east_m=-100, accuracy_m=0)
    near, far = (
        november.visit(east_m=399, accuracy_m=0, minutes=0.1),
        november.visit(east_m=-103, accuracy_m=0, minutes=0.2),
    )

    assert "impossible_speed" not in november.asked(near)
    assert "impossible_speed" in asked(november.session, far)


@pytest.mark.parametrize(("visits", "is_asked"), [(6, False), (7, True)])
def test_many_doors_on_one_spot(november, visits, is_asked):
    stack = [november.visit(east_m=-50 + k, minutes=15 * k) for k in range(visits)]

    assert ("stacked" in november.asked(stack[0])) == is_asked


def test_a_compound_or_a_post_may_have_many_doors(november):
    compound = a_settlement(november.session, "FLATS", metres_east_of(november.hamlet, 3_000), compound=True)
    at = metres_east_of(compound, -200)
    inside = [november.visit(at=metres_east_of(at, k), minutes=15 * k) for k in range(7)]
    post = [november.visit(team=november.post, east_m=-50 + k, minutes=15 * k) for k in range(7)]

    assert "stacked" not in november.asked(inside[0])
    assert "stacked" not in asked(november.session, post[0])


@pytest.mark.parametrize(("visits", "is_asked"), [(25, False), (26, True)])
def test_more_doors_an_hour_than_there_is_time_for(november, visits, is_asked):
    # the last one exactly an hour after the first
    row = [november.visit(east_m=-150 + 20 * k, minutes=60 * k / (visits - 1)) for k in range(visits)]

    assert ("pace" in november.asked(row[-1])) == is_asked


@pytest.mark.parametrize(("visits", "off_beat_s", "is_asked"), [(4, 0, False), (5, 5, True), (5, 6, False)])
def test_one_form_saved_again_and_again(november, visits, off_beat_s, is_asked):
    late = [0] * (visits - 1) + [off_beat_s]
    row = [november.visit(east_m=-50 + 4 * k, minutes=5 * k + late[k] / 60) for k in range(visits)]

    assert november.asked(row[0]).get("copied") == ("reject" if is_asked else None)


@pytest.mark.parametrize(("times", "is_asked"), [(2, False), (3, True)])
def test_the_very_same_position(november, times, is_asked):
    same = [november.visit(at=(71.5 + 4e-7 * k, 34.0), minutes=90 * k) for k in range(-1, times - 1)]

    assert ("repeated_position" in november.asked(same[0])) == is_asked


@pytest.mark.parametrize(
    ("at", "is_asked"), [((71.5, 34.001), True), ((71.5001, 34.0), False), ((71.5, 34.0001), False)]
)
def test_a_position_written_down_by_hand(november, at, is_asked):
    assert ("rounded_position" in november.asked(november.visit(at=at))) == is_asked


def test_a_position_that_the_phone_calls_made_up(november):
    assert november.asked(november.visit(mock_location=True)) == {"mock_location": "doubt"}


@pytest.mark.parametrize(
    ("counts", "of_mobile", "of_post"),
    [
        ({"eligible": 30, "vaccinated": 30}, False, False),
        ({"eligible": 31, "vaccinated": 31}, True, False),
        ({"eligible": 2, "vaccinated": 2, "absent": 1}, True, True),
        ({"vaccinated": 2, "guests_vaccinated": 1, "zero_dose": 3}, False, False),
        ({"vaccinated": 2, "guests_vaccinated": 1, "zero_dose": 4}, True, False),
        ({"vaccinated": 2, "guests_vaccinated": 1, "finger_marked": 4}, True, False),
        # their sum is 2 to the 32nd, which looks like 0 to whoever adds them up in 32 bits
        ({"eligible": 0, "vaccinated": 2**31 - 1, "absent": 2**31 - 1, "refused": 2}, True, True),
    ],
)
def test_numbers_that_do_not_add_up(november, counts, of_mobile, of_post):
    by_mobile, by_post = november.visit(**counts), november.visit(team=november.post, **counts)

    assert november.asked(by_mobile).get("arithmetic") == ("reject" if of_mobile else None)
    assert asked(november.session, by_post).get("arithmetic") == ("reject" if of_post else None)


@pytest.mark.parametrize(
    ("apart_m", "minutes", "other", "is_asked"),
    [
        (19.9, 16, {"eligible": 3, "vaccinated": 3}, True),
        (20.1, 16, {"eligible": 3, "vaccinated": 3}, False),
        (5, 15, {"eligible": 3, "vaccinated": 3}, False),
        (5, 16, {}, False),
        (5, 16, {"is_revisit": True, "eligible": 3, "vaccinated": 3}, False),
    ],
)  # fmt: skip
def test_one_door_with_two_stories(november, apart_m, minutes, other, is_asked):
    guests = a_team(november.session, november.campaign, "T2")
    ours = november.visit(east_m=-90)
    theirs = november.visit(team=guests, east_m=-90 + apart_m, minutes=minutes, **other)

    assert ("repeated_household" in november.asked(ours)) == is_asked
    assert ("repeated_household" in asked(november.session, theirs)) == is_asked


def test_the_same_team_tells_two_stories_on_two_days_only(november):
    first = november.visit(east_m=-90)
    same_day = november.visit(east_m=-88, minutes=40, eligible=3, vaccinated=3)
    assert "repeated_household" not in november.asked(first)

    next_day = november.visit(east_m=-85, minutes=24 * 60, eligible=4, vaccinated=4)

    assert "repeated_household" in november.asked(next_day)
    assert "repeated_household" in asked(november.session, first)
    assert "repeated_household" in asked(november.session, same_day)


def test_one_warning_leaves_a_visit_valid_and_two_make_it_doubtful(november):
    one = november.visit(accuracy_m=60.0)
    two = november.visit(accuracy_m=60.0, visited_at=datetime(2025, 11, 10, 15, tzinfo=UTC))

    november.asked(one)

    assert (standing(one), standing(two)) == ("valid", "doubtful")


def test_every_rule_can_be_explained():
    names = [rule.name for rule in RULES]

    assert len(names) == len(set(names)) == 17
    for rule in RULES:
        assert all(str(words) for words in (rule.question, rule.message, rule.explanation, rule.honest_causes)), (
            rule.name
        )


def test_flags_of_each_team_are_kept_for_the_quality_page(november):
    november.visit(mock_location=True)
    november.visit(mock_location=True, minutes=30, decided=1)
    judge_what_waits(november.session, november.campaign)

    kept = november.session.execute(
        text("SELECT rule, visits, undecided FROM team_flags WHERE campaign_id = :c"), {"c": november.campaign.id}
    )

    assert [tuple(row) for row in kept] == [("mock_location", 2, 1)]


def test_a_visit_without_settlement_counts_in_the_nearest_within_reach_else_in_its_area(november):
    near, far = november.visit(east_m=149, accuracy_m=0), november.visit(east_m=151, accuracy_m=0, minutes=60)

    november.asked(near)

    assert near.unit_id == november.hamlet.id
    assert far.unit_id == -far.area_id < 0
    assert november.session.scalar(text("SELECT code FROM area WHERE id = :id"), {"id": far.area_id}) == "PK20101"


def test_days_are_those_of_the_campaigns_zone(november):
    late = november.visit(visited_at=datetime(2025, 11, 9, 19, 0, tzinfo=UTC))  # midnight in Peshawar

    judge_what_waits(november.session, november.campaign)

    day = november.session.scalar(text("SELECT day FROM team_day WHERE team_id = :t"), {"t": late.team_id})
    assert day == date(2025, 11, 10)
