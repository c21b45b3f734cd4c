"""Targets change with a reason, on record and undoable; the fixed base stays."""

import pytest
from sqlalchemy import text

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_token,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tracker import create_app
from tracker.accounts.scope import SERVER, scope_of
from tracker.areas.models import Settlement
from tracker.campaigns.settlements import refresh_settlements
from tracker.coverage.models import CampaignSettlement
from tracker.coverage.report import coverage_report
from tracker.database import transaction
from tracker.denominators.bases import bases_by_area, list_changes, total_of
from tracker.denominators.changing import ChangedSince, Wish, change_targets, undo_changes
from tracker.errors import CampaignClosed, NotFound, RowsRefused


@pytest.fixture
def told(session):
    """(session, campaign, ground): KILI with 40 planned children, of whom 20 are confirmed; DOMEL with 60 in Bannu."""
    ground = the_ground(session)
    kili = a_hamlet(session, "KILI", under_five=99)
    domel = a_hamlet(session, "DOMEL", IN_BANNU, under_five=60)
    campaign = a_round(session, "NOV")
    team = a_team(session, campaign, "T1", ground.peshawar_tehsil)
    a_plan(session, campaign, (team, FIRST_DAY, kili, 40), (team, FIRST_DAY, domel, 60))
    a_count(session, campaign, team, kili, vaccinated=20)
    return session, campaign, ground


def target(session, code: str) -> tuple[int, int]:
    """(current, fixed)"""
    row = session.query(CampaignSettlement).filter_by(code=code).one()
    session.refresh(row)
    return row.target, row.target_fixed


def test_dawar_cannot_change_a_target_of_peshawar(told):
    session, campaign, ground = told
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", ground.bannu))

    with pytest.raises(RowsRefused) as refused:
        change_targets(session, dawar, campaign, [Wish("KILI", 10)], "moved away")

    assert [(e.field, e.rule) for e in refused.value.errors] == [("settlement", "unknown_settlement")]
    assert target(session, "KILI") == (40, 40)


def test_both_bases_stand_side_by_side(told):
    session, campaign, _ = told

    change_targets(session, SERVER, campaign, [Wish("KILI", 25)], "  families   moved away ")

    rows = bases_by_area(session, campaign, SERVER, "district")
    peshawar, total = rows[0], total_of(rows)
    assert (peshawar["target_fixed"], peshawar["target"], peshawar["change"]) == (40, 25, -15)
    assert (peshawar["confirmed_fixed"], peshawar["confirmed_current"]) == (0.5, 0.8)
    assert (total["target_fixed"], total["target"], total["changed"]) == (100, 85, 1)


def test_the_report_counts_on_the_current_base(told):
    from datetime import UTC, datetime

    session, campaign, _ = told
    change_targets(session, SERVER, campaign, [Wish("KILI", 25)], "moved away")

    report = coverage_report(session, campaign, SERVER, "district", now=datetime.now(UTC))

    assert report["total"]["target"] == 85


def test_changes_are_listed_by_size_with_who_and_why(told):
    session, campaign, ground = told
    amina = scope_of(session, a_person(session, "Amina", "coordinator", ground.province))
    change_targets(session, amina, campaign, [Wish("KILI", 41)], "one more")
    change_targets(session, amina, campaign, [Wish("DOMEL", 10)], "camp closed")

    changes = list_changes(session, campaign, amina, 10)

    assert [(c.code, c.change, c.reason, c.changed_by) for c in changes] == [
        ("DOMEL", -50, "camp closed", "Amina"), ("KILI", 1, "one more", "Amina"),
    ]  # fmt: skip


def test_an_undo_restores_and_stays_on_record(told):
    session, campaign, _ = told
    batch, changed = change_targets(session, SERVER, campaign, [Wish("KILI", 25), Wish("DOMEL", 61)], "counted anew")

    assert (changed, undo_changes(session, SERVER, campaign, batch)) == (2, 2)

    assert target(session, "KILI") == (40, 40)
    assert len(list_changes(session, campaign, SERVER, 10)) == 4
    actions = session.scalars(text("SELECT action FROM audit_entry ORDER BY id DESC LIMIT 2")).all()
    assert actions == ["undo change of targets", "change targets"]


