"""Numbers of the report: each against a figure that can be worked out by hand."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.builders import (
    CATCH_UP,
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    LAST_DAY,
    VINTAGE,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_settlement,
    a_team,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tracker.accounts.scope import SERVER, scope_of
from tracker.coverage.report import campaign_total, coverage_report
from tracker.coverage.statuses import STATUSES
from tracker.errors import NotFound, WrongRequest

AFTERWARDS = datetime(2025, 12, 1, tzinfo=UTC)
KEYS = {
    "code", "name", "level", "settlements", "settlements_visited", "target", "visits", "visits_valid",
    "visits_doubtful", "visits_rejected", "eligible", "vaccinated", "vaccinated_confirmed", "vaccinated_rejected",
    "guests", "zero_dose", "missed_absent", "missed_refused", "missed_other", "recovered", "still_missed",
    "reported_coverage", "confirmed_coverage", "due", "heard_at", "no_word", "geographic_coverage", "unreached",
    "status", "by_status",
}  # fmt: skip


def at(day: date, hour: int) -> datetime:
    """That hour in Peshawar."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=5)


def report(session, campaign, level, scope=SERVER, now=AFTERWARDS, **more):
    """(rows by code, total)"""
    answer = coverage_report(session, campaign, scope, level, now=now, **more)
    assert answer.keys() == {"campaign", "level", "counted_at", "rows", "total"}
    assert all(row.keys() >= KEYS for row in [*answer["rows"], answer["total"]])
    return {row["code"]: row for row in answer["rows"]}, answer["total"]


class Story:
    """Peshawar with the hamlets KILI (40 children) and BANDA (25), Bannu with DOMEL (60); teams T1 and T2."""

    def __init__(self, session, areas=None):
        self.ground = the_ground(session)
        self.kili = a_hamlet(session, "KILI", under_five=40)
        self.banda = a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 3000), under_five=25)
        self.domel = a_hamlet(session, "DOMEL", IN_BANNU, under_five=60)
        self.round = a_round(session, areas=[getattr(self.ground, name) for name in areas or ()])
        self.bilals = a_team(session, self.round, "T1", self.ground.peshawar_tehsil)
        self.other = a_team(session, self.round, "T2", self.ground.bannu_tehsil)


@pytest.fixture
def story(session):
    return Story(session)


# what stands in a row


def test_an_area_is_the_sum_of_its_settlements_and_its_no_settlement(session, story):
    a_count(session, story.round, story.bilals, story.kili, vaccinated=10, visits=4, missed_absent=3, recovered=1)
    a_count(session, story.round, story.bilals, story.banda, vaccinated=5, missed_refused=1, recovered=4)
    a_count(session, story.round, story.bilals, story.ground.peshawar_tehsil, vaccinated=7, missed_other=2)

    rows, total = report(session, story.round, "district")

    peshawar = rows["PK201"]
    assert (peshawar["settlements"], peshawar["settlements_visited"], peshawar["target"]) == (2, 2, 65)
    assert (peshawar["visits"], peshawar["vaccinated"]) == (6, 22)
    assert peshawar["still_missed"] == 2 + 0 + 2  # per settlement and bucket, never below 0
    assert peshawar["unreached"] == 30 + 20 + 0
    assert peshawar["reported_coverage"] == pytest.approx(22 / 65)
    assert rows["PK202"]["vaccinated"] == 0
    assert rows["PK202"]["unreached"] == 60
    assert total["vaccinated"] == 22
    assert total["unreached"] == 110
    assert list(rows) == ["PK202", "PK201"]  # worst first


def test_what_lies_in_no_area_of_the_round_stands_under_no_code(session):
    story = Story(session, areas=["peshawar"])
    a_count(session, story.round, story.bilals, story.domel, vaccinated=3)  # a settlement outside the round
    a_count(session, story.round, story.bilals, story.ground.bannu_tehsil, vaccinated=4)
    a_count(session, story.round, story.bilals, None, vaccinated=5)

    for level in ("province", "district", "tehsil", "settlement"):
        rows, total = report(session, story.round, level)

        assert rows[None]["vaccinated"] == 12
        assert (rows[None]["settlements"], rows[None]["target"], rows[None]["reported_coverage"]) == (0, 0, None)
        assert total["vaccinated"] == 12
        assert total["settlements"] == 2
    assert list(report(session, story.round, "district")[0]) == ["PK201", None]


