"""A check is a job: it tells how far it is, goes on where it was killed, and gives the same again."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from tests.builders import the_ground
from tests.plantations.claims_made import AS_OF, a_claim, findings_of, ground, trees
from tracker import create_app, jobs
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.plantations import asking, checking
from tracker.plantations.check_queue import check_soon, enqueue_check
from tracker.plantations.checking import Wish, check_claims

SOON = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def campaign_id(database) -> int:
    with transaction() as session:
        campaign = trees(session, areas=(the_ground(session).peshawar,))
        for k in range(5):
            a_claim(session, campaign, f"C-{k}", ground(east_m=400 * k), stems=10 if k == 3 else 2_000)
        return campaign.id


def test_the_command_does_the_work_itself_when_no_worker_runs(campaign_id):
    app = create_app()

    said = CliRunner().invoke(
        app.cli, ["plantations", "check", "--campaign", "TREES", "--as-of", "2026-06-01", "--json"]
    )
    report = CliRunner().invoke(app.cli, ["plantations", "report", "--campaign", "TREES", "--format", "json"])

    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["claims"] == 5
    claims = {c["claim"]: c for c in json.loads(report.stdout)["claims"]}
    assert [f["rule"] for f in claims["C-3"]["findings"]] == ["density"]
    assert claims["C-3"]["findings"][0]["message"].startswith("10 stems are")
    assert claims["C-0"]["risk"] == 15  # no photo, and no scene that could tell
    assert set(claims["C-0"]["verdicts"]) == {"gain", "open_before", "prepared", "kept", "plantable"}


@pytest.mark.parametrize("how", ["table", "csv", "geojson"])
def test_a_report_in_every_form(campaign_id, how):
    said = CliRunner().invoke(create_app().cli, ["plantations", "report", "--campaign", "TREES", "--format", how])

    assert said.exit_code == 0
    assert said.stdout.count("C-3") == 1


def test_after_a_crash_only_what_is_left_is_asked_about(campaign_id, monkeypatch):
    monkeypatch.setattr("tracker.plantations.fetching.CLAIMS_AT_ONCE", 2)
    looked_at: list[int] = []

    def crash_at_the_second(session, campaign, ids, as_of):
        if len(looked_at) == 2:
            raise KeyboardInterrupt
        looked_at.extend(ids.tolist())
        return asking.ask_about_claims(session, campaign, ids, as_of)

    monkeypatch.setattr(checking, "ask_about_claims", crash_at_the_second)
    wish = Wish(campaign_id, AS_OF, datetime.now(UTC) - timedelta(seconds=1))
    with pytest.raises(KeyboardInterrupt):
        check_claims(wish, lambda done, total: None)

    def note(session, campaign, ids, as_of):
        looked_at.extend(ids.tolist())
        return asking.ask_about_claims(session, campaign, ids, as_of)

    monkeypatch.setattr(checking, "ask_about_claims", note)
    progress: list[tuple[int, int]] = []

    result = check_claims(wish, lambda done, total: progress.append((done, total)))

    assert len(looked_at) == len(set(looked_at)) == 5
    assert result["claims"] == 5
    assert progress[0] == (4, 10)
    assert progress[-1] == (10, 10)


def test_checking_twice_gives_the_same_findings_once(campaign_id):
    for _ in range(2):
        check_claims(Wish(campaign_id, AS_OF, datetime.now(UTC)), lambda done, total: None)

    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert findings_of(session, campaign, "C-3") == {"density": "warn"}
        assert session.scalar(text("SELECT count(*) FROM finding")) == 1


def test_a_worker_does_what_is_queued_and_tells_how_far_it_is(campaign_id):
    with transaction() as session:
        job_id = enqueue_check(session, session.get_one(Campaign, campaign_id), AS_OF).id

    jobs.work()

    with transaction() as session:
        job = session.get_one(jobs.Job, job_id)
        assert (job.state, job.done, job.total) == ("done", 10, 10)
        assert job.result == {"claims": 5, "findings": 1}


def test_an_unknown_campaign_is_said_to_be_unknown(database):
    said = CliRunner().invoke(create_app().cli, ["plantations", "check", "--campaign", "NOWHERE"])

    assert said.exit_code == 2
    assert "there is no campaign NOWHERE" in said.output


def test_what_is_registered_later_is_asked_about_alone_and_its_pairs_stand_on_both(campaign_id):
    with transaction() as session:
        enqueue_check(session, session.get_one(Campaign, campaign_id), AS_OF)
    jobs.work()
    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        before = session.scalar(text("SELECT max(checked_at) FROM claim"))
        a_claim(session, campaign, "LATE", ground(east_m=20))
        check_soon(session, campaign)
        check_soon(session, campaign)

    jobs.work()

    with transaction() as session:
        campaign = session.get_one(Campaign, campaign_id)
        assert session.scalars(text("SELECT code FROM claim WHERE checked_at > :t"), {"t": before}).all() == ["LATE"]
        assert findings_of(session, campaign, "LATE") == {"overlap": "reject"}
        assert findings_of(session, campaign, "C-0") == {"overlap": "reject"}
        assert session.scalar(text("SELECT count(*) FROM job WHERE task = 'check_claims'")) == 2
        assert session.scalar(text("SELECT risk FROM claim WHERE code = 'C-0'")) > 40
