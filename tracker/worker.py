"""The background worker: judges and counts what arrives, in every campaign, within a fraction of a second.

`python -m tracker.worker`. Looks at `waiting` ten times a second; says in `heartbeat` that it is at work. SIGTERM and
SIGINT let the pass at hand end; whatever dies half-way leaves nothing behind and is done again.
"""

import os
import signal
import socket
import threading
import time
from types import FrameType

import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tracker.command_line import database_at_hand
from tracker.coverage.following import follow_unless_busy
from tracker.database import engine, transaction

IDLE_S = 0.1  # between two looks when there was nothing to do
BEAT_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0  # of a campaign whose pass failed; doubled each time

CAMPAIGNS_WAITING = text("SELECT DISTINCT campaign_id FROM waiting ORDER BY 1")

BEAT = text("""
    INSERT INTO heartbeat (worker, beat_at) VALUES (:worker, now())
    ON CONFLICT (worker) DO UPDATE SET beat_at = excluded.beat_at""")
REST = text("DELETE FROM heartbeat WHERE worker = :worker OR beat_at < now() - interval '1 day'")

log = structlog.get_logger()


class Worker:
    """Follows all campaigns until told to stop."""

    def __init__(self) -> None:
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        self.stopping = threading.Event()
        self._paused: dict[int, tuple[float, float]] = {}  # campaign: until when, for how long

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        self.stopping.set()

    def run(self) -> None:
        log.info("worker started", worker=self.name)
        beating = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)
        beating.start()
        while not self.stopping.is_set():
            try:
                did_something = sum(map(self._follow, self._waiting()))
            except OperationalError as error:  # the database restarts, or is gone: keep asking
                log.warning("database does not answer", why=str(error.orig).strip())
                engine().dispose()
                self.stopping.wait(FIRST_PAUSE_S)
                continue
            if not did_something:
                self.stopping.wait(IDLE_S)
        beating.join()
        with transaction() as session:
            session.execute(REST, {"worker": self.name})
        log.info("worker stopped", worker=self.name)

    def _waiting(self) -> list[int]:
        with transaction() as session:
            campaigns = list(session.scalars(CAMPAIGNS_WAITING))
        now = time.monotonic()
        return [c for c in campaigns if self._paused.get(c, (0.0, 0.0))[0] <= now]

    def _follow(self, campaign_id: int) -> bool:
        """One pass over one campaign; False when there was nothing to do, or it failed and has to pause."""
        if self.stopping.is_set():
            return False
        try:
            done = follow_unless_busy(campaign_id)
        except Exception:  # one campaign's fault must not stop the others
            pause_s = min(2 * self._paused.get(campaign_id, (0.0, FIRST_PAUSE_S / 2))[1], LONGEST_PAUSE_S)
            self._paused[campaign_id] = time.monotonic() + pause_s, pause_s
            log.exception("a pass failed", campaign=campaign_id, again_in_s=pause_s)
            engine().dispose()
            return False
        self._paused.pop(campaign_id, None)
        if done is None or not done.visits:
            return False
        log.info("followed", campaign=campaign_id, visits=done.visits, seconds=round(done.seconds, 3))
        return True

    def _beat_on(self) -> None:
        """In a thread of its own: a pass over a whole campaign may take minutes, and is not death."""
        while True:
            try:
                with transaction() as session:
                    session.execute(BEAT, {"worker": self.name})
            except OperationalError:  # the passes say it, and keep asking
                log.debug("no heartbeat: the database does not answer")
            if self.stopping.wait(BEAT_S):
                return


def main() -> None:
    worker = Worker()
    signal.signal(signal.SIGTERM, worker.stop)
    signal.signal(signal.SIGINT, worker.stop)
    with database_at_hand():
        worker.run()


if __name__ == "__main__":
    main()
