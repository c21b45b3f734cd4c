"""From settlements to a published plan, to tomorrow's plan, to files."""

import csv
import json
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, InternalError

from geo.targets.rules import Rules
from tests.builders import FIRST_DAY, a_person, a_visit
from tests.targets.villages import a_round_to_plan
from tracker.accounts.scope import SERVER, scope_of
from tracker.campaigns.models import PlanStop
from tracker.campaigns.planning import find_campaign
from tracker.coverage.following import follow
from tracker.coverage.models import CampaignSettlement
from tracker.database import transaction
from tracker.errors import WrongRequest
from tracker.targets import printing
from tracker.targets.exporting import export_plan
from tracker.targets.making import Asked, make_plan
from tracker.targets.publishing import MicroplanPublished, find_version, publish
from tracker.targets.reading import Wanted, stops_of
from tracker.targets.replanning import replan_from
from tracker.targets.stops import read_stops

CHILDREN = 12 * 12 + 120
TWO_TEAMS_TWO_DAYS = Asked(teams=2, days=2, processes=1)


def a_published_plan(session, campaign):
    said = make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())
    return publish(session, campaign, said["version"])


def the_targets(session, campaign):
    rows = session.query(CampaignSettlement).filter_by(campaign_id=campaign.id)
    return {row.code: row.target for row in rows.populate_existing()}


def test_a_plan_holds_everything_once_and_says_how_good_it_is(session):
    _ground, campaign, _teams = a_round_to_plan(session)

    said = make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())

    stops = read_stops(session, find_version(session, campaign, said["version"]).id)
    assert sum(s.children for s in stops) == said["children"] == CHILDREN
    assert len({s.unit for s in stops}) == len(stops)
    assert (said["settlements"], said["team_days"], said["empty_team_days"]) == (13, 4, 0)
    assert said["short_of"]["team_days"] == 0
    assert said["children_max_over_mean"] < 1.5


def test_a_draft_changes_no_count_and_publishing_it_keeps_every_target(session):
    _ground, campaign, _teams = a_round_to_plan(session)
    before = the_targets(session, campaign)

    said = make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())
    assert campaign.microplan_id is None
    publish(session, campaign, said["version"])

    assert the_targets(session, campaign) == before
    assert session.query(PlanStop).filter_by(microplan_id=campaign.microplan_id).count() > 0


def test_a_published_version_does_not_change(session):
    _ground, campaign, _teams = a_round_to_plan(session)
    plan = a_published_plan(session, campaign)

    assert publish(session, campaign, plan.version) is plan
    with pytest.raises((InternalError, IntegrityError), match="does not change"), session.begin_nested():
        session.execute(text("UPDATE target_stop SET children = 0 WHERE microplan_id = :id"), {"id": plan.id})


def test_a_version_that_was_replaced_is_not_published_again(session):
    _ground, campaign, _teams = a_round_to_plan(session)
    first = a_published_plan(session, campaign)
    a_published_plan(session, campaign)

    with pytest.raises(MicroplanPublished):
        publish(session, campaign, first.version)


def test_too_few_teams_still_get_a_plan_that_says_what_is_short(session):
    _ground, campaign, _teams = a_round_to_plan(session)

    said = make_plan(session, campaign, Asked(teams=1, days=1, processes=1), Rules(children=100))

    assert said["children"] == CHILDREN
    assert said["short_of"]["children"] > 0
    assert said["short_of"]["teams"] > 0


@pytest.mark.parametrize(
    ("asked", "field"), [(Asked(2, 5), "days"), (Asked(2, 2, ("PK202",)), "area"), (Asked(0, 2), "teams")]
)
def test_what_cannot_be_planned_is_said_with_its_field(session, asked, field):
    _ground, campaign, _teams = a_round_to_plan(session)

    with pytest.raises(WrongRequest) as refused:
        make_plan(session, campaign, asked, Rules())

    assert refused.value.facts["field"] == field


