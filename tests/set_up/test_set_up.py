"""A campaign is set up in the browser: a file is looked at, tried, taken in, and taken back.

What is sent is done by the job worker, within the areas of whoever sent it.
"""

import io
import json
import re

import pytest
import shapely
from sqlalchemy import text

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    PESHAWAR,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_token,
    a_visit,
    the_ground,
)
from tests.set_up.sheets_of_districts import a_workbook
from tracker import create_app, jobs
from tracker.areas.models import Area, Settlement
from tracker.campaigns.models import Campaign, Team
from tracker.coverage.models import CampaignSettlement
from tracker.database import transaction


@pytest.fixture
def office(database):
    """Amina coordinates Peshawar, Dawar Bannu; KILI and DOMEL are planned for T1 and T9 of round NOV."""
    with transaction() as session:
        ground = the_ground(session)
        kili, domel = a_hamlet(session, "KILI", under_five=40), a_hamlet(session, "DOMEL", IN_BANNU, under_five=60)
        campaign = a_round(session, "NOV")
        t1 = a_team(session, campaign, "T1", ground.peshawar_tehsil)
        t9 = a_team(session, campaign, "T9", ground.bannu_tehsil)
        a_plan(session, campaign, (t1, FIRST_DAY, kili, 40), (t9, FIRST_DAY, domel, 60))
        people = {
            "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
            "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
            "Admin": a_person(session, "Admin", "admin"),
            "Farid": a_person(session, "Farid", "observer", ground.province),
        }
        headers = {name: a_token(session, person) for name, person in people.items()}
    return Office(create_app().test_client(), headers)


class Office:
    """What a person does in the browser, in a few words."""

    def __init__(self, client, headers):
        self.client, self.headers = client, headers

    def send(self, who, kind, content, name="table.csv", campaign="NOV"):
        data = {"kind": kind, "file": (io.BytesIO(content), name), **({"campaign": campaign} if campaign else {})}
        return self.client.post("/set-up/uploads", data=data, headers=self.headers[who])

    def sent(self, who, kind, content, name="table.csv", campaign="NOV", **options):
        """The page of a file that was sent and tried with the guessed columns."""
        answer = self.send(who, kind, content, name, campaign)
        assert answer.status_code == 303, answer.text
        page = answer.headers["Location"]
        with transaction() as session:
            fields = session.execute(text("SELECT choice->'fields' FROM upload ORDER BY id DESC LIMIT 1")).scalar_one()
        form = {f"field_{ours}": theirs for ours, theirs in fields.items()} | options
        self.post(who, f"{page}/try", form)
        jobs.work()
        return page

    def post(self, who, path, data=None, status=303):
        answer = self.client.post(path, data=data or {}, headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return answer

    def page(self, who, path, status=200):
        answer = self.client.get(path, headers=self.headers[who])
        assert answer.status_code == status, answer.text
        return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))

    def write(self, who, page):
        self.post(who, f"{page}/write")
        jobs.work()


def teams() -> dict[str, str]:
    with transaction() as session:
        return {t.code: t.type for t in session.query(Team).order_by(Team.code)}


def targets() -> dict[str, int]:
    with transaction() as session:
        return {s.code: s.target for s in session.query(CampaignSettlement).order_by(CampaignSettlement.code)}


TEAMS = b"team,type,area\nT1,fixed,PK20101\nT2,mobile,PK20101\n"


def test_dawar_can_neither_send_for_peshawar_nor_see_what_amina_sent(office):
    page = office.sent("Amina", "teams", TEAMS)

    office.page("Dawar", page, 404)
    office.post("Dawar", f"{page}/write", status=404)
    told = office.page("Dawar", office.sent("Dawar", "teams", TEAMS))
    assert "PK20101 lies in none of your areas" in told
    assert office.send("Farid", "teams", TEAMS).status_code == 403
    assert office.send("Amina", "areas", b"x", campaign=None).status_code == 403
    assert office.send("Amina", "visits", b"x").status_code == 403


def test_a_dry_run_says_what_would_change_and_changes_nothing(office):
    told = office.page("Amina", office.sent("Amina", "teams", TEAMS))

    assert "2 changes" in told
    assert "Rows read 2" in told
    assert teams() == {"T1": "mobile", "T9": "mobile"}


