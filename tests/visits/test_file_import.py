"""Visits from files: the same in every format, every bad row named and none hidden, nothing half-written."""

import csv
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from sqlalchemy import text

from tests.builders import IN_BANNU, a_hamlet, a_person, a_round, a_team, a_token, the_ground
from tests.conftest import a_database
from tests.visits.visit_files import FIELDS, FORMATS, a_row, as_text, write, write_layer
from tracker import create_app
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.errors import CampaignClosed, RowsRefused
from tracker.visits.exporting import export_visits
from tracker.visits.file_formats import NotAVisitsFile
from tracker.visits.file_import import ImportSummary, import_visits, rejects_to

PROJECT = Path(__file__).resolve().parents[2]


@dataclass
class Taken:
    """What an import said."""

    summary: ImportSummary
    rejects: list[dict[str, str]]

    @property
    def counts(self) -> tuple[int, int, int, int, int]:
        s = self.summary
        return s.read, s.accepted, s.duplicate, s.conflict, s.rejected


@pytest.fixture(scope="module")
def round_at(cluster: str, template: str) -> Iterator[str]:
    """A database with the round NOV: teams T1 and T2, hamlets KILI and DERA; its address."""
    with a_database(cluster, template, "imports") as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", url)
        with transaction() as session:
            ground = the_ground(session)
            a_hamlet(session, "KILI")
            a_hamlet(session, "DERA", IN_BANNU)
            for code in ("NOV", "DEC", "CLOSED"):
                campaign = a_round(session, code, [ground.province])
                a_team(session, campaign, "T1", ground.peshawar)
                a_team(session, campaign, "T2", ground.bannu)
            campaign.state = "closed"
        yield url


@pytest.fixture
def take(round_at: str, tmp_path: Path):
    """Import rows in a format, or a file as it is."""

    def taking(given: Any, how: str = "csv", code: str = "NOV") -> Taken:
        path, rejects = tmp_path / "visits.data", tmp_path / "rejects.csv"
        if isinstance(given, bytes):
            path.write_bytes(given)
        elif isinstance(given, Path):
            path = given
        else:
            path.unlink(missing_ok=True)
            write(given, path, how)
        with rejects_to(rejects) as refused, transaction() as session:
            campaign = session.query(Campaign).filter_by(code=code).one()
            summary = import_visits(session, campaign, path, tmp_path / "raw", refused)
        with rejects.open(newline="", encoding="utf-8") as file:
            return Taken(summary, list(csv.DictReader(file)))

    return taking


def stored(instance_id: str) -> dict[str, Any] | None:
    with transaction() as session:
        found = text("SELECT * FROM visit WHERE instance_id = CAST(:id AS uuid)")
        row = session.execute(found, {"id": instance_id}).mappings().one_or_none()
        return dict(row) if row else None


# one content, many formats


@pytest.mark.parametrize("how", FORMATS)
def test_a_row_is_the_same_in_whatever_format_it_comes(take, how):
    rows = [
        a_row(), a_row(lon=None, lat=None, accuracy_m=None, settlement=None),
        a_row(is_revisit=True, note='الف, "b"\nc'),
        a_row(lon=71.123456789012345, lat=-0.000012345), a_row(visited_at="2025-11-10T04:30:00.123456Z"),
        a_row(replaces=str(uuid.uuid4()), mock_location=True), a_row(guests_vaccinated=None, finger_marked=None),
        a_row(instance_id=str(uuid.uuid4()).upper(), settlement="DERA"), a_row(children_eligible=2_147_483_647),
        a_row(visited_at=(datetime.now(UTC) + timedelta(hours=20)).isoformat()), a_row(note="\ufffd"),
    ]  # fmt: skip

    first = take(rows, how)
    again = [take(rows, other) for other in FORMATS]

    n = len(rows)
    assert first.counts == (n, n, 0, 0, 0)
    assert [t.counts for t in again] == [(n, 0, n, 0, 0)] * 4
    noted, exact, timed = (stored(row["instance_id"]) for row in rows[2:5])
    assert noted["note"] == rows[2]["note"]
    assert (exact["lon"], exact["lat"]) == (rows[3]["lon"], rows[3]["lat"])
    assert timed["visited_at"] == datetime(2025, 11, 10, 4, 30, 0, 123456, UTC)


