"""A round that many tests only read: made once per test file, in a database of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.builders import (
    IN_BANNU,
    IN_PESHAWAR,
    a_hamlet,
    a_person,
    a_round,
    a_team,
    a_token,
    a_visit,
    metres_east_of,
    the_ground,
)
from tests.conftest import a_database
from tracker import create_app
from tracker.coverage.following import follow
from tracker.database import transaction


@dataclass
class Told:
    client: Any
    headers: dict[str, dict[str, str]]  # of each of the cast
    tokens: dict[str, str]


@contextmanager
def a_told_round(cluster: str, template: str) -> Iterator[Told]:
    """KILI, whose name is a formula, in Peshawar with visits; BANDA with a small target; DOMEL in Bannu."""
    with a_database(cluster, template, "told") as url:
        before = os.environ.get("DATABASE_URL")
        os.environ["DATABASE_URL"] = url
        try:
            headers = _tell()
            tokens = {name: said["Authorization"].removeprefix("Bearer ") for name, said in headers.items()}
            yield Told(create_app().test_client(), headers, tokens)
        finally:
            os.environ.pop("DATABASE_URL") if before is None else os.environ.update(DATABASE_URL=before)


def _tell() -> dict[str, dict[str, str]]:
    with transaction() as session:
        ground = the_ground(session)
        kili = a_hamlet(session, "KILI", under_five=40, name="=1+1", name_ur="کلی")
        a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000), under_five=9)
        domel = a_hamlet(session, "DOMEL", IN_BANNU, under_five=60)
        both = a_round(session, "BOTH")
        a_round(session, "PESHAWAR", areas=[ground.peshawar])
        team = a_team(session, both, "T1", ground.peshawar_tehsil)
        other = a_team(session, both, "T2", ground.bannu_tehsil)
        a_visit(session, team, kili, note="@SUM(A1)", at=IN_PESHAWAR)
        a_visit(session, team, kili, at=None)
        a_visit(session, other, domel, at=IN_BANNU)
        people = {
            "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
            "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
            "Farid": a_person(session, "Farid", "observer", ground.province),
            "Bilal": a_person(session, "Bilal", "team", team=team),
            "Admin": a_person(session, "Admin", "admin"),
        }
        headers = {name: a_token(session, person) for name, person in people.items()}
    follow(both.id)
    return headers