def test_areas_without_settlements_are_shown_with_zeros(session):
    ground = the_ground(session)
    november = a_round(session)

    rows, total = report(session, november, "tehsil")

    assert set(rows) == {"PK20101", "PK20201"}
    assert rows["PK20101"]["target"] == total["target"] == 0
    assert rows["PK20101"]["geographic_coverage"] is None
    assert ground.peshawar.code not in rows


def test_nothing_is_capped(session, story):
    a_count(session, story.round, story.bilals, story.kili, vaccinated=60)

    rows, _ = report(session, story.round, "settlement")

    assert rows["KILI"]["reported_coverage"] == 1.5
    assert rows["KILI"]["unreached"] == 0


def test_the_microplan_says_the_target_and_without_it_the_settlement(session, story):
    a_plan(
        session,
        story.round,
        (story.bilals, FIRST_DAY, story.kili, 30),
        (story.other, LAST_DAY, story.kili, 20),
    )

    rows, _ = report(session, story.round, "settlement")
    teams, total = report(session, story.round, "team")
    days, _ = report(session, story.round, "day")

    assert rows["KILI"]["target"] == 50  # parts add up
    assert rows["BANDA"]["target"] == 25
    assert [teams[code]["target"] for code in ("T1", "T2")] == [30, 20]
    assert total["target"] == 50
    assert days[FIRST_DAY.isoformat()]["target"] == 30
    assert days[CATCH_UP.isoformat()]["target"] == 0


def test_teams_and_days_carry_visit_sums_and_null_where_a_settlement_is_meant(session, story):
    a_count(session, story.round, story.bilals, story.kili, FIRST_DAY, vaccinated=3)
    a_count(session, story.round, story.bilals, None, LAST_DAY, vaccinated=4)
    a_count(session, story.round, story.other, story.kili, FIRST_DAY, vaccinated=5)

    teams, total = report(session, story.round, "team")
    days, _ = report(session, story.round, "day")

    assert {code: row["vaccinated"] for code, row in teams.items()} == {"T1": 7, "T2": 5}
    assert {code: row["vaccinated"] for code, row in days.items()} == {
        "2025-11-10": 8,
        "2025-11-11": 0,
        "2025-11-12": 4,
        "2025-11-13": 0,
    }
    nulls = ("settlements", "still_missed", "unreached", "due", "no_word", "geographic_coverage", "target", "by_status")
    assert all(row[key] is None for row in [*teams.values(), *days.values(), total] for key in nulls)
    assert total["visits"] == 3


def test_until_counts_the_days_so_far_and_cells_reached_so_far(session):
    the_ground(session)
    town = a_settlement(session, "TOWN", type="small", under_five=100)
    november = a_round(session)
    team = a_team(session, november)
    a_count(session, november, team, town, FIRST_DAY, vaccinated=10, reached="1" + "0" * (town.cells - 1))
    a_count(session, november, team, town, LAST_DAY, vaccinated=20, reached="0" + "1" * (town.cells - 1))

    first, _ = report(session, november, "settlement", until=FIRST_DAY)
    last, _ = report(session, november, "settlement", until=CATCH_UP)
    now, _ = report(session, november, "settlement")

    assert (first["TOWN"]["vaccinated"], first["TOWN"]["geographic_coverage"]) == (10, pytest.approx(1 / town.cells))
    assert (last["TOWN"]["vaccinated"], last["TOWN"]["geographic_coverage"]) == (30, 1)
    assert last == now


@pytest.mark.parametrize("level", ["province", "district", "tehsil", "settlement", "team", "day"])
def test_up_to_the_last_day_is_the_same_as_now(session, level):
    story = Story(session, areas=["peshawar"])
    a_plan(session, story.round, (story.bilals, FIRST_DAY, story.kili, 40))
    for place in (story.kili, story.banda, story.domel, story.ground.peshawar_tehsil, None):
        a_count(session, story.round, story.bilals, place, vaccinated=10, visits=3, visits_doubtful=1, missed_other=2)

    assert report(session, story.round, level, until=CATCH_UP) == report(session, story.round, level)


