"""The private cluster: who starts it, who stops it, and how it comes back after the worst."""

import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tracker import settings
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.postgres_programs import DatabaseUnavailable

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="concerns a start by root")


@pytest.fixture
def postgres(own_place: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(settings.from_environment())


def run_sql(postgres: EmbeddedPostgres, statement: str):
    with create_engine(postgres.url, poolclass=NullPool).begin() as connection:
        found = connection.execute(text(statement))
        return found.scalar() if found.returns_rows else None


def test_who_leaves_last_stops_it(postgres):
    with postgres.in_use():
        with postgres.in_use():
            pass

        assert postgres.is_running

    assert postgres.pid is None


def test_one_that_was_asked_to_stay_stays(postgres):
    postgres.start()
    postgres.stays.touch()

    with postgres.in_use():
        pass

    assert postgres.is_running


def test_an_error_inside_leaves_nothing_running(postgres):
    with pytest.raises(ZeroDivisionError), postgres.in_use():
        _ = 1 / 0

    assert postgres.pid is None


def test_two_who_come_at_once_share_one_start(postgres):
    started = []
    callers = [threading.Thread(target=lambda: started.append(postgres.start())) for _ in range(2)]

    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert sorted(started) == [False, True]


def test_what_was_committed_survives_a_kill_while_a_backend_is_busy(postgres):
    postgres.start()
    run_sql(postgres, "CREATE TABLE promise AS SELECT 1 AS kept")
    busy = threading.Thread(target=_be_busy, args=(postgres,))
    busy.start()
    time.sleep(0.5)

    os.kill(postgres.pid, signal.SIGKILL)
    began = time.monotonic()
    postgres.start()

    assert time.monotonic() - began < 20
    assert run_sql(postgres, "SELECT kept FROM promise") == 1
    busy.join()


def _be_busy(postgres: EmbeddedPostgres) -> None:
    """A loop that never looks whether its postmaster lives, as a long computation would be."""
    with pytest.raises(Exception, match=r"closed the connection|terminat"):
        run_sql(postgres, "SELECT count(*) FROM generate_series(1, 1e10::bigint) a WHERE a % 7 = 8")


def test_a_pid_that_belongs_to_another_program_by_now_is_no_obstacle(postgres):
    postgres.start()
    pid_file = postgres.data / "postmaster.pid"
    kept = pid_file.read_text()
    owner = pid_file.owner()
    os.kill(postgres.pid, signal.SIGKILL)
    while postgres.pid:
        time.sleep(0.02)
    other = subprocess.Popen(["sleep", "60"], user=owner if os.geteuid() == 0 else None)
    pid_file.write_text(kept.replace(kept.split()[0], str(other.pid), 1))

    try:
        assert postgres.start()
    finally:
        other.kill()
        other.wait()


def test_a_half_made_cluster_is_made_anew(postgres):
    left_over = postgres.data.with_name("postgres.unfinished")
    (left_over / "base").mkdir(parents=True)

    postgres.start()

    assert run_sql(postgres, "SHOW fsync") == "on"
    assert not left_over.exists()


def test_it_listens_on_no_network_address(postgres):
    postgres.start()

    assert run_sql(postgres, "SHOW listen_addresses") == ""


@AS_ROOT
def test_root_starts_it_as_somebody_else(postgres):
    postgres.start()

    assert os.stat(f"/proc/{postgres.pid}").st_uid == pwd.getpwnam("postgres").pw_uid


# what a person reads when it cannot start


def test_a_folder_too_deep_for_a_socket_is_named(local_dir):
    deep = settings.from_environment({"RASAI_LOCAL_DIR": str(local_dir / ("x" * 100)), "SECRET_KEY": "kept elsewhere"})

    with pytest.raises(DatabaseUnavailable, match=r"too long for a unix socket. Set RASAI_LOCAL_DIR to a shorter"):
        EmbeddedPostgres(deep).start()

    assert not deep.local_dir.joinpath("postgres").exists()


@AS_ROOT
def test_a_folder_closed_to_the_user_is_named(own_place):
    home = own_place / "root-home"
    home.mkdir(mode=0o700)
    closed = EmbeddedPostgres(settings.from_environment({"RASAI_LOCAL_DIR": str(home / "rasai")}))

    with pytest.raises(DatabaseUnavailable, match=rf"user postgres.* cannot enter {home}.*chmod o\+x {home}"):
        closed.start()


def test_files_that_are_no_cluster_are_left_alone(postgres):
    postgres.data.mkdir()
    (postgres.data / "holiday.jpg").write_bytes(b"mine")

    with pytest.raises(DatabaseUnavailable, match=r"holds files but no database. Move that folder away"):
        postgres.start()

    assert (postgres.data / "holiday.jpg").read_bytes() == b"mine"


def test_a_cluster_of_a_version_that_is_gone_says_which_package_to_install(postgres):
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("9\n")

    with pytest.raises(DatabaseUnavailable, match=r"PostgreSQL 9, which is not installed.*postgresql-9-postgis-3"):
        postgres.start()


@AS_ROOT
def test_a_full_disk_is_called_a_full_disk(own_place):
    small = own_place / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", small], check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    full = EmbeddedPostgres(settings.from_environment({"RASAI_LOCAL_DIR": str(small)}))

    try:
        with pytest.raises(DatabaseUnavailable, match=r"the disk that holds it is full. Free some space"):
            full.start()

        assert not list(small.glob("postgres*/base"))
    finally:
        subprocess.run(["umount", small], check=True)
        shutil.rmtree(small)
