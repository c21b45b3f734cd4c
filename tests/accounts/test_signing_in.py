"""Who gets in by the form, for how long, and how often may they try?"""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.accounts.conftest import PASSWORD, csrf_token
from tracker.accounts import passwords, people, signing_in
from tracker.accounts.identity import SESSION_COOKIE
from tracker.accounts.models import Person, SignInFailure, WebSession
from tracker.accounts.scope import SERVER
from tracker.database import transaction


@pytest.fixture
def amina(database: str) -> Person:
    with transaction() as session:
        return people.create_person(session, SERVER, "amina@example.org", "admin", name="Amina", password=PASSWORD)


def test_dawar_with_a_wrong_password_does_not_get_in(client, amina, sign_in):
    answer = sign_in("amina@example.org", "not her password")

    assert answer.status_code == 401
    assert "do not fit together" in answer.text
    assert not client.get_cookie(SESSION_COOKIE)
    assert client.get("/who").status_code == 303


def test_amina_signs_in_and_goes_on_where_she_wanted_to(client, amina, sign_in):
    asked = client.get("/who?day=2")

    answer = sign_in("Amina@Example.org", next="/who?day=2")

    assert asked.headers["Location"] == "/login?next=%2Fwho%3Fday%3D2"
    assert (answer.status_code, answer.headers["Location"]) == (303, "/who?day=2")
    assert client.get("/who").json == {"email": "amina@example.org"}


@pytest.mark.parametrize("elsewhere", [
    "https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "evil", "/login", "/\nx",
    "/\t/evil",
])  # fmt: skip
def test_nobody_is_sent_elsewhere_after_signing_in(client, amina, sign_in, elsewhere):
    answer = sign_in("amina@example.org", next=elsewhere)

    assert answer.headers["Location"] == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client, amina, sign_in):
    cookies = sign_in("amina@example.org").headers.getlist("Set-Cookie")

    flags = next(c for c in cookies if c.startswith(SESSION_COOKIE)).split("; ")[1:]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(flags)
    assert "Secure" not in flags  # only over https: RASAI_ENV=production


def test_only_a_fingerprint_of_the_session_is_kept(client, amina, sign_in):
    sign_in("amina@example.org")

    with transaction() as session:
        kept = session.scalars(select(WebSession.secret_sha256)).all()
    secret = client.get_cookie(SESSION_COOKIE).value
    assert len(kept) == 1
    assert secret.encode() not in kept


def test_a_kept_cookie_is_worth_nothing_after_signing_out(client, amina, sign_in):
    sign_in("amina@example.org")
    kept = client.get_cookie(SESSION_COOKIE).value
    token = csrf_token(client, "/form")

    out = client.post("/logout", data={"csrf_token": token})
    client.set_cookie(SESSION_COOKIE, kept)

    assert out.headers["Location"] == "/login"
    assert client.get("/who").status_code == 303


def test_signing_in_again_changes_the_secret_and_closes_the_old_session(client, amina, sign_in):
    sign_in("amina@example.org")
    old = client.get_cookie(SESSION_COOKIE).value
    token = csrf_token(client, "/form")

    form = {"email": "amina@example.org", "password": PASSWORD, "csrf_token": token}
    client.post("/login", data=form)

    assert client.get_cookie(SESSION_COOKIE).value != old
    client.set_cookie(SESSION_COOKIE, old)
    assert client.get("/who").status_code == 303


@pytest.mark.parametrize(
    ("idle", "let_in"), [(timedelta(hours=11, minutes=59), True), (timedelta(hours=12, minutes=1), False)]
)
def test_a_session_left_alone_for_a_working_day_ends(client, amina, sign_in, idle, let_in):
    sign_in("amina@example.org")
    with transaction() as session:
        session.execute(update(WebSession).values(seen_at=datetime.now(UTC) - idle))

    answer = client.get("/who")

    assert (answer.status_code == 200) == let_in


