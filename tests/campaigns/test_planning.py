"""Opening a round, its teams and its microplan: what is taken, what is refused, and what follows from it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import text

from tests.builders import (
    CATCH_UP,
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    LAST_DAY,
    VINTAGE,
    a_hamlet,
    a_round,
    a_settlement,
    a_team,
    a_visit,
    metres_east_of,
    the_ground,
)
from tracker.campaigns.models import Campaign, Microplan, PlanStop, Team
from tracker.campaigns.planning import create_campaign, import_microplan, import_teams, set_state
from tracker.campaigns.settlements import refresh_all, refresh_settlements
from tracker.coverage.models import CampaignSettlement
from tracker.errors import CampaignClosed, RowsRefused, WrongRequest
from tracker.visits.models import Waiting


@pytest.fixture
def ground(session):
    return the_ground(session)


def settlements_of(session, campaign) -> dict[int, CampaignSettlement]:
    session.expire_all()
    rows = session.query(CampaignSettlement).filter_by(campaign_id=campaign.id)
    return {row.settlement_id: row for row in rows}


def refused(take, *arguments) -> list[tuple[int, str, str]]:
    """(row, field, rule) of everything that an import refuses."""
    with pytest.raises(RowsRefused) as caught:
        take(*arguments)
    return [(error.row, error.field, error.rule) for error in caught.value.errors]


# opening a round


def test_a_round_has_the_settlements_of_its_areas(session, ground):
    kili, domel = a_hamlet(session, "KILI", under_five=40), a_hamlet(session, "DOMEL", IN_BANNU, under_five=None)

    peshawar, everywhere = a_round(session, "P", areas=[ground.peshawar]), a_round(session, "ALL")

    assert set(settlements_of(session, peshawar)) == {kili.id}
    all_of_them = settlements_of(session, everywhere)
    assert set(all_of_them) == {kili.id, domel.id}
    assert [all_of_them[s.id].target for s in (kili, domel)] == [40, 0]
    assert (all_of_them[kili.id].first_day, all_of_them[kili.id].last_day) == (FIRST_DAY, CATCH_UP)
    assert all_of_them[kili.id].area_id == ground.peshawar_tehsil.id
    assert all_of_them[kili.id].team_id is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Asia/Atlantis"}, "timezone"),
        ({"ends_on": FIRST_DAY - timedelta(days=1)}, "end"),
        ({"catch_up": [FIRST_DAY - timedelta(days=1)]}, "catch_up"),
        ({"area_codes": ["PK999"]}, "area"),
        ({"vintage": date(1999, 1, 1)}, "vintage"),
        ({"name": "  "}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"code": "a/b"}, "code"),
        ({"code": "NOV"}, "code"),
    ],
)
def test_what_makes_no_round_is_refused_by_field(session, ground, wrong, field):
    a_round(session, "NOV")
    facts = {"code": "DEC", "kind": "vaccination", "name": "Round", "starts_on": FIRST_DAY, "ends_on": LAST_DAY}

    with pytest.raises(WrongRequest) as caught:
        create_campaign(session, **{**facts, **wrong})

    assert caught.value.facts["field"] == field


def test_without_boundaries_there_is_no_round(session):
    with pytest.raises(WrongRequest, match="Import the boundaries first"):
        a_round(session)


def test_a_round_pins_the_newest_boundaries_unless_told(session, ground):
    the_ground(session, vintage=VINTAGE + timedelta(days=100))

    assert a_round(session, "NEW").vintage == VINTAGE + timedelta(days=100)
    assert a_round(session, "OLD", vintage=VINTAGE).vintage == VINTAGE


# teams


def test_teams_are_added_changed_and_left_alone(session, ground):
    november = a_round(session)
    rows = [
        {"team": "T1", "type": "mobile", "area": "PK20101", "supervisor": "S1"},
        {"team": "T2", "type": "Fixed", "area": "", "supervisor": ""},
    ]

    first = import_teams(session, november, rows)
    again = import_teams(session, november, rows)
    rows[0]["supervisor"] = "S2"
    changed = import_teams(session, november, rows)

    assert (first.created, again.unchanged, changed.updated, changed.unchanged) == (2, 2, 1, 1)
    teams = {team.code: team for team in session.query(Team)}
    assert (teams["T1"].area_id, teams["T1"].supervisor) == (ground.peshawar_tehsil.id, "S2")
    assert (teams["T2"].type, teams["T2"].area_id, teams["T2"].supervisor) == ("fixed", None, None)


def test_one_bad_team_refuses_the_table(session, ground):
    november = a_round(session)
    rows = [
        {"team": "T1", "type": "mobile"},
        {"team": "T1", "type": "mobile"},
        {"team": "", "type": "mobile"},
        {"team": "T3", "type": "flying"},
        {"team": "T4", "type": "mobile", "area": "PK999"},
        {"team": "T5", "type": "mobile", "supervisor": "a\0b"},
    ]

    assert sorted(refused(import_teams, session, november, rows)) == [
        (2, "team", "duplicate_team"),
        (3, "team", "team_missing"),
        (4, "type", "unknown_type"),
        (5, "area", "unknown_area"),
        (6, "supervisor", "not_text"),
    ]
    assert session.query(Team).count() == 0


# the microplan


def plan_row(settlement="KILI", day=FIRST_DAY, children="30", team="T1") -> dict[str, str]:
    return {"team": team, "date": str(day), "settlement": settlement, "target_children": children}


def test_a_plan_gives_each_settlement_its_target_its_days_and_its_last_team(session, ground):
    kili, banda = (
        a_hamlet(session, "KILI", under_five=99),
        a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000)),
    )
    november = a_round(session)
    first, last = a_team(session, november, "T1"), a_team(session, november, "T2")
    rows = [
        plan_row(children="10"),
        plan_row(children="۱۲"),  # the same stop once more, in Urdu digits
        plan_row(day=LAST_DAY, children="20", team="T2"),
    ]

    summary = import_microplan(session, november, rows, "plan.csv")

    assert (summary.read, summary.created, summary.version) == (3, 3, 1)
    assert sorted(stop.target_children for stop in session.query(PlanStop)) == [20, 22]
    planned = settlements_of(session, november)
    assert (planned[kili.id].target, planned[kili.id].target_fixed, planned[kili.id].team_id) == (42, 42, last.id)
    assert (planned[kili.id].first_day, planned[kili.id].last_day) == (FIRST_DAY, LAST_DAY)
    assert (planned[banda.id].target, planned[banda.id].team_id) == (50, None)
    assert first.id != last.id


def test_the_same_plan_changes_nothing_and_another_is_a_new_version(session, ground):
    kili = a_hamlet(session, "KILI")
    november = a_round(session)
    a_team(session, november)
    import_microplan(session, november, [plan_row(children="30")], "plan.csv")
    revision = november.revision

    again = import_microplan(session, november, [plan_row(children="10"), plan_row(children="20")], "plan.csv")
    unmoved = november.revision
    other = import_microplan(session, november, [plan_row(children="31")], "plan.csv")

    assert (again.unchanged, again.created, again.version, unmoved) == (2, 0, 1, revision)
    assert (other.created, other.version) == (1, 2)
    assert settlements_of(session, november)[kili.id].target == 31
    assert [plan.version for plan in session.query(Microplan).order_by(Microplan.version)] == [1, 2]  # both are kept
    assert session.query(PlanStop).count() == 2


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        (plan_row(team="T9"), "team", "unknown_team"),
        (plan_row(settlement="NONE"), "settlement", "unknown_settlement"),
        (plan_row(settlement="a\0b"), "settlement", "not_text"),
        (plan_row(settlement="DOMEL"), "settlement", "outside_campaign"),
        (plan_row(day="10.11.2025"), "date", "not_a_day"),
        (plan_row(day=FIRST_DAY - timedelta(days=1)), "date", "outside_campaign"),
        (plan_row(day=CATCH_UP + timedelta(days=1)), "date", "outside_campaign"),
        (plan_row(children="-1"), "target_children", "not_a_count"),
        (plan_row(children="2.5"), "target_children", "not_a_count"),
        (plan_row(children=""), "target_children", "not_a_count"),
        (plan_row(children="10000001"), "target_children", "not_a_count"),
    ],
)
def test_one_bad_row_refuses_the_plan(session, ground, row, field, rule):
    a_hamlet(session, "KILI")
    a_hamlet(session, "DOMEL", IN_BANNU)
    november = a_round(session, areas=[ground.peshawar])
    a_team(session, november)

    assert (2, field, rule) in refused(import_microplan, session, november, [plan_row(), row], "plan.csv")
    assert session.query(Microplan).count() == 0


@pytest.mark.parametrize("day", [FIRST_DAY, CATCH_UP])
def test_the_first_and_the_last_day_can_be_planned(session, ground, day):
    a_hamlet(session, "KILI")
    november = a_round(session)
    a_team(session, november)

    assert import_microplan(session, november, [plan_row(day=day)], "plan.csv").created == 1


def test_an_empty_plan_is_refused(session, ground):
    assert refused(import_microplan, session, a_round(session), [], "plan.csv") == [(0, "file", "empty")]


def test_parts_of_one_settlement_add_up_to_a_number_that_can_be_meant(session, ground):
    a_hamlet(session, "KILI")
    november = a_round(session)
    a_team(session, november)
    rows = [plan_row(children="6000000"), plan_row(children="6000000")]

    assert refused(import_microplan, session, november, rows, "p") == [(2, "target_children", "not_a_count")]


# what changes later


def test_visits_wait_to_be_judged_anew_when_the_plan_changes(session, ground):
    kili = a_hamlet(session, "KILI")
    november = a_round(session)
    team = a_team(session, november)
    a_visit(session, team, kili)
    session.query(Waiting).delete()

    import_microplan(session, november, [plan_row()], "plan.csv")

    assert [waiting.team_ids for waiting in session.query(Waiting)] == [None]


def test_new_settlements_join_a_round_and_kept_sums_stay(session, ground):
    kili = a_hamlet(session, "KILI")
    november = a_round(session)
    session.execute(text("UPDATE campaign_settlement SET visits = 7"))

    banda = a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000))
    refresh_all(session)

    assert {id_: row.visits for id_, row in settlements_of(session, november).items()} == {kili.id: 7, banda.id: 0}


def test_a_closed_round_keeps_its_settlements_and_targets_but_follows_the_map(session, ground):
    town = a_settlement(session, "TOWN", under_five=40)
    november = a_round(session)
    set_state(session, "NOV", "closed")
    cells = town.cells

    a_settlement(session, "TOWN", metres_east_of(IN_PESHAWAR, 500), under_five=99, type="urban")
    a_hamlet(session, "NEW", metres_east_of(IN_PESHAWAR, 5000))
    refresh_all(session)

    (kept,) = settlements_of(session, november).values()
    assert kept.target == 40
    assert kept.cells > cells
    set_state(session, "NOV", "open")
    assert sorted(row.target for row in settlements_of(session, november).values()) == [50, 99]


def test_a_closed_round_takes_neither_teams_nor_plan(session, ground):
    november = a_round(session)
    set_state(session, "NOV", "closed")

    with pytest.raises(CampaignClosed):
        import_teams(session, november, [{"team": "T1", "type": "mobile"}])
    with pytest.raises(CampaignClosed):
        import_microplan(session, november, [plan_row()], "plan.csv")


def test_closing_what_does_not_exist_says_so(session):
    with pytest.raises(WrongRequest, match="there is no campaign NONE"):
        set_state(session, "NONE", "closed")


def test_refreshing_what_has_not_changed_writes_no_row(session, ground):
    a_hamlet(session, "KILI")
    november = a_round(session)
    before = session.scalars(text("SELECT xmin::text FROM campaign_settlement")).all()

    refresh_settlements(session, session.get_one(Campaign, november.id))

    assert session.scalars(text("SELECT xmin::text FROM campaign_settlement")).all() == before
