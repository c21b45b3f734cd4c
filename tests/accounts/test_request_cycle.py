"""What every request meets: closed doors, tokens of forms, languages, headers, and errors that say what to do."""

import re

import pytest
from sqlalchemy import select

from tests.accounts.conftest import PASSWORD, csrf_token
from tests.builders import a_person, a_token
from tracker.accounts import people
from tracker.accounts.models import Person
from tracker.accounts.scope import SERVER
from tracker.database import transaction

OPEN_DOORS = {
    "/login",
    "/logout",
    "/invite/<secret>",
    "/healthz",
    "/readyz",
    "/metrics",
    "/static/<path:filename>",
    "/api/openapi.json",
    "/open",
}


@pytest.fixture
def amina(client, sign_in) -> Person:
    """Signed in by the form."""
    with transaction() as session:
        person = people.create_person(
            session, SERVER, "amina@example.org", "coordinator", name="Amina", password=PASSWORD
        )
    sign_in("amina@example.org")
    return person


def token_of(name: str, role: str) -> dict[str, str]:
    with transaction() as session:
        return a_token(session, a_person(session, name, role))


def test_every_door_is_closed_to_whoever_has_not_signed_in(app, client):
    """Each route that there is: whoever adds one need not think of this test."""
    for rule in app.url_map.iter_rules():
        if rule.rule in OPEN_DOORS:
            continue
        path = re.sub(r"<(int|float):[^>]+>", "1", rule.rule)
        path = re.sub(r"<uuid:[^>]+>", "c0ffee00-0000-4000-8000-000000000000", path)
        path = re.sub(r"<[^>]+>", "x", path)
        for method in rule.methods - {"OPTIONS"}:
            answer = client.open(path, method=method)

            to_login = answer.status_code == 303 and answer.headers["Location"].startswith("/login")
            assert answer.status_code in (400, 401) or to_login, f"{method} {path} answered {answer.status_code}"


def test_a_verifier_may_not_decide_and_the_body_is_not_looked_at(client):
    refused = client.post(
        "/api/v1/act", headers=token_of("Veda", "verifier"), data=b"\xff not json", content_type="application/json"
    )
    done = client.post("/api/v1/act", headers=token_of("Amina", "coordinator"))

    assert refused.status_code == 403
    assert refused.json["detail"].startswith("Your role may not do this")
    assert done.json == {"done": "yes"}


def test_a_request_by_cookie_needs_the_token_of_a_form_of_ours(client, amina):
    token = csrf_token(client, "/form")

    without = client.post("/api/v1/act", json={})
    by_header = client.post("/api/v1/act", json={}, headers={"X-CSRFToken": token})
    as_text = client.post(
        "/api/v1/act", data="{}", content_type="text/plain", headers={"Origin": "http://elsewhere.example"}
    )

    assert (without.status_code, as_text.status_code, by_header.status_code) == (400, 400, 200)
    assert without.content_type == "application/problem+json"


def test_the_token_of_somebody_elses_form_is_worth_nothing(app, client, amina):
    other = csrf_token(app.test_client())

    assert client.post("/api/v1/act", headers={"X-CSRFToken": other}).status_code == 400


def test_a_wrong_bearer_token_is_not_helped_by_a_good_cookie(client, amina):
    answer = client.get("/api/v1/fault", headers={"Authorization": "Bearer wrong"})

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/login", "/who", "/api/v1/fault", "/no-such-page", "/healthz", "/static/no-such-file"]
)
def test_every_answer_carries_the_headers_that_keep_browsers_careful(client, amina, path):
    headers = client.get(path).headers

    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_what_is_scoped_is_kept_by_no_cache(client, amina):
    answer = client.get("/who")

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert {"Cookie", "Authorization"} <= set(answer.vary)


def test_a_fault_tells_its_code_and_nothing_else(client, caplog):
    answer = client.get("/api/v1/fault", headers=token_of("Amina", "admin"))

    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "secret detail" not in answer.text
    assert answer.json["code"] in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/api/v1/no-such-thing", 404), ("DELETE", "/healthz", 405), ("PUT", "/api/v1/act", 405),
    ("GET", "/tiles/x", 404),
])  # fmt: skip
def test_programs_are_answered_with_a_problem_document(client, method, path, status):
    answer = client.open(path, method=method, headers={**token_of("Amina", "admin"), "Accept": "application/json"})

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["status"] == status
    assert set(answer.json) == {"type", "title", "status", "detail", "code", "errors"}
    assert ("Allow" in answer.headers) == (status == 405)


def test_people_are_answered_with_a_page_that_says_what_to_do(client):
    answer = client.get("/no-such-page", headers={"Accept": "text/html"})

    assert answer.status_code == 404
    assert "not in your areas" in answer.text
    assert re.search(r"Code to quote.*[2-9A-Z]{6}", answer.text, re.S)


def test_a_body_too_large_is_refused(app, client):
    app.config["MAX_CONTENT_LENGTH"] = 1000

    answer = client.post("/login", data={"email": "x" * 2000})

    assert answer.status_code == 413


@pytest.mark.parametrize(("wish", "direction"), [("ur", "rtl"), ("ps", "rtl"), ("en", "ltr")])
def test_a_language_once_chosen_is_kept(client, wish, direction):
    first = client.get(f"/login?lang={wish}").text
    later = client.get("/login", headers={"Accept-Language": "en"}).text

    for page in (first, later):
        assert f'<html lang="{wish}" dir="{direction}"' in page


def test_a_language_nobody_speaks_here_changes_nothing(client):
    assert '<html lang="en" dir="ltr"' in client.get("/login?lang=xx").text


def test_the_browsers_language_is_heeded_until_somebody_chooses(client):
    assert '<html lang="ur"' in client.get("/login", headers={"Accept-Language": "ur-PK,ur;q=0.9,en;q=0.5"}).text


def test_a_language_follows_the_person_to_the_next_browser(app, client, amina):
    client.get("/who?lang=ur")

    with transaction() as session:
        assert session.scalar(select(Person.language)) == "ur"


def test_a_program_that_asks_in_urdu_changes_nobodys_language(client):
    client.get("/who?lang=ur", headers=token_of("Amina", "admin"))

    with transaction() as session:
        assert session.scalar(select(Person.language)) is None


def test_the_api_describes_itself_to_everybody(client):
    answer = client.get("/api/openapi.json")

    assert answer.status_code == 200
    assert answer.json["openapi"].startswith("3.1")
    assert answer.json["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}
