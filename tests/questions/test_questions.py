"""A flag becomes a question, the answer returns to the visit, a decision cites it; a team's day is shown with care."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    NINE_IN_THE_MORNING,
    a_cookie,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_visit,
    the_ground,
)
from tracker import create_app
from tracker.coverage.following import follow
from tracker.database import transaction
from tracker.visits.models import KEEP

BASE = "/campaigns/NOV"
DAY = f"{BASE}/teams/T1?day={FIRST_DAY}"


@dataclass
class Story:
    """Bilal's team T1 in Peshawar has three visits to check on the first day; T2 in Bannu one."""

    clients: dict[str, FlaskClient]
    visits: list[UUID]
    elsewhere: UUID

    def get(self, who: str, path: str):
        return self.clients[who].get(path)

    def post(self, who: str, path: str, **form: object):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.clients[who].get("/campaigns").text)
        return self.clients[who].post(path, data={"csrf_token": token[1], **form})

    def ask(self, who: str = "Amina", **form: object) -> str:
        """Address of the new question."""
        answer = self.post(who, f"{BASE}/questions", **{"words": "Was it really one spot?", **form})
        assert answer.status_code == 303, answer.text
        return answer.location


@pytest.fixture
def story(database: str) -> Story:
    with transaction() as session:
        ground = the_ground(session)
        kili, banda = a_hamlet(session, "KILI", IN_PESHAWAR), a_hamlet(session, "BANDA", IN_BANNU)
        campaign = a_round(session, areas=[ground.peshawar, ground.bannu])
        team = a_team(session, campaign, "T1", ground.peshawar)
        other = a_team(session, campaign, "T2", ground.bannu)
        a_plan(session, campaign, (team, FIRST_DAY, kili, 40), (other, FIRST_DAY, banda, 40))
        hourly = [NINE_IN_THE_MORNING + timedelta(hours=n) for n in range(3)]
        visits = [a_visit(session, team, kili, visited_at=at, mock_location=True).instance_id for at in hourly]
        elsewhere = a_visit(session, other, banda, at=IN_BANNU, mock_location=True).instance_id
        people = [
            a_person(session, "Amina", "coordinator", ground.peshawar),
            a_person(session, "Sana", "supervisor", ground.peshawar),
            a_person(session, "Bilal", "team", team=team),
            a_person(session, "Dawar", "coordinator", ground.bannu),
            a_person(session, "Oman", "observer", ground.peshawar),
        ]
        cookies = {person.name: a_cookie(session, person) for person in people}
        campaign_id = campaign.id
    follow(campaign_id)
    app = create_app()
    clients = {name: app.test_client() for name in cookies}
    for name, (cookie, secret) in cookies.items():
        clients[name].set_cookie(cookie, secret)
    return Story(clients, visits, elsewhere)


def one(statement: str):
    with transaction() as session:
        return session.scalar(text(statement))


def test_dawar_asks_answers_and_sees_nothing_of_peshawar(story: Story):
    question = story.ask(instance=story.visits[0])

    assert story.post("Dawar", f"{BASE}/questions", instance=story.visits[0], words="?").status_code == 404
    assert story.get("Dawar", f"{BASE}/questions/ask?instance={story.visits[0]}").status_code == 404
    for path in (question, f"{BASE}/teams/T1"):
        assert story.get("Dawar", path).status_code == 404
    assert story.post("Dawar", f"{question}/answer", answer="no").status_code == 404
    assert "one spot" not in story.get("Dawar", f"{BASE}/questions").text
    assert ">T1<" not in story.get("Dawar", f"{BASE}/teams?day={FIRST_DAY}").text


@pytest.mark.parametrize("who", ["Bilal", "Oman"])
def test_who_may_not_answer_has_no_questions(story: Story, who: str):
    assert story.get(who, f"{BASE}/questions").status_code == 403
    assert story.post(who, f"{BASE}/questions", instance=story.visits[0], words="?").status_code == 403


