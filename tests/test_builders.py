"""The builders give rows that hang together."""

from datetime import date

from tests.builders import (
    FIRST_DAY,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tracker.accounts.scope import scope_of
from tracker.coverage.models import CampaignSettlement


def test_a_story_can_be_told(session):
    ground = the_ground(session)
    kili = a_hamlet(session)
    november = a_round(session, areas=[ground.peshawar])
    team = a_team(session, november, area=ground.peshawar_tehsil)
    amina = a_person(session, "Amina", "coordinator", ground.peshawar)

    a_plan(session, november, (team, FIRST_DAY, kili, 40))
    visit = a_visit(session, team, kili, at=metres_east_of(kili, 10))

    planned = session.query(CampaignSettlement).one()
    assert (planned.target, planned.team_id, planned.last_day) == (40, team.id, date(2025, 11, 10))
    assert visit.lon > 71.5
    assert str(ground.peshawar_tehsil.id) in scope_of(session, amina).areas
