"""Jobs as those live with them who queue them: there with the data, done once, begun again when a worker died."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text

from tracker import jobs
from tracker.database import transaction
from tracker.errors import RasaiError
from tracker.jobs import Job, enqueue, run_task, say_progress, waiting_or_running

PROJECT = Path(__file__).resolve().parent.parent
CHILD = """
import sys, tests.test_jobs
from tracker import jobs
jobs.TASKS.update(tests.test_jobs.TASKS)
jobs.STALLED_S, jobs.LOOK_FOR_STALLED_S = 1.0, 0.5
jobs.main()
"""


class NoSuchSheet(RasaiError):
    message = "No sheet {name}."


def count_up(job_id: int, to: int) -> dict[str, int]:
    for number in range(to):
        say_progress(job_id, number + 1, to)
    return {"counted": to}


def refuse(job_id: int, name: str) -> None:
    raise NoSuchSheet(name=name)


def break_down(job_id: int) -> None:
    raise ZeroDivisionError


def take_long_the_first_time(job_id: int, mark: str) -> dict[str, bool]:
    if not Path(mark).exists():
        Path(mark).touch()
        time.sleep(600)
    return {"again": True}


TASKS = {f.__name__: f"tests.test_jobs:{f.__name__}" for f in (count_up, refuse, break_down, take_long_the_first_time)}


@pytest.fixture(autouse=True)
def tasks(monkeypatch):
    monkeypatch.setattr(jobs, "TASKS", dict(TASKS))


def the_job(number: int) -> Job:
    with transaction() as session:
        return session.get_one(Job, number)


def queued(task: str, subject: str = "NOV", **words) -> int:
    with transaction() as session:
        return enqueue(session, task, subject, **words).id


def test_a_job_is_done_and_says_how_far_it_came(database):
    number = queued("count_up", to=3)

    jobs.work()

    job = the_job(number)
    assert (job.state, job.done, job.total, job.result, job.error) == ("done", 3, 3, {"counted": 3}, None)


def test_what_is_rolled_back_takes_its_job_along(database):
    with suppress(RuntimeError), transaction() as session:
        enqueue(session, "count_up", "NOV", to=1)
        raise RuntimeError

    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0
        assert waiting_or_running(session, "count_up", "NOV") is None


def test_an_unknown_task_is_not_queued(session):
    with pytest.raises(KeyError):
        enqueue(session, "paint_it_blue", "NOV")


def test_a_refusal_is_told_in_its_own_words(database):
    number = queued("refuse", name="Teams")

    jobs.work()

    assert (the_job(number).state, the_job(number).error) == ("failed", "No sheet Teams.")


def test_a_fault_of_ours_is_told_without_its_entrails(database):
    number = queued("break_down")

    with pytest.raises(ZeroDivisionError):
        run_task("break_down", number, {})

    assert the_job(number).state == "failed"
    assert "ZeroDivision" not in the_job(number).error


def test_a_later_job_waits_for_its_hour(database):
    with transaction() as session:
        tomorrow = session.scalar(text("SELECT now() + interval '1 day'"))
        number = enqueue(session, "count_up", "NOV", at=tomorrow, to=1).id

    jobs.work()

    assert the_job(number).state == "queued"


def test_a_worker_stops_when_told(database):
    stopping = threading.Event()
    worker = threading.Thread(target=jobs.work, args=(stopping,))
    worker.start()
    number = queued("count_up", to=2)
    until(lambda: the_job(number).state == "done")

    stopping.set()
    worker.join(20)

    assert not worker.is_alive()


def test_the_job_of_a_killed_worker_is_begun_again(database, tmp_path):
    mark = tmp_path / "begun"
    number = queued("take_long_the_first_time", mark=str(mark))
    first = a_worker()
    until(mark.exists)

    first.send_signal(signal.SIGKILL)
    first.wait()
    second = a_worker()
    until(lambda: the_job(number).state == "done")
    second.send_signal(signal.SIGTERM)

    assert second.wait(30) == 0
    assert the_job(number).result == {"again": True}


def a_worker() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", CHILD], cwd=PROJECT, env=os.environ)


def until(happened, patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_task_of_the_clock_is_queued_again_when_its_last_run_is_over(database, monkeypatch):
    monkeypatch.setattr(jobs, "EVERY_S", {"count_up": 60.0})

    jobs.queue_periodic()
    jobs.queue_periodic()
    with transaction() as session:
        (job,) = session.query(Job).all()
        session.execute(text("UPDATE job SET ended_at = now() - interval '2 days'"))
    jobs.queue_periodic()

    with transaction() as session:
        (again,) = session.query(Job).all()
        waits_s = session.scalar(
            text("SELECT extract(epoch FROM scheduled_at - now()) FROM procrastinate_jobs ORDER BY id DESC LIMIT 1")
        )
    assert again.id > job.id
    assert 50 < waits_s <= 60
