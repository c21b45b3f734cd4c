"""The private PostGIS cluster behind `make demo`, the tests and every command when DATABASE_URL is not set.

It lies in `<local>/postgres`, listens on a unix socket in `<local>/run/postgres` only, and runs as an unprivileged user
even when root starts it. `fsync` stays on. A crash (`kill -9`) is recovered at the next start: backends that outlived
their postmaster are ended, a pid that now belongs to another program is forgotten.
"""

import errno
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TextIO
from urllib.parse import quote

from tracker import postgres_programs
from tracker.postgres_programs import DatabaseUnavailable, StillHeld
from tracker.settings import Settings

NAME = "rasai"  # of the database and of its owner
START_PATIENCE_S = 60.0  # how long a start may be retried after a crash
RECOVERY_PATIENCE_S = 600.0  # how long a postmaster that is alive may take to answer: it replays what was committed
STOP_PATIENCE_S = 60.0
GENTLY_S = 3.0  # how long orphaned backends are asked before they are killed
SOCKET_PATH_LIMIT = 107  # bytes, of the operating system
LOG_LIMIT_BYTES = 20_000_000
CONFIGURATION = """\
# written anew at every start; what you want to differ belongs into postgresql.conf after the line that includes this
listen_addresses = ''
unix_socket_permissions = 0700
cluster_name = 'rasai'
fsync = on
synchronous_commit = on
shared_buffers = 256MB
effective_cache_size = 1GB
work_mem = 32MB
maintenance_work_mem = 128MB
max_connections = 120
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_min_messages = warning
"""