@pytest.fixture(scope="module")
def client(round_at: str) -> FlaskClient:
    """An administrator's."""
    with transaction() as session:
        head = a_token(session, a_person(session, "Admin", "admin"))
    made = create_app().test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = head["Authorization"]
    return made


def test_the_api_and_a_file_agree_on_what_is_the_same(take, client):
    path, row, other = "/api/v1/campaigns/NOV/visits", a_row(note="نوٹ", replaces=str(uuid.uuid4())), a_row()

    sent = client.post(path, json=row).status_code
    taken = take([row, {**row, "vaccinated": 0}])
    take([other])
    again = client.post(path, json=other).status_code

    assert (sent, again) == (201, 200)
    assert taken.counts == (2, 0, 1, 1, 0)


VISITS = st.fixed_dictionaries({
    "accuracy_m": st.none() | st.floats(0, 1e6), "vaccinated": st.integers(0, 2**31 - 1), "is_revisit": st.booleans(),
    "mock_location": st.booleans(), "settlement": st.sampled_from([None, "KILI", "DERA"]),
    # some programs write minus zero as zero, which is the same place
    "position": st.none() | st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(lambda p: (p[0] + 0.0, p[1] + 0.0)),
    "visited_at": st.datetimes(datetime(2000, 1, 2), datetime(2026, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    "replaces": st.none() | st.uuids().map(str), "zero_dose": st.integers(0, 99),
    "note": st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=40),
})  # fmt: skip


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(VISITS, min_size=1, max_size=25), how=st.sampled_from(FORMATS), back=st.sampled_from(FORMATS))
def test_what_is_exported_is_what_was_sent(take, tmp_path, how, back, changes):
    rows = []
    for change in changes:
        lon, lat = change.pop("position") or (None, None)
        change["visited_at"] = change["visited_at"].isoformat()
        rows.append(a_row(**change, lon=lon, lat=lat) | {"note": change["note"] or None})
    assert take(rows, how, "DEC").counts == (len(rows), len(rows), 0, 0, 0)

    for form in {back, "csv"}:
        with transaction() as session:
            campaign = session.query(Campaign).filter_by(code="DEC").one()
            count = export_visits(session, campaign, form, tmp_path / f"out.{form}")
        again = take(tmp_path / f"out.{form}", code="DEC")
        assert [(r["field"], r["rule"], r["message"], r["note"]) for r in again.rejects] == []
        assert again.counts == (count, 0, count, 0, 0)

    with (tmp_path / "out.csv").open(newline="", encoding="utf-8") as file:
        exported = {row["instance_id"]: row for row in csv.DictReader(file)}
    for row in rows:
        found = exported[row["instance_id"]]
        assert [found[f] for f in FIELDS if f != "visited_at"] == [as_text(row[f]) for f in FIELDS if f != "visited_at"]
        assert datetime.fromisoformat(found["visited_at"]) == datetime.fromisoformat(row["visited_at"])
        assert (found["standing"], found["flags"]) == ("waiting", "")
        assert found["settlement_resolved"] == (row["settlement"] or "")


# identity


def test_of_one_id_the_first_in_the_file_counts_whatever_its_team_or_time(take):
    first = a_row(team="T2", visited_at="2025-11-12T09:00:00+05:00")
    later = [{**first, "team": "T1"}, {**first, "visited_at": "2025-11-10T09:00:00+05:00"}, first]

    taken = take([first, *later])

    row = stored(first["instance_id"])
    assert taken.counts == (4, 1, 1, 2, 0)
    assert (row["row_no"], row["visited_at"]) == (1, datetime(2025, 11, 12, 4, tzinfo=UTC))
    assert [(r["row"], r["field"], r["rule"]) for r in taken.rejects] == [
        ("2", "instance_id", "conflict"), ("3", "instance_id", "conflict"),
    ]  # fmt: skip
    assert {f: taken.rejects[0][f] for f in FIELDS if f != "visited_at"} == {
        f: as_text(later[0][f]) for f in FIELDS if f != "visited_at"
    }


