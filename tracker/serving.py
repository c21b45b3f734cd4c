"""The supervisor behind `make demo` and `make serve`: database, migration, then web server and worker until Ctrl-C.

Everything is imported once, and web and worker are forked from here: a start takes seconds, and one that died is back
at once. What this starts it stops, the embedded database too. Writes below the local folder only.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from tracker import jobs, settings, worker
from tracker.database import engine
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.errors import RasaiError
from tracker.migrating import upgrade
from tracker.outside_database import check_outside_database
from tracker.parts import Part, stop_all
from tracker.settings import PROJECT, Settings
from tracker.web_server import WebServer

LOOK_EVERY_S = 0.1
READY_PATIENCE_S = 60.0

IS_EMPTY = text("SELECT NOT EXISTS (SELECT FROM campaign) AND NOT EXISTS (SELECT FROM area)")
HAS_PEOPLE = text("SELECT EXISTS (SELECT FROM person)")


class PortTaken(RasaiError):
    message = _l("Port {port} on {host} is in use. Stop what uses it, or choose another: PORT={other} make serve")


class AddressUnusable(RasaiError):
    message = _l("{host}, port {port}: {why}. Correct HOST and PORT.")


class FolderUnusable(RasaiError):
    message = _l("{folder} cannot be written ({why}). Set RASAI_LOCAL_DIR to a folder that you may write to.")


class DemonstrationBroken(RasaiError):
    message = _l("The demonstration is not whole: {why} To start over, remove {folder} and run make demo again.")


def main(words: list[str] | None = None) -> int:
    """Serve until told to stop. 0: stopped as asked; 1: could not start or go on, with one sentence."""
    parser = argparse.ArgumentParser(prog="python -m setup.start", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="load the demonstration when the database is empty")
    parser.add_argument("--only", choices=("web", "worker"), help="one part alone, for containers")
    options = parser.parse_args(words)
    _stop_on_signals()
    try:
        if options.only == "worker":
            serve_worker(settings.from_environment())
        else:
            serve_web(settings.from_environment(), demo=options.demo, with_worker=options.only is None)
    except RasaiError as error:
        print(error, file=sys.stderr, flush=True)
        return error.exit_code
    except KeyboardInterrupt:
        say("Stopped.")
    return 0


def serve_web(chosen: Settings, *, demo: bool, with_worker: bool) -> None:
    """Bring everything up, then keep it up until a signal ends it."""
    _make_folders(chosen)
    check_port(chosen)
    _share_figures(chosen)
    with _database(chosen):
        upgrade()
        if demo:
            load_demonstration(chosen)
        readiness = Readiness(chosen, has_people=_ask(HAS_PEOPLE))
        if with_worker:
            web = Part("web server", WebServer(chosen).run, chosen.log_dir / "web.log")
            working = Part("worker", worker.main, chosen.log_dir / "worker.log")
            jobbing = Part("job worker", jobs.main, chosen.log_dir / "jobs.log")
            keep_up(chosen, [web, working, jobbing], readiness)
        else:
            keep_up(chosen, [Part("web server", WebServer(chosen).run, None)], None)


def serve_worker(chosen: Settings) -> None:
    """The worker alone, on a database that the web's container has migrated."""
    _make_folders(chosen)
    with _database(chosen):
        keep_up(chosen, [Part("worker", worker.main, None), Part("job worker", jobs.main, None)], None)


def say(words: str) -> None:
    print(words, flush=True)


# keeping up


def keep_up(chosen: Settings, parts: list[Part], readiness: "Readiness | None") -> None:
    """Watch over parts and database until KeyboardInterrupt, or until one of them cannot be kept up."""
    postgres = None if chosen.database_url else EmbeddedPostgres(chosen)
    caller = Caller()
    engine().dispose()  # forked processes open connections of their own
    try:
        while not caller.has_gone():
            for part in parts:
                if part.keep_alive():
                    say(f"The {part.name} had ended and is started again (log: {part.log_file or 'above'}).")
            if postgres and postgres.pid is None:
                say("The database had ended and is started again.")
                postgres.start()
            if readiness:
                readiness.tell_once()
            time.sleep(LOOK_EVERY_S)
        raise KeyboardInterrupt
    finally:
        _ignore_signals()
        stop_all(parts)


class Caller:
    """Who started us, usually `make`: when it goes, or was told to stop and only waits for us, we stop."""

    def __init__(self) -> None:
        self.pid = os.getppid()
        self.caught_interrupts = self._catches_interrupts()

    def has_gone(self) -> bool:
        """GNU make, interrupted alone, tells its children nothing: it gives up its own handler and waits."""
        if os.getppid() != self.pid:
            return True
        return self.caught_interrupts and not self._catches_interrupts()

    def _catches_interrupts(self) -> bool:
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return False
        caught = re.search(r"^SigCgt:\s*(\w+)", status, re.MULTILINE)
        return bool(caught and int(caught[1], 16) & 1 << (signal.SIGINT - 1))


