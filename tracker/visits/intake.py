"""Take visits in over HTTP: what is acknowledged is committed, and nothing counts twice.

One statement, prepared once per connection, resolves the codes within the sender's scope and adds the raw submission, the visits and what
waits to be judged; the database commits it before the answer goes out. A replay meets the primary key. Rows are only added.
"""
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from flask_babel import gettext as _
from psycopg2.extensions import connection as Connection

from tracker.accounts.scope import Scope
from tracker.database import engine
from tracker.errors import CampaignClosed, NotFound, RowError
from tracker.visits.visit_row import COUNTS, Unreadable, read_json, read_object, unknown

LARGEST_BATCH = 1_000
CONTENT = ("team_id", "visited_at", "lon", "lat", "accuracy_m", "settlement_id", *COUNTS, "is_revisit", "mock_location", "replaces", "note")

CAMPAIGN = """
    PREPARE campaign_for_sender (text, int4multirange, integer) AS
    SELECT c.id, c.state, c.vintage,
           $2 = '{(,)}'::int4multirange OR EXISTS (
               SELECT 1 FROM campaign_area k JOIN area_within w ON w.ancestor_id = k.area_id OR w.area_id = k.area_id
               WHERE k.campaign_id = c.id AND w.area_id <@ $2) OR EXISTS (SELECT 1 FROM team t WHERE t.campaign_id = c.id AND t.id = $3)
    FROM campaign c WHERE c.code = $1"""

# $1 campaign, $2 vintage, $3 the sender's areas, $4 their team, $5 the good rows as a JSON array, $6 their row numbers,
# $7 body, $8 its hash, $9 its media type, $10 sender
TAKE_IN = f"""
    PREPARE take_in (integer, date, int4multirange, integer, jsonb, integer[], bytea, bytea, text, integer) AS
    WITH sent AS (
        SELECT r.*, ($6)[r.ordinality] AS row_no
        FROM ROWS FROM (jsonb_to_recordset($5) AS (
            instance_id uuid, replaces uuid, team text, visited_at timestamptz, lon float8, lat float8, accuracy_m float8, settlement text,
            {", ".join(f"{c} integer" for c in COUNTS)}, is_revisit boolean, mock_location boolean, note text)) WITH ORDINALITY r
    ), known AS (       -- codes within the sender's reach; a team or settlement elsewhere does not exist for them
        SELECT sent.*, t.id AS team_id, s.id AS settlement_id, p.area_id,
               nullif(sent.settlement, '') IS NULL OR s.id IS NOT NULL AS place_known,
               row_number() OVER (PARTITION BY sent.instance_id ORDER BY sent.row_no) AS nth
        FROM sent LEFT JOIN settlement s ON s.code = nullif(sent.settlement, '')
        LEFT JOIN settlement_place p ON p.settlement_id = s.id AND p.vintage = $2
        LEFT JOIN team t ON t.campaign_id = $1 AND t.code = sent.team
            AND ($3 = '{{(,)}}'::int4multirange OR t.id = $4 OR ($4 IS NULL AND (t.area_id <@ $3 OR p.area_id <@ $3)))
    ), numbered AS (SELECT nextval('submission_id_seq') AS id
    ), added AS (
        INSERT INTO visit (instance_id, submission_id, received_at, campaign_id, row_no, team_id, visited_at, lon, lat, accuracy_m, settlement_id,
                           unit_id, area_id, {", ".join(COUNTS)}, is_revisit, mock_location, replaces, replaces_team_id, note)
        SELECT k.instance_id, numbered.id, now(), $1, k.row_no, k.team_id, k.visited_at, k.lon, k.lat, k.accuracy_m, k.settlement_id,
               k.settlement_id, CASE WHEN k.settlement_id IS NOT NULL THEN coalesce(k.area_id, 0) END,
               {", ".join(f"coalesce(k.{c}, 0)" for c in COUNTS)}, coalesce(k.is_revisit, false), coalesce(k.mock_location, false), k.replaces,
               CASE WHEN k.replaces IS NOT NULL THEN $4 END, nullif(k.note, '')
        FROM known k, numbered WHERE k.team_id IS NOT NULL AND k.place_known AND k.nth = 1
        ORDER BY k.instance_id      -- the same order in every batch: two that overlap cannot wait for each other
        ON CONFLICT (instance_id) DO NOTHING RETURNING instance_id, row_no, team_id, submission_id
    ), raw AS (
        INSERT INTO submission (id, campaign_id, channel, sha256, media_type, body, submitter_id)
        SELECT numbered.id, $1, 'api', $8, $9, $7, $10 FROM numbered WHERE EXISTS (SELECT 1 FROM added)
    ), judged_next AS (
        INSERT INTO waiting (campaign_id, submission_id, team_ids)
        SELECT $1, min(submission_id), array_agg(DISTINCT team_id) FROM added HAVING count(*) > 0
    )
    SELECT k.row_no, k.team_id IS NOT NULL, k.place_known, a.row_no IS NOT NULL, k.team_id, k.settlement_id
    FROM known k LEFT JOIN added a ON a.row_no = k.row_no AND a.instance_id = k.instance_id"""

_STORED = ", ".join(f"v.{c}" for c in CONTENT)
_SENT = ", ".join("k.team_id" if c == "team_id" else "k.settlement_id" if c == "settlement_id" else f"coalesce(k.{c}, 0)" if c in COUNTS else
                  f"coalesce(k.{c}, false)" if c in ("is_revisit", "mock_location") else "nullif(k.note, '')" if c == "note" else f"k.{c}" for c in CONTENT)

