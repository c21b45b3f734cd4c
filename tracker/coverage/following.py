"""Let the counts follow the visits: judge what waits in a campaign and count it, in one transaction.

One pass per campaign at a time (an advisory lock held by the connection), over one snapshot. A pass that meets somebody's decision on
the same visit, or that dies, leaves nothing behind and is run again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.coverage.counts import keep, refresh_settlement_sums
from tracker.database import engine
from tracker.visits.judging import begin_pass, end_pass, judge

LOCK_SPACE = 7_401  # of our advisory locks on campaigns
ATTEMPTS = 20
SERIALIZATION_FAILURE, DEADLOCK = "40001", "40P01"


@dataclass(frozen=True)
class Followed:
    """What one run did."""

    visits: int
    seconds: float


def follow(campaign_id: int, everything: bool = False) -> Followed:
    """Judge and count until nothing waits; with `everything` every visit of the campaign once more."""
    started, visits = time.monotonic(), 0
    with locked(campaign_id) as connection:
        while True:
            done = _one_pass(connection, campaign_id, everything)
            if done is None:
                return Followed(visits, time.monotonic() - started)
            visits, everything = visits + done, False


@contextmanager
def locked(campaign_id: int) -> Iterator[Connection]:
    """A connection that alone may judge and count this campaign while the block runs."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as holder:
        holder.execute(
            text("SELECT pg_advisory_lock(:space, :campaign)"), {"space": LOCK_SPACE, "campaign": campaign_id}
        )
        try:
            with engine().connect().execution_options(isolation_level="REPEATABLE READ") as connection:
                yield connection
        finally:
            holder.execute(
                text("SELECT pg_advisory_unlock(:space, :campaign)"), {"space": LOCK_SPACE, "campaign": campaign_id}
            )


def _one_pass(connection: Connection, campaign_id: int, everything: bool) -> int | None:
    """How many visits one pass judged; None when nothing waited."""
    for attempt in range(ATTEMPTS):
        try:
            with Session(connection, expire_on_commit=False) as session, session.begin():
                return _judge_and_count(session, campaign_id, everything)
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) not in (SERIALIZATION_FAILURE, DEADLOCK) or attempt == ATTEMPTS - 1:
                raise
            time.sleep(0.05 * (attempt + 1))
    return None


def _judge_and_count(session: Session, campaign_id: int, everything: bool) -> int | None:
    campaign = session.get_one(Campaign, campaign_id)
    run = begin_pass(session, campaign, everything)
    if run is None:
        return None
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
