"""Work that takes longer than a request: queued in the data's own transaction, done by the worker, seen by people.

The queue is procrastinate's, in the same PostgreSQL: what is committed together is there together, and a job of a
worker that was killed is begun again. A job is therefore a function that may run twice: it goes on where it stopped or
does nothing. `TASKS` lists them all; they are imported when they run.
"""

import asyncio
import contextlib
import json
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import import_module
from typing import Any

import procrastinate
import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import BigInteger, ForeignKey, Index, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Mapped, Session, mapped_column

from tracker.command_line import database_at_hand
from tracker.database import NOW, Base, Instant, Sum, Words, database_url, transaction
from tracker.errors import RasaiError

# name: "module:function"; the function takes its Job and the words it was queued with, and gives its result
TASKS: dict[str, str] = {
    "try_upload": "tracker.set_up.work:try_upload",
    "write_upload": "tracker.set_up.work:write_upload",
    "check_claims": "tracker.plantations.checking:run_check",
    "look_around": "tracker.evening.watching:look_around",
    "evening_pack": "tracker.evening.tasks:make_pack",
    "mail_notice": "tracker.evening.tasks:mail_notice",
    "demo_scenes": "tracker.demo.claim_scenes:run_scenes",
    "try_limits": "tracker.limits.trying:try_limits",
    "area_shares": "tracker.rounds.vintages:measure_shares",
}
EVERY_S = {"look_around": 300.0}  # tasks that begin by themselves, again and again
OF_THE_CLOCK = "clock"  # their subject
QUEUE = "rasai"
STALLED_S = 30.0  # a worker whose heart has not beaten so long is dead; procrastinate's beats every ten seconds
LOOK_FOR_STALLED_S = 10.0

log = structlog.get_logger()


class Job(Base):
    """What people see of a job: how far it is, what came of it."""

    __tablename__ = "job"
    __table_args__ = (Index("job_task_subject_idx", "task", "subject"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)  # procrastinate's
    task: Mapped[Words]
    subject: Mapped[Words]  # what it is about; two jobs of one task and subject never run at once
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: the server itself
    queued_at: Mapped[Instant] = mapped_column(server_default=NOW)
    begun_at: Mapped[Instant | None]
    ended_at: Mapped[Instant | None]
    done: Mapped[Sum]
    total: Mapped[int | None]  # None: not known
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    error: Mapped[str | None] = mapped_column(Text)  # the sentence that people read

    @property
    def state(self) -> str:
        if self.ended_at:
            return "failed" if self.error else "done"
        return "running" if self.begun_at else "queued"


class JobFailed(RasaiError):
    message = _l("The work was not finished: {why}")


DEFER = text("""
    SELECT (procrastinate_defer_jobs_v1(ARRAY[
        ROW(:queue, :task, 0, :lock, NULL, CAST(:words AS jsonb), CAST(:at AS timestamptz))
        ::procrastinate_job_to_defer_v1]))[1]""")


def enqueue(
    session: Session,
    task: str,
    subject: str,
    *,
    campaign_id: int | None = None,
    person_id: int | None = None,
    at: datetime | None = None,
    **words: Any,
) -> Job:
    """Queue a job in the caller's transaction; `words` (what JSON can hold) are given to the task, not before `at`."""
    if task not in TASKS:
        raise KeyError(task)
    its = {"queue": QUEUE, "task": task, "lock": f"{task}/{subject}", "words": json.dumps(words), "at": at}
    number = session.execute(DEFER, its).scalar_one()
    job = Job(id=number, task=task, subject=subject, campaign_id=campaign_id, person_id=person_id)
    session.add(job)
    session.flush()
    return job


def waiting_or_running(session: Session, task: str, subject: str) -> Job | None:
    """The newest job of this task and subject that has not ended."""
    query = session.query(Job).filter_by(task=task, subject=subject, ended_at=None)
    return query.order_by(Job.id.desc()).first()


def say_progress(job_id: int, done: int, total: int | None = None) -> None:
    """In a transaction of its own: seen while the job's own work is not committed yet."""
    with transaction() as session:
        session.execute(PROGRESS, {"id": job_id, "done": done, "total": total})


PROGRESS = text("UPDATE job SET done = :done, total = coalesce(:total, total) WHERE id = :id")
BEGIN = text("UPDATE job SET begun_at = coalesce(begun_at, now()), ended_at = NULL, error = NULL WHERE id = :id")
END = text("UPDATE job SET ended_at = now(), result = CAST(:result AS jsonb), error = :error WHERE id = :id")


def run_task(task: str, job_id: int, words: dict[str, Any]) -> None:
    """Do one job and keep what came of it; an error that people can mend is told, any other raises too."""
    with transaction() as session:
        session.execute(BEGIN, {"id": job_id})
    try:
        result = _function(task)(job_id, **words)
    except RasaiError as error:
        _end(job_id, None, str(error))
        log.warning("job refused", task=task, job=job_id, why=str(error))
    except Exception:
        _end(job_id, None, str(JobFailed(why="the server's log says why")))
        raise
    else:
        _end(job_id, result, None)


def _function(task: str) -> Callable[..., dict[str, Any] | None]:
    module, _colon, name = TASKS[task].partition(":")
    function: Callable[..., dict[str, Any] | None] = getattr(import_module(module), name)
    return function


def _end(job_id: int, result: dict[str, Any] | None, error: str | None) -> None:
    with transaction() as session:
        kept = None if result is None else json.dumps(result, default=str)
        session.execute(END, {"id": job_id, "result": kept, "error": error})


def queue_periodic() -> None:
    """Queue each periodic task whose last run is over; what it left behind of yesterday goes."""
    for task, every_s in EVERY_S.items():
        with transaction() as session:
            if task not in TASKS or waiting_or_running(session, task, OF_THE_CLOCK):
                continue
            session.execute(FORGET, {"task": task, "subject": OF_THE_CLOCK})
            enqueue(session, task, OF_THE_CLOCK, at=datetime.now(UTC) + timedelta(seconds=every_s))


FORGET = text("""
    DELETE FROM job WHERE task = :task AND subject = :subject AND ended_at < now() - interval '1 day'""")


# the worker's side


def queue_app() -> procrastinate.App:
    """procrastinate with all tasks, on the database in use (through psycopg 3; our own code goes on with psycopg2)."""
    url = make_url(database_url()).set(drivername="postgresql")
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url.render_as_string(False)))
    for name in TASKS:
        app.task(name=name, queue=QUEUE, pass_context=True)(_runner(name))
    return app


