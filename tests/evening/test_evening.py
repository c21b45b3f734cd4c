"""The evening: one page of an area, its PDF, three lines, packs by themselves, and what somebody wants to be told."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import (
    CATCH_UP,
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    LAST_DAY,
    a_cookie,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tests.coverage.test_report import at
from tracker import create_app
from tracker.accounts.scope import SERVER
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.evening import mailing, tasks, watching
from tracker.evening.pack import evening_pack, three_lines
from tracker.orders.orders import give_orders

EVENING = "/campaigns/NOV/evening"
NEEDS_CHROMIUM = pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium prints the PDF")


@dataclass
class Story:
    clients: dict[str, FlaskClient]

    def get(self, who: str, path: str = EVENING):
        return self.clients[who].get(path)

    def post(self, who: str, **form: object):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.clients[who].get("/campaigns").text)
        return self.clients[who].post(f"{EVENING}/wish", data={"csrf_token": token[1], **form})


@pytest.fixture
def story(database: str) -> Story:
    """MOST (50, missed) and LESS (30, 10 given) in Peshawar with T1; BANDA in Bannu with T2; one order is done."""
    with transaction() as session:
        ground = the_ground(session)
        most = a_hamlet(session, "MOST", under_five=50, name="Most Kili", name_ur="موسٹ کلے")
        less = a_hamlet(session, "LESS", metres_east_of(IN_PESHAWAR, 2000), under_five=30, name="Less Kili")
        banda = a_hamlet(session, "BANDA", IN_BANNU, under_five=40, name="Banda")
        campaign = a_round(session, areas=[ground.peshawar, ground.bannu])
        team = a_team(session, campaign, "T1", ground.peshawar_tehsil)
        other = a_team(session, campaign, "T2", ground.bannu_tehsil)
        a_plan(session, campaign, (team, FIRST_DAY, most, 50), (team, LAST_DAY, less, 30), (other, LAST_DAY, banda, 40))
        a_count(session, campaign, team, less, LAST_DAY, vaccinated=10, eligible=14, missed_refused=4)
        give_orders(session, campaign, SERVER, ["LESS"], None, CATCH_UP, "bring the imam", today=LAST_DAY)
        a_count(session, campaign, team, less, CATCH_UP, vaccinated=5)
        people = [
            a_person(session, "Amina", "coordinator", ground.peshawar),
            a_person(session, "Bilal", "team", team=team),
            a_person(session, "Dawar", "coordinator", ground.bannu),
            a_person(session, "Oman", "observer", ground.peshawar),
        ]
        cookies = {person.name: a_cookie(session, person) for person in people}
    app = create_app()
    clients = {name: app.test_client() for name in cookies}
    for name, (cookie, secret) in cookies.items():
        clients[name].set_cookie(cookie, secret)
    return Story(clients)


def all_of(statement: str):
    with transaction() as session:
        return session.execute(text(statement)).all()


def the_pack(day=CATCH_UP, area="PK201", now=None):
    with transaction() as session:
        campaign = session.query(Campaign).one()
        return evening_pack(session, campaign, SERVER, area, day, now=now or at(CATCH_UP, 19)), campaign


def test_dawar_from_elsewhere_gets_no_pack_of_peshawar(story: Story):
    for path in (f"{EVENING}?area=PK201", f"{EVENING}.pdf?area=PK201", f"{EVENING}/packs/1", f"{EVENING}?area=NONE"):
        assert story.get("Dawar", path).status_code == 404
    assert story.post("Dawar", do="watch", area="PK201", kind="refusals", number=3).status_code == 404
    assert "Most Kili" not in story.get("Dawar").text


def test_the_pack_says_what_stands_what_is_left_and_what_became_of_orders(story: Story):
    pack, campaign = the_pack()

    assert (pack.total["target"], pack.total["vaccinated_confirmed"], pack.gaps.children) == (80, 15, 65)
    assert (len(pack.today), pack.done, len(pack.tomorrow)) == (1, 1, 0)
    assert [row["code"] for row in pack.gaps.rows] == ["MOST", "LESS"]
    lines = three_lines(pack, campaign, "Peshawar", "Thu 13 Nov", "19:00")
    assert len(lines) == 3
    assert "18 % confirmed (15 of 80)" not in lines[0]  # 18.75 rounds up
    assert "19 % confirmed (15 of 80)" in lines[0]
    assert "Most Kili 50" in lines[1]
    assert not any("T1" in line for line in lines)


def test_an_earlier_evening_counts_up_to_its_day(story: Story):
    pack, _campaign = the_pack(LAST_DAY)

    assert (pack.total["vaccinated_confirmed"], pack.gaps.children) == (10, 70)
    assert len(pack.tomorrow) == 1


def test_the_page_in_three_languages_and_for_everybody(story: Story):
    for who in ("Amina", "Bilal", "Oman"):
        for language in ("en", "ur", "ps"):
            answer = story.get(who, f"{EVENING}?day={CATCH_UP}&lang={language}")
            assert answer.status_code == 200, (who, language)
            assert "LESS" in answer.text or "Less Kili" in answer.text


@NEEDS_CHROMIUM
@pytest.mark.parametrize("language", ["en", "ur"])
def test_the_pdf_is_one_file_with_the_same_figures(story: Story, tmp_path, language: str):
    answer = story.get("Amina", f"{EVENING}.pdf?day={CATCH_UP}&lang={language}")

    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF")
    if shutil.which("pdftotext"):
        file = tmp_path / "pack.pdf"
        file.write_bytes(answer.data)
        words = subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout
        assert "65" in words
        assert "15 / 80" in words


def test_a_pack_is_made_once_at_its_hour_for_who_wants_it(story: Story, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tasks, "pack_as_pdf", lambda *_: b"%PDF-pretended")
    today = (datetime.now(UTC) + timedelta(hours=5)).date()
    with transaction() as session:
        session.execute(text("UPDATE campaign SET starts_on = :d, ends_on = :d, catch_up = '{}'"), {"d": today})

    story.post("Amina", do="pack", area="PK201", at="00:00")
    assert (watching.queue_due_packs(), watching.queue_due_packs()) == (1, 0)
    (job,) = all_of("SELECT args FROM procrastinate_jobs WHERE task_name = 'evening_pack'")
    words = {"person": 0, **job.args}
    assert tasks.make_pack(1, **words) == {"made": 1, "bytes": 14}
    assert tasks.make_pack(1, **words) == {"made": 0}

    (pack,) = all_of("SELECT id FROM evening_pack")
    assert story.get("Amina", f"{EVENING}/packs/{pack.id}").data == b"%PDF-pretended"
    assert story.get("Oman", f"{EVENING}/packs/{pack.id}").status_code == 404
    story.post("Amina", do="no_pack", area="PK201")
    assert all_of("SELECT 1 FROM pack_wish") == []


@pytest.mark.parametrize(("hours_after_eight", "told"), [(2, 0), (3, 2)])
def test_a_team_that_is_silent_for_three_hours_is_told_once(story: Story, hours_after_eight, told):
    story.post("Amina", do="watch", area="PK201", kind="silent_team", number=3)
    now = at(LAST_DAY, 8 + hours_after_eight)

    first, again = watching.look_around(now=now), watching.look_around(now=now)

    assert (first["told"], again["told"]) == (min(told, 1), 0)
    if told:
        assert "Team" in story.get("Amina").text
        assert "has not been heard at all" in story.get("Amina").text
        story.post("Amina", do="seen")
        assert all_of("SELECT 1 FROM notice WHERE seen_at IS NULL") == []


@pytest.mark.parametrize(("per_cent", "told"), [(12, 0), (13, 1)])
def test_an_area_below_what_was_due_is_told(story: Story, per_cent, told):
    """10 of the 80 due by the last day are confirmed: 12.5 %."""
    with transaction() as session:
        session.execute(text("DELETE FROM coverage_count WHERE day = :d"), {"d": CATCH_UP})
        session.execute(text("UPDATE campaign_settlement SET vaccinated_confirmed = 10 WHERE code = 'LESS'"))
    story.post("Amina", do="watch", area="PK201", kind="below_due", number=per_cent)

    assert watching.look_around(now=at(LAST_DAY, 18))["told"] == told


def test_what_cannot_be_wished_is_told_and_a_team_wishes_nothing(story: Story):
    for form in ({"kind": "odd", "number": 3}, {"kind": "refusals", "number": 99}, {"kind": "refusals", "number": "x"}):
        story.post("Amina", do="watch", area="PK201", **form)
    story.post("Amina", do="pack", area="PK201", at="25:99")
    story.post("Bilal", do="pack", area="PK201", at="19:00")

    assert all_of("SELECT 1 FROM watch") == all_of("SELECT 1 FROM pack_wish") == []


def test_mail_goes_out_only_when_a_server_is_set(monkeypatch: pytest.MonkeyPatch):
    sent = []
    monkeypatch.setattr(mailing, "_deliver", lambda address, message: sent.append((address, message)))
    monkeypatch.delenv("RASAI_MAIL_SERVER", raising=False)
    assert not mailing.mail_is_set()

    monkeypatch.setenv("RASAI_MAIL_SERVER", "smtp://mail.example:2525")
    mailing.send_mail("amina@example.org", "Evening\nBcc: x@example.org", "words", ("pack.pdf", b"%PDF"))

    ((address, message),) = sent
    assert address == "smtp://mail.example:2525"
    assert message["Subject"] == "Evening Bcc: x@example.org"
    assert [part.get_filename() for part in message.iter_attachments()] == ["pack.pdf"]
