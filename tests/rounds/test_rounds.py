"""The same settlements and areas, round after round, also across a change of boundaries."""

from datetime import date, timedelta

import pytest
import shapely

from tests.builders import (
    BANNU,
    FIRST_DAY,
    IN_PESHAWAR,
    PESHAWAR,
    a_cookie,
    a_hamlet,
    a_person,
    a_round,
    a_team,
    an_area,
    metres_east_of,
    the_ground,
)
from tests.coverage.counted import a_count
from tests.coverage.test_report import AFTERWARDS
from tracker import create_app
from tracker.accounts.scope import SERVER, scope_of
from tracker.areas.models import Area
from tracker.campaigns.settlements import refresh_settlements
from tracker.database import transaction
from tracker.errors import NotFound
from tracker.rounds.comparing import compare_rounds, trend
from tracker.rounds.vintages import measure_shares, shares_known

OLD = date(2020, 1, 1)


def an_earlier_round(session, code, days_before, areas, **more):
    start = FIRST_DAY - timedelta(days=days_before)
    return a_round(session, code, areas, starts_on=start, ends_on=start, catch_up=[], **more)


@pytest.fixture
def story(session):
    """KILI (40) and DERA (20) in Peshawar: October reached 20 and 0, November 36 and 0."""

    class Story:
        ground = the_ground(session)

    kili = a_hamlet(session, "KILI", IN_PESHAWAR, under_five=40)
    dera = a_hamlet(session, "DERA", metres_east_of(IN_PESHAWAR, 3000), under_five=20)
    a_hamlet(session, "BANDA", (70.5, 33.0), under_five=30)
    Story.october = an_earlier_round(session, "OCT", 30, [Story.ground.peshawar, Story.ground.bannu])
    Story.november = a_round(session, areas=[Story.ground.peshawar, Story.ground.bannu])
    for campaign, vaccinated in ((Story.october, 20), (Story.november, 36)):
        a_count(session, campaign, a_team(session, campaign, "T1"), kili, campaign.starts_on, vaccinated=vaccinated)
    Story.kili, Story.dera = kili, dera
    return Story


def compared(session, story, scope=SERVER, level="district", area=None):
    return compare_rounds(session, story.november, scope, level, area, now=AFTERWARDS)


def test_dawar_sees_the_rounds_of_bannu_only(session, story):
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", story.ground.bannu))

    assert [area["code"] for area, _ in compared(session, story, dawar).rows] == ["PK202"]
    with pytest.raises(NotFound):
        compared(session, story, dawar, area="PK201")


def test_each_area_stands_beside_itself_in_earlier_rounds(session, story):
    found = compared(session, story)

    rows = {area["code"]: cells for area, cells in found.rows}
    assert [one.code for one in found.rounds] == ["OCT", "NOV"]
    assert [(cell.confirmed, cell.target, cell.unreached) for cell in rows["PK201"]] == [(20, 60, 40), (36, 60, 24)]
    assert (trend(rows["PK201"]), trend(rows["PK202"])) == (27, 0)
    assert found.other_vintages == []


def test_a_settlement_missed_in_two_of_the_last_three_is_chronic(session, story):
    assert [row["code"] for row in compared(session, story).chronic.rows] == ["BANDA", "DERA"]


def test_an_observer_sees_no_small_target_in_any_round(session, story):
    a_hamlet(session, "NINE", metres_east_of(IN_PESHAWAR, 6000), under_five=9)
    for campaign in (story.october, story.november):
        refresh_settlements(session, campaign)
    oman = scope_of(session, a_person(session, "Oman", "observer", story.ground.peshawar))

    ((_area, cells),) = compared(session, story, oman).rows

    assert [cell.target for cell in cells] == [60, 60]


def test_rounds_of_other_boundaries_are_shown_in_todays_and_said_to_be(database):
    """In 2020 Peshawar reached half a degree farther south into what is Bannu's side today."""
    with transaction() as session:
        ground = the_ground(session)
        province = an_area(session, "PK2", level="province", outline=shapely.box(70, 32.5, 72, 34.5), vintage=OLD)
        wide = shapely.unary_union([PESHAWAR, BANNU])
        an_area(session, "OLD1", outline=wide, parent=province, name="Old Peshawar")
        kili = a_hamlet(session, "KILI", IN_PESHAWAR, under_five=40)
        a_hamlet(session, "BANDA", (70.5, 33.0), under_five=30)
        old = session.query(Area).filter_by(code="OLD1").one()
        earlier = an_earlier_round(session, "OLD", 300, [old], vintage=OLD)
        team = a_team(session, earlier, "T1")
        a_count(session, earlier, team, kili, earlier.starts_on, vaccinated=20)
        a_count(session, earlier, team, old, earlier.starts_on, vaccinated=100)  # in no settlement
        a_round(session, areas=[ground.peshawar, ground.bannu])
        amina = a_person(session, "Amina", "admin")
        cookie = a_cookie(session, amina)
        vintage = ground.peshawar.vintage
    client = create_app().test_client()
    client.set_cookie(*cookie)

    first = client.get("/campaigns/NOV/rounds").text
    assert "counted in other boundaries" in first
    assert "being measured" in first
    assert measure_shares(0, old=str(OLD), new=str(vintage))["shares"] == 2
    page = client.get("/campaigns/NOV/rounds").text

    with transaction() as session:
        assert shares_known(session, OLD, vintage)
    assert "being measured" not in page
    assert "≈" in page
    assert ">20 / 40<" in page  # the settlement where it lies today, exactly


@pytest.mark.parametrize("query", ["?level=nonsense", "?level=tehsil&area=PK201", "?area="])
def test_strange_questions_are_pages(database, query):
    with transaction() as session:
        ground = the_ground(session)
        a_hamlet(session, "KILI", under_five=40)
        an_earlier_round(session, "OCT", 30, [ground.peshawar])
        a_round(session, areas=[ground.peshawar])
        cookie = a_cookie(session, a_person(session, "Amina", "coordinator", ground.peshawar))
    client = create_app().test_client()
    client.set_cookie(*cookie)

    assert client.get(f"/campaigns/NOV/rounds{query}").status_code == 200
