"""People from the command line: who is made, what they then may, and how they are shut out."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import Result
from sqlalchemy import select

from tests.accounts.conftest import PASSWORD
from tests.builders import a_round, a_team, the_ground
from tracker.accounts import people
from tracker.accounts.identity import SESSION_COOKIE
from tracker.accounts.models import ApiToken, Person
from tracker.accounts.scope import SERVER, scope_of
from tracker.database import transaction


@pytest.fixture
def flask_users(app):
    """Run `flask users …` and give its result."""

    def run(*words: str, typed: str = "") -> Result:
        return app.test_cli_runner().invoke(args=["users", *words], input=typed)

    return run


def test_dawar_with_a_made_up_token_is_refused(client):
    answer = client.get("/api/v1/fault", headers={"Authorization": "Bearer " + "A" * 43})

    assert answer.status_code == 401
    assert answer.content_type == "application/problem+json"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_amina_is_made_with_her_district_and_signs_in(flask_users, sign_in):
    with transaction() as session:
        the_ground(session)

    made = flask_users("create", "amina@example.org", "--role", "coordinator", "--name", "Amina", "--area", "PK201",
                       "--password-stdin", "--json", typed=PASSWORD + "\n")  # fmt: skip

    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout) == {
        "email": "amina@example.org",
        "role": "coordinator",
        "name": "Amina",
        "areas": ["PK201"],
    }
    assert sign_in("amina@example.org").status_code == 303


def test_a_token_is_the_last_thing_printed_and_lets_in(flask_users, client):
    flask_users("create", "bilal@example.org", "--role", "admin")

    made = flask_users("token", "bilal@example.org", "--days", "2")

    token = made.stdout.split()[-1]
    assert re.fullmatch(r"[\w-]{43}", token)
    assert client.get("/who", headers={"Authorization": f"Bearer {token}"}).json == {"email": "bilal@example.org"}
    with transaction() as session:
        assert token.encode() not in session.scalars(select(ApiToken.secret_sha256)).all()


def test_a_token_for_programs_says_when_it_ends(flask_users):
    flask_users("create", "bilal@example.org", "--role", "admin")

    said = json.loads(flask_users("token", "bilal@example.org", "--days", "2", "--json").stdout)

    assert set(said) == {"token", "expires"}
    left = datetime.fromisoformat(said["expires"]) - datetime.now(UTC)
    assert timedelta(days=1, hours=23) < left <= timedelta(days=2)


def test_whoever_is_shut_out_is_out_at_once_by_session_and_by_token(flask_users, client, sign_in):
    flask_users("create", "bilal@example.org", "--role", "admin", "--password-stdin", typed=PASSWORD + "\n")
    token = {"Authorization": "Bearer " + flask_users("token", "bilal@example.org").stdout.split()[-1]}
    sign_in("bilal@example.org")
    assert client.get("/who").status_code == 200

    flask_users("disable", "bilal@example.org")

    assert client.get("/who").status_code == 303
    assert client.get("/api/v1/fault", headers=token).status_code == 401
    assert sign_in("bilal@example.org").status_code == 401
    assert flask_users("token", "bilal@example.org").exit_code == 1


def test_who_is_let_in_again_signs_in_anew_and_needs_a_new_token(flask_users, client, sign_in):
    flask_users("create", "bilal@example.org", "--role", "admin", "--password-stdin", typed=PASSWORD + "\n")
    old = {"Authorization": "Bearer " + flask_users("token", "bilal@example.org").stdout.split()[-1]}
    flask_users("disable", "bilal@example.org")

    flask_users("enable", "bilal@example.org")

    assert sign_in("bilal@example.org").status_code == 303
    assert client.get("/api/v1/fault", headers=old).status_code == 401


def test_a_new_password_signs_everybody_out_who_knew_the_old_one(flask_users, client, sign_in):
    flask_users("create", "amina@example.org", "--role", "admin", "--password-stdin", typed=PASSWORD + "\n")
    sign_in("amina@example.org")

    flask_users("password", "amina@example.org", "--password-stdin", typed="nine white egrets by the canal\n")

    assert client.get("/who").status_code == 303
    assert sign_in("amina@example.org").status_code == 401
    assert sign_in("amina@example.org", "nine white egrets by the canal").status_code == 303


@pytest.mark.parametrize(("password", "why"), [
    ("eleven char", "under 12"), ("x" * 1025 + "abcdef", "over 1,024"), ("121212121212", "same few"),
    ("amina@example.org", "your own"), ("AMINA@example.org", "your own"),
])  # fmt: skip
def test_a_password_that_is_easily_guessed_is_not_taken(flask_users, password, why):
    made = flask_users("create", "amina@example.org", "--role", "admin", "--password-stdin", typed=password + "\n")

    assert made.exit_code == 2
    assert why in made.stderr
    assert "amina" not in flask_users("list").stdout


@pytest.mark.parametrize("password", ["twelve chars", "بارہ حروف کا پاس ورڈ", "x9!y7?" * 20])
def test_every_character_is_welcome_in_a_password(flask_users, sign_in, password):
    flask_users("create", "amina@example.org", "--role", "admin", "--password-stdin", typed=password + "\n")

    assert sign_in("amina@example.org", password).status_code == 303


def test_a_team_user_works_in_the_team_named(flask_users):
    with transaction() as session:
        ground = the_ground(session)
        team = a_team(session, a_round(session), "T1", ground.peshawar_tehsil)

    made = flask_users("create", "bilal@example.org", "--role", "team", "--campaign", "NOV", "--team", "T1")

    assert made.exit_code == 0, made.stderr
    with transaction() as session:
        person = session.scalars(select(Person)).one()
        assert scope_of(session, person).team_id == team.id


def test_a_team_user_without_a_team_can_be_made_and_sees_nothing(flask_users):
    with transaction() as session:
        the_ground(session)

    made = flask_users("create", "bilal@example.org", "--role", "team", "--area", "PK201")

    assert made.exit_code == 0
    assert "see nothing" in made.stderr
    with transaction() as session:
        scope = scope_of(session, session.scalars(select(Person)).one())
    assert (scope.team_id, scope.areas, scope.settlement_ids) == (None, "{}", ())


@pytest.mark.parametrize(("words", "said"), [
    (["b@example.org", "--role", "supervisor", "--area", "PK999"], "no area with P-code PK999"),
    (["b@example.org", "--role", "team", "--campaign", "NOV", "--team", "T1"], "no such team"),
    (["b@example.org", "--role", "team", "--team", "T1"], "go together"),
    (["b@example.org", "--role", "admin", "--campaign", "NOV", "--team", "T1"], "only role team"),
    (["b at example", "--role", "admin"], "not an e-mail address"),
    (["b@example.org", "--role", "king"], "Invalid value"),
])  # fmt: skip
def test_a_person_who_could_not_work_is_not_made(flask_users, words, said):
    made = flask_users("create", *words)

    assert made.exit_code == 2
    assert said in made.stderr
    assert json.loads(flask_users("list", "--json").stdout) == []


def test_an_address_belongs_to_one_person_however_it_is_written(flask_users):
    flask_users("create", "amina@example.org", "--role", "admin")

    again = flask_users("create", "Amina@EXAMPLE.org", "--role", "observer")

    assert again.exit_code == 1
    assert "already somebody" in again.stderr


def test_people_are_listed_with_what_they_answer_for(flask_users):
    with transaction() as session:
        ground = the_ground(session)
        a_team(session, a_round(session), "T1", ground.peshawar_tehsil)
    flask_users("create", "amina@example.org", "--role", "coordinator", "--area", "PK201", "--area", "PK202")
    flask_users("create", "bilal@example.org", "--role", "team", "--campaign", "NOV", "--team", "T1")
    flask_users("disable", "bilal@example.org")

    listed = json.loads(flask_users("list", "--json").stdout)

    assert [(p["email"], p["areas"], p["campaign"], p["team"], p["disabled"]) for p in listed] == [
        ("amina@example.org", ["PK201", "PK202"], None, None, False),
        ("bilal@example.org", [], "NOV", "T1", True),
    ]


def test_somebody_unknown_is_named_in_the_answer(flask_users):
    for words in (["token"], ["disable"], ["enable"]):
        said = flask_users(*words, "nobody@example.org")

        assert said.exit_code == 1
        assert "nobody@example.org" in said.stderr


def test_everything_done_to_people_is_on_record(flask_users, session):
    people.create_person(session, SERVER, "amina@example.org", "admin", password=PASSWORD)
    people.issue_token(session, SERVER, "amina@example.org", days=1)
    people.set_password(session, SERVER, "amina@example.org", PASSWORD + " too")
    people.shut_out(session, SERVER, "amina@example.org")
    people.let_in(session, SERVER, "amina@example.org")

    from sqlalchemy import text

    entries = session.execute(text("SELECT action, facts::text FROM audit_entry ORDER BY id")).all()
    assert [action for action, _ in entries] == ["create", "issue token", "set password", "disable", "enable"]
    assert not any(PASSWORD in facts for _, facts in entries)


def test_cookie_and_token_names_stay_what_programs_know():
    assert SESSION_COOKIE == "rasai_session"
