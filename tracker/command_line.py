"""What all commands share: the database is there while they run, errors become a sentence and an exit code.

With --json, standard output is one JSON document and nothing else; people's text and progress go to standard error.
Exit codes: 0 done, 1 failed and nothing written, 2 wrong usage, 3 done but some rows were refused.
"""

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup
from psycopg2.errors import DiskFull, UndefinedColumn, UndefinedFunction, UndefinedTable
from sqlalchemy.exc import DBAPIError, OperationalError

from tracker import settings
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.errors import RasaiError, RowError, RowsRefused

SOME_ROWS_REFUSED = 3
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
rejects_option = click.option(
    "--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Write refused rows there (CSV)."
)
existing_file = click.argument("file", type=click.Path(exists=True, path_type=Path))


class LateGroup(AppGroup):
    """A group some of whose commands are imported when they are used: `elsewhere` says where, as "module:attribute"."""

    def __init__(self, *args: Any, elsewhere: dict[str, str] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.elsewhere = elsewhere or {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.elsewhere])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _colon, attribute = self.elsewhere[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


class Group(LateGroup):
    """Commands that need the database: the embedded one is started for them; errors are told in one sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        with telling_errors(ctx), database_at_hand():
            return super().invoke(ctx)


@contextmanager
def telling_errors(ctx: click.Context) -> Iterator[None]:
    """What goes wrong inside is told in a sentence that says what to do, and ends the command with its code."""
    try:
        yield
    except RasaiError as error:
        click.echo(str(error), err=True)
        for row in getattr(error, "errors", [])[:20]:
            click.echo(f"  row {row.row}, {row.field} ({row.rule}): {row.message}", err=True)
        ctx.exit(error.exit_code)
    except OSError as error:  # a folder that is not there, a disk that is full
        if error.filename is None:
            raise
        click.echo(f"{error.filename}: {error.strerror}. Choose another place.", err=True)
        ctx.exit(1)
    except DBAPIError as error:
        words = _words_for(error)
        if words is None:
            raise
        click.echo(words, err=True)
        ctx.exit(1)


def _words_for(error: DBAPIError) -> str | None:
    """A sentence for what is the matter with the database itself; None: the fault is ours."""
    said = str(error.orig).strip().splitlines()[0]
    if isinstance(error.orig, DiskFull):
        return f"The disk that holds the database is full; nothing was written. Free some space and try again. ({said})"
    if isinstance(error.orig, UndefinedTable | UndefinedColumn | UndefinedFunction):
        return f"The database is not at the newest migration. Run: flask database upgrade ({said})"
    if isinstance(error, OperationalError):
        return f"The database does not answer: {said}"
    return None


@contextmanager
def database_at_hand() -> Iterator[None]:
    """The database is running while the block runs; an outside one is somebody else's to run."""
    chosen = settings.from_environment()
    if chosen.database_url:
        yield
        return
    with EmbeddedPostgres(chosen).in_use():
        yield


def say(summary: dict[str, Any], as_json: bool) -> None:
    """A summary for programs or for people."""
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False, default=str))
    else:
        plain = {key: value for key, value in summary.items() if not isinstance(value, (list, dict))}
        click.echo(" · ".join(f"{key} {value}" for key, value in plain.items()))


def write_rejects(path: Path | None, errors: Iterable[tuple[dict[str, Any], RowError]]) -> None:
    """The refused rows as read, each with row, field, rule and message; written also when there are none."""
    if path is None:
        return
    rows = [{**as_read, **error.as_dict()} for as_read, error in errors]
    columns = list(dict.fromkeys([*(key for row in rows for key in row), "row", "field", "rule", "message"]))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def tell_refused(error: RowsRefused) -> None:
    click.echo(str(error), err=True)
    for row in error.errors[:20]:
        click.echo(f"  row {row.row}, {row.field} ({row.rule}): {row.message}", err=True)
