"""Whatever happens to a round, in whatever order and from however many connections: kept counts equal the raw rows."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.builders import (
    CATCH_UP,
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    NINE_IN_THE_MORNING,
    a_round,
    a_settlement,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tracker.accounts.scope import SERVER
from tracker.areas.models import Area, Settlement
from tracker.campaigns.models import Campaign, Team
from tracker.campaigns.planning import import_microplan, set_state
from tracker.campaigns.settlements import refresh_all
from tracker.coverage.following import follow
from tracker.coverage.recount import recount
from tracker.database import transaction
from tracker.errors import RowsRefused
from tracker.visits.decisions import decide
from tracker.visits.models import Visit
from tracker.visits.thresholds import set_limits

PLACES = {"TOWN": IN_PESHAWAR, "KILI": metres_east_of(IN_PESHAWAR, 3000), "DOMEL": IN_BANNU}
TYPES = ("urban", "small", "hamlet")
KEPT = """
    SELECT unit_id, day, team_id, area_id, visits, visits_valid, visits_doubtful, visits_rejected, vaccinated,
           vaccinated_confirmed, still, CAST(reached AS text), west
    FROM (SELECT *, missed_absent + missed_refused + missed_other - recovered AS still FROM coverage_count) c
    WHERE campaign_id = :campaign ORDER BY 1, 2, 3"""


@dataclass
class Round:
    """A campaign in Peshawar and Bannu's town, and what may happen to it."""

    campaign_id: int
    team_ids: list[int]
    chance: Random = field(default_factory=Random)

    def visit(self, session: Any) -> Visit:
        place = self.chance.choice([None, *PLACES])
        near = self.chance.choice([*PLACES.values(), (60.0, 20.0), None])
        known = session.query(Visit.instance_id).filter_by(campaign_id=self.campaign_id).all()
        eligible = self.chance.choice([1, 2, 3, 2_000_000_000])
        return a_visit(
            session,
            session.get_one(Team, self.chance.choice(self.team_ids)),
            place and session.query(Settlement).filter_by(code=place).one(),
            at=near and metres_east_of(near, self.chance.choice([0, 40, 90, 160, 700])),
            visited_at=NINE_IN_THE_MORNING + timedelta(minutes=self.chance.randrange(5 * 24 * 60)),
            eligible=eligible,
            vaccinated=self.chance.choice([eligible, eligible - 1]),
            is_revisit=self.chance.random() < 0.2,
            replaces=self.chance.choice(known).instance_id if known and self.chance.random() < 0.3 else None,
        )

    def decision(self, session: Any) -> None:
        known = session.query(Visit.instance_id).filter_by(campaign_id=self.campaign_id).all()
        if known:
            action = self.chance.choice(["keep", "set_aside"])
            decide(session, self.campaign(session), SERVER, [self.chance.choice(known).instance_id], action, "asked")

    def threshold(self, session: Any) -> None:
        beyond = self.chance.choice([10, 150, 5000])
        set_limits(session, self.campaign(session), "settlement_mismatch", {"beyond_m": beyond})

    def plan(self, session: Any) -> None:
        team = session.get_one(Team, self.chance.choice(self.team_ids)).code
        rows = [
            {"team": team, "date": str(day), "settlement": "TOWN", "target_children": str(self.chance.randrange(99))}
            for day in (FIRST_DAY, CATCH_UP)
        ]
        with suppress(RowsRefused):  # the town may have moved out of the round
            import_microplan(session, self.campaign(session), rows, "plan.csv")

    def map(self, session: Any) -> None:
        """A settlement moves, grows or changes its kind, perhaps out of the round's areas."""
        code = self.chance.choice(list(PLACES))
        at = self.chance.choice([PLACES[code], metres_east_of(PLACES[code], 250), IN_BANNU])
        a_settlement(session, code, at, type=self.chance.choice(TYPES))
        refresh_all(session)

    def closing(self, session: Any) -> None:
        """Closed, its settlements changed meanwhile, a person decided, and open again."""
        code = self.campaign(session).code
        set_state(session, code, "closed")
        self.map(session)
        self.decision(session)
        set_state(session, code, "open")

    def campaign(self, session: Any) -> Campaign:
        return session.get_one(Campaign, self.campaign_id)

    def happens(self, what: str) -> None:
        act: Callable[[Any], Any] = getattr(self, what)
        with transaction() as session:
            act(session)


HAPPENINGS = ("visit", "visit", "visit", "visit", "decision", "threshold", "plan", "map", "closing")


@pytest.fixture
def ground(database):
    with transaction() as session:
        the_ground(session)
    return database


def a_new_round(code: str, seed: int) -> Round:
    """Over Peshawar only, so that DOMEL and whatever moves there lies outside."""
    with transaction() as session:
        for place, at in PLACES.items():
            a_settlement(session, place, at, type="small")
        refresh_all(session)
        peshawar = session.query(Area).filter_by(code="PK201").one()
        campaign = a_round(session, code, areas=[peshawar])
        return Round(campaign.id, [a_team(session, campaign, f"T{n}").id for n in range(3)], Random(seed))


def kept(campaign_id: int) -> list[Any]:
    with transaction() as session:
        return [tuple(row) for row in session.execute(text(KEPT), {"campaign": campaign_id})]


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.sampled_from((*HAPPENINGS, "follow")), min_size=3, max_size=25), st.integers(0, 10**6))
def test_after_any_mix_of_happenings_a_recount_finds_no_difference(ground, happenings, seed):
    with transaction() as session:
        number = session.query(Campaign).count()
    made = a_new_round(f"R{number}", seed)

    for what in happenings:
        if what == "follow":
            follow(made.campaign_id)
        else:
            made.happens(what)

    assert recount(made.campaign_id).different == 0
    stepwise = kept(made.campaign_id)
    follow(made.campaign_id, everything=True)
    assert kept(made.campaign_id) == stepwise  # all at once gives the same
    assert recount(made.campaign_id).different == 0


def test_from_several_connections_at_once_a_recount_finds_no_difference(ground):
    made = a_new_round("BUSY", seed=0)
    troubles: list[BaseException] = []

    def work(happenings: list[str], seed: int) -> None:
        mine = Round(made.campaign_id, made.team_ids, Random(seed))
        try:
            for what in happenings:
                if what == "follow":
                    follow(mine.campaign_id)
                elif what == "recount":
                    assert recount(mine.campaign_id).different == 0
                else:
                    mine.happens(what)
        except BaseException as trouble:  # told by the test itself
            troubles.append(trouble)

    people = [
        ["visit"] * 30,
        ["visit", "visit", "decision"] * 12,
        ["visit", "threshold", "visit", "plan"] * 6,
        ["follow"] * 15,
        ["recount", "follow"] * 6,
    ]
    threads = [threading.Thread(target=work, args=(happenings, n)) for n, happenings in enumerate(people)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert troubles == []
    assert recount(made.campaign_id).different == 0
    with transaction() as session:
        sent = session.scalar(text("SELECT count(*) FROM visit WHERE standing <> 4"))
        assert session.scalar(text("SELECT sum(visits) FROM coverage_count")) == sent
        assert session.query(Visit).count() == 30 + 24 + 12