def test_a_first_that_cannot_be_read_leaves_the_id_to_the_next(take):
    good = a_row()

    taken = take([{**good, "team": "T-NOBODY"}, {**good, "vaccinated": -1}, good])

    assert taken.counts == (3, 1, 0, 0, 2)
    assert stored(good["instance_id"])["row_no"] == 3


def test_an_id_is_one_in_all_rounds(take):
    row = a_row()
    take([row])

    assert take([row], code="DEC").counts == (1, 0, 0, 1, 0)


def test_a_correction_that_closes_a_circle_is_refused_and_again_a_duplicate_stays_one(take):
    last = a_row()
    early = a_row(replaces=last["instance_id"])
    closing = {**last, "replaces": early["instance_id"]}
    take([early])

    taken = take([closing, a_row(replaces=early["instance_id"])])
    itself = a_row()
    refused = take([{**itself, "replaces": itself["instance_id"]}])

    assert taken.counts == (2, 1, 0, 0, 1)
    assert [(r["row"], r["field"], r["rule"]) for r in taken.rejects] == [("1", "replaces", "circle")]
    assert taken.rejects[0]["team"] == "T1"
    assert [(r["field"], r["rule"]) for r in refused.rejects] == [("replaces", "replaces_itself")]
    assert take([early]).counts == (1, 0, 1, 0, 0)


def test_corrections_that_name_each_other_in_one_file_are_taken_and_known_again(take, client):
    one, other = a_row(), a_row()
    both = [{**one, "replaces": other["instance_id"]}, {**other, "replaces": one["instance_id"]}]

    assert take(both).counts == (2, 2, 0, 0, 0)  # which of them stays is for judging to say
    assert take(both).counts == (2, 0, 2, 0, 0)
    assert client.post("/api/v1/campaigns/NOV/visits", json=both[0]).status_code == 200


# what is refused

REFUSED = [
    ("instance_id", "", "missing"), ("instance_id", "12345678-1234-1234-1234-12345678901Z", "not_a_uuid"),
    ("replaces", "the first one", "not_a_uuid"), ("team", "", "missing"), ("team", "T-NOBODY", "unknown_team"),
    ("settlement", "NOWHERE", "unknown_settlement"), ("visited_at", "", "missing"),
    ("visited_at", "yesterday", "not_a_time"), ("visited_at", "2025-11-10T09:00:00", "no_time_zone"),
    ("visited_at", "2025-02-30T10:00:00Z", "not_a_time"), ("visited_at", "1762750800", "not_a_time"),
    ("visited_at", "1999-12-31T10:00:00Z", "before_2000"), ("visited_at", "2099-01-01T10:00:00Z", "in_the_future"),
    ("vaccinated", "", "missing"), ("vaccinated", "abc", "not_a_count"), ("absent", "NaN", "not_a_count"),
    ("refused", "-1", "not_a_count"), ("other_missed", "2.5", "not_a_count"), ("absent", "inf", "not_a_count"),
    ("absent", "2147483648", "not_a_count"), ("absent", "1_000", "not_a_count"), ("absent", "٣", "not_a_count"),
    ("zero_dose", "x", "not_a_count"), ("lon", "NaN", "not_a_number"), ("lat", "inf", "not_a_number"),
    ("lon", "71,5", "not_a_number"), ("lon", "181", "outside_the_earth"), ("lat", "-90.5", "outside_the_earth"),
    ("lon", "", "position_half"), ("accuracy_m", "-5", "not_a_number"), ("accuracy_m", "good", "not_a_number"),
    ("note", "ب" * 2001, "too_long"), ("note", "a\0b", "text_broken"), ("is_revisit", "maybe", "not_true_or_false"),
]  # fmt: skip