class EmbeddedPostgres:
    """Make, start, stop and describe the cluster of one local folder."""

    def __init__(self, settings: Settings) -> None:
        self.local_dir = settings.local_dir
        self.data = settings.postgres_dir
        self.sockets = settings.run_dir / "postgres"
        self.log = settings.log_dir / "postgres.log"
        self.stays = settings.local_dir / "postgres-stays"  # written by `flask database start`

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://{NAME}@/{NAME}?host={quote(str(self.sockets))}"

    @property
    def pid(self) -> int | None:
        """Process id of the running postmaster; None when it does not run."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if _is_postmaster_of(pid, self.data) else None

    @property
    def is_running(self) -> bool:
        return self.pid is not None and self._answers()

    def start(self) -> bool:
        """Start the cluster, making it first when there is none; False when it ran already."""
        self._check_socket_path()
        with self._one_at_a_time():
            if self.is_running:
                return False
            self._check_open_to_user()
            if not (self.data / "PG_VERSION").exists():
                self._make()
            self._start_patiently()
            self._create_database()
            return True

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Running while the block runs. Who leaves last stops it, unless `flask database start` asked it to stay.

        Users hold a shared lock on a file, which the operating system frees even when they are killed.
        """
        with self._lock_file("postgres-users.lock") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self.start()
                yield
            finally:
                if not self.stays.exists() and _is_last(users):
                    self.stop()

    @property
    def has_users(self) -> bool:
        """Whether a server, a command or a test is using it now."""
        with self._lock_file("postgres-users.lock") as users:
            return not _is_last(users)

    def stop(self) -> bool:
        """Stop the cluster; open connections are ended, everything committed stays. False when it did not run."""
        with self._one_at_a_time():
            pid = self.pid
            if pid is None:
                return False
            for signal_, patience_s in ((signal.SIGINT, STOP_PATIENCE_S), (signal.SIGQUIT, 10.0)):  # fast, immediate
                os.kill(pid, signal_)
                if self._is_gone_within(patience_s):
                    return True
            raise DatabaseUnavailable(why=f"process {pid} does not stop. Its log is {self.log}.")

    def _is_gone_within(self, patience_s: float) -> bool:
        deadline = time.monotonic() + patience_s
        while self.pid is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True

    # making

    def _make(self) -> None:
        """Build the cluster beside its place and move it there whole, so that a half-made one is never used."""
        if self.data.exists():
            self._remove_if_empty()
        unfinished = self.data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._own_folder(unfinished)
        try:
            self._run("initdb", "--pgdata", unfinished, "--username", NAME, "--auth", "trust", "--encoding", "UTF8",
                      "--locale", "C.UTF-8", "--no-instructions")  # fmt: skip
            with open(unfinished / "postgresql.conf", "a", encoding="utf-8") as file:
                file.write("\ninclude_if_exists = 'rasai.conf'\n")
        except (DatabaseUnavailable, OSError):
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(self.data)

    def _remove_if_empty(self) -> None:
        try:
            self.data.rmdir()
        except OSError:
            raise DatabaseUnavailable(
                why=f"{self.data} holds files but no database. Move that folder away and start again."
            ) from None

    def _create_database(self) -> None:
        ask = ("psql", "-X", "-h", self.sockets, "-U", NAME, "-d", "postgres", "-Atc")
        if not self._run(*ask, f"SELECT 1 FROM pg_database WHERE datname = '{NAME}'").strip():
            self._run(*ask, f"CREATE DATABASE {NAME}")

    # starting

    def _start_patiently(self) -> None:
        """Start, and after a crash wait for what is left of the old postmaster, or end it."""
        self._own_folder(self.sockets)
        self._write_configuration()
        self._lay_log()
        began = time.monotonic()
        while not self.is_running:
            waited_s = time.monotonic() - began
            try:
                if self.pid is None:
                    self._run("pg_ctl", "start", "--pgdata", self.data, "--wait", "--timeout", "60", "--silent",
                              "--log", self.log, "--options", f"-k '{self.sockets}'")  # fmt: skip
            except StillHeld:
                if waited_s > START_PATIENCE_S:
                    raise
                self._clear_the_way(waited_s)
            except DatabaseUnavailable:
                if self.pid is None:  # else it lives, and only takes longer than pg_ctl waits
                    raise
            if waited_s > RECOVERY_PATIENCE_S:
                raise DatabaseUnavailable(why=f"it has not come up in {waited_s:.0f} s. Its log is {self.log}.")
            time.sleep(0.05)

    def _clear_the_way(self, waited_s: float) -> None:
        """After a crash: end backends that outlived their postmaster; forget a pid that is another program's by now."""
        left = _processes_within(self.data)
        for pid in left:
            _signal(pid, signal.SIGQUIT if waited_s < GENTLY_S else signal.SIGKILL)
        if not left and self.pid is None:
            (self.data / "postmaster.pid").unlink(missing_ok=True)
            (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _write_configuration(self) -> None:
        file = self.data / "rasai.conf"
        file.write_text(CONFIGURATION, encoding="utf-8")
        file.chmod(0o644)

    def _lay_log(self) -> None:
        """The file alone is the other user's: in a folder of theirs they could lead what root writes astray."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_name(self.log.name + ".1"))
        self.log.touch(mode=0o600)
        if self._user:
            os.chown(self.log, self._user.pw_uid, self._user.pw_gid)

    def _answers(self) -> bool:
        try:
            self._run("pg_isready", "-q", "-h", self.sockets)
        except DatabaseUnavailable:
            return False
        return True

    # what must be so beforehand

    def _check_socket_path(self) -> None:
        too_long = len(os.fsencode(self.sockets / ".s.PGSQL.5432")) - SOCKET_PATH_LIMIT
        if too_long > 0:
            raise DatabaseUnavailable(
                why=f"the path {self.sockets} is {too_long} bytes too long for a unix socket."
                " Set RASAI_LOCAL_DIR to a shorter folder."
            )

    def _check_open_to_user(self) -> None:
        """The user who runs PostgreSQL must be able to enter the folder; root's home is closed to others."""
        if self._user is None:
            return
        enter = ["/bin/sh", "-c", 'cd "$0"', self.local_dir]
        ids = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        if subprocess.run(enter, cwd="/", stderr=subprocess.DEVNULL, check=False, **ids).returncode == 0:  # type: ignore[call-overload]
            return
        on_the_way = [*reversed(self.local_dir.parents), self.local_dir]
        closed = next((folder for folder in on_the_way if not folder.stat().st_mode & 0o001), self.local_dir)
        raise DatabaseUnavailable(
            why=f"PostgreSQL refuses to run as root, and user {self._user.pw_name}, who runs it instead, cannot enter"
            f" {closed}. Set RASAI_LOCAL_DIR to a folder that others may enter (such as /var/lib/rasai), or open this"
            f" one: chmod o+x {closed}"
        )

    # running programs, owning folders, taking turns

    @property
    def _programs(self) -> Path:
        """Of the version that made the cluster; before that, of the newest with PostGIS."""
        try:
            return postgres_programs.programs_for(int((self.data / "PG_VERSION").read_text()))
        except FileNotFoundError:
            return postgres_programs.programs_for()

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        return postgres_programs.unprivileged_user(self.data)

    def _run(self, name: str, *arguments: object) -> str:
        program = postgres_programs.program(self._programs, name)
        return postgres_programs.run(program, *arguments, user=self._user, log=self.log)

    def _own_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        with self._lock_file("postgres.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            except OSError as error:
                raise DatabaseUnavailable(why=_explained(error)) from error

    @contextmanager
    def _lock_file(self, name: str) -> Iterator[TextIO]:
        try:
            self.local_dir.mkdir(parents=True, exist_ok=True)
            file = open(self.local_dir / name, "w")  # noqa: SIM115  closed below
        except OSError as error:
            raise DatabaseUnavailable(why=_explained(error)) from error
        with file:
            yield file


def _explained(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return postgres_programs.DISK_IS_FULL
    return f"{error.filename}: {error.strerror}. Set RASAI_LOCAL_DIR to a folder that you may write to."


def _is_last(users: TextIO) -> bool:
    """Whether nobody else holds the lock on this file."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _processes_within(data: Path) -> list[int]:
    """Processes that work in that folder, as every process of PostgreSQL does in its cluster's."""
    within = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(folder / "cwd") == str(data.resolve()):
                within.append(int(folder.name))
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return within


def _signal(pid: int, which: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, which)


def _is_postmaster_of(pid: int, data: Path) -> bool:
    """Whether this process is alive and serves that folder (a pid may belong to another program after a crash)."""
    if Path("/proc/self").exists():
        try:
            return str(data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        return False
    return True
