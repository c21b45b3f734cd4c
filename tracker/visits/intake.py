"""Take visits in over HTTP: what is acknowledged is committed, and nothing counts twice.

One statement, prepared once per connection, finds the campaign and the codes within the sender's reach and adds the
visits, the raw submission and what waits to be judged. It commits by itself, before the answer goes out. A replay meets
the primary key; only then a second statement compares what was sent with what is stored. Rows are only added.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import orjson
from psycopg2.errors import DeadlockDetected
from pydantic import TypeAdapter, ValidationError

from tracker.accounts.scope import Scope
from tracker.database import engine
from tracker.errors import NotFound, RowError, RowsRefused
from tracker.visits.visit_row import COUNTS, YES_OR_NO, Unreadable, VisitRow, checked, each_object, read_json, refusal

LARGEST_BATCH = 1_000  # visits in a request
EVERY_ROW = TypeAdapter(list[VisitRow])
BOM = b"\xef\xbb\xbf"
TRIES = 8  # of a batch and a file import that stand in each other's way the database ends one, which then tries again
CONTENT = (
    "team_id", "visited_at", "lon", "lat", "accuracy_m", "settlement_id", *COUNTS, "is_revisit", "mock_location",
    "replaces", "note",
)  # fmt: skip

PLAN_ONCE = "SET plan_cache_mode = force_generic_plan"  # planning takes longer than taking in; values change no plan

SENDER = {"code": "text", "areas": "int4multirange", "own_team": "integer"}
RAW = {"sender": "integer", "body": "bytea", "sha256": "bytea", "media_type": "text"}
ROW = {
    "row_no": "integer", "instance_id": "uuid", "replaces": "uuid", "team": "text", "visited_at": "timestamptz",
    "lon": "float8", "lat": "float8", "accuracy_m": "float8", "settlement": "text",
    **dict.fromkeys(COUNTS, "integer"), "is_revisit": "boolean", "mock_location": "boolean", "note": "text",
}  # fmt: skip

# the campaign, as far as the sender may know of it; {areas}, {own_team}: the sender's scope
ROUND = """
    SELECT c.id, c.state, c.vintage, {areas} = '{{(,)}}'::int4multirange AS everywhere
    FROM campaign c
    WHERE c.code = {code} AND (
        {areas} = '{{(,)}}'::int4multirange
        OR (SELECT true FROM campaign_area k JOIN area_within w ON w.ancestor_id = k.area_id  -- the area itself, too
            WHERE k.campaign_id = c.id AND w.area_id <@ {areas} LIMIT 1)
        OR EXISTS (SELECT 1 FROM team t WHERE t.campaign_id = c.id AND t.id = {own_team}))"""

# of a settlement `s` with its place `p`: in the sender's areas, or in the team's area or plan; others do not exist
IN_REACH = """
    (round.everywhere OR p.area_id <@ {areas}
     OR EXISTS (SELECT 1 FROM team t JOIN area_within w ON w.ancestor_id = t.area_id
                WHERE t.id = sent.team_id AND w.area_id = p.area_id)
     OR EXISTS (SELECT 1 FROM plan_stop k WHERE k.settlement_id = s.id AND k.team_id = sent.team_id))"""

# of a team `t`: may the sender send for it? Their own, those of their areas, and those that are planned there
MAY_SEND_FOR = """
    (round.everywhere OR t.id = {own_team} OR t.area_id <@ {areas}
     OR EXISTS (SELECT 1 FROM plan_stop s JOIN settlement_place p ON p.settlement_id = s.settlement_id
                WHERE s.team_id = t.id AND p.area_id <@ {areas}))"""

ROWS = f"jsonb_to_recordset({{rows}}) AS ({', '.join(f'{c} {type}' for c, type in ROW.items())})"

ADD = f"""
    WITH round AS ({ROUND}
    ), sent AS (
        SELECT * FROM {ROWS}
    ), teamed AS (         -- a team elsewhere does not exist for the sender
        SELECT sent.*, (SELECT t.id FROM team t
                        WHERE t.campaign_id = round.id AND t.code = sent.team AND {MAY_SEND_FOR}) AS team_id
        FROM round CROSS JOIN sent
    ), known AS (          -- codes as ids
        SELECT sent.*, place.id AS settlement_id, place.area_id,
               sent.settlement IS NULL OR place.id IS NOT NULL AS place_known,
               sent.replaces IS NOT NULL
               AND NOT EXISTS (SELECT FROM visit v WHERE v.instance_id = sent.instance_id) AND EXISTS (
                   WITH RECURSIVE corrected AS (
                       SELECT v.instance_id, v.replaces FROM visit v WHERE v.instance_id = sent.replaces
                       UNION
                       SELECT v.instance_id, v.replaces
                       FROM corrected JOIN visit v ON v.instance_id = corrected.replaces
                   ) SELECT 1 FROM corrected WHERE corrected.replaces = sent.instance_id) AS circle
        FROM round CROSS JOIN teamed AS sent LEFT JOIN LATERAL (
            SELECT s.id, coalesce(p.area_id, 0) AS area_id FROM settlement s
            LEFT JOIN settlement_place p ON p.settlement_id = s.id AND p.vintage = round.vintage
            WHERE s.code = sent.settlement AND {IN_REACH} LIMIT 1
        ) place ON true
        WHERE round.state = 'open'
    ), good AS (        -- of rows with one id the first; batches go in one order: none waits for another in turn
        SELECT DISTINCT ON (instance_id) * FROM known WHERE team_id IS NOT NULL AND place_known AND NOT circle
        ORDER BY instance_id, row_no
    ), numbered AS (
        SELECT nextval('submission_id_seq') AS id
    ), added AS (
        INSERT INTO visit (instance_id, submission_id, received_at, campaign_id, row_no, team_id, visited_at, lon, lat,
                           accuracy_m, settlement_id, unit_id, area_id, {", ".join(COUNTS)}, is_revisit, mock_location,
                           replaces, replaces_team_id, note)
        SELECT good.instance_id, numbered.id, now(), round.id, good.row_no, good.team_id, good.visited_at, good.lon,
               good.lat, good.accuracy_m, good.settlement_id, good.settlement_id, good.area_id,
               {", ".join(f"good.{c}" for c in COUNTS)}, good.is_revisit, good.mock_location, good.replaces,
               CASE WHEN good.replaces IS NOT NULL AND NOT round.everywhere THEN coalesce((  -- whose visits it reaches
                   SELECT t.id FROM visit v JOIN team t ON t.id = v.team_id
                   WHERE v.instance_id = good.replaces AND v.campaign_id = round.id AND {MAY_SEND_FOR}
               ), good.team_id) END,
               good.note
        FROM good, numbered, round
        ON CONFLICT (instance_id) DO NOTHING RETURNING row_no, team_id, submission_id
    ), raw AS (
        INSERT INTO submission (id, campaign_id, channel, sha256, media_type, body, submitter_id)
        SELECT numbered.id, round.id, 'api', {{sha256}}, {{media_type}}, {{body}}, {{sender}} FROM numbered, round
        WHERE EXISTS (SELECT FROM added)
    ), judged_next AS (
        INSERT INTO waiting (campaign_id, submission_id, team_ids)
        SELECT round.id, added.submission_id, array_agg(DISTINCT added.team_id) FROM added, round GROUP BY 1, 2
    )
    SELECT round.state, known.row_no, known.team_id, known.settlement_id, known.place_known, known.circle,
           added.row_no IS NOT NULL AS added
    FROM round LEFT JOIN known ON true LEFT JOIN added USING (row_no)"""


@dataclass(frozen=True)
class Statement:
    """A statement that every connection prepares once, with values by name."""

    name: str
    types: dict[str, str]
    sql: str  # with {name} for each value

    @cached_property
    def prepare(self) -> str:
        places = {name: f"${n}" for n, name in enumerate(self.types, 1)}
        return f"PREPARE {self.name} ({', '.join(self.types.values())}) AS {self.sql.format(**places)}"

    @cached_property
    def execute(self) -> str:
        return f"EXECUTE {self.name} ({', '.join(f'%({name})s' for name in self.types)})"


FIND_ROUND = Statement("find_round", SENDER, ROUND)

TAKE_IN = Statement("take_in", SENDER | RAW | {"rows": "jsonb"}, ADD)

# rows whose id was there already: do they say the same?
COMPARE = Statement(
    "compare_visits",
    {"code": "text", "rows": "jsonb", "teams": "integer[]", "settlements": "integer[]"},
    f"""
    SELECT sent.row_no, c.code = {{code}} AND ({", ".join(f"v.{c}" for c in CONTENT)}) IS NOT DISTINCT FROM
           ({", ".join(f"sent.{c}" for c in CONTENT)}) AS same
    FROM ROWS FROM ({ROWS}, unnest({{teams}}), unnest({{settlements}}))
         AS sent ({", ".join(ROW)}, team_id, settlement_id)
    JOIN visit v ON v.instance_id = sent.instance_id JOIN campaign c ON c.id = v.campaign_id""",
)


class Outcome(NamedTuple):
    """What TAKE_IN tells of one row."""

    state: str  # of the campaign
    row_no: int
    team_id: int | None  # None: the sender knows no such team
    settlement_id: int | None
    place_known: bool  # also when none was named
    circle: bool
    added: bool  # else its id was there already, or it is refused


@dataclass(frozen=True)
class Answer:
    """What became of one row, as the sender is told."""

    instance_id: str | None  # as sent; None: there was none to read
    status: str  # accepted, duplicate, conflict, rejected
    errors: list[RowError]


@dataclass(frozen=True)
class Sent:
    """One row of a request: the visit, or why there is none."""

    row: int
    read: VisitRow | Unreadable


@dataclass(frozen=True)
class Raw:
    """A request's body, kept unchanged."""

    body: bytes
    media_type: str


