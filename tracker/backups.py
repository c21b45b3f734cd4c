"""One file that holds everything: the database as pg_dump writes it, and the raw files that were imported.

A tar archive of `about.json`, `database.dump` (custom format) and `raw/<sha256>`. It may be made while people work.
A restore builds a new database beside the old one and lets them change places when it is whole: it fails without harm.
Not inside: the secret key and the demonstration's logins, which belong to the place and not to the data.
"""

import hashlib
import io
import json
import os
import re
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool

from tracker import postgres_programs
from tracker.database import database_url, engine
from tracker.errors import RasaiError
from tracker.migrating import is_known, migration_state, upgrade
from tracker.postgres_programs import DatabaseUnavailable

FORMAT = 1
RAW_NAME = re.compile(r"raw/([0-9a-f]{64})")

FILLED = text("""
    SELECT EXISTS (SELECT FROM area) OR EXISTS (SELECT FROM campaign) OR EXISTS (SELECT FROM person)
        OR EXISTS (SELECT FROM submission)""")
OTHERS = text("""
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = :name AND pid <> pg_backend_pid() AND backend_type = 'client backend'""")


class NotABackup(RasaiError):
    message = _l("{file} is not a whole backup of Rasai: {why}")


class BackupFailed(RasaiError):
    message = _l("The backup could not be made: {why}")


class RestoreFailed(RasaiError):
    message = _l("Nothing was restored, and the database is as it was: {why}")


@dataclass(frozen=True)
class Summary:
    """What a backup holds."""

    file: str
    bytes: int
    migration: str | None
    raw_files: int
    seconds: float


def back_up(file: Path, raw_folder: Path) -> Summary:
    """Write everything into one file, which appears under its name only when it is whole."""
    began = time.monotonic()
    dump, unfinished = file.with_name(file.name + ".dump"), file.with_name(file.name + ".unfinished")
    with engine().connect() as connection:
        migration, _ = migration_state(connection)
    try:
        _postgres("pg_dump", "--format=custom", "--no-owner", f"--file={dump}")
        raw = sorted(path for path in raw_folder.glob("*") if RAW_NAME.fullmatch(f"raw/{path.name}"))
        with open(unfinished, "wb") as opened, tarfile.open(fileobj=opened, mode="w") as archive:
            about = {"rasai_backup": FORMAT, "made_at": datetime.now(UTC).isoformat(), "migration": migration}
            _add_text(archive, "about.json", json.dumps(about | {"raw_files": len(raw)}))
            archive.add(dump, "database.dump")
            for path in raw:
                archive.add(path, f"raw/{path.name}")
            archive.close()
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(unfinished, file)
    except (DatabaseUnavailable, OSError) as error:
        raise BackupFailed(why=_reason(error)) from error
    finally:
        dump.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)
    return Summary(str(file), file.stat().st_size, migration, len(raw), round(time.monotonic() - began, 1))


def restore(file: Path, raw_folder: Path, *, replace: bool) -> Summary:
    """Put a backup in the place of the database; of one that holds anything only with `replace`."""
    began = time.monotonic()
    with _opened(file) as (archive, about):
        _check_place(replace=replace)
        raw = _take_out_raw(archive, raw_folder, file)
        dump = raw_folder.parent / "database.dump"
        try:
            _take_out(archive, "database.dump", dump, file)
            _replace_database(dump)
        except (DatabaseUnavailable, OSError) as error:
            raise RestoreFailed(why=_reason(error)) from error
        finally:
            dump.unlink(missing_ok=True)
    upgrade()
    _analyze()
    return Summary(str(file), file.stat().st_size, about["migration"], raw, round(time.monotonic() - began, 1))


# reading a backup


@contextmanager
def _opened(file: Path) -> Iterator[tuple[tarfile.TarFile, dict[str, Any]]]:
    try:
        with tarfile.open(file, mode="r:") as archive:
            yield archive, _about(archive, file)
    except (tarfile.TarError, EOFError) as error:
        raise NotABackup(file=file, why="the archive is damaged or cut short.") from error


def _about(archive: tarfile.TarFile, file: Path) -> dict[str, Any]:
    first = archive.next()
    about = archive.extractfile(first) if first is not None and first.name == "about.json" else None
    if about is None:
        raise NotABackup(file=file, why="it does not begin as one. Make backups with `flask database backup FILE`.")
    said: dict[str, Any] = json.loads(about.read(10_000))
    if said["rasai_backup"] != FORMAT or not (said["migration"] is None or is_known(said["migration"])):
        raise NotABackup(file=file, why="a newer version of Rasai made it. Restore it with that version.")
    return said


