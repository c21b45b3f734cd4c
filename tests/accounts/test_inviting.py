"""People are invited by a link, below oneself and in one's own areas; second factors, sessions and tokens."""

import re

import pyotp
import pytest
from sqlalchemy import text

from tests.accounts.conftest import PASSWORD, csrf_token
from tests.builders import a_person, a_token, the_ground
from tracker.accounts import second_factor
from tracker.accounts.models import ApiToken, Person, WebSession
from tracker.accounts.passwords import hash_password
from tracker.database import transaction

NEW_PASSWORD = "nine brown sparrows on a wall"


@pytest.fixture
def cast(app):
    """Headers by name; everybody has a password too."""
    with transaction() as session:
        ground = the_ground(session)
        people = {
            "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
            "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
            "Sana": a_person(session, "Sana", "supervisor", ground.peshawar_tehsil),
            "Farid": a_person(session, "Farid", "observer", ground.province),
            "Admin": a_person(session, "Admin", "admin"),
        }
        for person in people.values():
            person.password_hash = hash_password(PASSWORD)
        session.flush()
        return {name: (a_token(session, person), person.id) for name, person in people.items()}


def ask(client, cast, who, path, data=None):
    headers = cast[who][0]
    return client.get(path, headers=headers) if data is None else client.post(path, data=data, headers=headers)


def link_in(page: str) -> str:
    return re.search(r"http://[^<\s]+(/invite/[\w-]+)", page)[1]


def signed_in(app, who: str, password: str = PASSWORD, **more):
    client = app.test_client()
    form = {"email": f"{who.lower()}@example.org", "password": password, "csrf_token": csrf_token(client), **more}
    return client, client.post("/login", data=form)


def test_dawar_manages_nobody_of_peshawar(client, cast):
    sana = cast["Sana"][1]

    assert "sana@example.org" not in ask(client, cast, "Dawar", "/people").text
    assert ask(client, cast, "Dawar", f"/people/{sana}/reset", {}).status_code == 404
    assert ask(client, cast, "Dawar", f"/people/{cast['Amina'][1]}/shut-out", {}).status_code == 404
    assert ask(client, cast, "Farid", "/people").status_code == 403
    assert ask(client, cast, "Sana", "/people", {}).status_code == 403


@pytest.mark.parametrize(
    ("role", "area", "status"),
    [("supervisor", "PK20101", 201), ("observer", "PK201", 201), ("coordinator", "PK201", 403), ("admin", "PK201", 403),
     ("supervisor", "PK202", 403), ("supervisor", "PK2", 403), ("supervisor", "", 403)],
)  # fmt: skip
def test_a_coordinator_invites_below_oneself_in_the_own_areas(client, cast, role, area, status):
    form = {"email": "new@example.org", "role": role, **({"area": area} if area else {})}

    assert ask(client, cast, "Amina", "/people", form).status_code == status


def test_by_the_link_one_chooses_a_password_once(app, client, cast):
    form = {"email": "new@example.org", "role": "supervisor", "area": "PK20101"}
    link = link_in(ask(client, cast, "Amina", "/people", form).text)
    new = app.test_client()

    weak = new.post(link, data={"password": "short", "csrf_token": csrf_token(new, link)})
    chosen = new.post(link, data={"password": NEW_PASSWORD, "csrf_token": csrf_token(new, link)})

    assert (weak.status_code, chosen.status_code) == (422, 303)
    assert new.get(link).status_code == 404
    _client, answer = signed_in(app, "new", NEW_PASSWORD)
    assert answer.status_code == 303


def test_a_link_whose_time_is_over_is_worth_nothing(app, client, cast):
    link = link_in(ask(client, cast, "Amina", f"/people/{cast['Sana'][1]}/reset", {}).text)
    with transaction() as session:
        session.execute(text("UPDATE invitation SET expires_at = now() - interval '1 second'"))

    assert app.test_client().get(link).status_code == 404
    assert app.test_client().get("/invite/none").status_code == 404


def test_a_new_password_by_link_ends_the_sessions_of_the_old_one(app, client, cast):
    browser, _answer = signed_in(app, "Sana")
    link = link_in(ask(client, cast, "Amina", f"/people/{cast['Sana'][1]}/reset", {}).text)
    assert browser.get("/who").status_code == 200  # the old one works until the link is used

    new = app.test_client()
    new.post(link, data={"password": NEW_PASSWORD, "csrf_token": csrf_token(new, link)})

    assert browser.get("/who", headers={"Accept": "application/json"}).status_code == 401
    assert signed_in(app, "Sana")[1].status_code == 401


