"""The quality page: what the rules ask, whose visits they are, and a person's word on one or many."""

import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

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
from tracker.accounts.models import Person
from tracker.accounts.scope import SERVER, scope_of
from tracker.campaigns.models import Campaign
from tracker.coverage.following import follow
from tracker.database import transaction
from tracker.visits.models import KEEP, SET_ASIDE
from tracker.visits.quality import Filter, count_behind, ids_behind, questions, teams_asked, visits_behind

PAGE = "/campaigns/NOV/quality"
TO_CHECK = 3  # Bilal's visits without a position


@dataclass
class Story:
    """A round in which Bilal's team in Peshawar has three visits to check, and the team in Bannu one."""

    campaign_id: int
    clients: dict[str, FlaskClient]
    visits: list[UUID]  # Bilal's, to check, in order of time
    elsewhere: UUID

    def get(self, who: str, path: str = PAGE) -> TestResponse:
        return self.clients[who].get(path)

    def post(self, who: str, path: str, **form: object) -> TestResponse:
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.clients[who].get("/campaigns").text)
        assert token
        return self.clients[who].post(f"{PAGE}/{path}", data={"csrf_token": token[1], **form})

    def decided(self) -> dict[UUID, int | None]:
        with transaction() as session:
            return dict(session.execute(text("SELECT instance_id, decided FROM visit")).all())


@pytest.fixture
def story(database: str) -> Story:
    with transaction() as session:
        ground = the_ground(session)
        hamlets = a_hamlet(session, "KILI", IN_PESHAWAR), a_hamlet(session, "BANDA", IN_BANNU)
        campaign = a_round(session, areas=[ground.peshawar, ground.bannu])
        team, other = a_team(session, campaign, "T1", ground.peshawar), a_team(session, campaign, "T2", ground.bannu)
        hourly = [NINE_IN_THE_MORNING + timedelta(hours=n) for n in range(TO_CHECK)]
        visits = [a_visit(session, team, hamlets[0], at=None, visited_at=at).instance_id for at in hourly]
        at_the_door = (IN_PESHAWAR[0] + 0.0000123, IN_PESHAWAR[1] + 0.0000456)  # nothing to ask
        a_visit(session, team, hamlets[0], at=at_the_door, visited_at=NINE_IN_THE_MORNING + timedelta(hours=4))
        elsewhere = a_visit(session, other, hamlets[1], at=None).instance_id
        people = {
            "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
            "Bilal": a_person(session, "Bilal", "team", team=team),
            "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
            "Oman": a_person(session, "Oman", "observer", ground.peshawar),
        }
        cookies = {name: a_cookie(session, person) for name, person in people.items()}
        campaign_id = campaign.id
    follow(campaign_id)
    app = create_app()
    clients = {name: app.test_client() for name in people}
    for name, (cookie, secret) in cookies.items():
        clients[name].set_cookie(cookie, secret)
    return Story(campaign_id, clients, visits, elsewhere)


def test_dawar_from_elsewhere_sees_nothing_of_peshawar(story: Story):
    page = story.get("Dawar", f"{PAGE}?standing=any&decided=any")

    assert page.status_code == 200
    assert str(story.elsewhere) in page.text
    assert not any(str(visit) in page.text for visit in story.visits)
    assert ">T1<" not in page.text


def test_dawar_cannot_decide_on_a_visit_of_peshawar(story: Story):
    answer = story.post("Dawar", "decide", instance_id=story.visits[0], verdict="keep", reason="I know best")

    assert answer.status_code == 404
    assert not any(story.decided().values())


def test_an_observer_is_refused_and_a_team_may_look_but_not_decide(story: Story):
    assert story.get("Oman").status_code == 403

    page = story.get("Bilal")

    assert str(story.visits[0]) in page.text
    assert "/quality/decide" not in page.text
    assert story.post("Bilal", "decide", instance_id=story.visits[0], verdict="keep", reason="ok").status_code == 403


def test_amina_reads_what_is_asked_with_its_numbers(story: Story):
    page = story.get("Amina").text

    assert "Does the visit say where it was made?" in page
    assert "no position was recorded" in page
    assert f'<span class="hero"><bdi dir="ltr">{TO_CHECK}</bdi></span>' in page


def test_a_visit_is_kept_with_a_reason_and_the_act_is_undone(story: Story):
    story.post("Amina", "decide", instance_id=story.visits[0], verdict="keep", reason="The phone was broken")
    assert story.decided()[story.visits[0]] == KEEP

    undo = re.search(r'action="([^"]+/quality/undo\?[^"]+)"', story.get("Amina").text)
    assert undo
    story.post("Amina", undo[1].split("/quality/")[1].replace("&amp;", "&"))

    assert story.decided()[story.visits[0]] is None


def test_without_a_reason_nothing_changes(story: Story):
    story.post("Amina", "decide", instance_id=story.visits[0], verdict="keep", reason="  ")

    assert "Say why" in story.get("Amina").text
    assert not any(story.decided().values())