def _take_out(archive: tarfile.TarFile, name: str, target: Path, file: Path) -> None:
    try:
        source = archive.extractfile(name)
    except KeyError:
        source = None
    if source is None:
        raise NotABackup(file=file, why=f"{name} is missing.")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target, "wb") as out:
        while block := source.read(1 << 20):
            out.write(block)


def _take_out_raw(archive: tarfile.TarFile, folder: Path, file: Path) -> int:
    """Lay the raw files beside those that are there, under the hash of what they hold; give how many the backup has."""
    names = [found for member in archive if (found := RAW_NAME.fullmatch(member.name)) and member.isfile()]
    for found in names:
        target = folder / found[1]
        if not target.exists():
            unfinished = target.with_name(found[1] + ".unfinished")
            _take_out(archive, found[0], unfinished, file)
            with open(unfinished, "rb") as opened:
                if hashlib.file_digest(opened, "sha256").hexdigest() != found[1]:
                    unfinished.unlink()
                    raise NotABackup(file=file, why=f"{found[0]} is not what its name says.")
            unfinished.rename(target)
    return len(names)


# the database


def _check_place(*, replace: bool) -> None:
    """The place is empty, or may be emptied, and nobody is at work in it."""
    with engine().connect() as connection:
        others = connection.scalar(OTHERS, {"name": engine().url.database})
        filled = _is_filled(connection)
    engine().dispose()
    if others:
        raise RestoreFailed(why=f"{others} connections are at work in it. Stop the server (`make serve`) first.")
    if filled and not replace:
        raise RestoreFailed(why="it is not empty. Back it up, then restore with --replace.")


def _is_filled(connection: Connection) -> bool:
    try:
        return bool(connection.scalar(FILLED))
    except ProgrammingError:  # never migrated: no tables, so nothing in them
        connection.rollback()
        return False


def _replace_database(dump: Path) -> None:
    """Build it beside the one in use, then let the two change places."""
    upgrade()  # also makes the role that the dump's grants name: roles are not part of a dump
    engine().dispose()
    url = make_url(database_url())
    name, new, old = str(url.database), f"{url.database}_restored", f"{url.database}_before_restore"
    beside = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    quote = beside.dialect.identifier_preparer.quote
    try:
        with beside.connect() as connection:
            for left in (new, old):  # of a restore that was killed
                connection.execute(text(f"DROP DATABASE IF EXISTS {quote(left)}"))
            connection.execute(text(f"CREATE DATABASE {quote(new)} TEMPLATE template0 ENCODING 'UTF8'"))
            _postgres("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={new}", dump)
            with create_engine(beside.url, poolclass=NullPool).begin() as swap:  # both names at once, or neither
                swap.execute(text(f"ALTER DATABASE {quote(name)} RENAME TO {quote(old)}"))
                swap.execute(text(f"ALTER DATABASE {quote(new)} RENAME TO {quote(name)}"))
            connection.execute(text(f"DROP DATABASE {quote(old)}"))
    except OperationalError as error:  # somebody has connected meanwhile
        raise RestoreFailed(why=f"{_first_line(error)}. Stop what uses the database and try again.") from None
    except ProgrammingError as error:
        raise RestoreFailed(why=f"{_first_line(error)}. The database user needs the right CREATEDB.") from None


def _postgres(name: str, *arguments: object) -> None:
    """Run pg_dump or pg_restore on our database. The password goes by the environment, where nobody else sees it."""
    with engine().connect() as connection:
        version = int(connection.scalar(text("SHOW server_version_num"))) // 10_000
    engine().dispose()
    program = postgres_programs.client(name, version)
    postgres_programs.run(program, *arguments, user=None, environment=_as_environment(make_url(database_url())))


def _as_environment(url: URL) -> dict[str, str]:
    query = {key: value if isinstance(value, str) else value[0] for key, value in url.query.items()}
    known = {"PGHOST": url.host or query.get("host"), "PGPORT": url.port and str(url.port), "PGUSER": url.username,
             "PGPASSWORD": url.password, "PGDATABASE": url.database, "PGSSLMODE": query.get("sslmode")}  # fmt: skip
    return {name: str(value) for name, value in known.items() if value}


def _add_text(archive: tarfile.TarFile, name: str, words: str) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(words.encode())
    archive.addfile(member, io.BytesIO(words.encode()))


def _analyze() -> None:
    """Statistics are not part of a dump; without them every plan is a guess."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{error.filename or 'the disk'}: {error.strerror}."
    return str(error.facts["why"]) if isinstance(error, RasaiError) and "why" in error.facts else str(error)
