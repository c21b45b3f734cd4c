"""`flask database …`: what it says of itself, and that a backup is worth its name."""

import json
import os
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tracker import create_app, settings
from tracker.database import engine
from tracker.embedded_postgres import EmbeddedPostgres

AMINA = "INSERT INTO person (email, name, role) VALUES ('amina@kp.example', 'Amina', 'admin')"


@pytest.fixture
def flask(own_place: Path):
    """Run a command of ours on a cluster of its own; the cluster is started for it."""
    commands = create_app().test_cli_runner()

    def run(*words: object, code: int = 0) -> Result:
        done = commands.invoke(args=[str(word) for word in words])
        assert done.exit_code == code, done.stderr
        return done

    yield run
    engine().dispose()


@pytest.fixture
def postgres(own_place: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.from_environment())


def run_sql(postgres: EmbeddedPostgres, statement: str):
    with create_engine(postgres.url, poolclass=NullPool).begin() as connection:
        found = connection.execute(text(statement))
        return found.scalar() if found.returns_rows else None


def test_status_tells_a_program_all_it_needs(flask, postgres):
    before = json.loads(flask("database", "status", "--json").stdout)
    flask("database", "start")
    flask("database", "upgrade")

    status = json.loads(flask("database", "status", "--json").stdout)

    assert set(status) == {"running", "pid", "url", "postgres", "postgis", "migration", "head"}
    assert (before["running"], before["pid"], before["head"]) == (False, None, status["head"])
    assert (status["running"], status["pid"]) == (True, postgres.pid)
    assert status["migration"] == status["head"]
    assert status["postgis"] >= "3.3"
    assert flask("database", "url").stdout.strip() == status["url"]

    flask("database", "stop")

    assert postgres.pid is None


def test_a_command_starts_the_database_for_itself_and_stops_it(flask, postgres):
    flask("database", "upgrade")

    assert postgres.pid is None


def test_the_database_is_not_stopped_under_somebody_at_work(flask, postgres):
    flask("database", "start")

    with postgres.in_use():
        refused = flask("database", "stop", code=1)

        assert "is using it; it stops with the last of them" in refused.stderr
        assert postgres.is_running

    assert postgres.pid is None


def test_a_command_before_the_first_migration_says_which_to_run(flask):
    refused = flask("users", "create", "amina@kp.example", "--role", "admin", "--password-stdin", code=1)

    assert "flask database upgrade" in refused.stderr


def test_a_backup_brings_everything_back(flask, postgres, own_place):
    flask("database", "start")
    flask("database", "upgrade")
    run_sql(postgres, AMINA)
    raw = own_place / "data" / "raw" / "98ea6e4f216f2fb4b69fff9b3a44842c38686ca685f3f55dc48c5d3fb1107be4"
    raw.parent.mkdir(parents=True)
    raw.write_bytes(b"hi\n")
    file = own_place / "monday.rasai"

    made = json.loads(flask("database", "backup", file, "--json").stdout)
    run_sql(postgres, "UPDATE person SET name = 'changed since'")
    raw.unlink()
    refused = flask("database", "restore", file, code=1)
    flask("database", "restore", file, "--replace")

    assert made["raw_files"] == 1
    assert "it is not empty. Back it up, then restore with --replace" in refused.stderr
    assert run_sql(postgres, "SELECT name FROM person") == "Amina"
    assert raw.read_bytes() == b"hi\n"
    assert run_sql(postgres, "SELECT count(*) FROM pg_database WHERE datname LIKE 'rasai%'") == 1
    assert {path.name for path in own_place.glob("monday*")} == {"monday.rasai"}


def test_a_backup_fills_an_empty_machine(flask, postgres, own_place):
    flask("database", "start")
    flask("database", "upgrade")
    run_sql(postgres, AMINA)
    flask("database", "backup", own_place / "monday.rasai")
    flask("database", "stop")
    (own_place / "postgres").rename(own_place / "burnt")

    flask("database", "start")
    flask("database", "restore", own_place / "monday.rasai")

    assert run_sql(postgres, "SELECT name FROM person") == "Amina"
    assert run_sql(postgres, "SELECT has_table_privilege('rasai_web', 'campaign_settlement', 'SELECT')")


def test_a_restore_waits_for_nobody_and_disturbs_nobody(flask, postgres, own_place):
    flask("database", "start")
    flask("database", "upgrade")
    flask("database", "backup", own_place / "monday.rasai")

    with create_engine(postgres.url, poolclass=NullPool).connect() as at_work:
        at_work.execute(text("SELECT 1"))
        refused = flask("database", "restore", own_place / "monday.rasai", "--replace", code=1)

    assert "1 connections are at work in it. Stop the server" in refused.stderr


@pytest.mark.parametrize(("damage", "words"), [
    (lambda file: file.write_bytes(b"PK\x03\x04 something else"), "damaged or cut short"),
    (lambda file: os.truncate(file, 20_000), "damaged or cut short|not a whole backup"),
])  # fmt: skip
def test_a_damaged_backup_harms_nothing(flask, postgres, own_place, damage, words):
    file = own_place / "monday.rasai"
    flask("database", "start")
    flask("database", "upgrade")
    flask("database", "backup", file)
    run_sql(postgres, AMINA)
    damage(file)

    refused = flask("database", "restore", file, "--replace", code=1)

    assert any(word in refused.stderr for word in words.split("|"))
    assert run_sql(postgres, "SELECT name FROM person") == "Amina"