# statuses: RULES' first that fits, on the limit and one past it


@pytest.mark.parametrize(
    ("target", "claimed", "confirmed", "status"),
    [
        (100, 95, 95, "covered"),
        (100, 95, 94, "partly"),  # claimed enough, one to check: 1 point apart
        (100, 94, 94, "partly"),
        (100, 95, 75, "partly"),  # 20 points apart
        (100, 95, 74, "doubtful"),  # 21
        (100, 50, 50, "partly"),
        (100, 49, 49, "missed"),
        (20, 19, 19, "covered"),  # 95 % of 20 is 19, without rounding
        (0, 0, 0, "covered"),
    ],
)
def test_the_status_of_a_hamlet_once_its_day_is_over(session, target, claimed, confirmed, status):
    the_ground(session)
    kili = a_hamlet(session, under_five=target)
    november = a_round(session)
    a_count(session, november, a_team(session, november), kili, vaccinated=claimed, vaccinated_confirmed=confirmed)

    rows, total = report(session, november, "settlement")

    assert rows["KILI"]["status"] == status
    assert total["by_status"] == {s: int(s == status) for s in STATUSES}


@pytest.mark.parametrize(("cells", "status"), [(4, "covered"), (3, "doubtful")])
def test_a_place_is_covered_only_when_most_of_its_cells_were_reached(session, cells, status):
    the_ground(session)
    town = a_settlement(session, "TOWN", type="small", under_five=100)
    town.cell_east_m, town.cell_north_m = [0, 100, 200, 300, 400], [0] * 5
    session.flush()
    session.refresh(town)
    november = a_round(session)
    team = a_team(session, november)
    a_count(session, november, team, town, vaccinated=100, reached="1" * cells + "0" * (5 - cells))

    rows, _ = report(session, november, "settlement")

    assert rows["TOWN"]["status"] == status  # 80 % is enough, 60 % is not


def test_rejected_visits_alone_are_no_visit(session, story):
    a_count(session, story.round, story.bilals, story.kili, visits=2, visits_rejected=2, vaccinated_rejected=9)

    rows, total = report(session, story.round, "settlement")

    assert rows["KILI"]["status"] == "missed"
    assert rows["KILI"]["settlements_visited"] == 0
    assert total["vaccinated_rejected"] == 9


def test_a_day_ends_at_midnight_in_the_rounds_own_zone(session, story):
    a_plan(session, story.round, (story.bilals, FIRST_DAY, story.kili, 40))

    def status(now):
        return report(session, story.round, "settlement", now=now)[0]["KILI"]["status"]

    assert status(at(FIRST_DAY, 0) - timedelta(seconds=1)) == "not_started"
    assert status(at(FIRST_DAY, 23)) == "not_started"
    assert status(at(FIRST_DAY, 24 - 1) + timedelta(minutes=59)) == "not_started"
    assert status(at(FIRST_DAY + timedelta(days=1), 0)) == "missed"


def test_the_last_planned_day_counts_and_without_a_plan_the_last_catch_up_day(session, story):
    a_plan(
        session,
        story.round,
        (story.bilals, FIRST_DAY, story.kili, 20),
        (story.bilals, LAST_DAY, story.kili, 20),
    )

    rows, _ = report(session, story.round, "settlement", now=at(LAST_DAY, 12))

    assert rows["KILI"]["status"] == "not_started"
    rows, _ = report(session, story.round, "settlement", now=at(CATCH_UP, 12))
    assert (rows["KILI"]["status"], rows["BANDA"]["status"]) == ("missed", "not_started")


# due, heard, no word


def test_children_are_due_from_their_planned_day_on(session, story):
    a_plan(
        session,
        story.round,
        (story.bilals, FIRST_DAY, story.kili, 40),
        (story.bilals, LAST_DAY, story.banda, 25),
    )

    def due(now, **more):
        return report(session, story.round, "district", now=now, **more)[1]["due"]

    assert due(at(FIRST_DAY, 0) - timedelta(seconds=1)) == 0
    assert due(at(FIRST_DAY, 0)) == 40
    assert due(at(LAST_DAY, 0)) == 65
    assert due(at(CATCH_UP, 0)) == 65 + 60  # what nobody planned is due on the last day
    assert due(AFTERWARDS, until=FIRST_DAY) == 40
    assert due(at(FIRST_DAY, 0), until=LAST_DAY) == 65  # how many will be