def test_the_answer_returns_to_the_visit_and_a_decision_cites_it(story: Story):
    question = story.ask(team="T1", standing="any", decided="any")
    assert one("SELECT visits FROM question") == 3

    story.post("Sana", f"{question}/answer", answer="A test app was left on. I walked there with them.")
    assert "I walked there with them" in story.get("Amina", f"{BASE}/quality").text
    story.post("Amina", f"{question}/decide", verdict="keep", reason="Sana walked there")

    assert one(f"SELECT count(*) FROM visit WHERE decided = {KEEP}") == 3
    assert one("SELECT q.decided = d.batch FROM question q, decision d LIMIT 1")
    assert "cites this answer" in story.get("Sana", question).text


def test_two_who_answer_at_once_lose_neither_text(story: Story):
    question = story.ask(instance=story.visits[0])

    story.post("Sana", f"{question}/answer", answer="The phone was new.")
    second = story.post("Amina", f"{question}/answer", answer="It was the neighbour's phone.")

    assert second.status_code == 409
    assert "The phone was new." in second.text
    assert "It was the neighbour&#39;s phone." in second.text


def test_nothing_is_decided_before_somebody_answered_and_empty_words_ask_nothing(story: Story):
    question = story.ask(instance=story.visits[0])

    assert story.post("Amina", f"{question}/decide", verdict="keep", reason="so").status_code == 422
    assert story.post("Amina", f"{question}/answer", answer="  ").status_code == 422
    assert story.post("Amina", f"{BASE}/questions", instance=story.visits[0], words=" ").status_code == 422
    assert story.post("Amina", f"{BASE}/questions", instance="x", words="?").status_code == 404
    assert story.post("Amina", f"{BASE}/questions", words="?").status_code == 404
    assert one("SELECT count(*) FROM visit WHERE decided IS NOT NULL") == 0


def test_an_unanswered_question_is_taken_back(story: Story):
    question = story.ask(instance=story.visits[0])

    story.post("Amina", f"{question}/withdraw")

    assert story.get("Amina", question).status_code == 404


def test_a_day_that_is_over_shows_where_visits_were(story: Story):
    page = story.get("Amina", DAY).text

    assert page.count('class="dot"') == 3
    assert "09:00" in page
    assert "40" in page  # the plan
    assert 'class="dot"' in story.get("Bilal", DAY).text
    assert story.get("Oman", DAY).status_code == 403


@pytest.mark.parametrize(("who", "minutes_ago", "dots", "looks"), [
    ("Amina", 61, 0, 0), ("Sana", 61, 1, 1), ("Sana", 55, 0, 1),
])  # fmt: skip
def test_where_a_team_is_today_is_for_its_supervisor_late_and_on_record(story: Story, who, minutes_ago, dots, looks):
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    with transaction() as session:
        session.execute(text("DELETE FROM visit WHERE instance_id <> :id"), {"id": story.visits[0]})
        session.execute(text("UPDATE visit SET visited_at = :at"), {"at": at})
    today = (at + timedelta(hours=5)).date()
    if today != (datetime.now(UTC) + timedelta(hours=5)).date():
        pytest.skip("midnight in Peshawar lies between")

    page = story.get(who, f"{BASE}/teams/T1?day={today}").text

    assert page.count('class="dot"') == dots
    assert one("SELECT count(*) FROM audit_entry WHERE action = 'look'") == looks


@pytest.mark.parametrize("path", [
    f"{BASE}/teams", f"{BASE}/teams?day=nonsense", f"{BASE}/teams?day=2031-01-01", f"{BASE}/teams/T1?day=1999-01-01",
    f"{BASE}/questions?state=odd&team=NONE", f"{BASE}/quality?team=T1",
])  # fmt: skip
def test_strange_addresses_are_pages(story: Story, path: str):
    assert story.get("Amina", path).status_code == 200


def test_an_observer_sees_teams_as_numbers_without_links_to_their_days(story: Story):
    page = story.get("Oman", f"{BASE}/teams?day={FIRST_DAY}").text

    assert "T1" in page
    assert "/teams/T1" not in page
