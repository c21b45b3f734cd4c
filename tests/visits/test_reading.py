"""The list of visits over HTTP: who sees which, filters, pages."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.builders import (
    CATCH_UP,
    IN_BANNU,
    LAST_DAY,
    NINE_IN_THE_MORNING,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_token,
    a_visit,
    metres_east_of,
    the_ground,
)
from tests.conftest import a_database
from tracker import create_app
from tracker.areas.models import Settlement
from tracker.coverage.following import follow
from tracker.database import transaction

PATH = "/api/v1/campaigns/NOV/visits"


@dataclass
class Story:
    client: FlaskClient
    heads: dict[str, dict[str, str]]
    names: dict[str, str]  # by instance_id: what each visit is called in the tests

    def get(self, who: str, query: str = "", path: str = PATH) -> TestResponse:
        return self.client.get(f"{path}?{query}", headers=self.heads.get(who, {}))

    def seen(self, who: str, query: str = "") -> list[str]:
        return [self.names[row["instance_id"]] for row in self.get(who, query).json["rows"]]

    def row(self, name: str) -> dict[str, Any]:
        return next(r for r in self.get("admin").json["rows"] if self.names[r["instance_id"]] == name)


def at_hour(hours: int) -> datetime:
    return NINE_IN_THE_MORNING + timedelta(hours=hours)


def near(place: Settlement) -> tuple[float, float]:
    """Somewhere within the hamlet, never twice the same."""
    lon, lat = metres_east_of(place, -random.uniform(5, 95))
    return round(lon, 7), lat + 0.0000123


@pytest.fixture(scope="module")
def story(cluster: str, template: str) -> Iterator[Story]:
    """Judged visits of T1 in KILI (Peshawar) and T2 in DERA (Bannu), and one of T1 that nobody has judged yet."""
    with a_database(cluster, template, "reading") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        with transaction() as session:
            ground = the_ground(session)
            kili, dera = a_hamlet(session, "KILI"), a_hamlet(session, "DERA", IN_BANNU)
            campaign = a_round(session, "NOV", [ground.province])
            a_round(session, "LOCAL", [ground.peshawar])
            bilals = a_team(session, campaign, "T1", ground.peshawar)
            others = a_team(session, campaign, "T2", ground.bannu)
            a_plan(session, campaign, (bilals, LAST_DAY, kili, 40), (others, LAST_DAY, dera, 40))
            named = {
                "first": a_visit(session, bilals, kili, at=near(kili), visited_at=at_hour(0)),
                "later": a_visit(session, bilals, at=near(kili), visited_at=at_hour(1)),
                "no position": a_visit(session, bilals, kili, at=None, visited_at=at_hour(24)),
                "wrong sums": a_visit(session, bilals, kili, at=near(kili), visited_at=at_hour(48), absent=9),
                "elsewhere": a_visit(session, others, dera, at=near(dera), visited_at=at_hour(2)),
                "at sea": a_visit(session, others, at=(60.01234, 20.01234), visited_at=at_hour(3)),
                "corrected": a_visit(session, bilals, kili, at=near(kili), visited_at=at_hour(4)),
            }
            corrected = named["corrected"].instance_id
            named["correction"] = a_visit(
                session, bilals, kili, at=near(kili), visited_at=at_hour(5), replaces=corrected, eligible=3
            )
            people = {
                "admin": a_person(session, "Admin", "admin"),
                "amina": a_person(session, "Amina", "coordinator", ground.peshawar),
                "bilal": a_person(session, "Bilal", "team", team=bilals),
                "dawar": a_person(session, "Dawar", "supervisor", ground.bannu),
                "observer": a_person(session, "Olga", "observer", ground.peshawar),
                "verifier": a_person(session, "Vera", "verifier", ground.peshawar),
            }
            heads = {name: a_token(session, person) for name, person in people.items()}
        follow(campaign.id)
        with transaction() as session:
            named["new"] = a_visit(session, bilals, kili, at=near(kili), visited_at=at_hour(72))
        yield Story(create_app().test_client(), heads, {str(v.instance_id): name for name, v in named.items()})


OF_PESHAWAR = ["new", "wrong sums", "no position", "correction", "corrected", "later", "first"]


def test_dawar_from_elsewhere_sees_nothing_of_peshawar(story):
    assert story.seen("dawar") == ["at sea", "elsewhere"]
    assert story.get("dawar", "settlement=KILI").status_code == 404
    assert story.get("dawar", "team=T1").status_code == 404
    assert story.get("dawar", path="/api/v1/campaigns/LOCAL/visits").status_code == 404


@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("observer", 403), ("verifier", 403)])
def test_some_see_numbers_only(story, who, status):
    assert story.get(who).status_code == status


def test_everybody_sees_those_of_their_own_newest_first(story):
    assert story.seen("amina") == OF_PESHAWAR
    assert story.seen("bilal") == OF_PESHAWAR
    assert story.seen("admin") == [*OF_PESHAWAR[:5], "at sea", "elsewhere", "later", "first"]


def test_a_visit_is_told_as_it_was_sent_and_as_it_was_judged(story):
    row = story.row("no position")

    told = {k: row[k] for k in ("team", "lon", "settlement", "settlement_resolved", "area_resolved", "vaccinated")}
    assert told == {
        "team": "T1", "lon": None, "settlement": "KILI", "settlement_resolved": "KILI", "area_resolved": "PK20101",
        "vaccinated": 2,
    }  # fmt: skip
    assert (row["standing"], row["decided"]) == ("doubtful", None)
    assert [(f["rule"], f["severity"]) for f in row["flags"]] == [("no_position", "doubt")]
    assert row["flags"][0]["message"]
    assert story.row("later")["settlement_resolved"] == "KILI"
    assert story.row("at sea")["area_resolved"] is None
    assert story.row("new")["standing"] == "waiting"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("settlement=KILI", OF_PESHAWAR), ("team=T2", ["at sea", "elsewhere"]), ("standing=waiting", ["new"]),
        ("standing=replaced", ["corrected"]), ("standing=doubtful", ["no position"]), ("day=0001-01-01", []),
        ("flag=no_position", ["no position"]), ("standing=rejected&flag=arithmetic", ["wrong sums"]),
        ("day=2025-11-11", ["no position"]),
        ("day=9999-12-31", []), ("settlement=KILI&day=2025-11-10&standing=valid", ["correction", "later", "first"]),
        (f"day={CATCH_UP}", ["new"]), ("standing=&flag=&team=T2", ["at sea", "elsewhere"]),
    ],
)  # fmt: skip
def test_filters(story, query, names):
    assert story.seen("admin", query) == names


def test_page_by_page_nothing_is_left_out_and_nothing_comes_twice(story):
    seen, cursor = [], ""
    while cursor is not None:
        page = story.get("admin", f"limit=2&cursor={cursor}").json
        seen += [story.names[row["instance_id"]] for row in page["rows"]]
        cursor = page["next"]

    assert seen == story.seen("admin")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("day=never", "day"), ("limit=-1", "limit"), ("limit=1e9", "limit"), ("cursor=x", "cursor"),
        ("standing=good", "standing"), ("flag=odd", "flag"),
    ],
)  # fmt: skip
def test_an_odd_question_is_answered_with_its_field(story, query, field):
    answer = story.get("admin", query)

    assert answer.status_code == 422
    assert [e["field"] for e in answer.json["errors"]] == [field]


def test_a_cursor_of_another_list_is_none_of_this(story):
    other = story.get("admin", "limit=1", path="/api/v1/areas").json["next"]

    assert story.get("admin", f"cursor={other}").status_code == 422


def test_what_does_not_exist_is_not_found(story):
    statuses = [story.get("admin", q).status_code for q in ("settlement=%27;--", "team=T9", "settlement=%00")]
    assert statuses == [404, 404, 400]