def test_an_undo_does_not_take_back_what_somebody_changed_since(told):
    session, campaign, _ = told
    first, _changed = change_targets(session, SERVER, campaign, [Wish("KILI", 25)], "moved away")
    change_targets(session, SERVER, campaign, [Wish("KILI", 30)], "some came back")

    with pytest.raises(ChangedSince):
        undo_changes(session, SERVER, campaign, first)

    assert target(session, "KILI") == (30, 40)


def test_a_change_outlasts_a_refresh_and_ends_with_the_next_plan(told):
    session, campaign, ground = told
    change_targets(session, SERVER, campaign, [Wish("KILI", 25)], "moved away")

    refresh_settlements(session, campaign)
    assert target(session, "KILI") == (25, 40)

    team = a_team(session, campaign, "T2", ground.peshawar_tehsil)
    a_plan(session, campaign, (team, FIRST_DAY, session.query(Settlement).filter_by(code="KILI").one(), 44))
    assert target(session, "KILI") == (44, 44)


@pytest.mark.parametrize(
    ("wishes", "reason", "rule"),
    [
        ([Wish("KILI", 10)], " ", "reason_missing"), ([Wish("NONE", 10)], "x", "unknown_settlement"),
        ([Wish("KILI", -1)], "x", "not_a_count"), ([Wish("KILI", 10_000_001)], "x", "not_a_count"),
        ([Wish("KILI", 1), Wish("KILI", 2)], "x", "duplicate_settlement"),
        ([Wish("KILI", 10)], "y" * 501, "reason_missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_whole(told, wishes, reason, rule):
    session, campaign, _ = told

    with pytest.raises(RowsRefused) as refused:
        change_targets(session, SERVER, campaign, wishes, reason)

    assert rule in {error.rule for error in refused.value.errors}
    assert target(session, "KILI") == (40, 40)


def test_a_closed_campaign_keeps_its_targets(told):
    session, campaign, _ = told
    campaign.state = "closed"

    with pytest.raises(CampaignClosed):
        change_targets(session, SERVER, campaign, [Wish("KILI", 10)], "late")


def test_an_act_of_elsewhere_is_not_found(told):
    session, campaign, ground = told
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", ground.bannu))
    batch, _changed = change_targets(session, SERVER, campaign, [Wish("KILI", 10)], "moved away")

    with pytest.raises(NotFound):
        undo_changes(session, dawar, campaign, batch)


def test_the_page_shows_both_bases_to_those_of_the_area_alone(database):
    with transaction() as session:
        ground = the_ground(session)
        a_hamlet(session, "KILI", under_five=40)
        a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000), under_five=9)
        campaign = a_round(session, "NOV")
        people = {
            "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
            "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
            "Farid": a_person(session, "Farid", "observer", ground.province),
        }
        headers = {name: a_token(session, person) for name, person in people.items()}
        change_targets(session, SERVER, campaign, [Wish("KILI", 25)], "moved away to Kohat")
        change_targets(session, SERVER, campaign, [Wish("BANDA", 8)], "one child less")
    client = create_app().test_client()

    def page(name):
        return client.get("/campaigns/NOV/targets", headers=headers[name])

    assert "moved away to Kohat" in page("Amina").text
    assert "moved away" not in page("Dawar").text
    assert "moved away" in page("Farid").text
    assert "one child less" not in page("Farid").text  # its numbers are too small to be shown
    form = {"settlement": "KILI", "target": "3", "reason": "x"}
    assert client.post("/campaigns/NOV/targets", data=form, headers=headers["Farid"]).status_code == 403
    assert client.post("/campaigns/NOV/targets", data=form, headers=headers["Dawar"]).status_code == 422
    assert client.post("/campaigns/NOV/targets", data=form, headers=headers["Amina"]).status_code == 303