def test_every_bad_row_is_named_by_row_field_and_rule_and_hides_no_other(take):
    rows, wanted = [], []
    for k, (field, value, rule) in enumerate(REFUSED):
        rows += [a_row(note='two\nlines, "quoted"'), a_row(**{field: value})]
        wanted.append((str(2 * k + 2), field, rule))

    taken = take(rows)

    n = len(REFUSED)
    assert taken.counts == (2 * n, n, 0, 0, n)
    assert [(r["row"], r["field"], r["rule"]) for r in taken.rejects] == wanted
    assert all(r["message"] for r in taken.rejects)
    assert [r[f] for r, (_, f, _) in zip(taken.rejects, wanted, strict=True)] == [value for _, value, _ in REFUSED]
    assert [r["instance_id"] for r in taken.rejects] == [row["instance_id"] for row in rows[1::2]]


def test_each_fault_of_a_row_is_told(take):
    taken = take([a_row(vaccinated="x", lon="71,5", note="y" * 2001)])

    assert [(r["field"], r["rule"]) for r in taken.rejects] == [
        ("vaccinated", "not_a_count"), ("lon", "not_a_number"), ("note", "too_long"),
    ] or sorted(r["field"] for r in taken.rejects) == ["lon", "note", "vaccinated"]  # fmt: skip
    assert taken.counts == (1, 0, 0, 0, 1)


def test_bytes_that_are_no_utf8_cost_their_row_only(take):
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows([FIELDS, *([as_text(a_row(note="☠")[f]) for f in FIELDS],) * 3])
    lines = file.getvalue().encode().split(b"\n")
    ids = [str(uuid.uuid4()) for _ in range(3)]
    lines[1:4] = [line.replace(line[:36], new.encode()) for line, new in zip(lines[1:4], ids, strict=True)]
    lines[2] = lines[2].replace("☠".encode(), b"a\xff\xfeb")

    taken = take(b"\n".join(lines))

    assert taken.counts == (3, 2, 0, 0, 1)
    assert [(r["row"], r["instance_id"], r["field"], r["rule"]) for r in taken.rejects] == [
        ("2", ids[1], "note", "text_broken")
    ]


def test_rows_of_another_width_and_lone_quotes_cost_one_row_each(take):
    good = [",".join(as_text(a_row()[f]) for f in FIELDS) for _ in range(6)]
    lines = [good[0], good[1] + ",more", good[2], good[3] + '"lone', good[4], "just,three,cells", good[5]]

    taken = take("\n".join([",".join(FIELDS), *lines]).encode())

    assert taken.counts == (7, 4, 0, 0, 3)
    assert [(r["row"], r["rule"]) for r in taken.rejects] == [
        ("2", "columns"), ("4", "unclosed_quote"), ("6", "columns"),
    ]  # fmt: skip


def test_json_lines_are_as_strict_as_the_api(take):
    rows = [a_row(vaccinated="2"), a_row(colour="red"), a_row(team=17), a_row(note="\ud800"), a_row(is_revisit=1)]
    lines = ["{cut", "[1]", json.dumps(a_row(lon=float("nan"))), "x" * 300_000]

    taken = take("\n\n".join([json.dumps(a_row()), *map(json.dumps, rows), *lines]).encode())

    assert taken.counts == (10, 1, 0, 0, 9)
    assert [(r["row"], r["field"], r["rule"]) for r in taken.rejects] == [
        ("2", "vaccinated", "not_a_count"), ("3", "colour", "unknown_field"), ("4", "team", "not_text"),
        ("5", "note", "text_broken"), ("6", "is_revisit", "not_true_or_false"), ("7", "body", "not_json"),
        ("8", "body", "not_an_object"), ("9", "lon", "not_a_number"), ("10", "row", "line_too_long"),
    ]  # fmt: skip
    assert taken.rejects[0]["team"] == "T1"


# files that are none


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"), (b"PK\3\4 a workbook", "none of these"), (b"[1]", "none of these"),
        (b"PAR1nothing", "Parquet"), (b"SQLite format 3\0" + bytes(200), "GeoPackage"),
        ("a,b\n".encode("utf-16"), "UTF-8"), (b"a,a\n1,2\n", "one name"),
        (b"a;b\n1;2\n", "semicolons"), (b"a\tb\n1\t2\n", "tabs"), (b"a,b\r1,2\r", "bare CR"),
    ],
)  # fmt: skip
def test_a_file_that_holds_no_visits_is_refused_in_a_sentence(take, data, words):
    with pytest.raises(NotAVisitsFile, match=words):
        take(data)


