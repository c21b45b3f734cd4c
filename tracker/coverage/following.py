"""Let the counts follow the visits: judge what waits in a campaign and count it, in one transaction.

One pass per campaign at a time (an advisory lock held by the connection), over one snapshot. A pass that meets
somebody's decision on the same visit, or that dies, leaves nothing behind and is run again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.coverage.counts import keep, refresh_settlement_sums
from tracker.database import engine
from tracker.visits.judging import begin_pass, end_pass, judge

LOCK_SPACE = 7_401  # of our advisory locks on campaigns
ATTEMPTS = 20
MANY_VISITS = 20_000  # so many at once are a bulk load
PASSING_FAULTS = ("40001", "40P01")  # serialization failure, deadlock: run the pass again

LOCK = text("SELECT pg_advisory_lock(:space, :campaign)")
TRY_LOCK = text("SELECT pg_try_advisory_lock(:space, :campaign)")
UNLOCK = text("SELECT pg_advisory_unlock(:space, :campaign)")


@dataclass(frozen=True)
class Followed:
    """What one run did."""

    visits: int
    seconds: float


def follow(campaign_id: int, everything: bool = False) -> Followed:
    """Judge and count all that was committed before the call; with `everything` every visit of the campaign once
    more.
    """
    started = time.monotonic()
    with locked(campaign_id) as connection:
        assert connection is not None
        visits = _one_pass(connection, campaign_id, everything)
    if visits >= MANY_VISITS:
        _renew_statistics()
    return Followed(visits, time.monotonic() - started)


def _renew_statistics() -> None:
    """After a bulk load the planner still believes the tables empty; the first report would wait for the vacuum."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE coverage_count, campaign_settlement, settlement_place, plan_stop"))


def follow_unless_busy(campaign_id: int) -> Followed | None:
    """Judge and count what waits; None when somebody else is at it in this campaign."""
    started = time.monotonic()
    with locked(campaign_id, patiently=False) as connection:
        if connection is None:
            return None
        return Followed(_one_pass(connection, campaign_id, everything=False), time.monotonic() - started)


@contextmanager
def locked(campaign_id: int, patiently: bool = True) -> Iterator[Connection | None]:
    """A connection that alone may judge and count this campaign while the block runs.

    The lock is taken before the snapshot, by a connection of its own. None: not `patiently`, and somebody else has it.
    """
    key = {"space": LOCK_SPACE, "campaign": campaign_id}
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as holder:
        if patiently:
            holder.execute(LOCK, key)
        elif not holder.scalar(TRY_LOCK, key):
            yield None
            return
        try:
            with engine().connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                yield connection
        finally:
            holder.execute(UNLOCK, key)


def _one_pass(connection: Connection, campaign_id: int, everything: bool) -> int:
    """How many visits one pass judged; 0 when nothing waited."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with Session(connection, expire_on_commit=False) as session, session.begin():
                return _judge_and_count(session, campaign_id, everything)
        except (OperationalError, psycopg2.OperationalError) as error:
            code = getattr(getattr(error, "orig", error), "pgcode", None)
            if code not in PASSING_FAULTS or attempt == ATTEMPTS:
                raise
        time.sleep(0.05 * attempt)
    raise AssertionError("the last attempt returns or raises")


def _judge_and_count(session: Session, campaign_id: int, everything: bool) -> int:
    campaign = session.get_one(Campaign, campaign_id)
    run = begin_pass(session, campaign, everything)
    if run is None:
        return 0
    visits, touched = 0, set[int]()
    for judged in judge(session, run):
        touched |= keep(session, judged)
        if run.everything:  # settlements may have come anew to the campaign, while the counts stayed as they were
            touched |= set(judged.visits["unit"].tolist())
        visits += len(judged.visits)
    refresh_settlement_sums(session, campaign, touched)
    end_pass(session, run)
    session.execute(text("UPDATE campaign SET counted_at = clock_timestamp() WHERE id = :id"), {"id": campaign_id})
    return visits