def test_without_a_plan_all_are_due_from_the_first_day(session, story):
    _, before = report(session, story.round, "district", now=at(FIRST_DAY, 0) - timedelta(seconds=1))
    _, after = report(session, story.round, "district", now=at(FIRST_DAY, 0))

    assert (before["due"], after["due"]) == (0, 125)


def test_no_word_is_told_apart_from_missed(session, story):
    a_plan(
        session,
        story.round,
        (story.bilals, FIRST_DAY, story.kili, 40),
        (story.other, FIRST_DAY, story.banda, 25),
    )
    story.bilals.heard_at = at(FIRST_DAY, 0) - timedelta(seconds=1)  # sent something the evening before
    story.other.heard_at = at(FIRST_DAY, 0)
    session.flush()

    rows, total = report(session, story.round, "settlement", now=at(FIRST_DAY, 9))

    assert (rows["KILI"]["no_word"], rows["BANDA"]["no_word"]) == (1, 0)
    assert total["no_word"] == 1
    assert rows["DOMEL"]["no_word"] == 0  # nobody is to speak for it
    assert rows["KILI"]["heard_at"] == story.bilals.heard_at.isoformat()
    assert total["heard_at"] == story.other.heard_at.isoformat()
    assert report(session, story.round, "district", now=at(FIRST_DAY, 0) - timedelta(seconds=1))[1]["no_word"] == 0


def test_a_team_that_worked_there_is_heard_there(session, story):
    story.other.heard_at = at(LAST_DAY, 8)
    a_count(session, story.round, story.other, story.kili)

    rows, _ = report(session, story.round, "district")

    assert rows["PK201"]["heard_at"] == story.other.heard_at.isoformat()
    assert rows["PK202"]["heard_at"] is None


# questions


def test_a_question_about_an_area_is_answered_for_what_lies_in_it(session, story):
    a_count(session, story.round, story.bilals, story.kili, vaccinated=3)
    a_count(session, story.round, story.other, story.domel, vaccinated=4)

    rows, total = report(session, story.round, "tehsil", area="PK201")

    assert list(rows) == ["PK20101"]
    assert total["vaccinated"] == 3
    assert set(report(session, story.round, "settlement", area="PK201")[0]) == {"KILI", "BANDA"}
    assert set(report(session, story.round, "team", area="PK201")[0]) == {"T1"}
    assert report(session, story.round, "day", area="PK201")[1]["vaccinated"] == 3


@pytest.mark.parametrize("level", ["village", "zone"])
def test_a_level_that_is_not_there_is_refused_with_those_that_are(session, story, level):
    with pytest.raises(WrongRequest, match="district"):
        report(session, story.round, level)


def test_an_unknown_area_is_not_found(session, story):
    with pytest.raises(NotFound):
        report(session, story.round, "tehsil", area="PK999")


# who may see what


def test_dawar_from_bannu_sees_nothing_of_peshawar(session, story):
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", story.ground.bannu))
    a_plan(session, story.round, (story.bilals, FIRST_DAY, story.kili, 40), (story.bilals, FIRST_DAY, story.domel, 30))
    a_count(session, story.round, story.bilals, story.kili, vaccinated=3)
    a_count(session, story.round, story.bilals, story.domel, vaccinated=4)
    a_count(session, story.round, story.bilals, None, vaccinated=5)  # nowhere, and Bilal's team is not his

    for level, codes in {
        "province": {"PK2"},
        "district": {"PK202"},
        "tehsil": {"PK20201"},
        "settlement": {"DOMEL"},
        "team": {"T1", "T2"},
        "day": {"2025-11-10", "2025-11-11", "2025-11-12", "2025-11-13"},
    }.items():
        rows, total = report(session, story.round, level, dawar)

        assert set(rows) == codes
        assert (total["vaccinated"], total["target"]) == (4, 30)
    with pytest.raises(NotFound):
        report(session, story.round, "settlement", dawar, area="PK201")


