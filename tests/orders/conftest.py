"""A round that is over, with three places in Peshawar and one in Bannu, and who works on it."""

from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    Ground,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tracker.accounts.scope import Scope, scope_of
from tracker.areas.models import Settlement
from tracker.campaigns.models import Campaign, Team


@dataclass
class Story:
    """MOST, LESS and DONE in Peshawar, planned for T1; BANDA in Bannu for T2."""

    ground: Ground
    round: Campaign
    team: Team
    other: Team
    places: dict[str, Settlement]
    scopes: dict[str, Scope]


def tell(session: Session) -> Story:
    ground = the_ground(session)
    places = {
        code: a_hamlet(session, code, metres_east_of(IN_PESHAWAR, 2000 * n), under_five=children, name=f"{code} Kili")
        for n, (code, children) in enumerate((("MOST", 50), ("LESS", 30), ("DONE", 20)))
    }
    places["BANDA"] = a_hamlet(session, "BANDA", IN_BANNU, under_five=40)
    campaign = a_round(session, areas=[ground.peshawar, ground.bannu])
    team = a_team(session, campaign, "T1", ground.peshawar_tehsil)
    other = a_team(session, campaign, "T2", ground.bannu_tehsil)
    a_plan(
        session, campaign, *((team, FIRST_DAY, places[c], places[c].under_five) for c in ("MOST", "LESS", "DONE")),
        (other, FIRST_DAY, places["BANDA"], 40),
    )  # fmt: skip
    a_count(session, campaign, team, places["LESS"], vaccinated=10, missed_refused=4, missed_absent=6, eligible=20)
    a_count(session, campaign, team, places["DONE"], vaccinated=20, eligible=20)
    people = {
        "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
        "Sana": a_person(session, "Sana", "supervisor", ground.peshawar_tehsil),
        "Bilal": a_person(session, "Bilal", "team", team=team),
        "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
        "Oman": a_person(session, "Oman", "observer", ground.peshawar),
        "Veda": a_person(session, "Veda", "verifier", ground.peshawar),
    }
    scopes = {name: scope_of(session, person) for name, person in people.items()}
    return Story(ground, campaign, team, other, places, scopes)


@pytest.fixture
def story(session: Session) -> Story:
    return tell(session)
