"""Bring the database to the newest migration, and say where it stands."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from tracker.database import engine

PROJECT = Path(__file__).resolve().parent.parent
ONE_UPGRADE = 5_203_411  # key of an advisory lock


def _config() -> Config:
    config = Config(PROJECT / "alembic.ini")
    config.set_main_option("script_location", str(PROJECT / "migrations"))
    return config


def upgrade() -> None:
    """Apply every migration that is missing, each in its own transaction; of two at once the second waits."""
    with engine().connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:one_upgrade)"), {"one_upgrade": ONE_UPGRADE})
        connection.commit()
        try:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:one_upgrade)"), {"one_upgrade": ONE_UPGRADE})
            connection.commit()


def is_known(revision: str) -> bool:
    """Whether this code knows that migration; one that it does not know is of a newer version."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(revision) is not None
    except CommandError:
        return False


def head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def migration_state(connection: Connection) -> tuple[str | None, str | None]:
    """(revision of the database, newest revision)."""
    return MigrationContext.configure(connection).get_current_revision(), head()