def test_what_was_tried_is_taken_in_and_taken_back(office):
    page = office.sent("Amina", "teams", TEAMS)

    office.write("Amina", page)
    assert teams() == {"T1": "fixed", "T2": "mobile", "T9": "mobile"}

    office.post("Amina", f"{page}/undo")
    assert teams() == {"T1": "mobile", "T9": "mobile"}
    assert "taken back" in office.page("Amina", page)


def test_it_is_not_taken_in_before_it_was_tried_nor_twice(office):
    page = office.send("Amina", "teams", TEAMS).headers["Location"]

    office.post("Amina", f"{page}/write", status=422)
    tried = office.sent("Amina", "teams", TEAMS)
    office.write("Amina", tried)
    office.post("Amina", f"{tried}/write", status=409)


def test_it_is_not_taken_back_when_something_counts_on_it(office):
    page = office.sent("Amina", "teams", TEAMS)
    office.write("Amina", page)
    with transaction() as session:
        a_visit(session, session.query(Team).filter_by(code="T2").one())

    office.post("Amina", f"{page}/undo", status=409)

    assert "T2" in teams()


def test_a_refused_row_is_told_with_its_column_and_what_to_change(office):
    page = office.sent("Amina", "teams", b"Team No.,Team Type,UC\nT1,flying,PK20101\n")

    assert "flying is none of mobile" in office.page("Amina", page)
    refused = office.client.get(f"{page}/refused.csv", headers=office.headers["Amina"]).text
    assert refused.splitlines()[1].startswith("1,type,unknown_type,")
    office.write("Amina", page)  # all or nothing: still refused
    assert teams() == {"T1": "mobile", "T9": "mobile"}


def test_a_plan_as_a_district_sends_it_replaces_that_of_its_own_areas(office):
    rows = [["ضلع پشاور"], ["ٹیم نمبر", "تاریخ", "آبادی", "ہدف"], ["T1", "10/11/2025", "KILI", "۴۵"]]
    page = office.sent("Amina", "microplan", a_workbook(rows, [(0, 0, 0, 3, "ضلع پشاور")]), "plan.xlsx")

    office.write("Amina", page)
    assert targets() == {"DOMEL": 60, "KILI": 45}

    office.post("Amina", f"{page}/undo")
    assert targets() == {"DOMEL": 60, "KILI": 40}


def test_a_plan_for_elsewhere_is_refused(office):
    page = office.sent("Amina", "microplan", b"team,date,settlement,target_children\nT9,2025-11-10,DOMEL,1\n")

    assert "DOMEL lies in none of your areas" in office.page("Amina", page)
    office.write("Amina", page)
    assert targets() == {"DOMEL": 60, "KILI": 40}


def test_targets_change_by_a_table_with_one_reason(office):
    page = office.sent("Amina", "targets", b"settlement,new target\nKILI,35\n", reason="counted anew")

    office.write("Amina", page)
    assert targets()["KILI"] == 35
    assert "counted anew" in office.page("Amina", "/campaigns/NOV/targets")

    office.post("Amina", f"{page}/undo")
    assert targets()["KILI"] == 40


def test_settlements_come_as_a_spreadsheet_with_positions(office):
    lon, lat = IN_PESHAWAR
    rows = [["Code", "Village", "U5", "Longitude", "Latitude"], ["NEW1", "Nawe Kili", 12, lon, lat + 0.05]]
    page = office.sent("Amina", "settlements", a_workbook(rows), "villages.xlsx", campaign=None)

    office.write("Amina", page)
    assert targets()["NEW1"] == 12

    office.post("Amina", f"{page}/undo")
    assert "NEW1" not in targets()


def test_a_settlement_that_lies_elsewhere_is_refused(office):
    content = f"code,name,lon,lat\nNEW2,Far,{IN_BANNU[0]},{IN_BANNU[1]}\n".encode()
    page = office.sent("Amina", "settlements", content, "far.csv", campaign=None)
    moved = f"code,name,lon,lat\nDOMEL,Mine,{IN_PESHAWAR[0]},{IN_PESHAWAR[1]}\n".encode()

    assert "NEW2 lies in none of your areas" in office.page("Amina", page)
    assert "DOMEL lies in none of your areas" in office.page(
        "Amina", office.sent("Amina", "settlements", moved, "moved.csv", campaign=None)
    )