class Readiness:
    """Says once where Rasai answers and who may sign in, as soon as /readyz says that everything is at work."""

    def __init__(self, chosen: Settings, *, has_people: bool) -> None:
        self.chosen, self.has_people = chosen, has_people
        self.told = False
        self.next_look, self.complain_at = 0.0, time.monotonic() + READY_PATIENCE_S

    def tell_once(self) -> None:
        now = time.monotonic()
        if self.told or now < self.next_look:
            return
        self.next_look = now + 0.2
        state = _asked(self.chosen)
        if state == "ready":
            self.told = True
            _tell_ready(self.chosen, has_people=self.has_people)
        elif now > self.complain_at:
            self.complain_at = now + READY_PATIENCE_S
            say(f"Not ready yet: {state}. Logs: {self.chosen.log_dir}")


def _asked(chosen: Settings) -> str:
    """What /readyz says: "ready", or what is missing."""
    try:
        with urllib.request.urlopen(f"{_address(chosen)}/readyz", timeout=2) as answer:  # noqa: S310  our own address
            return str(json.load(answer)["status"])
    except urllib.error.HTTPError as error:
        return error.read(500).decode(errors="replace").strip()
    except (OSError, ValueError):
        return "the web server does not answer yet"


def _tell_ready(chosen: Settings, *, has_people: bool) -> None:
    say(f"\nRasai is ready: {_address(chosen)}   (Ctrl-C stops it)")
    logins = chosen.local_dir / "demo-logins.json"
    if logins.exists():
        people = json.loads(logins.read_text(encoding="utf-8"))
        say("Sign in as:")
        for person in people:
            say(f"  {person['role']:<12} {person['email']:<34} {person['password']}   {' '.join(person['areas'])}")
    elif not has_people:
        say("Nobody can sign in yet. In another terminal: .venv/bin/flask users create EMAIL --role admin")


def _address(chosen: Settings) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(chosen.host, chosen.host)  # noqa: S104  where it can be reached
    return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{chosen.port}"


# before that


def check_port(chosen: Settings) -> None:
    """Raise PortTaken or AddressUnusable while nothing has been started."""
    try:
        (family, kind, protocol, _, address), *_ = socket.getaddrinfo(chosen.host, chosen.port, type=socket.SOCK_STREAM)
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        if error.errno == 98 or "in use" in str(error):
            raise PortTaken(port=chosen.port, host=chosen.host, other=chosen.port + 1) from None
        raise AddressUnusable(host=chosen.host, port=chosen.port, why=error.strerror or error) from None


def load_demonstration(chosen: Settings) -> None:
    """Fill an empty database with the demonstration round; one that holds anything is left as it is."""
    unfinished = chosen.data_dir / "demonstration-unfinished"
    if unfinished.exists():
        raise DemonstrationBroken(why="loading it was interrupted.", folder=chosen.local_dir)
    if not _ask(IS_EMPTY):
        return
    say("Loading the demonstration (once, a minute or two) …")
    unfinished.touch()
    engine().dispose()
    loaded = subprocess.run([sys.executable, "-m", "flask", "demo", "load"], cwd=PROJECT, check=False)
    if loaded.returncode:
        raise DemonstrationBroken(why=f"`flask demo load` ended with {loaded.returncode}.", folder=chosen.local_dir)
    unfinished.unlink()


@contextmanager
def _database(chosen: Settings) -> Iterator[None]:
    """Running while the block runs; an outside one is checked before anything is built upon it."""
    if chosen.database_url:
        check_outside_database(chosen.database_url)
        yield
        return
    with EmbeddedPostgres(chosen).in_use():
        yield


def _ask(question: object) -> bool:
    with engine().connect() as connection:
        return bool(connection.scalar(question))  # type: ignore[call-overload]


def _make_folders(chosen: Settings) -> None:
    try:
        for folder in (chosen.run_dir, chosen.log_dir, chosen.data_dir):
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FolderUnusable(folder=error.filename, why=error.strerror) from None


def _share_figures(chosen: Settings) -> None:
    """Several web processes add up their figures in files. The library decides that when it is loaded: begin anew."""
    if chosen.web_processes == 1:
        return
    figures = str(chosen.run_dir / "metrics")
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR") != figures:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = figures
        os.execv(sys.executable, [sys.executable, "-m", "setup.start", *sys.argv[1:]])
    shutil.rmtree(figures, ignore_errors=True)  # of an earlier run
    Path(figures).mkdir()


def _stop_on_signals() -> None:
    """Ctrl-C, `kill` and a closed terminal end us the same way: once, everything in order."""

    def stop(_signum: int, _frame: FrameType | None) -> None:
        _ignore_signals()
        raise KeyboardInterrupt

    for which in (signal.SIGINT, signal.SIGTERM):
        signal.signal(which, stop)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # else: nohup
        signal.signal(signal.SIGHUP, stop)


def _ignore_signals() -> None:
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(which, signal.SIG_IGN)