def test_an_unknown_or_missing_column_is_refused_by_name(take):
    head = [f for f in FIELDS if f != "vaccinated"] + ["vacinated"]

    with pytest.raises(RowsRefused) as refused:
        take((",".join(head) + "\n").encode())

    assert [(e.row, e.field, e.rule) for e in refused.value.errors] == [
        (0, "vacinated", "unknown_field"), (0, "vaccinated", "missing"),
    ]  # fmt: skip


def test_optional_columns_may_be_absent_and_a_head_alone_is_no_fault(take):
    required, row = [*FIELDS[:1], *FIELDS[2:4], *FIELDS[8:13]], a_row()
    body = "\ufeff" + ",".join(required) + "\r\n" + ",".join(as_text(row[f]) for f in required) + "\r\n"

    assert take(body.encode()).counts == (1, 1, 0, 0, 0)
    assert stored(row["instance_id"])["lon"] is None
    assert take((",".join(FIELDS) + "\n").encode()).counts == (0, 0, 0, 0, 0)


def test_a_closed_round_takes_no_file(take):
    with pytest.raises(CampaignClosed):
        take([a_row()], code="CLOSED")


# GeoPackage and Parquet as other programs write them


def test_points_are_the_positions_where_no_column_says_them(take, tmp_path):
    rows = [a_row(), a_row(lon=None, lat=None)]
    table = pa.table({f: [row[f] for row in rows] for f in FIELDS if f not in ("lon", "lat", "replaces", "note")})
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:32642", always_xy=True).transform(71.5, 34.0)
    write_layer(table, [shapely.Point(x, y), None], tmp_path / "utm.gpkg", "EPSG:32642")

    taken = take(tmp_path / "utm.gpkg")

    found = stored(rows[0]["instance_id"])
    assert taken.counts == (2, 2, 0, 0, 0)
    assert (found["lon"], found["lat"]) == (pytest.approx(71.5, abs=1e-9), pytest.approx(34.0, abs=1e-9))
    assert stored(rows[1]["instance_id"])["lon"] is None
    sha256 = hashlib.sha256((tmp_path / "utm.gpkg").read_bytes()).hexdigest()
    assert [p.name for p in (tmp_path / "raw").iterdir()] == [sha256]  # and none of SQLite's own files beside it


def test_a_point_that_is_empty_says_no_position_and_one_beyond_its_system_is_refused(take, tmp_path):
    rows = [a_row(), a_row(), a_row()]
    table = pa.table({f: [row[f] for row in rows] for f in FIELDS if f not in ("lon", "lat", "replaces", "note")})
    points = [shapely.Point(7_960_000, 4_030_000), shapely.Point(), shapely.Point(1e9, 1e9)]
    write_layer(table, points, tmp_path / "web.gpkg", "EPSG:3857")

    taken = take(tmp_path / "web.gpkg")

    assert taken.counts == (3, 2, 0, 0, 1)
    assert stored(rows[1]["instance_id"])["lon"] is None
    assert [(r["row"], r["field"]) for r in taken.rejects][:1] == [("3", "lon")]


def test_numbers_that_became_floats_and_times_with_types_say_the_same(take, tmp_path):
    row = a_row(visited_at="2025-11-10T04:30:00.5Z")
    plain = {f: [row[f]] for f in FIELDS}
    at = pa.array([datetime(2025, 11, 10, 4, 30, 0, 500_000, UTC)], pa.timestamp("ns", "UTC"))
    as_bytes = pa.array([uuid.UUID(row["instance_id"]).bytes], pa.binary(16))
    typed = pa.table({
        **plain, **{f: [float(row[f])] for f in FIELDS[8:16]}, "is_revisit": [0.0], "instance_id": as_bytes,
        "team": pa.array(["T1"]).dictionary_encode(), "note": pa.array([None], pa.large_string()), "visited_at": at,
    })  # fmt: skip
    pq.write_table(typed, tmp_path / "typed.parquet")

    assert take([row]).counts == (1, 1, 0, 0, 0)
    assert take(tmp_path / "typed.parquet").counts == (1, 0, 1, 0, 0)


