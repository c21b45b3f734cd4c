"""The kept counts equal the raw rows; when somebody has meddled with them, it is seen and set right."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from tests.builders import (
    IN_PESHAWAR,
    NINE_IN_THE_MORNING,
    a_hamlet,
    a_round,
    a_settlement,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tracker.coverage.following import follow
from tracker.coverage.models import CampaignSettlement, CoverageCount
from tracker.coverage.recount import recount
from tracker.database import transaction


@pytest.fixture
def a_counted_round(database):
    """Twelve visits in a town and a hamlet, one of them nowhere, one without position; judged and counted."""
    with transaction() as session:
        ground = the_ground(session)
        town = a_settlement(session, "TOWN", type="urban", under_five=90)
        kili = a_hamlet(session, "KILI", metres_east_of(IN_PESHAWAR, 3000))
        november = a_round(session)
        bilals = a_team(session, november, area=ground.peshawar_tehsil)
        for n in range(10):
            later = NINE_IN_THE_MORNING + timedelta(minutes=9 * n)
            a_visit(session, bilals, town if n % 2 else None, at=metres_east_of(IN_PESHAWAR, 37 * n), visited_at=later)
        a_visit(session, bilals, kili, at=None)
        a_visit(session, bilals, None, at=(60.0, 20.0))
    return november.id


def test_a_recount_compares_every_count_and_every_settlement(a_counted_round):
    found = recount(a_counted_round)

    assert (found.cells, found.different, found.repaired) == (3 + 2, 0, 0)
    with transaction() as session:
        town, kili = session.query(CampaignSettlement).order_by(CampaignSettlement.settlement_id)
        assert (town.visits, kili.visits, kili.cells_reached) == (10, 1, 0)
        assert 0 < town.cells_reached < town.cells


@pytest.mark.parametrize(
    ("meddling", "different"),
    [
        ("UPDATE coverage_count SET vaccinated = vaccinated + 1 WHERE unit_id = 0", 1),
        ("UPDATE coverage_count SET reached = ~reached WHERE reached IS NOT NULL AND visits > 1", 1),
        ("UPDATE coverage_count SET west = west - 1 WHERE unit_id = 0", 1),
        ("DELETE FROM coverage_count WHERE unit_id = 0", 1),
        ("UPDATE coverage_count SET day = day + 1 WHERE unit_id = 0", 2),
        ("UPDATE campaign_settlement SET cells_reached = cells_reached + 1", 2),
        ("UPDATE campaign_settlement SET visits = 0", 2),
        ("UPDATE visit SET standing = 1 WHERE lon = 60.0", 1),
    ],
)
def test_what_somebody_changed_by_hand_is_seen_and_set_right(a_counted_round, meddling, different):
    follow(a_counted_round)
    with transaction() as session:
        session.execute(text(meddling))

    seen = recount(a_counted_round)
    set_right = recount(a_counted_round, repair=True)
    again = recount(a_counted_round)

    assert (seen.different, seen.repaired) == (different, 0)
    assert (set_right.different, set_right.repaired) == (different, different)
    assert again.different == 0


def test_visits_that_wait_to_be_judged_are_in_neither_count(a_counted_round):
    with transaction() as session:
        november = a_counted_round
        counted = session.query(CoverageCount).count()
        assert counted == 0

    assert recount(november).different == 0
    with transaction() as session:
        assert session.scalar(text("SELECT sum(visits) FROM coverage_count")) == 12