def test_what_was_missed_goes_into_tomorrow_and_every_target_stays(database):
    with transaction() as session:
        _ground, campaign, teams = a_round_to_plan(session)
        before = the_targets(session, campaign)
        plan = a_published_plan(session, campaign)
        first_day = [s for s in read_stops(session, plan.id) if s.on_date == FIRST_DAY]
        missed = {s.settlement_id for s in first_day if s.team_id == teams[0].id}
        for stop in first_day:
            if stop.settlement_id not in missed:
                team = next(t for t in teams if t.id == stop.team_id)
                for _household in range(stop.children // 4):
                    a_visit(session, team, at=(stop.lon, stop.lat), settlement_id=stop.settlement_id, eligible=4,
                            vaccinated=4)  # fmt: skip
    follow(campaign.id)
    tomorrow = FIRST_DAY + timedelta(days=1)

    with transaction() as session:
        campaign = find_campaign(session, "NOV")
        said = replan_from(session, campaign, tomorrow)
        new = read_stops(session, find_version(session, campaign, said["version"]).id)
        publish(session, campaign, said["version"])

    assert missed <= {s.settlement_id for s in new if s.on_date >= tomorrow}
    assert said["children"] == CHILDREN
    assert said["kept_team_days"] + said["changed_team_days"] == 2
    with transaction() as session:
        assert the_targets(session, campaign) == before


def test_replanning_with_nothing_left_over_changes_nothing_and_twice_is_once(session):
    _ground, campaign, _teams = a_round_to_plan(session)
    plan = a_published_plan(session, campaign)

    one = replan_from(session, campaign, FIRST_DAY)
    two = replan_from(session, campaign, FIRST_DAY)

    as_published = read_stops(session, plan.id)
    assert one["changed_team_days"] == one["left_over"] == 0
    for said in (one, two):
        assert read_stops(session, find_version(session, campaign, said["version"]).id) == as_published


def test_dawar_from_elsewhere_sees_no_stop_and_a_team_sees_only_its_own_day(session):
    ground, campaign, teams = a_round_to_plan(session)
    plan = a_published_plan(session, campaign)
    dawar = scope_of(session, a_person(session, "Dawar", "supervisor", ground.bannu))
    bilal = scope_of(session, a_person(session, "Bilal", "team", team=teams[0]))
    observer = scope_of(session, a_person(session, "Omar", "observer", ground.peshawar))

    assert stops_of(session, campaign, plan.id, dawar, Wanted(), FIRST_DAY) == []
    assert stops_of(session, campaign, plan.id, observer, Wanted(), FIRST_DAY) == []
    own = stops_of(session, campaign, plan.id, bilal, Wanted(), FIRST_DAY)
    assert {(s["team"], s["on_date"]) for s in own} == {("T1", FIRST_DAY)}


def test_exports_say_the_same_in_every_format(session, tmp_path):
    _ground, campaign, _teams = a_round_to_plan(session)
    make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())

    for how in ("csv", "geojson", "gpkg", "gpx"):
        said = export_plan(session, campaign, Wanted(), how, tmp_path / f"plan.{how}", scope=SERVER)
        assert said["team_days"] == 4

    rows = list(csv.DictReader((tmp_path / "plan.csv").open(encoding="utf-8")))
    assert sum(int(row["children"]) for row in rows) == CHILDREN
    assert {row["block"] for row in rows if row["settlement"].startswith("KILI")} == {""}
    features = json.loads((tmp_path / "plan.geojson").read_text())["features"]
    assert sum(f["properties"]["kind"] == "team_day" for f in features) == 4
    assert (tmp_path / "plan.gpkg").read_bytes().startswith(b"SQLite format 3")
    assert (tmp_path / "plan.gpx").read_text().count("<rtept") == len(rows)


def test_without_chromium_the_pdf_says_what_to_install(session, tmp_path, monkeypatch):
    _ground, campaign, _teams = a_round_to_plan(session)
    make_plan(session, campaign, TWO_TEAMS_TWO_DAYS, Rules())
    monkeypatch.setattr(printing, "PROGRAMS", ("no-such-browser",))

    with pytest.raises(printing.ChromiumMissing, match="Install it"):
        export_plan(session, campaign, Wanted(), "pdf", tmp_path / "plan.pdf", scope=SERVER)

    assert list(tmp_path.iterdir()) == []