def test_a_time_without_zone_and_a_nested_column_are_refused(take, tmp_path):
    plain = {f: [a_row()[f]] for f in FIELDS}
    pq.write_table(pa.table({**plain, "visited_at": [datetime(2025, 11, 10)]}), tmp_path / "naive.parquet")  # noqa: DTZ001
    pq.write_table(pa.table({**plain, "note": [["a", "b"]]}), tmp_path / "nested.parquet")

    assert [r["rule"] for r in take(tmp_path / "naive.parquet").rejects] == ["no_time_zone"]
    with pytest.raises(NotAVisitsFile, match="note"):
        take(tmp_path / "nested.parquet")


# what is kept, and what happens when things go wrong


def test_the_file_is_kept_whole_and_every_visit_points_into_it(take, tmp_path):
    rows = [a_row(), a_row(team="T2")]
    body = "\n".join(json.dumps(r) for r in rows).encode()

    take(body)

    with transaction() as session:
        one = text("""SELECT s.sha256, s.file_name, s.media_type, s.body, w.team_ids FROM visit v
                      JOIN submission s ON s.id = v.submission_id JOIN waiting w ON w.submission_id = s.id
                      WHERE v.instance_id = CAST(:id AS uuid)""")
        kept = session.execute(one, {"id": rows[0]["instance_id"]}).one()
    assert bytes(kept.sha256) == hashlib.sha256(body).digest()
    assert (kept.file_name, kept.media_type, kept.body) == ("visits.data", "application/x-ndjson", None)
    assert (tmp_path / "raw" / hashlib.sha256(body).hexdigest()).read_bytes() == body
    assert sorted(kept.team_ids) == sorted(stored(r["instance_id"])["team_id"] for r in rows)


def test_an_import_and_a_batch_of_the_same_visits_never_end_each_other(take, round_at):
    with transaction() as session:
        head = a_token(session, a_person(session, f"Admin{uuid.uuid4()}", "admin"))
    app, rows = create_app(), [a_row() for _ in range(400)]
    by_id = sorted(rows, key=lambda r: r["instance_id"])
    for k, row in enumerate(reversed(by_id)):  # the file goes in the other order
        row["visited_at"] = (datetime(2025, 11, 10, 4, tzinfo=UTC) + timedelta(seconds=k)).isoformat()

    def send(k: int) -> int:
        answer = app.test_client().post("/api/v1/campaigns/NOV/visits", json=rows[k::4], headers=head)
        return answer.json["accepted"]

    with ThreadPoolExecutor(5) as pool:
        by_file = pool.submit(lambda: take(rows).counts)
        by_api = sum(pool.map(send, range(4)))
        read, accepted, duplicate, conflict, rejected = by_file.result()

    assert by_api + accepted == 400
    assert (read, duplicate, conflict, rejected) == (400, 400 - accepted, 0, 0)


def test_what_somebody_sends_meanwhile_under_the_same_id_is_there_already(take, round_at):
    row, new = a_row(), a_row()
    stored_meanwhile = text("""
        INSERT INTO visit (instance_id, submission_id, visited_at, campaign_id, team_id, row_no, children_eligible,
                           vaccinated, absent, refused, other_missed)
        SELECT CAST(:id AS uuid), 1, now(), c.id, t.id, 1, 0, 0, 0, 0, 0
        FROM campaign c JOIN team t ON t.campaign_id = c.id WHERE c.code = 'NOV' AND t.code = 'T1'""")
    waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")

    with ThreadPoolExecutor(1) as pool:
        with transaction() as session:
            session.execute(stored_meanwhile, {"id": row["instance_id"]})
            importing = pool.submit(lambda: take([row, new]).counts)
            while not session.scalar(waits):
                time.sleep(0.02)

        assert importing.result() == (2, 1, 0, 1, 0)


