"""PostgreSQL's own programs: where they lie, as whom they may run, and what they said when they failed.

Standard library only, besides our errors. PostgreSQL refuses to run as root; then an unprivileged user runs it.
"""

import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from flask_babel import lazy_gettext as _l

from setup.steps import DISK_FULL
from setup.system_packages import has_postgis, postgres_folders
from tracker.errors import RasaiError

DISK_IS_FULL = "the disk that holds it is full. Free some space (a few hundred MB at least) and start again."


class DatabaseUnavailable(RasaiError):
    """The embedded database cannot be made, started or reached; `why` ends with what to do."""

    message = _l("The embedded database: {why}")
    status = 503


def programs_for(version: int | None = None) -> Path:
    """The folder with the programs of this major version; None: of the newest that has PostGIS."""
    folders = postgres_folders()
    if version is None:
        usable = [folder for folder in folders if has_postgis(folder)]
        if not usable:
            raise DatabaseUnavailable(
                why="PostgreSQL 15 or newer with PostGIS was not found here. Run `make setup`, or set DATABASE_URL."
            )
        return usable[0]
    for folder in folders:
        if _major_version(folder) == version:
            return folder
    raise DatabaseUnavailable(
        why=f"its files were made by PostgreSQL {version}, which is not installed (any more). Install"
        f" postgresql-{version}-postgis-3; to move to a newer one, back up with the old and restore with the new."
    )


def _major_version(folder: Path) -> int | None:
    if folder.parent.name.isdigit():  # /usr/lib/postgresql/15/bin
        return int(folder.parent.name)
    said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r" (\d+)", said)
    return int(found[1]) if found else None


def unprivileged_user(owner_of: Path) -> pwd.struct_passwd | None:
    """As whom to run when we are root: whoever owns the cluster, else `postgres` or `nobody`. None: as ourselves."""
    if os.geteuid() != 0:
        return None
    if owner_of.exists() and owner_of.stat().st_uid != 0:
        return pwd.getpwuid(owner_of.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise DatabaseUnavailable(
        why="PostgreSQL refuses to run as root, and there is no user 'postgres' or 'nobody' here."
        " Create one: useradd --system postgres"
    )


def run(
    program: Path,
    *arguments: object,
    user: pwd.struct_passwd | None,
    log: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program of PostgreSQL and give what it printed.

    log    : the server's log; what it gained meanwhile belongs to the explanation of a failure
    raises : DatabaseUnavailable; StillHeld among them when trying again may help
    """
    before = log.stat().st_size if log and log.exists() else 0
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    # output goes to a file, not a pipe: the postmaster inherits it and would keep a pipe open for ever
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        done = subprocess.run(  # type: ignore[call-overload]
            [program, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            cwd="/", check=False, env=_environment() | dict(environment or {}), **as_user,
        )  # fmt: skip
        output.seek(0)
        said = output.read()
    if done.returncode:
        raise _explained(program.name, done.returncode, said + _gained(log, before))
    return said


class StillHeld(DatabaseUnavailable):
    """The files are still held by what a crash left behind: wait, then try again."""


def _explained(name: str, code: int, said: str) -> DatabaseUnavailable:
    if re.search(DISK_FULL, said):
        return DatabaseUnavailable(why=DISK_IS_FULL)
    reasons = [line for line in said.splitlines() if re.search(r"FATAL|PANIC|error:|could not|ERROR", line)]
    words = re.sub(r"\s+", " ", (reasons or said.splitlines() or [""])[0]).strip()[:300]
    if re.search(r"pre-existing shared memory|lock file|[Ii]s another|is being shut down|starting up", said):
        return StillHeld(why=f"its files are held by another process ({words}). Stop that process and start again.")
    return DatabaseUnavailable(why=f"{name} ended with {code}: {words}")


def _gained(log: Path | None, before: int) -> str:
    if log is None or not log.exists():
        return ""
    with open(log, encoding="utf-8", errors="replace") as file:
        file.seek(before)
        return file.read()


def _environment() -> dict[str, str]:
    """Ours without what would lead PostgreSQL's programs to another server; their messages in English."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def client(name: str, version: int) -> Path:
    """pg_dump or pg_restore for a server of this major version; where there is none, what lies on the PATH."""
    for folder in postgres_folders():
        if _major_version(folder) == version and (folder / name).exists():
            return folder / name
    return program(None, name)


def program(folder: Path | None, name: str) -> Path:
    """One program of this installation; clients may lie elsewhere on the PATH."""
    if folder and (folder / name).exists():
        return folder / name
    found = shutil.which(name)
    if not found:
        raise DatabaseUnavailable(why=f"PostgreSQL's program {name} was not found. Run `make setup`.")
    return Path(found)
