"""`make serve` as an operator lives with it: it comes up, it comes back, and it goes when told to."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tracker import serving, settings
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.outside_database import OutsideDatabaseUnfit, check_outside_database
from tracker.parts import Part, PartKeepsEnding, stop_all

PROJECT = Path(__file__).resolve().parent.parent
PATIENCE_S = 180.0  # a machine may be busy with other tests

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks into /proc")


class Served:
    """`make serve` in a process group of its own, and what can befall it."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.output = folder / "serve.out"
        self.postgres = EmbeddedPostgres(settings.from_environment())
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Served":
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(
                ["make", "serve"], cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, env=os.environ | {"PORT": str(self.port)},
            )  # fmt: skip
        self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while self.state() != 200:
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def state(self) -> int:
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait_until_it_says(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.output.read_text():
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)

    def members(self) -> list[int]:
        """Living processes of its group."""
        found = []
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, group = status.read_text().rpartition(")")[2].split()[:3]
                if int(group) == self.process.pid and state != "Z":
                    found.append(int(status.parent.name))
        return found

    def children_of(self, pid: int) -> list[int]:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @property
    def supervisor(self) -> int:
        return self.children_of(self.process.pid)[-1]

    def has_ended(self) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while self.members() or self.process.poll() is None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


@pytest.fixture
def served(own_place: Path) -> Iterator[Served]:
    one = Served(own_place)
    yield one
    if one.process:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(one.process.pid, signal.SIGKILL)
        one.process.wait()


@pytest.mark.parametrize(("which", "only_make"), [
    (signal.SIGINT, False), (signal.SIGINT, True), (signal.SIGTERM, True),
])  # fmt: skip
def test_it_stops_all_that_it_started(served, which, only_make):
    served.start()

    os.kill(served.process.pid, which) if only_make else os.killpg(served.process.pid, which)

    assert served.has_ended()
    assert served.postgres.pid is None
    assert "Traceback" not in served.output.read_text()


def test_a_database_that_was_started_by_hand_stays(served):
    served.postgres.start()
    served.postgres.stays.touch()
    served.start()

    os.killpg(served.process.pid, signal.SIGINT)

    assert served.has_ended()
    assert served.postgres.is_running


def test_it_comes_back_after_everything_was_killed_at_once(served):
    served.start()
    with create_engine(served.postgres.url, poolclass=NullPool).begin() as connection:
        connection.execute(text("INSERT INTO person (email, name, role) VALUES ('amina@kp.example', 'Amina', 'admin')"))

    postmaster = served.postgres.pid
    os.killpg(served.process.pid, signal.SIGKILL)
    os.kill(postmaster, signal.SIGKILL)
    served.process.wait()
    served.start()

    with create_engine(served.postgres.url, poolclass=NullPool).connect() as connection:
        assert connection.scalar(text("SELECT name FROM person")) == "Amina"


def test_each_part_that_dies_is_brought_back(served):
    served.start()
    web, worker, job_worker = served.children_of(served.supervisor)

    os.kill(web, signal.SIGKILL)
    served.wait_until_it_says("The web server had ended and is started again")
    os.kill(worker, signal.SIGKILL)
    served.wait_until_it_says("The worker had ended and is started again")
    os.kill(job_worker, signal.SIGKILL)
    served.wait_until_it_says("The job worker had ended and is started again")
    os.kill(served.postgres.pid, signal.SIGKILL)
    served.wait_until_it_says("The database had ended and is started again")

    served.wait_until_ready()


def test_nothing_holds_the_port_when_the_supervisor_alone_was_killed(served):
    served.start()

    os.kill(served.supervisor, signal.SIGKILL)

    assert served.has_ended()
    assert served.state() == 0


def test_giving_up_while_it_loads_is_no_error(own_place):
    starting = subprocess.Popen([sys.executable, "-m", "setup.start"], cwd=PROJECT, stderr=subprocess.PIPE, text=True)
    time.sleep(0.7)

    starting.send_signal(signal.SIGINT)

    _, said = starting.communicate(timeout=PATIENCE_S)
    assert said == ""


# what an operator reads when it cannot start


def serve_and_read(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "setup.start"], cwd=PROJECT, capture_output=True, text=True, check=False,
        env=os.environ | environment, timeout=PATIENCE_S,
    )  # fmt: skip