# rows whose id was there already: is what they say the same?
COMPARE = f"""
    SELECT k.row_no, v.campaign_id = %(campaign)s AND ({_STORED}) IS NOT DISTINCT FROM ({_SENT})
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS k (
        row_no integer, team_id integer, settlement_id integer, instance_id uuid, replaces uuid, visited_at timestamptz, lon float8, lat float8,
        accuracy_m float8, {", ".join(f"{c} integer" for c in COUNTS)}, is_revisit boolean, mock_location boolean, note text)
    JOIN visit v ON v.instance_id = k.instance_id"""


@dataclass(frozen=True)
class Answer:
    """What became of one row, as the sender is told."""

    instance_id: Any
    status: str                 # accepted, duplicate, conflict, rejected
    errors: list[RowError]


@dataclass(frozen=True)
class Addressee:
    """The campaign that is sent to, as far as the sender may know of it."""

    id: int
    vintage: Any


def addressee(code: str, scope: Scope) -> Addressee:
    """Raises NotFound where the campaign touches none of the sender's areas, CampaignClosed when it takes nothing more."""
    with _prepared("campaign_for_sender", CAMPAIGN) as connection, connection.cursor() as cursor:
        cursor.execute("EXECUTE campaign_for_sender (%s, %s, %s)", (code, scope.areas, scope.team_id))
        found = cursor.fetchone()
    if found is None or not found[3]:
        raise NotFound
    if found[1] == "closed":
        raise CampaignClosed(code=code)
    return Addressee(found[0], found[2])


def take_in_one(to: Addressee, scope: Scope, body: bytes, media_type: str) -> Answer:
    """One visit. Refused ones are answered with every field at fault."""
    try:
        visit = read_json(body, 1, datetime.now(UTC))
    except Unreadable as refused:
        return Answer(None, "rejected", refused.errors)
    return _take_in(to, scope, [(1, str(visit.instance_id), body)], body, media_type)[1]


def take_in_many(to: Addressee, scope: Scope, sent: list[Any], body: bytes, media_type: str) -> list[Answer]:
    """A batch of parsed objects, answered in the order sent; `Unparsed` stands for a line that is no JSON."""
    now, answers, good = datetime.now(UTC), dict[int, Answer](), []
    for row, value in enumerate(sent, 1):
        try:
            visit = read_object(value, row, now)
            good.append((row, str(visit.instance_id), orjson.dumps(value)))
        except Unreadable as refused:
            answers[row] = Answer(value.get("instance_id") if isinstance(value, dict) else None, "rejected", refused.errors)
    if good:
        answers |= _take_in(to, scope, good, body, media_type)
    told = {row: value.get("instance_id") if isinstance(value, dict) else None for row, value in enumerate(sent, 1)}
    return [Answer(told[row], answers[row].status, answers[row].errors) for row in range(1, len(sent) + 1)]


def _take_in(to: Addressee, scope: Scope, good: list[tuple[int, str, bytes]], body: bytes, media_type: str) -> dict[int, Answer]:
    """Add readable rows; {row: answer}."""
    rows = b"[" + b",".join(r[2] for r in good) + b"]"
    with _prepared("take_in", TAKE_IN) as connection, connection.cursor() as cursor:
        cursor.execute("EXECUTE take_in (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)", (
            to.id, to.vintage, scope.areas, scope.team_id if scope.role == "team" else None, rows.decode(), [r[0] for r in good], body,
            sha256(body).digest(), media_type, scope.person_id))
        outcome = cursor.fetchall()
        texts = {row: text for row, _id, text in good}
        seen_before = [(row, team, place) for row, team_known, place_known, added, team, place in outcome if team_known and place_known and not added]
        same = _compare(cursor, to, seen_before, texts) if seen_before else {}
    answers = {}
    for row, team_known, place_known, added, _team, _place in outcome:
        errors = []
        if not (team_known and place_known):
            value = orjson.loads(texts[row])
            errors = [unknown(row, field, value.get(field)) for field, known in (("team", team_known), ("settlement", place_known)) if not known]
        elif not added and not same[row]:
            errors = [RowError(row, "instance_id", "conflict", _("A visit with this instance_id is there with other content; nothing was changed. "
                                                                 "To correct it, send a new visit that names it in replaces."))]
        status = "rejected" if not (team_known and place_known) else "accepted" if added else "duplicate" if same[row] else "conflict"
        answers[row] = Answer(None, status, errors)
    return answers


def _compare(cursor: Any, to: Addressee, rows: list[tuple[int, int, int | None]], texts: dict[int, bytes]) -> dict[int, bool]:
    sent = [{**orjson.loads(texts[row]), "row_no": row, "team_id": team, "settlement_id": place} for row, team, place in rows]
    cursor.execute(COMPARE, {"campaign": to.id, "rows": orjson.dumps(sent).decode()})
    return dict(cursor.fetchall())


class _prepared:
    """A pooled connection in autocommit on which the named statement is prepared; given back when the block ends."""

    def __init__(self, name: str, statement: str) -> None:
        self.name, self.statement = name, statement

    def __enter__(self) -> Connection:
        self.pooled = engine().raw_connection()
        connection: Connection = self.pooled.driver_connection  # type: ignore[assignment]
        connection.autocommit = True
        if self.name not in self.pooled.info:
            with connection.cursor() as cursor:
                cursor.execute(self.statement)
            self.pooled.info[self.name] = True
        return connection

    def __exit__(self, kind: object, *error: object) -> None:
        if kind is not None:
            self.pooled.invalidate()        # whatever happened on it, it is not used again
            return
        self.pooled.driver_connection.autocommit = False  # type: ignore[union-attr]
        self.pooled.close()