def test_boundaries_come_as_a_map(office):
    feature = {
        "type": "Feature",
        "properties": {"PCODE": "X1", "NAME": "New"},
        "geometry": shapely.geometry.mapping(PESHAWAR),
    }
    content = json.dumps({"type": "FeatureCollection", "features": [feature]}).encode()
    told = {"campaign": None, "level": "district", "vintage": "2026-01-01"}
    page = office.sent("Admin", "areas", content, "new.geojson", **told)

    office.write("Admin", page)
    with transaction() as session:
        assert session.query(Area).filter_by(code="X1").count() == 1

    office.post("Admin", f"{page}/undo")
    with transaction() as session:
        assert session.query(Area).filter_by(code="X1").count() == 0


def test_visits_come_as_a_spreadsheet_with_headings_of_their_own(office):
    head = ["instance id", "Team", "visited at", "settlement", "children eligible", "vaccinated", "absent", "refused",
            "other missed"]  # fmt: skip
    good = ["11111111-1111-4111-8111-111111111111", "T1", "2025-11-10T09:00:00+05:00", "KILI", "۲", "2", 0, 0, 0]
    bad = ["22222222-2222-4222-8222-222222222222", "T77", "2025-11-10T09:00:00+05:00", "KILI", 2, 2, 0, 0, 0]
    page = office.sent("Admin", "visits", a_workbook([head, good, bad]), "visits.xlsx")

    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM visit")) == 0
    office.write("Admin", page)

    told = office.page("Admin", page)
    assert "Taken in 1" in told
    assert "Refused 1" in told
    with transaction() as session:
        assert session.scalar(text("SELECT count(*) FROM visit")) == 1
    office.post("Admin", f"{page}/undo", status=409)


@pytest.mark.parametrize(
    ("kind", "content"),
    [("teams", b""), ("teams", b"\xff\xfe\x00"), ("teams", b"nothing"), ("areas", b"{}"),
     ("settlements", b"PK\x03\x04zz"),
     ("stars", b"a,b\n1,2\n"), ("visits", b"{not json")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words(office, kind, content):
    answer = office.send("Admin", kind, content, "file.dat", campaign="NOV")

    assert answer.status_code in (303, 422)
    if answer.status_code == 303:  # visits are read by the worker
        page = answer.headers["Location"]
        office.post("Admin", f"{page}/try")
        jobs.work()
        assert "need a change" in office.page("Admin", page)


def test_a_round_is_opened_over_ones_own_areas_alone(office):
    form = {"code": "DEC", "name": "December", "kind": "vaccination", "start": "2025-12-08", "end": "2025-12-10",
            "catch_up": ["2025-12-11", ""]}  # fmt: skip

    office.post("Amina", "/set-up/rounds", form, status=422)  # names no areas
    office.post("Amina", "/set-up/rounds", {**form, "area": "PK202"}, status=422)
    office.post("Amina", "/set-up/rounds", {**form, "area": "PK201", "practice": "yes"})

    with transaction() as session:
        made = session.query(Campaign).filter_by(code="DEC").one()
        assert (made.practice, len(made.catch_up)) == (True, 1)
        assert session.query(CampaignSettlement).filter_by(campaign_id=made.id).count() == 1
    assert "December" in office.page("Amina", "/campaigns/DEC/set-up")
    office.page("Dawar", "/campaigns/DEC/set-up", 404)


def test_a_round_is_copied_with_teams_and_plan_on_the_new_days(office):
    office.post("Amina", "/campaigns/NOV/copy", {"code": "DEC", "name": "December", "start": "2025-12-08"}, status=403)
    office.post("Admin", "/campaigns/NOV/copy", {"code": "DEC", "name": "Dec", "start": "2025-12-08", "plan": "yes"})

    with transaction() as session:
        made = session.query(Campaign).filter_by(code="DEC").one()
        kili = session.query(Settlement).filter_by(code="KILI").one()
        row = session.get_one(CampaignSettlement, (made.id, kili.id))
        assert (row.target, row.first_day.isoformat()) == (40, "2025-12-08")
        assert session.query(Team).filter_by(campaign_id=made.id).count() == 2
