"""Bring the database to the newest migration, and say where it stands."""
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from tracker.database import engine

PROJECT = Path(__file__).resolve().parent.parent


def _config() -> Config:
    config = Config(PROJECT / "alembic.ini")
    config.set_main_option("script_location", str(PROJECT / "migrations"))
    return config


def upgrade() -> None:
    """Apply every migration that is missing, each in its own transaction."""
    with engine().connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()


def head() -> str | None:
    return ScriptDirectory.from_config(_config()).get_current_head()


def migration_state(connection: Connection) -> tuple[str | None, str | None]:
    """(revision of the database, newest revision)."""
    return MigrationContext.configure(connection).get_current_revision(), head()
