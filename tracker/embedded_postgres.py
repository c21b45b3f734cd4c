"""The private PostGIS cluster behind `make demo`, the tests and every command when DATABASE_URL is not set.

It lies in `<local>/postgres`, listens on a unix socket in `<local>/run/postgres` only, and runs as an unprivileged user
even when root starts it. Started from the system's PostgreSQL binaries; `fsync` stays on. A crash (`kill -9`) is recovered
at the next start; a stale pid or a dying backend of the old postmaster makes the start wait, not fail.
"""
import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TextIO

from flask_babel import lazy_gettext as _l

from tracker.errors import RasaiError
from tracker.settings import Settings

NAME = "rasai"                  # of the database and of its owner
START_PATIENCE_S = 60.0         # how long a start may be retried after a crash
SOCKET_PATH_LIMIT = 107         # bytes, of the operating system
CONFIGURATION = """
listen_addresses = ''
unix_socket_permissions = 0700
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


class DatabaseUnavailable(RasaiError):
    message = _l("The embedded database: {why}")
    status = 503


class EmbeddedPostgres:
    """Make, start, stop and describe the cluster of one local folder."""

    def __init__(self, settings: Settings) -> None:
        self.local_dir = settings.local_dir
        self.data = settings.postgres_dir
        self.sockets = settings.run_dir / "postgres"
        self.log = settings.log_dir / "postgres.log"
        self.stays = settings.local_dir / "postgres-stays"      # written by `flask database start`

    @property
    def url(self) -> str:
        return f"postgresql+psycopg2://{NAME}@/{NAME}?host={self.sockets}"

    @property
    def pid(self) -> int | None:
        """Process id of the running postmaster; None when it does not run."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError, IndexError):
            return None
        return pid if str(self.data).encode() in words else None

    @property
    def is_running(self) -> bool:
        return self.pid is not None and self._answers()

    def start(self) -> bool:
        """Start the cluster, making it first when there is none; False when it ran already."""
        self._check_socket_path()
        with self._one_at_a_time():
            if self.is_running:
                return False
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
        self.local_dir.mkdir(parents=True, exist_ok=True)
        with open(self.local_dir / "postgres-users.lock", "w") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            self.start()
            try:
                yield
            finally:
                if not self.stays.exists() and _is_last(users):
                    self.stop()

    def stop(self) -> bool:
        """Stop the cluster; open connections are ended, everything committed stays. False when it did not run."""
        with self._one_at_a_time():
            pid = self.pid
            if pid is None:
                return False
            os.kill(pid, signal.SIGINT)         # "fast" shutdown
            deadline = time.monotonic() + START_PATIENCE_S
            while self.pid is not None and time.monotonic() < deadline:
                time.sleep(0.05)
            return True

    def _make(self) -> None:
        """Build the cluster beside its place and move it there whole, so that a half-made one is never used."""
        unfinished = self.data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self._own_folder(unfinished)
        self._run("initdb", "--pgdata", unfinished, "--username", NAME, "--auth", "trust", "--encoding", "UTF8",
                  "--locale", "C.UTF-8", "--no-instructions")
        with open(unfinished / "postgresql.conf", "a", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        shutil.rmtree(self.data, ignore_errors=True)
        unfinished.rename(self.data)

    def _start_patiently(self) -> None:
        self._own_folder(self.sockets)
        self._own_folder(self.log.parent)
        deadline = time.monotonic() + START_PATIENCE_S
        while True:
            try:
                self._run("pg_ctl", "start", "--pgdata", self.data, "--wait", "--timeout", "60", "--silent", "--log", self.log,
                          "--options", f"-k {self.sockets}")
                return
            except DatabaseUnavailable:         # the old postmaster's pid or shared memory is not gone yet
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.3)

    def _create_database(self) -> None:
        there = self._run("psql", "-h", self.sockets, "-U", NAME, "-d", "postgres", "-Atc",
                          f"SELECT 1 FROM pg_database WHERE datname = '{NAME}'")
        if not there.strip():
            self._run("createdb", "-h", self.sockets, "-U", NAME, NAME)

    def _answers(self) -> bool:
        done = subprocess.run([self._program("pg_isready"), "-q", "-h", str(self.sockets)], check=False)
        return done.returncode == 0

    # running PostgreSQL's programs as a user whom it accepts

    @cached_property
    def _user(self) -> pwd.struct_passwd | None:
        """The unprivileged user to run as when we are root; None when we are nobody special ourselves."""
        if os.geteuid() != 0:
            return None
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise DatabaseUnavailable(why="PostgreSQL refuses to run as root and there is no user 'postgres' or 'nobody'. Create one.")

    def _own_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _program(self, name: str) -> str:
        newest_first = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -int(p.parent.name) if p.parent.name.isdigit() else 0)
        for folder in newest_first:
            if (folder / "initdb").exists() and (folder / name).exists():
                return str(folder / name)
        found = shutil.which(name)
        if not found:
            raise DatabaseUnavailable(why=f"PostgreSQL's program {name} was not found. Run `make setup`, or set DATABASE_URL.")
        return found

    def _run(self, name: str, *arguments: object) -> str:
        user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        # output goes to a file, not a pipe: the postmaster inherits it and would keep a pipe open for ever
        with open(os.devnull) as nothing, _captured() as output:
            done = subprocess.run([self._program(name), *map(str, arguments)], stdin=nothing, stdout=output, stderr=subprocess.STDOUT,
                                  cwd="/", check=False, **user)     # type: ignore[call-overload]
            output.seek(0)
            said = output.read()
        if done.returncode:
            raise DatabaseUnavailable(why=f"{name} ended with {done.returncode}: {' '.join(said.split()[-40:])} (log: {self.log})")
        return said

    def _check_socket_path(self) -> None:
        if len(str(self.sockets / ".s.PGSQL.5432").encode()) > SOCKET_PATH_LIMIT:
            raise DatabaseUnavailable(why=f"the path {self.sockets} is too long for a unix socket. Set RASAI_LOCAL_DIR to a shorter folder.")

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        self.local_dir.mkdir(parents=True, exist_ok=True)
        with open(self.local_dir / "postgres.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_last(users: TextIO) -> bool:
    """Whether nobody else holds the lock on this file."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _captured() -> Iterator[TextIO]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        yield file