def test_shut_out_and_let_in(app, client, cast):
    browser, _answer = signed_in(app, "Sana")

    assert ask(client, cast, "Amina", f"/people/{cast['Sana'][1]}/shut-out", {}).status_code == 303
    assert browser.get("/who", headers={"Accept": "application/json"}).status_code == 401
    ask(client, cast, "Amina", f"/people/{cast['Sana'][1]}/let-in", {})
    assert signed_in(app, "Sana")[1].status_code == 303


def with_second_factor(who: str) -> pyotp.TOTP:
    with transaction() as session:
        person = session.query(Person).filter_by(email=f"{who.lower()}@example.org").one()
        second_factor.begin(session, person)
        session.execute(text("UPDATE person SET totp_since = now() WHERE id = :id"), {"id": person.id})
        return pyotp.TOTP(person.totp_secret)


def test_with_a_second_factor_the_password_alone_does_not_let_in(app, cast):
    code = with_second_factor("Amina")

    without = signed_in(app, "Amina")[1]
    wrong = signed_in(app, "Amina", code="000000" if code.now() != "000000" else "111111")[1]
    right = signed_in(app, "Amina", code=code.now())[1]

    assert (without.status_code, wrong.status_code, right.status_code) == (401, 401, 303)
    assert 'name="code"' in without.text


def test_a_code_is_good_once(app, cast):
    code = with_second_factor("Amina").now()

    assert signed_in(app, "Amina", code=code)[1].status_code == 303
    assert signed_in(app, "Amina", code=code)[1].status_code == 401


@pytest.mark.parametrize(("steps", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_differ_by_one_step(session, steps, right):
    person = a_person(session, "Amina", "coordinator")
    second_factor.begin(session, person)
    import time

    now = int(time.time())
    code = pyotp.TOTP(person.totp_secret).at(now + 30 * steps)
    same_step = int(time.time()) // 30 == now // 30

    assert second_factor.take_code(session, person, code) == right or not same_step


def test_a_second_factor_is_set_up_on_the_page(app, cast):
    browser, _answer = signed_in(app, "Amina")
    page = browser.get("/account?second-factor=yes").text
    secret = re.search(r'class="secret">([A-Z2-7]{32})<', page)[1]
    assert "<svg" in page

    form = {"code": pyotp.TOTP(secret).now(), "csrf_token": csrf_token(browser, "/account")}
    assert browser.post("/account/second-factor", data=form).status_code == 303

    assert signed_in(app, "Amina")[1].status_code == 401
    assert secret not in browser.get("/account?second-factor=yes").text


def test_signing_out_everywhere_keeps_this_browser(app, cast):
    here, _a = signed_in(app, "Amina")
    there, _b = signed_in(app, "Amina")

    here.post("/account/sign-out", data={"csrf_token": csrf_token(here, "/account")})

    assert here.get("/who").status_code == 200
    assert there.get("/who", headers={"Accept": "application/json"}).status_code == 401
    with transaction() as session:
        assert session.query(WebSession).count() == 1


def test_tokens_are_made_listed_and_revoked(app, client, cast):
    browser, _answer = signed_in(app, "Amina")
    made = browser.post(
        "/account/tokens", data={"label": "QGIS", "days": "30", "csrf_token": csrf_token(browser, "/account")}
    )
    token = re.search(r'class="secret">([\w-]{40,})<', made.text)[1]
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/who", headers=bearer).status_code == 200
    assert token not in browser.get("/account").text

    with transaction() as session:
        key = session.query(ApiToken).filter_by(label="QGIS").one().secret_sha256.hex()
    stranger, _b = signed_in(app, "Dawar")
    form = {"csrf_token": csrf_token(stranger, "/account")}
    assert stranger.post(f"/account/tokens/{key}/revoke", data=form).status_code == 404
    browser.post(f"/account/tokens/{key}/revoke", data={"csrf_token": csrf_token(browser, "/account")})

    assert client.get("/who", headers={**bearer, "Accept": "application/json"}).status_code == 401


def test_a_token_makes_no_tokens(client, cast):
    assert ask(client, cast, "Amina", "/account/tokens", {"days": "30"}).status_code == 403
