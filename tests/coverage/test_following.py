"""The counts follow the visits: one pass at a time, over one snapshot, repeated when it met somebody's decision."""

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.builders import NINE_IN_THE_MORNING, a_hamlet, a_round, a_team, a_visit, the_ground
from tracker.accounts.scope import SERVER
from tracker.campaigns.models import Campaign, Team
from tracker.coverage import following
from tracker.coverage.following import follow, follow_unless_busy, locked
from tracker.database import engine, transaction
from tracker.visits.decisions import decide
from tracker.visits.models import Visit

PROJECT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60.0


@pytest.fixture
def campaign(database) -> int:
    """A round with Bilal's team and one doubtful visit, not yet judged."""
    with Session(engine()) as session, session.begin():
        the_ground(session)
        a_hamlet(session)
        november = a_round(session)
        a_visit(session, a_team(session, november), at=(71.50012, 34.00013), mock_location=True)
        return november.id


def kept(campaign_id: int) -> tuple[int, int, int]:
    """Visits counted, doubtful ones, rows still waiting."""
    with transaction() as session:
        counted = """
            SELECT coalesce(sum(visits), 0), coalesce(sum(visits_doubtful), 0) FROM coverage_count
            WHERE campaign_id = :c"""
        waiting = "SELECT count(*) FROM waiting WHERE campaign_id = :c"
        visits, doubtful = session.execute(text(counted), {"c": campaign_id}).one()
        return visits, doubtful, session.scalar(text(waiting), {"c": campaign_id})


def one_more_visit(campaign_id: int) -> None:
    with Session(engine()) as session, session.begin():
        team = session.query(Team).filter_by(campaign_id=campaign_id).one()
        a_visit(session, team, at=(71.50087, 34.00051), visited_at=NINE_IN_THE_MORNING + timedelta(minutes=20))


def test_what_waited_is_judged_counted_and_waits_no_longer(campaign):
    assert follow(campaign).visits == 1
    assert kept(campaign) == (1, 1, 0)
    assert follow(campaign).visits == 0


def test_the_team_was_heard_when_its_submission_came(campaign):
    follow(campaign)

    with transaction() as session:
        heard, received = session.execute(text("SELECT t.heard_at, s.received_at FROM team t, submission s")).one()
    assert heard == received


def test_a_decision_that_comes_between_is_not_lost(campaign, monkeypatch):
    """Amina decides after the pass has taken its snapshot: the pass is run again and sees her word."""
    begin, passes = following.begin_pass, []

    def begin_and_decide(session, *arguments):
        run = begin(session, *arguments)
        if not passes:
            with transaction() as other:
                visit = other.query(Visit).one()
                decide(other, other.get_one(Campaign, campaign), SERVER, [visit.instance_id], "keep", "I was there")
        passes.append(run)
        return run

    monkeypatch.setattr(following, "begin_pass", begin_and_decide)
    follow(campaign)

    assert len(passes) == 2
    assert kept(campaign) == (1, 0, 0)


def test_a_pass_that_dies_leaves_nothing_behind(campaign, monkeypatch):
    def break_off(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(following, "end_pass", break_off)
        with pytest.raises(KeyboardInterrupt):
            follow(campaign)
    assert kept(campaign) == (0, 0, 1)

    follow(campaign)

    assert kept(campaign) == (1, 1, 0)


def test_only_one_at_a_time_in_a_campaign(campaign):
    with locked(campaign):
        assert follow_unless_busy(campaign) is None
    assert follow_unless_busy(campaign).visits == 1


def test_the_worker_follows_by_itself_and_goes_when_told(campaign):
    worker = subprocess.Popen(
        [sys.executable, "-m", "tracker.worker"], cwd=PROJECT, env=os.environ, stderr=subprocess.PIPE
    )
    try:
        wait_until(lambda: kept(campaign) == (1, 1, 0))
        with transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM heartbeat WHERE beat_at > now() - interval '10 s'")) == 1

        one_more_visit(campaign)
        wait_until(lambda: kept(campaign) == (2, 1, 0))
        worker.send_signal(signal.SIGTERM)

        assert worker.wait(timeout=PATIENCE_S) == 0
        with transaction() as session:
            assert session.scalar(text("SELECT count(*) FROM heartbeat")) == 0
    finally:
        worker.kill()
        worker.communicate()


def wait_until(holds) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
