"""Teams on a funnel, and limits that are tried before they hold."""

import re
import threading
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import (
    IN_BANNU,
    IN_PESHAWAR,
    NINE_IN_THE_MORNING,
    a_cookie,
    a_hamlet,
    a_person,
    a_round,
    a_team,
    a_visit,
    the_ground,
)
from tracker import create_app
from tracker.coverage.following import follow
from tracker.database import transaction
from tracker.jobs import work

BASE = "/campaigns/NOV"


@dataclass
class Story:
    clients: dict[str, FlaskClient]

    def get(self, who: str, path: str):
        return self.clients[who].get(f"{BASE}/{path}")

    def post(self, who: str, path: str, **form: object):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.clients[who].get("/campaigns").text)
        return self.clients[who].post(f"{BASE}/{path}", data={"csrf_token": token[1], **form})

    def tried(self, **form: object) -> str:
        """Path of a trial that the worker has ended."""
        answer = self.post("Parveen", "limits/try", **form)
        doing = threading.Thread(target=work)  # its own: another test may hold an event loop in this one
        doing.start()
        doing.join()
        return answer.location.removeprefix(f"{BASE}/")


@pytest.fixture
def story(database: str) -> Story:
    """T1 has 24 visits, 12 of them with an accuracy of 60 m; T2 has 30 and T3 in Bannu 25 good ones."""
    with transaction() as session:
        ground = the_ground(session)
        kili, banda = a_hamlet(session, "KILI", IN_PESHAWAR), a_hamlet(session, "BANDA", IN_BANNU)
        campaign = a_round(session, areas=[ground.peshawar, ground.bannu])
        for code, area, place, at, visits, weak in (
            ("T1", ground.peshawar, kili, IN_PESHAWAR, 24, 12), ("T2", ground.peshawar, kili, IN_PESHAWAR, 30, 0),
            ("T3", ground.bannu, banda, IN_BANNU, 25, 0),
        ):  # fmt: skip
            team = a_team(session, campaign, code, area)
            for n in range(visits):
                where = (at[0] + 0.0001234 * (n % 7), at[1] + 0.0001234 * (n // 7))
                moment = NINE_IN_THE_MORNING + timedelta(minutes=7 * n + n % 3)
                a_visit(session, team, place, at=where, visited_at=moment, accuracy_m=60.0 if n < weak else 8.0,
                        eligible=2 + n % 3, vaccinated=1 + n % 2)  # fmt: skip
        people = [
            a_person(session, "Amina", "coordinator", ground.peshawar),
            a_person(session, "Parveen", "coordinator", ground.province),
            a_person(session, "Dawar", "supervisor", ground.bannu),
            a_person(session, "Oman", "observer", ground.peshawar),
        ]
        cookies = {person.name: a_cookie(session, person) for person in people}
        campaign_id = campaign.id
    follow(campaign_id)
    app = create_app()
    clients = {name: app.test_client() for name in cookies}
    for name, (cookie, secret) in cookies.items():
        clients[name].set_cookie(cookie, secret)
    return Story(clients)


def one(statement: str):
    with transaction() as session:
        return session.scalar(text(statement))


def test_dawar_sees_no_team_of_peshawar_and_sets_no_limit(story: Story):
    page = story.get("Dawar", "teams-compared").text

    assert ">T1<" not in page
    assert "T1: " not in page
    assert story.post("Dawar", "limits/try", rule="pace").status_code == 403
    assert story.get("Oman", "teams-compared").status_code == 403


def test_a_team_beyond_chance_is_named_and_the_others_are_dots(story: Story):
    page = story.get("Amina", "teams-compared?rule=weak_position").text

    assert page.count('class="team-dot') == 2
    assert page.count("team-dot above") == 1
    assert "12 / 24" in page


def test_who_answers_for_a_part_of_the_round_reads_limits_and_sets_none(story: Story):
    assert "Show the effect" not in story.get("Amina", "limits").text
    assert story.post("Amina", "limits/try", **{"rule": "weak_position", "limit-warn_above_m": "70"}).status_code == 403
    assert one("SELECT count(*) FROM job") == 0


def test_the_effect_is_shown_and_nothing_is_changed_until_it_is_applied(story: Story):
    name = re.search(
        r'name="(limit-[^"]+)" inputmode="decimal" dir="ltr" value="50"', story.get("Parveen", "limits").text
    )
    before = one("SELECT string_agg(standing::text || flags::text, ',' ORDER BY instance_id) FROM visit")

    path = story.tried(**{"rule": "weak_position", name[1]: "70"})
    page = story.get("Parveen", path).text

    assert re.search(r"position.*?>12</bdi>.*?>0</bdi>", page, re.S)
    assert one("SELECT thresholds::text FROM campaign") == "{}"
    assert one("SELECT string_agg(standing::text || flags::text, ',' ORDER BY instance_id) FROM visit") == before
    assert one("SELECT count(*) FROM waiting") == 0
    assert story.get("Amina", path).status_code == 404

    story.post("Parveen", f"{path}/apply")
    follow(one("SELECT id FROM campaign"))
    assert one("SELECT coalesce(sum(visits), 0) FROM team_flags WHERE rule = 'weak_position'") == 0
    assert one("SELECT count(*) FROM audit_entry WHERE action = 'set threshold'") == 1


def test_a_trial_is_worth_nothing_once_somebody_else_changed_the_limits(story: Story):
    name = re.search(
        r'name="(limit-[^"]+)" inputmode="decimal" dir="ltr" value="50"', story.get("Parveen", "limits").text
    )
    first = story.tried(**{"rule": "weak_position", name[1]: "70"})
    second = story.tried(**{"rule": "pace", "limit-more_than": "30"})

    story.post("Parveen", f"{first}/apply")
    story.post("Parveen", f"{second}/apply")

    assert "Somebody has changed the limits" in story.get("Parveen", "limits").text
    assert one("SELECT thresholds ? 'pace' FROM campaign") is False


@pytest.mark.parametrize("form", [
    {"rule": "pace", "limit-more_than": "-3"}, {"rule": "pace", "limit-more_than": "many"},
    {"rule": "pace", "limit-more_than": "25"}, {"rule": "nonsense"}, {"rule": "pace", "limit-more_than": "1e999"}, {},
])  # fmt: skip
def test_what_makes_no_sense_is_not_tried(story: Story, form: dict):
    answer = story.post("Parveen", "limits/try", **form)

    assert answer.status_code == 303
    assert "/trials/" not in answer.location
    assert one("SELECT count(*) FROM job") == 0
