"""Gaps, orders and reasons in the browser's language: what each role sees and may do."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from tests.builders import a_cookie
from tests.orders.conftest import tell
from tracker import create_app
from tracker.accounts.models import Person
from tracker.database import transaction

GAPS, ORDERS = "/campaigns/NOV/gaps", "/campaigns/NOV/orders"
TOMORROW = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()


@dataclass
class Room:
    """Signed-in browsers of the cast."""

    clients: dict[str, FlaskClient]

    def get(self, who: str, path: str = GAPS):
        return self.clients[who].get(path)

    def post(self, who: str, path: str, **form: object):
        token = re.search(r'name="csrf_token" value="([^"]+)"', self.clients[who].get("/campaigns").text)
        return self.clients[who].post(path, data={"csrf_token": token[1], **form})


@pytest.fixture
def room(database: str) -> Room:
    with transaction() as session:
        tell(session)
        cookies = {person.name: a_cookie(session, person) for person in session.query(Person)}
    app = create_app()
    clients = {name: app.test_client() for name in cookies}
    for name, (cookie, secret) in cookies.items():
        clients[name].set_cookie(cookie, secret)
    return Room(clients)


def count(table: str, where: str = "true") -> int:
    with transaction() as session:
        return session.scalar(text(f"SELECT count(*) FROM {table} WHERE {where}"))


def test_dawar_from_elsewhere_sees_nothing_of_peshawar_and_changes_nothing_there(room: Room):
    page = room.get("Dawar")

    assert page.status_code == 200
    assert "BANDA" in page.text
    assert not any(code in page.text for code in ("MOST", "LESS"))
    assert room.get("Dawar", f"{GAPS}/MOST").status_code == 404
    assert room.get("Dawar", f"{GAPS}?area=PK201").status_code == 404
    assert room.post("Dawar", ORDERS, settlement="MOST", on_date=TOMORROW).status_code == 404
    assert room.post("Dawar", f"{GAPS}/MOST/closed", reason="snow", said_by="me", seen="").status_code == 404
    assert count("field_order") == count("closure") == 0


def test_amina_gives_an_order_sees_it_and_takes_it_back(room: Room):
    room.post("Amina", ORDERS, settlement=["MOST", "LESS"], team="", on_date=TOMORROW, note="<b>bring ice</b>")

    page = room.get("Amina")
    assert "2 orders given." in page.text
    orders = room.get("Amina", ORDERS).text
    assert "&lt;b&gt;bring ice&lt;/b&gt;" in orders
    assert orders.count("order-state open") == 2
    undo = re.search(r'action="([^"]+/orders/withdraw\?[^"]+)"', page.text)
    room.post("Amina", undo[1].replace("&amp;", "&"))

    assert count("field_order", "withdrawn_at IS NULL") == 0


@pytest.mark.parametrize("who", ["Sana", "Bilal", "Oman", "Veda"])
def test_who_does_not_plan_sees_gaps_but_no_form_and_is_refused(room: Room, who: str):
    page = room.get(who)

    assert "MOST" in page.text
    assert 'name="settlement"' not in page.text
    assert room.post(who, ORDERS, settlement="MOST", on_date=TOMORROW).status_code == 403


def test_the_team_reads_what_it_is_asked_for(room: Room):
    room.post("Amina", ORDERS, settlement="MOST", on_date=TOMORROW, note="start at the mosque")

    assert "start at the mosque" in room.get("Bilal", ORDERS).text


def test_the_team_sees_a_place_that_its_plan_does_not_have(room: Room):
    room.post("Dawar", ORDERS, settlement="BANDA", team="T2", on_date=TOMORROW)
    with transaction() as session:
        session.execute(text("UPDATE field_order SET team_id = (SELECT id FROM team WHERE code = 'T1')"))

    assert "BANDA" in room.get("Bilal", ORDERS).text


def test_a_reason_is_noted_and_what_was_typed_stays_when_it_is_refused(room: Room):
    said = {"said_by": "village elder", "note": "snow to the roof", "seen": ""}
    refused = room.post("Sana", f"{GAPS}/MOST/closed", reason="", **said)
    assert refused.status_code == 422
    assert "snow to the roof" in refused.text
    assert "village elder" in refused.text

    room.post("Sana", f"{GAPS}/MOST/closed", reason="snow", **said)
    clash = room.post("Amina", f"{GAPS}/MOST/closed", reason="flood", said_by="me", note="no, water", seen="")

    assert clash.status_code == 409
    assert "snow to the roof" in clash.text  # what the first wrote
    assert "no, water" in clash.text  # what the second typed
    assert "Snow" in room.get("Amina", "/campaigns/NOV/coverage?settlement=MOST").text


def test_the_parts_are_asked_again_only_when_something_changed(room: Room):
    answer = room.get("Amina", f"{GAPS}/parts")
    again = room.clients["Amina"].get(f"{GAPS}/parts", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304

    room.post("Amina", ORDERS, settlement="MOST", on_date=TOMORROW)
    after = room.clients["Amina"].get(f"{GAPS}/parts", headers={"If-None-Match": answer.headers["ETag"]})

    assert after.status_code == 200
    assert "order-state open" in after.json["parts"]["table"]


@pytest.mark.parametrize("path", [
    f"{GAPS}?why=nonsense&status=x&order=y&page=-4", f"{GAPS}?page=99999999", f"{GAPS}?area=", f"{GAPS}?team=%F0%9F",
    f"{ORDERS}?area=PK201", f"{GAPS}/LESS", f"{GAPS}/DONE",
])  # fmt: skip
def test_strange_addresses_are_pages(room: Room, path: str):
    assert room.get("Amina", path).status_code == 200


@pytest.mark.parametrize("form", [
    {"on_date": "yesterday"}, {"on_date": "2020-01-01"}, {"team": "T2"}, {"note": "x" * 600}, {"settlement": []},
    {"back": "https://elsewhere.example/"}, {"back": "//elsewhere.example"},
])  # fmt: skip
def test_what_cannot_be_ordered_is_told_where_the_form_was(room: Room, form: dict):
    answer = room.post("Amina", ORDERS, **{"settlement": "MOST", "on_date": TOMORROW, **form})

    assert answer.status_code == 303
    assert answer.location.startswith("/campaigns/NOV/")