def take_in_one(code: str, scope: Scope, raw: Raw) -> Answer:
    """One visit. Raises NotFound for a campaign that the sender does not see, RowsRefused when it is closed."""
    [answer] = _take_in(code, scope, raw, [_read(raw.body, 1, datetime.now(UTC))])
    return answer


def take_in_array(code: str, scope: Scope, raw: Raw) -> list[Answer]:
    """A JSON array of visits, answered in the order sent. Raises as `take_in_one`, RowsRefused also when it is none."""
    return _take_in(code, scope, raw, _read_array(code, scope, raw.body))


def take_in_lines(code: str, scope: Scope, raw: Raw) -> list[Answer]:
    """NDJSON: one visit a line; empty lines do not count. Raises as `take_in_one`."""
    lines = [line for line in raw.body.removeprefix(BOM).splitlines() if line.strip()]
    return _take_in(code, scope, raw, _read_each(code, scope, lines))


# reading: whole arrays at once, and one by one only where something is wrong


def _read_array(code: str, scope: Scope, body: bytes) -> list[Sent]:
    now = datetime.now(UTC)
    try:
        visits = EVERY_ROW.validate_json(body)
        if len(visits) <= LARGEST_BATCH:
            return [Sent(row, checked(visit, row, now)) for row, visit in enumerate(visits, 1)]
    except (ValidationError, Unreadable):
        pass
    try:
        texts = list(islice(each_object(body), LARGEST_BATCH + 1))
    except (ValueError, RecursionError):
        find_round(code, scope)
        raise RowsRefused([refusal(0, "body", "not_json")]) from None
    return _read_each(code, scope, texts)