def _runner(task: str) -> Callable[..., None]:
    def run(context: procrastinate.JobContext, **words: Any) -> None:
        run_task(task, context.job.id or 0, words)

    return run


def work(stopping: threading.Event | None = None) -> None:
    """Do jobs until told to stop; without `stopping` until none is left that may begin now.

    In a thread of its own, whose loop is ours alone: whoever calls may have one running.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="jobs") as thread:
        thread.submit(asyncio.run, _work(stopping)).result()


def main() -> None:
    """The job worker as a process: until SIGTERM or SIGINT, and through restarts of the database."""
    stopping = threading.Event()
    for which in (signal.SIGTERM, signal.SIGINT):
        signal.signal(which, lambda _signum, _frame: stopping.set())
    with database_at_hand():
        while not stopping.is_set():
            try:
                work(stopping)
            except (procrastinate.exceptions.ConnectorException, OSError) as error:
                log.warning("database does not answer", why=str(error))
                stopping.wait(1)


async def _work(stopping: threading.Event | None) -> None:
    app = queue_app()
    async with app.open_async():
        await _begin_stalled_again(app)
        if stopping is not None:
            await asyncio.to_thread(queue_periodic)
        if stopping is None:
            await app.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)
            return
        worker = asyncio.create_task(app.run_worker_async(install_signal_handlers=False, delete_jobs="successful"))
        looked = 0.0
        while not stopping.is_set() and not worker.done():
            await asyncio.sleep(0.2)
            looked += 0.2
            if looked >= LOOK_FOR_STALLED_S:
                await _begin_stalled_again(app)
                await asyncio.to_thread(queue_periodic)
                looked = 0.0
        worker.cancel()  # lets the job at hand end; what stopped it by itself is raised
        with contextlib.suppress(asyncio.CancelledError):
            await worker


async def _begin_stalled_again(app: procrastinate.App) -> None:
    for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
        log.warning("begun again: its worker died", task=job.task_name, job=job.id)
        await app.job_manager.retry_job(job)