def test_amina_sees_what_her_teams_did_nowhere(session, story):
    amina = scope_of(session, a_person(session, "Amina", "coordinator", story.ground.peshawar))
    a_count(session, story.round, story.bilals, None, vaccinated=5)
    a_count(session, story.round, story.other, None, vaccinated=9)

    assert report(session, story.round, "district", amina)[0][None]["vaccinated"] == 5
    assert report(session, story.round, "day", amina)[1]["vaccinated"] == 5
    assert campaign_total(session, story.round, amina, now=AFTERWARDS)["vaccinated"] == 5


def test_bilals_team_sees_its_own_work_and_its_own_part_of_the_plan(session, story):
    a_plan(
        session,
        story.round,
        (story.bilals, FIRST_DAY, story.kili, 30),
        (story.other, FIRST_DAY, story.kili, 10),
        (story.other, FIRST_DAY, story.banda, 25),
    )
    bilal = scope_of(session, a_person(session, "Bilal", "team", team=story.bilals))
    a_count(session, story.round, story.bilals, story.kili, vaccinated=30)
    a_count(session, story.round, story.other, story.kili, vaccinated=7)
    a_count(session, story.round, story.bilals, story.banda, vaccinated=2)  # not in its plan

    for level in ("province", "district", "settlement", "team", "day"):
        _, total = report(session, story.round, level, bilal)

        assert (total["vaccinated"], total["target"]) == (32, 30)
    rows, _ = report(session, story.round, "settlement", bilal)
    assert (rows["KILI"]["status"], rows["KILI"]["vaccinated"], rows[None]["vaccinated"]) == ("covered", 30, 2)
    assert set(report(session, story.round, "team", bilal)[0]) == {"T1"}


def test_an_observer_sees_counts_but_no_small_target_however_the_question_is_put(session, story):
    a_hamlet(session, "FIVE", metres_east_of(IN_PESHAWAR, 6000), under_five=5)
    small_round = a_round(session, "SMALL")
    team = a_team(session, small_round, "T1")
    five = session.query(type(story.kili)).filter_by(code="FIVE").one()
    a_count(session, small_round, team, five, vaccinated=4)
    a_count(session, small_round, team, story.kili, vaccinated=20)
    farid = scope_of(session, a_person(session, "Farid", "observer", story.ground.province))

    for level, code in {"province": "PK2", "district": "PK201", "tehsil": "PK20101"}.items():
        row = report(session, small_round, level, farid)[0][code]
        assert row["vaccinated"] >= 24
        assert row["target"] % 5 == 0
        assert row["target"] == (125 if level == "province" else 65)  # the five are in no sum
        assert row["reported_coverage"] == pytest.approx(20 / row["target"])
        assert sum(row["by_status"].values()) == row["settlements"] - 1
    rows, total = report(session, small_round, "settlement", farid)
    hidden = ("target", "unreached", "due", "reported_coverage", "confirmed_coverage", "status")
    assert [rows["FIVE"][key] for key in hidden] == [None] * len(hidden)
    assert (rows["FIVE"]["vaccinated"], rows["FIVE"]["suppressed"]) == (4, True)
    assert total["target"] == sum(row["target"] or 0 for row in rows.values()) == 125
    assert rows["KILI"]["target"] == 40


def test_an_observer_sees_no_small_part_of_a_plan(session, story):
    farid = scope_of(session, a_person(session, "Farid", "observer", story.ground.province))
    a_plan(session, story.round, (story.bilals, FIRST_DAY, story.kili, 9), (story.other, FIRST_DAY, story.kili, 31))

    rows, total = report(session, story.round, "team", farid)

    assert (rows["T1"]["target"], rows["T2"]["target"], total["target"]) == (None, 31, 31)


def test_boundaries_of_another_vintage_do_not_mix_in(session, story):
    the_ground(session, vintage=VINTAGE + timedelta(days=300))
    a_count(session, story.round, story.bilals, story.kili, vaccinated=3)

    rows, total = report(session, story.round, "district")

    assert set(rows) == {"PK201", "PK202"}
    assert (total["settlements"], total["vaccinated"]) == (3, 3)