def _read_each(code: str, scope: Scope, texts: Sequence[bytes]) -> list[Sent]:
    if len(texts) > LARGEST_BATCH:
        find_round(code, scope)
        raise RowsRefused([refusal(0, "body", "too_many", LARGEST_BATCH)])
    now = datetime.now(UTC)
    return [_read(text, row, now) for row, text in enumerate(texts, 1)]


def _read(text: bytes, row: int, now: datetime) -> Sent:
    try:
        return Sent(row, read_json(text, row, now))
    except Unreadable as refused:
        return Sent(row, refused)


# writing


def find_round(code: str, scope: Scope) -> None:
    """Raises NotFound where the campaign touches none of the sender's areas, RowsRefused when it takes nothing more."""
    found = _run(FIND_ROUND, _sender(code, scope))
    if not found:
        raise NotFound
    [(_id, state, _vintage, _everywhere)] = found
    if state == "closed":
        raise RowsRefused([refusal(0, "campaign", "campaign_closed", code)])


def _take_in(code: str, scope: Scope, raw: Raw, sent: list[Sent]) -> list[Answer]:
    """Add what can be read; answers in the order sent."""
    readable = {s.row: s.read for s in sent if isinstance(s.read, VisitRow)}
    if not readable:
        find_round(code, scope)
    answers = _add(code, scope, raw, readable) if readable else {}
    for s in sent:
        if isinstance(s.read, Unreadable):
            answers[s.row] = Answer(s.read.instance_id, "rejected", s.read.errors)
    return [answers[s.row] for s in sent]