def test_a_session_in_use_ends_after_a_week_all_the_same(client, amina, sign_in):
    sign_in("amina@example.org")
    with transaction() as session:
        session.execute(update(WebSession).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    assert client.get("/who").status_code == 303


def test_using_a_session_keeps_it_alive(client, amina, sign_in):
    sign_in("amina@example.org")
    with transaction() as session:
        session.execute(update(WebSession).values(seen_at=datetime.now(UTC) - timedelta(hours=11)))

    client.get("/who")

    with transaction() as session:
        assert session.scalar(select(WebSession.seen_at)) > datetime.now(UTC) - timedelta(minutes=1)


def test_the_eleventh_try_at_an_account_waits_even_with_the_right_password(client, amina, sign_in):
    for n in range(10):
        assert sign_in("amina@example.org", "wrong", address=f"10.0.0.{n}").status_code == 401

    answer = sign_in("AMINA@example.org", PASSWORD, address="10.0.0.99")

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60
    assert "Wait 15 min" in answer.text


def test_an_account_that_does_not_exist_is_limited_like_one_that_does(client, sign_in):
    answers = [sign_in("nobody@example.org", "wrong", address=f"10.0.0.{n}").status_code for n in range(11)]

    assert answers == [401] * 10 + [429]


def test_the_fifty_first_try_from_one_address_waits(client, amina, sign_in):
    with transaction() as session:
        for n in range(49):
            signing_in.note_try(session, f"somebody{n}@example.org", "10.0.0.1")

    fiftieth = sign_in("nobody@example.org", "wrong", address="10.0.0.1")
    after = sign_in("amina@example.org", PASSWORD, address="10.0.0.1")
    elsewhere = sign_in("amina@example.org", PASSWORD, address="10.0.0.2")

    assert (fiftieth.status_code, after.status_code, elsewhere.status_code) == (401, 429, 303)


def test_failures_are_forgotten_after_a_quarter_of_an_hour(client, amina, sign_in):
    for _ in range(10):
        sign_in("amina@example.org", "wrong")
    with transaction() as session:
        session.execute(update(SignInFailure).values(at=datetime.now(UTC) - timedelta(minutes=15, seconds=1)))

    assert sign_in("amina@example.org").status_code == 303


def test_a_right_password_is_no_failure(client, amina, sign_in):
    for _ in range(12):
        assert sign_in("amina@example.org").status_code == 303
        client.delete_cookie(SESSION_COOKIE)

    with transaction() as session:
        assert session.scalars(select(SignInFailure)).all() == []


def test_a_forged_forwarding_header_is_not_believed(client, amina, sign_in):
    with transaction() as session:
        for n in range(50):
            signing_in.note_try(session, f"somebody{n}@example.org", "127.0.0.1")
    token = csrf_token(client)

    form = {"email": "amina@example.org", "password": PASSWORD, "csrf_token": token}
    answer = client.post("/login", data=form, headers={"X-Forwarded-For": "203.0.113.7", "X-Real-IP": "203.0.113.7"})

    assert answer.status_code == 429


def test_the_addresses_of_one_household_count_as_one(session: Session):
    for n in range(50):
        signing_in.note_try(session, f"somebody{n}@example.org", f"2001:db8:1:2::{n:x}")

    with pytest.raises(signing_in.TooManyTries):
        signing_in.note_try(session, "amina@example.org", "2001:db8:1:2:ffff::1")
    signing_in.note_try(session, "amina@example.org", "2001:db8:1:3::1")


def test_an_unknown_account_costs_a_hash_like_a_wrong_password(session: Session, monkeypatch):
    people.create_person(session, SERVER, "amina@example.org", "admin", password=PASSWORD)
    people.create_person(session, SERVER, "machine@example.org", "admin")
    checked = []
    monkeypatch.setattr(passwords, "HASHER", _Counting(checked))

    for email in ("amina@example.org", "machine@example.org", "nobody@example.org"):
        assert signing_in.check_password(session, email, "wrong") is None

    assert len(checked) == 3


class _Counting:
    """Counts the checks of a hasher."""

    def __init__(self, checked: list[str]) -> None:
        self.checked, self.hasher = checked, passwords.HASHER

    def verify(self, kept: str, password: str) -> bool:
        self.checked.append(kept)
        return self.hasher.verify(kept, password)

    def hash(self, password: str) -> str:
        return self.hasher.hash(password)


def test_a_form_from_elsewhere_signs_nobody_in(client, amina):
    answer = client.post("/login", data={"email": "amina@example.org", "password": PASSWORD})

    assert answer.status_code == 400
    assert not client.get_cookie(SESSION_COOKIE)


def test_letters_that_postgresql_cannot_keep_are_refused_and_no_fault_of_ours(client, sign_in):
    assert sign_in("a\0b@example.org", "wrong").status_code == 400
    assert client.get("/login?next=%00").status_code == 400


def test_a_hash_of_older_parameters_is_renewed_when_the_password_is_at_hand(client, amina, sign_in):
    old = passwords.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    with transaction() as session:
        session.execute(update(Person).values(password_hash=old))

    sign_in("amina@example.org")

    with transaction() as session:
        assert not passwords.is_outdated(session.scalar(select(Person.password_hash)))


def test_tries_at_the_same_moment_count_one_another(database: str):
    """Two workers in the middle of their eleventh try: the second waits for the first and is then refused."""
    with transaction() as session:
        for _ in range(9):
            signing_in.note_try(session, "amina@example.org", "10.0.0.1")
    with transaction() as first:
        signing_in.note_try(first, "amina@example.org", "10.0.0.2")
        with transaction() as second:
            second.execute(text("SET LOCAL lock_timeout = '200ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                signing_in.note_try(second, "amina@example.org", "10.0.0.3")
            second.rollback()

    with pytest.raises(signing_in.TooManyTries), transaction() as third:
        signing_in.note_try(third, "amina@example.org", "10.0.0.3")
