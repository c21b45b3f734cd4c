"""The database: start, stop, status, upgrade."""
import json

import click
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from tracker import settings
from tracker.command_line import database_at_hand, json_option
from tracker.database import database_url, engine
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.errors import RasaiError
from tracker.migrating import head, migration_state, upgrade


class LifeGroup(click.Group):
    """Commands about the database itself: they do not start it first."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except RasaiError as error:
            click.echo(str(error), err=True)
            ctx.exit(error.exit_code)


@click.group("database", cls=LifeGroup)
def database() -> None:
    """The database: start, stop, status, upgrade, backup, restore."""


def _embedded() -> EmbeddedPostgres | None:
    """The embedded cluster; None when DATABASE_URL names an outside database."""
    chosen = settings.from_environment()
    return None if chosen.database_url else EmbeddedPostgres(chosen)


@database.command("start")
def start_command() -> None:
    """Start the embedded database; it stays until `flask database stop`."""
    postgres = _embedded()
    if postgres is None:
        raise click.ClickException("DATABASE_URL names an outside database: start that where it lives.")
    started = postgres.start()
    postgres.stays.touch()
    click.echo("Started." if started else "It is running already.", err=True)


@database.command("stop")
def stop_command() -> None:
    """Stop the embedded database; everything committed stays."""
    postgres = _embedded()
    if postgres is None:
        raise click.ClickException("DATABASE_URL names an outside database: stop that where it lives.")
    postgres.stays.unlink(missing_ok=True)
    click.echo("Stopped." if postgres.stop() else "It was not running.", err=True)


@database.command("url")
def url_command() -> None:
    """The address in use, as SQLAlchemy reads it."""
    click.echo(database_url())


@database.command("upgrade")
def upgrade_command() -> None:
    """Apply the migrations that are missing."""
    with database_at_hand():
        upgrade()


@database.command("status")
@json_option
def status_command(as_json: bool) -> None:
    """Is it running, which versions, at which migration?"""
    postgres = _embedded()
    state = {"running": False, "pid": postgres.pid if postgres else None, "url": database_url(), "postgres": None, "postgis": None,
             "migration": None, "head": head()}
    if postgres is None or postgres.is_running:
        state |= _asked()
    if as_json:
        click.echo(json.dumps(state))
    else:
        click.echo("\n".join(f"{key:<10} {value}" for key, value in state.items()))


def _asked() -> dict[str, object]:
    """What the database says of itself; not running when it does not answer."""
    try:
        with engine().connect() as connection:
            answer: dict[str, object] = {"running": True, "postgres": connection.scalar(text("SHOW server_version"))}
            answer["migration"] = migration_state(connection)[0]
    except OperationalError:
        return {}
    try:
        with engine().connect() as connection:
            answer["postgis"] = connection.scalar(text("SELECT PostGIS_Lib_Version()"))
    except ProgrammingError:
        answer["postgis"] = None        # not migrated yet: the extension comes with the first migration
    return answer
