"""A draft changed by hand: what was moved or fixed is there, all else stays, and planning anew leaves it alone."""

from datetime import timedelta

import pytest
from flask.testing import FlaskCliRunner

from geo.targets.rules import Rules
from tests.builders import FIRST_DAY
from tests.targets.villages import a_round_to_plan
from tracker import create_app
from tracker.areas.models import Settlement
from tracker.campaigns.planning import find_campaign
from tracker.database import transaction
from tracker.errors import WrongRequest
from tracker.targets.changing import fix_day, fixed_days, move_stop
from tracker.targets.making import Asked, make_plan
from tracker.targets.models import PlanChange
from tracker.targets.publishing import find_version, publish
from tracker.targets.stops import read_stops

SECOND_DAY = FIRST_DAY + timedelta(days=1)
TWO_TEAMS_TWO_DAYS = Asked(teams=2, days=2, processes=1)


@pytest.fixture
def planned(session):
    """(session, campaign, teams, version of the plan)."""
    _ground, campaign, teams = a_round_to_plan(session)
    said = make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())
    return session, campaign, teams, said["version"]


def stops_of_version(session, campaign, version):
    codes = dict(session.query(Settlement.id, Settlement.code).all())
    plan = find_version(session, campaign, version)
    return {(codes[s.settlement_id], s.block): s for s in read_stops(session, plan.id)}


def elsewhere(stop, teams):
    """Another team-day than the stop's."""
    return next((t, d) for t in teams for d in (FIRST_DAY, SECOND_DAY) if (t.id, d) != stop.key)


def test_a_moved_stop_is_another_team_days_and_all_else_stays(planned):
    session, campaign, teams, version = planned
    before = stops_of_version(session, campaign, version)
    stop = before["KILI05", 0]
    team, on = elsewhere(stop, teams)

    said = move_stop(session, campaign, settlement="KILI05", block=0, team=team.code, on=on)

    after = stops_of_version(session, campaign, said["version"])
    assert after["KILI05", 0].key == (team.id, on)
    assert {unit: (s.key, s.children) for unit, s in after.items() if unit != ("KILI05", 0)} == {
        unit: (s.key, s.children) for unit, s in before.items() if unit != ("KILI05", 0)
    }
    for key in {s.key for s in after.values()}:
        positions = sorted(s.position for s in after.values() if s.key == key)
        assert positions == list(range(1, len(positions) + 1))
    change = session.query(PlanChange).filter_by(microplan_id=find_version(session, campaign, said["version"]).id).one()
    assert (change.what, change.from_team_id, change.to_team_id) == ("moved", stop.team_id, team.id)


def test_a_published_plan_stays_and_the_change_begins_a_draft(planned):
    session, campaign, teams, version = planned
    publish(session, campaign, version)
    before = stops_of_version(session, campaign, version)
    team, on = elsewhere(before["KILI05", 0], teams)

    said = move_stop(session, campaign, settlement="KILI05", block=0, team=team.code, on=on)

    assert (said["made_from"], said["version"] > version) == (version, True)
    assert stops_of_version(session, campaign, version) == before
    assert campaign.microplan_id == find_version(session, campaign, version).id


def test_planning_anew_leaves_what_was_moved_and_fixed(planned):
    session, campaign, teams, version = planned
    before = stops_of_version(session, campaign, version)
    team, on = elsewhere(before["KILI05", 0], teams)
    moved = move_stop(session, campaign, settlement="KILI05", block=0, team=team.code, on=on)
    other = next(s.key for s in before.values() if s.key not in {(team.id, on), before["KILI05", 0].key})
    code = next(t.code for t in teams if t.id == other[0])
    fixed = fix_day(session, campaign, team=code, on=other[1], number=moved["version"])
    plan = find_version(session, campaign, fixed["version"])
    assert fixed_days(session, plan) == {other}

    again = make_plan(session, campaign, Asked(2, 2, seed=7, keep=plan.id, processes=1), Rules())

    after = stops_of_version(session, campaign, again["version"])
    kept = {unit for unit, s in stops_of_version(session, campaign, fixed["version"]).items() if s.key == other}
    assert after["KILI05", 0].key == (team.id, on)
    assert {unit for unit, s in after.items() if s.key == other} == kept


@pytest.mark.parametrize(
    ("settlement", "day", "field"),
    [("NO-SUCH", FIRST_DAY, "settlement"), ("KILI05", FIRST_DAY - timedelta(days=9), "team")],
)
def test_what_cannot_be_moved_is_said_with_its_field(planned, settlement, day, field):
    session, campaign, _teams, _version = planned

    with pytest.raises(WrongRequest) as refused:
        move_stop(session, campaign, settlement=settlement, block=0, team="T1", on=day)

    assert refused.value.facts["field"] == field


def test_a_day_without_stops_is_not_fixed(planned):
    session, campaign, _teams, _version = planned

    with pytest.raises(WrongRequest):
        fix_day(session, campaign, team="T1", on=FIRST_DAY + timedelta(days=2))


def test_the_commands_do_the_same(database):
    with transaction() as session:
        _ground, campaign, teams = a_round_to_plan(session)
        version = make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())["version"]
        team, on = elsewhere(stops_of_version(session, campaign, version)["KILI05", 0], teams)
        where, key = (campaign.code, team.code, on.isoformat()), (team.id, on)
    flask = FlaskCliRunner(create_app())

    moved = flask.invoke(args=["targets", "move", "--campaign", where[0], "--settlement", "KILI05", "--to-team",
                               where[1], "--to-date", where[2], "--json"])  # fmt: skip
    fixed = flask.invoke(args=["targets", "fix", "--campaign", where[0], "--team", where[1], "--date", where[2]])

    assert (moved.exit_code, fixed.exit_code) == (0, 0), moved.stderr + fixed.stderr
    with transaction() as session:
        campaign = find_campaign(session, where[0])
        assert stops_of_version(session, campaign, None)["KILI05", 0].key == key
        assert fixed_days(session, find_version(session, campaign, None)) == {key}