def test_many_are_decided_on_after_their_number_was_shown(story: Story):
    page = story.get("Amina", f"{PAGE}/decide-all?rule=no_position&verdict=set_aside")
    assert f"Set {TO_CHECK} visits aside" in page.text

    answer = story.post(
        "Amina", "decide-all", rule="no_position", verdict="set_aside", reason="Asked the team", count=TO_CHECK
    )

    assert answer.status_code == 303
    decided = story.decided()
    assert [decided[visit] for visit in story.visits] == [SET_ASIDE] * TO_CHECK
    assert decided[story.elsewhere] is None


def test_many_are_left_alone_when_their_number_changed_meanwhile(story: Story):
    answer = story.post(
        "Amina", "decide-all", rule="no_position", verdict="keep", reason="Asked the team", count=TO_CHECK - 1
    )

    assert "changed meanwhile" in answer.text
    assert not any(story.decided().values())


def test_without_a_token_of_the_form_nothing_is_decided(story: Story):
    form = {"instance_id": story.visits[0], "verdict": "keep", "reason": "none"}

    assert story.clients["Amina"].post(f"{PAGE}/decide", data=form).status_code == 400
    assert not any(story.decided().values())


@pytest.mark.parametrize("address", ["?rule=nonsense", "?day=soon", "?standing=odd&decided=odd", "?team=T9"])
def test_a_filter_that_makes_no_sense_shows_a_page(story: Story, address: str):
    assert story.get("Amina", PAGE + address).status_code == 200


def test_a_cursor_that_we_did_not_write_is_refused(story: Story):
    assert story.get("Amina", f"{PAGE}?cursor=abc").status_code == 422


def test_nor_does_the_cursor_of_another_list_lead_anywhere(story: Story):
    visits = story.get("Amina", "/api/v1/campaigns/NOV/visits?limit=1").json["next"]

    assert visits
    assert story.get("Amina", f"{PAGE}?cursor={visits}").status_code == 422
    assert story.get("Amina", f"/api/v1/areas?cursor={visits}").status_code == 422


def test_pages_of_visits_hold_each_once(story: Story):
    def page(after):
        with transaction() as session:
            campaign = session.get_one(Campaign, story.campaign_id)
            return visits_behind(session, campaign, SERVER, Filter(), after=after, limit=2)

    seen, after = page(None)
    while after:
        more, after = page(after)
        seen += more

    assert [behind.visit.instance_id for behind in seen] == [*story.visits, story.elsewhere]
    assert all(behind.standing == "doubtful" for behind in seen)


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Filter(), 4), (Filter(team="T1"), 3), (Filter(rule="no_position", standing="doubtful"), 4),
        (Filter(standing="valid"), 0), (Filter(rule="pace"), 0), (Filter(decided=True), 0),
        (Filter(day=NINE_IN_THE_MORNING.date()), 4), (Filter(day=NINE_IN_THE_MORNING.date() + timedelta(days=1)), 0),
    ],
)  # fmt: skip
def test_counts_are_those_of_the_filter(story: Story, wish: Filter, expected: int):
    with transaction() as session:
        campaign = session.get_one(Campaign, story.campaign_id)

        assert len(ids_behind(session, campaign, SERVER, wish)) == expected
        assert count_behind(session, campaign, SERVER, wish, most=100) == expected


def test_a_count_goes_no_further_than_one_past_the_most(story: Story):
    with transaction() as session:
        campaign = session.get_one(Campaign, story.campaign_id)

        assert count_behind(session, campaign, SERVER, Filter(), most=2) == 3


def test_rules_and_teams_are_counted_for_ones_own_teams(story: Story):
    with transaction() as session:
        campaign = session.get_one(Campaign, story.campaign_id)
        amina = scope_of(session, session.query(Person).filter_by(name="Amina").one())
        report = [{"code": "T1", "visits": 20, "visits_doubtful": 3}, {"code": "T2", "visits": 19}]

        asked = {q.rule: (q.visits, q.undecided, q.teams) for q in questions(session, campaign, amina)}
        [team] = teams_asked(session, campaign, amina, "no_position", report)

    assert asked["no_position"] == (3, 3, 1)
    assert (team.team, team.asked, team.visits, team.share) == ("T1", 3, 20, 0.15)


def test_a_share_is_told_from_twenty_visits_on(story: Story):
    with transaction() as session:
        campaign = session.get_one(Campaign, story.campaign_id)
        few = teams_asked(session, campaign, SERVER, "no_position", [{"code": "T1", "visits": 19}])

    assert few[0].share is None


def test_deciding_leaves_the_list_of_what_waits(story: Story):
    story.post("Amina", "decide", instance_id=story.visits[0], verdict="set_aside", reason="Nobody was there")

    waiting, decided = story.get("Amina").text, story.get("Amina", f"{PAGE}?decided=yes&standing=any").text

    assert f'id="v-{story.visits[0]}"' not in waiting
    assert "Nobody was there" in decided
    assert "Amina" in decided
