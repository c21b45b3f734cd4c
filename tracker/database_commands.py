"""The database: start, stop, status, url, upgrade, backup, restore."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from tracker import backups, settings
from tracker.command_line import database_at_hand, existing_file, json_option, say, telling_errors
from tracker.database import database_url, engine
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.migrating import head, migration_state, upgrade


class LifeGroup(click.Group):
    """Commands about the database itself: they do not start it first."""

    def invoke(self, ctx: click.Context) -> object:
        with telling_errors(ctx):
            return super().invoke(ctx)


@click.group("database", cls=LifeGroup)
def database() -> None:
    """The database: start, stop, status, url, upgrade, backup, restore."""


@database.command("start")
def start_command() -> None:
    """Start the embedded database; it stays until `flask database stop`."""
    postgres = _embedded("start")
    started = postgres.start()
    postgres.stays.touch()
    click.echo("Started." if started else "It is running already, and stays.", err=True)


@database.command("stop")
def stop_command() -> None:
    """Stop the embedded database; everything committed stays."""
    postgres = _embedded("stop")
    postgres.stays.unlink(missing_ok=True)
    if postgres.has_users:
        raise click.ClickException("A server or command is using it; it stops with the last of them. End those first.")
    click.echo("Stopped." if postgres.stop() else "It was not running.", err=True)


@database.command("url")
def url_command() -> None:
    """The address in use, as SQLAlchemy reads it, password included."""
    click.echo(database_url())


@database.command("upgrade")
def upgrade_command() -> None:
    """Apply the migrations that are missing."""
    with database_at_hand():
        upgrade()
    click.echo(f"At migration {head()}.", err=True)


@database.command("status")
@json_option
def status_command(as_json: bool) -> None:
    """Is it running, which versions, at which migration?"""
    chosen = settings.from_environment()
    postgres = None if chosen.database_url else EmbeddedPostgres(chosen)
    state: dict[str, object] = {
        "running": False, "pid": postgres.pid if postgres else None, "url": _url_without_password(),
        "postgres": None, "postgis": None, "migration": None, "head": head(),
    }  # fmt: skip
    if postgres is None or postgres.is_running:
        state |= _asked()
    if as_json:
        click.echo(json.dumps(state))
    else:
        click.echo("\n".join(f"{key:<10} {'-' if value is None else value}" for key, value in state.items()))


@database.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@json_option
def backup_command(file: Path, as_json: bool) -> None:
    """Write database and raw files into one FILE; people may go on working."""
    with database_at_hand():
        say(asdict(backups.back_up(file.absolute(), settings.from_environment().data_dir / "raw")), as_json)


@database.command("restore")
@existing_file
@click.option("--replace", is_flag=True, help="Also where the database holds something, which is then gone.")
@json_option
def restore_command(file: Path, replace: bool, as_json: bool) -> None:
    """Put a backup in the place of the database, which must be empty."""
    with database_at_hand():
        raw_folder = settings.from_environment().data_dir / "raw"
        say(asdict(backups.restore(file.absolute(), raw_folder, replace=replace)), as_json)


def _embedded(doing: str) -> EmbeddedPostgres:
    chosen = settings.from_environment()
    if chosen.database_url:
        raise click.ClickException(f"DATABASE_URL names an outside database: {doing} it where it lives.")
    return EmbeddedPostgres(chosen)


def _url_without_password() -> str:
    address = make_url(database_url())
    return address.render_as_string() if address.password else database_url()


def _asked() -> dict[str, object]:
    """What the database says of itself; not running when it does not answer."""
    try:
        with engine().connect() as connection:
            version = str(connection.scalar(text("SHOW server_version"))).split()[0]
            answer: dict[str, object] = {"running": True, "postgres": version}
            answer["migration"] = migration_state(connection)[0]
    except OperationalError:
        return {}
    try:
        with engine().connect() as connection:
            answer["postgis"] = connection.scalar(text("SELECT PostGIS_Lib_Version()"))
    except ProgrammingError:
        answer["postgis"] = None  # not migrated yet: the extension comes with the first migration
    return answer