def test_a_busy_port_is_named_before_anything_is_started(own_place):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]

        refused = serve_and_read(PORT=str(port))

    assert refused.returncode == 1
    assert refused.stderr == (
        f"Port {port} on 127.0.0.1 is in use. Stop what uses it, or choose another: PORT={port + 1} make serve\n"
    )
    assert not (own_place / "postgres").exists()


def test_production_without_a_secret_says_which_setting_is_missing(own_place):
    refused = serve_and_read(RASAI_ENV="production")

    assert refused.returncode == 2
    assert refused.stderr.startswith("Setting SECRET_KEY: production needs a secret of its own")


@pytest.mark.parametrize(("url", "words"), [
    ("postgresql://rasai:s3cret@127.0.0.1:9/rasai", "127.0.0.1 does not let us in"),
    ("nonsense", "cannot be read as an address"),
])  # fmt: skip
def test_an_outside_database_that_cannot_be_used_is_named_without_its_password(url, words):
    with pytest.raises(OutsideDatabaseUnfit, match=words) as refused:
        check_outside_database(settings.from_environment({"DATABASE_URL": url, "SECRET_KEY": "x"}).database_url)

    assert "s3cret" not in str(refused.value)


def test_an_outside_database_without_postgis_says_what_its_owner_must_run(cluster):
    with create_engine(cluster.format(name="postgres"), isolation_level="AUTOCOMMIT").connect() as administration:
        administration.execute(text("DROP ROLE IF EXISTS guest"))
        administration.execute(text("CREATE ROLE guest LOGIN"))
        administration.execute(text("DROP DATABASE IF EXISTS bare"))
        administration.execute(text("CREATE DATABASE bare"))
    as_guest = cluster.format(name="bare").replace("rasai@", "guest@")

    with pytest.raises(OutsideDatabaseUnfit, match="CREATE EXTENSION postgis"):
        check_outside_database(as_guest)


def test_a_part_that_cannot_stay_up_ends_with_its_last_words(tmp_path, monkeypatch):
    def fail() -> None:
        raise OSError("no such thing")

    part = Part("worker", fail, tmp_path / "worker.log")
    monkeypatch.setattr("tracker.parts.FIRST_PAUSE_S", 0.001)

    with pytest.raises(PartKeepsEnding, match=r"The worker ended 5 times in a row.*OSError: no such thing"):
        _keep_alive_for_ever(part)


def _keep_alive_for_ever(part: Part) -> None:
    while True:
        part.keep_alive()
        time.sleep(0.01)


def test_a_part_that_will_not_go_is_made_to(tmp_path, monkeypatch):
    def stay() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        (tmp_path / "stays").touch()
        time.sleep(60)

    part = Part("worker", stay, tmp_path / "worker.log")
    part.keep_alive()
    while not (tmp_path / "stays").exists():
        time.sleep(0.01)
    monkeypatch.setattr("tracker.parts.STOP_PATIENCE_S", 0.2)

    stop_all([part])

    assert part.pid is None


# the demonstration


def test_a_database_that_holds_anything_is_left_as_it_is(database, own_place, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database)
    with create_engine(database, poolclass=NullPool).begin() as connection:
        connection.execute(text(
            "INSERT INTO area (vintage, level, code, name_en, boundary, area_km2) VALUES"
            " (now(), 'province', 'KP', 'KP', 'SRID=4326;MULTIPOLYGON(((70 33,71 33,71 34,70 33)))', 1)"))  # fmt: skip
    chosen = settings.from_environment()
    chosen.data_dir.mkdir()

    serving.load_demonstration(chosen)

    assert not (chosen.data_dir / "demo").exists()


def test_a_demonstration_that_was_interrupted_is_not_taken_for_a_whole_one(database, own_place, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database)
    chosen = settings.from_environment()
    chosen.data_dir.mkdir()
    (chosen.data_dir / "demonstration-unfinished").touch()

    with pytest.raises(serving.DemonstrationBroken, match="To start over, remove"):
        serving.load_demonstration(chosen)


def test_the_logins_are_told_when_it_is_ready(own_place, capsys):
    chosen = settings.from_environment()
    login = {"email": "amina@demo.example", "password": "open sesame", "role": "coordinator", "areas": ["KP21"]}
    (chosen.local_dir / "demo-logins.json").write_text(json.dumps([login]))

    serving._tell_ready(chosen, has_people=True)

    said = capsys.readouterr().out
    assert "http://127.0.0.1:" in said
    assert "coordinator" in said
    assert "open sesame" in said