def flask(*words: str, url: str, folder: Path) -> subprocess.Popen[bytes]:
    env = os.environ | {"DATABASE_URL": url, "RASAI_LOCAL_DIR": str(folder)}
    command = [sys.executable, "-m", "flask", *words]
    return subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def many_rows(path: Path, count: int) -> Path:
    """A CSV of good rows, spread over two teams and three days."""
    start = datetime(2025, 11, 10, 2, tzinfo=UTC)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(FIELDS)
        row = a_row(note='a longer note, "with quotes"')
        for k in range(count):
            row |= {"instance_id": str(uuid.uuid4()), "team": f"T{k % 2 + 1}", "lon": 71.0 + k % 997 / 1000}
            row["visited_at"] = (start + timedelta(seconds=k % 200_000)).isoformat()
            writer.writerow([as_text(row[f]) for f in FIELDS])
    return path


def test_the_command_tells_counts_on_standard_output_and_ends_with_3_when_rows_were_refused(round_at, tmp_path):
    path = write([a_row(), a_row(team="T-NOBODY")], tmp_path / "visits", "csv")
    words = ("visits", "import", str(path), "--campaign", "NOV", "--json", "--rejects", str(tmp_path / "rejects.csv"))

    run = flask(*words, url=round_at, folder=tmp_path)
    out, err = run.communicate(timeout=120)

    assert run.returncode == 3
    told = json.loads(out)
    assert told.pop("seconds") > 0
    assert told == {"read": 2, "accepted": 1, "duplicate": 0, "conflict": 0, "rejected": 1}
    assert b"row 2, team (unknown_team)" in err
    with transaction() as session:
        trail = text("SELECT facts FROM audit_entry WHERE action = 'import' ORDER BY id DESC LIMIT 1")
        assert session.scalars(trail).one()["accepted"] == 1


def test_a_wrong_head_ends_with_1_and_stands_in_the_rejects(round_at, tmp_path):
    path, rejects = tmp_path / "visits.csv", tmp_path / "rejects.csv"
    path.write_text(",".join([*FIELDS, "colour"]) + "\n")
    words = ("visits", "import", str(path), "--campaign", "NOV", "--rejects", str(rejects))

    run = flask(*words, url=round_at, folder=tmp_path)
    _out, err = run.communicate(timeout=120)

    assert run.returncode == 1
    assert b"colour" in err
    assert "colour,unknown_field" in rejects.read_text()


# a process of its own starts the command: what a child inherits from this one would count as its memory
PEAK = "import subprocess, resource, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); \
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"


def test_a_large_file_needs_no_more_memory_than_a_small_one(round_at, tmp_path):
    env = os.environ | {"DATABASE_URL": round_at, "RASAI_LOCAL_DIR": str(tmp_path)}
    peaks_mb = []

    for count in (1_000, 200_000):
        path = many_rows(tmp_path / f"{count}.csv", count)
        command = [sys.executable, "-m", "flask", "visits", "import", str(path), "--campaign", "NOV"]
        measured = [sys.executable, "-c", PEAK, *command]
        run = subprocess.run(measured, cwd=PROJECT, env=env, capture_output=True, check=True)
        peaks_mb.append(float(run.stdout))

    assert peaks_mb[1] - peaks_mb[0] < 50


def test_killed_in_the_middle_nothing_is_half_written_and_the_next_run_completes(round_at, tmp_path):
    path = many_rows(tmp_path / "visits.csv", 60_000)
    words = ("visits", "import", str(path), "--campaign", "DEC", "--json")
    with transaction() as session:
        count = text("SELECT count(*) FROM visit v JOIN campaign c ON c.id = v.campaign_id WHERE c.code = 'DEC'")
        before = session.scalars(count).one()

    run = flask(*words, url=round_at, folder=tmp_path)
    while not list(tmp_path.glob("data/raw/*")) and run.poll() is None:
        time.sleep(0.01)
    time.sleep(0.3)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    with transaction() as session:
        assert session.scalars(count).one() == before
    again = flask(*words, url=round_at, folder=tmp_path)
    out, _err = again.communicate(timeout=120)

    assert run.returncode == -signal.SIGKILL
    assert json.loads(out)["accepted"] == 60_000
