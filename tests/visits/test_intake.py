"""Sending visits over HTTP: who may, what is taken, what is refused and in which words."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.builders import FIRST_DAY, IN_BANNU, a_hamlet, a_person, a_plan, a_round, a_team, a_token, the_ground
from tests.conftest import a_database
from tracker import create_app
from tracker.database import transaction

PATH = "/api/v1/campaigns/NOV/visits"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"


@dataclass
class Story:
    """A round over both districts; T1 walks in Peshawar, T2 in Bannu, T3 has no area, T4 of Bannu is planned here."""

    app: APIFlask
    heads: dict[str, dict[str, str]]  # of each of the cast: headers with their token

    def post(self, who: str, body: Any, mimetype: str = "application/json", path: str = PATH) -> TestResponse:
        data = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.app.test_client().post(path, data=data, headers=self.heads.get(who, {}), content_type=mimetype)


@pytest.fixture(scope="module")
def story(cluster: str, template: str) -> Iterator[Story]:
    with a_database(cluster, template, "intake") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        with transaction() as session:
            ground = the_ground(session)
            here, there = a_hamlet(session, "KILI"), a_hamlet(session, "DERA", IN_BANNU)
            a_round(session, "LOCAL", [ground.bannu])
            closed = a_round(session, "CLOSED", [ground.province])
            campaign = a_round(session, "NOV", [ground.province])
            bilals = a_team(session, campaign, "T1", ground.peshawar)
            a_team(session, campaign, "T2", ground.bannu)
            a_team(session, campaign, "T3")
            guests = a_team(session, campaign, "T4", ground.bannu)
            a_plan(session, campaign, (bilals, FIRST_DAY, here, 40), (guests, FIRST_DAY, here, 20))
            a_team(session, closed, "T1", ground.peshawar)
            closed.state = "closed"
            people = {
                "admin": a_person(session, "Admin", "admin"),
                "amina": a_person(session, "Amina", "coordinator", ground.peshawar),
                "bilal": a_person(session, "Bilal", "team", team=bilals),
                "dawar": a_person(session, "Dawar", "supervisor", ground.bannu),
                "observer": a_person(session, "Olga", "observer", ground.peshawar),
                "verifier": a_person(session, "Vera", "verifier", ground.peshawar),
            }
            heads = {name: a_token(session, person) for name, person in people.items()}
            assert there
        yield Story(create_app(), heads)


def a_form(**changes: Any) -> dict[str, Any]:
    """A good visit under a new id."""
    return {
        "instance_id": str(uuid.uuid4()), "replaces": None, "team": "T1", "visited_at": "2025-11-10T09:30:00+05:00",
        "lon": 71.5, "lat": 34.0, "accuracy_m": 8.5, "settlement": "KILI", "children_eligible": 3, "vaccinated": 2,
        "absent": 1, "refused": 0, "other_missed": 0, "guests_vaccinated": 1, "zero_dose": 0, "finger_marked": 3,
        "is_revisit": False, "mock_location": False, "note": "الف", **changes,
    }  # fmt: skip


def stored(form: dict[str, Any]) -> dict[str, Any] | None:
    """The row of a form as it stands in the database, with what belongs to it."""
    found = """
        SELECT v.*, s.body, s.sha256 AS digest, s.submitter_id, s.channel, w.team_ids
        FROM visit v LEFT JOIN submission s ON s.id = v.submission_id LEFT JOIN waiting w ON w.submission_id = s.id
        WHERE v.instance_id = CAST(:id AS uuid)"""
    with transaction() as session:
        row = session.execute(text(found), {"id": form["instance_id"]}).mappings().one_or_none()
        return dict(row) if row else None


# who may


def test_dawar_from_elsewhere_sends_nothing_for_a_team_of_peshawar(story):
    form = a_form()

    answer = story.post("dawar", form)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["rule"] == "unknown_team"
    assert stored(form) is None


def test_dawar_does_so_neither_by_naming_a_place_of_his_own(story):
    assert story.post("dawar", a_form(settlement="DERA")).status_code == 422


def test_a_place_elsewhere_is_as_unknown_as_one_that_is_not(story):
    elsewhere, nowhere = (story.post("bilal", a_form(settlement=code)) for code in ("DERA", "NO-SUCH"))

    assert (elsewhere.status_code, nowhere.status_code) == (422, 422)
    told = [answer.json["errors"][0] for answer in (elsewhere, nowhere)]
    assert told[0]["message"].replace("DERA", "NO-SUCH") == told[1]["message"]


def test_a_place_planned_for_the_team_is_known_wherever_it_lies(story):
    assert story.post("dawar", a_form(team="T4", settlement="KILI")).status_code == 201


def test_an_unplanned_place_in_the_teams_own_area_is_known(story):
    assert story.post("dawar", a_form(team="T2", settlement="DERA")).status_code == 201


@pytest.mark.parametrize("offset", ["+16:00", "-23:59", "+05:30"])
def test_any_offset_of_the_clock_is_taken_as_the_moment_that_it_says(story, offset):
    form = a_form(visited_at=f"2025-11-10T09:30:00{offset}")

    assert story.post("bilal", form).status_code == 201
    assert stored(form)["visited_at"] == datetime.fromisoformat(form["visited_at"])


def test_a_round_elsewhere_does_not_exist_for_amina(story):
    unreadable = story.post("amina", b"{cut off", path="/api/v1/campaigns/LOCAL/visits")
    unknown = story.post("amina", a_form(), path="/api/v1/campaigns/NO-SUCH/visits")

    assert (unreadable.status_code, unknown.status_code) == (404, 404)


@pytest.mark.parametrize("body", [b"{}", b"[]", b"\0", b"[{}]"])
@pytest.mark.parametrize(("who", "status"), [("nobody", 401), ("observer", 403), ("verifier", 403)])
def test_who_may_not_send_learns_nothing_from_the_body(story, who, status, body):
    answer = story.post(who, body)

    assert (answer.status_code, answer.mimetype) == (status, PROBLEM)


@pytest.mark.parametrize(
    ("who", "team", "status"),
    [
        ("bilal", "T1", 201), ("bilal", "T2", 422), ("bilal", "T4", 422), ("amina", "T1", 201), ("amina", "T2", 422),
        ("amina", "T3", 422), ("amina", "T4", 201), ("dawar", "T2", 201), ("admin", "T2", 201), ("admin", "T3", 201),
    ],
)  # fmt: skip
def test_everybody_sends_for_the_teams_of_their_own(story, who, team, status):
    assert story.post(who, a_form(team=team, settlement=None)).status_code == status


# what is kept


def test_a_visit_is_kept_with_its_raw_body_and_waits_to_be_judged(story):
    form = a_form()
    body = json.dumps(form, indent=2).encode()

    answer = story.post("bilal", body)

    row = stored(form)
    assert answer.status_code == 201
    assert answer.json == {"instance_id": form["instance_id"], "status": "accepted", "errors": []}
    assert bytes(row["body"]) == body
    assert (row["channel"], row["team_ids"], row["unit_id"]) == ("api", [row["team_id"]], row["settlement_id"])
    assert row["visited_at"] == datetime(2025, 11, 10, 4, 30, tzinfo=UTC)
    assert (row["lon"], row["lat"], row["accuracy_m"]) == (71.5, 34.0, 8.5)
    assert (row["vaccinated"], row["absent"], row["guests_vaccinated"], row["note"]) == (2, 1, 1, "الف")
    assert row["received_at"] is not None


def test_again_is_a_duplicate_and_otherwise_a_conflict(story):
    form = a_form()
    turned = dict(reversed(form.items()))
    otherwise_written = {**form, "visited_at": "2025-11-10T04:30:00Z", "lon": 71.50, "children_eligible": 3.0}

    statuses = [story.post("bilal", f).status_code for f in (form, form, turned, otherwise_written)]
    conflict = story.post("bilal", {**form, "vaccinated": 3})

    assert statuses == [201, 200, 200, 200]
    assert conflict.status_code == 409
    assert [(e["row"], e["field"], e["rule"]) for e in conflict.json["errors"]] == [(1, "instance_id", "conflict")]
    assert stored(form)["vaccinated"] == 2


def test_empty_says_the_same_as_left_out_null_and_none(story):
    bare = {k: v for k, v in a_form().items() if k not in OPTIONAL}
    nulls = bare | dict.fromkeys(OPTIONAL)
    empty = bare | dict.fromkeys(OPTIONAL, "")
    zeros = bare | {"guests_vaccinated": 0, "zero_dose": 0, "finger_marked": 0, "is_revisit": False}

    assert [story.post("admin", f).status_code for f in (bare, nulls, empty, zeros)] == [201, 200, 200, 200]


OPTIONAL = (
    "replaces", "lon", "lat", "accuracy_m", "settlement", "guests_vaccinated", "zero_dose", "finger_marked",
    "is_revisit", "mock_location", "note",
)  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"lon": -180, "lat": 90}, {"lon": 0, "lat": 0}, {"accuracy_m": 0}, {"children_eligible": 2_147_483_647},
        {"note": "ب" * 2000}, {"note": "\ufffd"}, {"note": "'; DROP TABLE visit; -- %s {0} \\"}, {"zero_dose": 40},
        {"visited_at": "2000-01-01T00:00:00Z"}, {"replaces": str(uuid.uuid4())}, {"lon": 71.123456789012345},
        {"visited_at": (datetime.now(UTC) + timedelta(hours=22)).isoformat()},
    ],
)  # fmt: skip
def test_what_is_merely_strange_is_taken(story, change):
    form = a_form(**change)

    assert story.post("admin", form).status_code == 201
    assert stored(form)["lon"] == form["lon"]


# what is refused


LEFT_OUT = object()
REFUSED = [
    *[(f, LEFT_OUT, "missing") for f in ("instance_id", "team", "visited_at", "vaccinated", "other_missed")],
    *[(f, None, "missing") for f in ("instance_id", "team", "visited_at", "children_eligible")],
    ("vaccinated", -1, "not_a_count"), ("vaccinated", 2.5, "not_a_count"), ("vaccinated", "2", "not_a_count"),
    ("vaccinated", True, "not_a_count"), ("vaccinated", [1], "not_a_count"), ("absent", 2**31, "not_a_count"),
    ("absent", 10**30, "not_a_count"), ("absent", 10**400, "not_a_count"), ("zero_dose", -1, "not_a_count"),
    ("lon", 180.0001, "outside_the_earth"), ("lat", -90.5, "outside_the_earth"), ("lon", "71.5", "not_a_number"),
    ("lon", float("nan"), "not_a_number"), ("lat", float("inf"), "not_a_number"), ("lat", None, "position_half"),
    ("accuracy_m", -0.5, "not_a_number"), ("accuracy_m", "good", "not_a_number"), ("team", 17, "not_text"),
    ("team", "", "missing"), ("team", "T-NOBODY", "unknown_team"), ("team", "T\0001", "text_broken"),
    ("settlement", "NOWHERE", "unknown_settlement"), ("visited_at", "yesterday", "not_a_time"),
    ("visited_at", "2025-02-30T10:00:00Z", "not_a_time"), ("visited_at", "1762750800", "not_a_time"),
    ("visited_at", 1762750800, "not_a_time"), ("visited_at", "2025-11-10", "no_time_zone"),
    ("visited_at", "2025-11-10T10:00:00", "no_time_zone"), ("visited_at", "1999-12-31T23:59:59Z", "before_2000"),
    pytest.param("visited_at", (datetime.now(UTC) + timedelta(hours=26)).isoformat(), "in_the_future", id="26 h ahead"),
    ("visited_at", "9999-12-31T23:59:59Z", "in_the_future"), ("visited_at", "0001-01-01T00:00:00Z", "before_2000"),
    ("note", "ب" * 2001, "too_long"), ("note", "a\0b", "text_broken"), ("note", "\ud800", "text_broken"),
    ("note", 5, "not_text"), ("is_revisit", "maybe", "not_true_or_false"), ("mock_location", 1, "not_true_or_false"),
    ("instance_id", "not-a-uuid", "not_a_uuid"), ("instance_id", 12, "not_a_uuid"), ("replaces", "x", "not_a_uuid"),
    ("colour", "red", "unknown_field"), ("\ud800", 1, "unknown_field"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "rule"), REFUSED)
def test_what_cannot_be_read_is_named_by_field_rule_and_words(story, field, value, rule):
    form = a_form(**{field: value})
    if value is LEFT_OUT:
        del form[field]

    alone = story.post("admin", form)
    in_a_batch = story.post("admin", [a_form(), form, a_form()])
    in_a_line = story.post("admin", "\n".join(map(json.dumps, [a_form(), form, a_form()])), NDJSON)

    assert (alone.status_code, alone.mimetype) == (422, PROBLEM)
    errors = [
        *alone.json["errors"],
        *in_a_batch.json["results"][1]["errors"],
        *in_a_line.json["results"][1]["errors"],
    ]
    assert [e["rule"] for e in errors] == [rule] * 3
    assert [e["row"] for e in errors] == [1, 2, 2]
    assert {e["field"] for e in errors} <= {field, "?", "lat"}
    assert all(e["message"] for e in errors)
    for batch in (in_a_batch, in_a_line):
        assert [r["status"] for r in batch.json["results"]] == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize(
    ("literal", "field"),
    [("NaN", "lon"), ("Infinity", "lat"), ("1e400", "accuracy_m"), ("-Infinity", "vaccinated"), ("9" * 5000, "lon")],
)
def test_numbers_that_no_column_can_hold_are_named(story, literal, field):
    body = json.dumps(a_form(**{field: "☢"}), ensure_ascii=False).replace('"☢"', literal)

    answer = story.post("admin", body)

    assert answer.status_code == 422
    assert [e["field"] for e in answer.json["errors"]] == [field]


def test_bytes_that_are_no_utf8_are_named_by_their_field(story):
    body = json.dumps(a_form(note="☢"), ensure_ascii=False).encode().replace("☢".encode(), b"\xff\xfe")
    given_twice = json.dumps(a_form()).encode().replace(b"{", b'{"note": "\xff", ', 1)

    answers = [story.post("admin", body), story.post("admin", given_twice)]

    assert [a.status_code for a in answers] == [422, 422]
    assert [(e["field"], e["rule"]) for a in answers for e in a.json["errors"]] == [("note", "text_broken")] * 2


@pytest.mark.parametrize(
    ("body", "mimetype", "status"),
    [
        (b"", "application/json", 422), (b"{visit", "application/json", 422), (b"5", "application/json", 422),
        (b"null", "application/json", 422), (b'"visit"', "application/json", 422), (b"[1, 2", "application/json", 422),
        (b"[" * 50_000 + b"]" * 50_000, "application/json", 422), (b'{"note":' * 50_000, "application/json", 422),
        (b'{"team":' + b"[" * 900 + b"]" * 900 + b"}", "application/json", 422), (b"[{},]", "application/json", 422),
        (b"[{}] x", "application/json", 422), (json.dumps({"a": 1}).encode("utf-16"), "application/json", 422),
        (b"instance_id=1", "application/x-www-form-urlencoded", 415), (b"<visit/>", "text/xml", 415),
        (b"\0\1\2", "application/octet-stream", 415), (b" " * 17_000_000, "application/json", 413),
    ],
)  # fmt: skip
def test_a_body_that_is_no_visit_gets_a_problem_document(story, body, mimetype, status):
    answer = story.post("admin", body, mimetype)

    assert (answer.status_code, answer.mimetype, answer.json["status"]) == (status, PROBLEM, status)


def test_a_packed_body_is_not_unpacked(story):
    headers = {**story.heads["admin"], "Content-Encoding": "gzip"}
    answer = story.app.test_client().post(PATH, data=b"\x1f\x8b", headers=headers, content_type="application/json")

    assert answer.status_code == 415


def test_a_closed_round_takes_nothing_and_says_so(story):
    for body in (a_form(), [a_form(), a_form()], b"nonsense"):
        answer = story.post("amina", body, path="/api/v1/campaigns/CLOSED/visits")

        assert answer.status_code == 422
        assert [(e["field"], e["rule"]) for e in answer.json["errors"]] == [("campaign", "campaign_closed")]


# batches


@pytest.mark.parametrize("mimetype", ["application/json", NDJSON])
def test_every_row_of_a_batch_has_its_own_answer_in_the_order_sent(story, mimetype):
    known, twice = a_form(), a_form()
    story.post("admin", known)
    first_of_two = a_form(team="T-NOBODY")
    rows = [
        a_form(), a_form(vaccinated=-1), known, {**known, "note": "other"}, a_form(team="T-NOBODY"), twice, twice,
        {**twice, "absent": 9}, a_form(colour="red"), first_of_two, {**first_of_two, "team": "T1"}, a_form(),
    ]  # fmt: skip
    wanted = [
        "accepted", "rejected", "duplicate", "conflict", "rejected", "accepted", "duplicate", "conflict", "rejected",
        "rejected", "accepted", "accepted",
    ]  # fmt: skip

    body = json.dumps(rows) if mimetype != NDJSON else "\n\n".join(map(json.dumps, rows)) + "\n"
    answer = story.post("admin", body, mimetype)

    results = answer.json["results"]
    assert answer.status_code == 200
    assert [r["status"] for r in results] == wanted
    assert [r["instance_id"] for r in results] == [r["instance_id"] for r in rows]
    assert {k: answer.json[k] for k in STATUSES} == {k: wanted.count(k) for k in STATUSES}
    assert [results[i]["errors"][0]["field"] for i in (1, 3, 4, 8)] == ["vaccinated", "instance_id", "team", "colour"]
    assert [e["row"] for r in results for e in r["errors"]] == [2, 4, 5, 8, 9, 10]
    assert stored(rows[-1])["row_no"] == 12


STATUSES = ("accepted", "duplicate", "conflict", "rejected")


def test_a_thousand_go_in_at_once_and_no_more(story):
    rows = [a_form() for _ in range(1001)]

    too_many = story.post("admin", rows)
    enough = story.post("admin", rows[:1000])

    assert (too_many.status_code, too_many.mimetype) == (422, PROBLEM)
    assert [e["rule"] for e in too_many.json["errors"]] == ["too_many"]
    assert enough.json["accepted"] == 1000
    assert story.post("admin", [*rows[:999], {"bad": 1}, {"bad": 2}]).status_code == 422
    assert story.post("admin", []).json == {**dict.fromkeys(STATUSES, 0), "results": []}


def test_lines_that_are_no_objects_are_refused_one_by_one(story):
    first, last = (json.dumps(a_form()).encode() for _ in range(2))
    lines = [first, b"{cut", b"5", b"", b"[1]", b'{"instance_id": "\xff"}', last]

    answer = story.post("admin", b"\xef\xbb\xbf" + b"\n".join(lines), NDJSON)

    assert [r["status"] for r in answer.json["results"]] == ["accepted", *["rejected"] * 4, "accepted"]


def test_a_batch_of_which_nothing_is_new_leaves_no_raw_body(story):
    rows = [a_form(), a_form()]
    story.post("admin", rows)
    with transaction() as session:
        before = session.execute(text("SELECT count(*) FROM submission")).scalar_one()

    again = story.post("admin", rows)

    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM submission")).scalar_one() == before
    assert again.json["duplicate"] == 2


# corrections


def test_a_correction_reaches_the_senders_own_teams_only(story):
    of_bannu = a_form(team="T2", settlement="DERA", lon=70.5, lat=33.0)
    of_guests = a_form(team="T4")
    story.post("admin", [of_bannu, of_guests])

    by_bilal = a_form(replaces=of_guests["instance_id"])
    by_amina = a_form(replaces=of_guests["instance_id"])
    by_amina_elsewhere = a_form(replaces=of_bannu["instance_id"])
    by_amina_early = a_form(replaces=str(uuid.uuid4()))
    by_admin = a_form(replaces=of_bannu["instance_id"])
    story.post("bilal", by_bilal)
    story.post("amina", [by_amina, by_amina_elsewhere, by_amina_early])
    story.post("admin", by_admin)

    mine, guests = stored(by_bilal)["team_id"], stored(of_guests)["team_id"]
    corrections = (by_bilal, by_amina, by_amina_elsewhere, by_amina_early, by_admin)
    reached = [stored(form)["replaces_team_id"] for form in corrections]
    assert reached == [mine, guests, mine, mine, None]


def test_a_correction_of_itself_or_in_a_circle_is_refused(story):
    itself = a_form()
    first = a_form()
    second = a_form(replaces=first["instance_id"])
    third = a_form(replaces=second["instance_id"], instance_id=str(uuid.uuid4()))
    closing = {**first, "instance_id": str(uuid.uuid4())}
    early = a_form(replaces=closing["instance_id"])
    story.post("admin", [first, second, third, early])

    answers = [
        story.post("admin", {**itself, "replaces": itself["instance_id"]}),
        story.post("admin", {**closing, "replaces": early["instance_id"]}),
    ]

    assert [a.status_code for a in answers] == [422, 422]
    assert [a.json["errors"][0]["rule"] for a in answers] == ["replaces_itself", "circle"]
    assert stored(closing) is None


# many at once


def test_eight_senders_of_the_same_visits_store_each_once(story):
    forms = [a_form() for _ in range(40)]

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda form: story.post("admin", form), forms * 5))

    created = Counter(a.json["instance_id"] for a in answers if a.status_code == 201)
    assert created == Counter({f["instance_id"]: 1 for f in forms})
    assert {a.status_code for a in answers} == {200, 201}


def test_batches_that_overlap_never_wait_for_each_other_in_a_circle(story):
    forms = [a_form() for _ in range(60)]
    batches = [forms[k:] + forms[:k] if k % 2 else list(reversed(forms[k:] + forms[:k])) for k in range(24)]

    with ThreadPoolExecutor(8) as senders:
        answers = list(senders.map(lambda batch: story.post("admin", batch).json, batches))

    assert sum(a["accepted"] for a in answers) == 60
    assert sum(a["duplicate"] for a in answers) == 60 * 23