def _add(code: str, scope: Scope, raw: Raw, visits: dict[int, VisitRow]) -> dict[int, Answer]:
    values = {
        **_sender(code, scope), "sender": scope.person_id, "body": raw.body, "sha256": sha256(raw.body).digest(),
        "media_type": raw.media_type,
    }  # fmt: skip
    outcomes = [Outcome(*row) for row in _run(TAKE_IN, {**values, "rows": _as_json(visits)})]
    if not outcomes or outcomes[0].state == "closed":
        find_round(code, scope)
    met = [o for o in outcomes if not o.added and o.team_id and o.place_known and not o.circle]
    same = _compare(code, met, visits) if met else {}
    return {o.row_no: _answer(o, visits[o.row_no], same.get(o.row_no, False)) for o in outcomes}


def _compare(code: str, met: list[Outcome], visits: dict[int, VisitRow]) -> dict[int, bool]:
    """Of rows whose id was there already: whether they say the same."""
    values = {
        "code": code, "rows": _as_json({o.row_no: visits[o.row_no] for o in met}), "teams": [o.team_id for o in met],
        "settlements": [o.settlement_id for o in met],
    }  # fmt: skip
    return dict(_run(COMPARE, values))


def _answer(outcome: Outcome, visit: VisitRow, same: bool) -> Answer:
    errors, row = [], outcome.row_no
    if not outcome.team_id:
        errors.append(refusal(row, "team", "unknown_team", visit.team))
    if not outcome.place_known:
        errors.append(refusal(row, "settlement", "unknown_settlement", visit.settlement))
    if outcome.circle:
        errors.append(refusal(row, "replaces", "circle"))
    if errors:
        return Answer(str(visit.instance_id), "rejected", errors)
    if outcome.added or same:
        return Answer(str(visit.instance_id), "accepted" if outcome.added else "duplicate", [])
    return Answer(str(visit.instance_id), "conflict", [refusal(row, "instance_id", "conflict")])


def _sender(code: str, scope: Scope) -> dict[str, Any]:
    return {"code": code, "areas": scope.areas, "own_team": scope.team_id}


def _stored_form(row: int, visit: VisitRow) -> dict[str, Any]:
    """A visit with what empty means: no text, none counted, not so."""
    values = {**visit.__dict__, "row_no": row, "instance_id": str(visit.instance_id), "note": visit.note or None}
    values["visited_at"] = visit.visited_at.astimezone(UTC)  # PostgreSQL reads no offset of 16 hours and more
    values["replaces"] = str(visit.replaces) if visit.replaces else None
    for name in ("guests_vaccinated", "zero_dose", "finger_marked"):
        values[name] = values[name] or 0
    for name in YES_OR_NO:
        values[name] = values[name] or False
    return values


def _as_json(visits: dict[int, VisitRow]) -> str:
    return orjson.dumps([_stored_form(row, visit) for row, visit in visits.items()]).decode()


def _run(statement: Statement, values: dict[str, Any], tries: int = TRIES) -> list[Any]:
    """Run a statement on a pooled connection, where it is a transaction of its own."""
    try:
        with _connection(statement) as cursor:
            cursor.execute(statement.execute, values)
            return list(cursor.fetchall())
    except DeadlockDetected:
        if tries == 1:
            raise
    return _run(statement, values, tries - 1)


@contextmanager
def _connection(statement: Statement) -> Iterator[Any]:
    """A cursor in autocommit, with the statement prepared; a connection on which anything failed is not used again."""
    pooled = engine().raw_connection()
    driver: Any = pooled.driver_connection
    try:
        driver.autocommit = True
        with driver.cursor() as cursor:
            if statement.name not in pooled.info:
                cursor.execute(PLAN_ONCE)
                cursor.execute(statement.prepare)
                pooled.info[statement.name] = True
            yield cursor
        driver.autocommit = False
    except BaseException:
        pooled.invalidate()
        raise
    pooled.close()
