"""Take visits from a file: everything that can be read goes in, what cannot is named and set aside.

The file itself is the raw submission: it is kept unchanged under its hash before a row is read. Its rows are validated
part by part as arrays and sent by COPY to a staging table, then inserted as one set, all in one transaction: the memory
stays the same however long the file, a crash leaves nothing half-written, and running the import again completes it,
because what is there already is recognised by its `instance_id`. Writes `submission`, `visit` and `waiting`.
"""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO, cast

import numpy as np
import pyarrow as pa
from psycopg2.errors import DeadlockDetected, UniqueViolation
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.errors import CampaignClosed, RowError, RowsRefused
from tracker.raw_files import keep_raw, readable_name
from tracker.visits.copy_rows import as_copy
from tracker.visits.file_formats import VisitsFile, open_visits
from tracker.visits.models import Submission
from tracker.visits.staging import STAGED, Codes, Refused, stage
from tracker.visits.visit_row import ADDED_BY_EXPORT, COUNTS, FIELDS, REQUIRED, refusal

TRIES = 8  # of the insert, when it and somebody's batch stand in each other's way: the database ends one of the two
SORT_MEMORY = "128MB"  # of the database, for putting the rows into the index's order

STAGING = f"""
    CREATE TEMP TABLE incoming_visit (
        row_no integer, instance_id uuid, replaces uuid, team_id integer, visited_at timestamptz,
        lon float8, lat float8, accuracy_m float8, settlement_id integer, area_id integer,
        {", ".join(f"{c} integer" for c in COUNTS)},
        is_revisit boolean, mock_location boolean, note text
    ) ON COMMIT DROP"""
COPY = f"COPY incoming_visit ({', '.join(STAGED.names)}) FROM STDIN (FORMAT binary)"

TEAMS = "SELECT code, id FROM team WHERE campaign_id = %s"
SETTLEMENTS = """
    SELECT s.code, s.id, coalesce(p.area_id, 0) FROM settlement s
    LEFT JOIN settlement_place p ON p.settlement_id = s.id AND p.vintage = %s"""

CONTENT = (
    "team_id", "visited_at", "lon", "lat", "accuracy_m", "settlement_id", *COUNTS, "is_revisit", "mock_location",
    "replaces", "note",
)  # fmt: skip

SAME = f"""(v.campaign_id = :campaign AND
             ({", ".join(f"v.{c}" for c in CONTENT)}) IS NOT DISTINCT FROM ({", ".join(f"n.{c}" for c in CONTENT)}))"""

# rows that are not to be inserted: their id is there already, or of one id in the file they are not the first
REPEATED = text("""
    CREATE TEMP TABLE repeated_visit ON COMMIT DROP AS
    SELECT instance_id, min(row_no) AS first FROM incoming_visit GROUP BY instance_id HAVING count(*) > 1;
    ANALYZE repeated_visit""")
LEFT_OVER = text(f"""
    CREATE TEMP TABLE left_over ON COMMIT DROP AS
    SELECT n.row_no, {SAME} AS same FROM incoming_visit n JOIN visit v ON v.instance_id = n.instance_id
    UNION ALL
    SELECT n.row_no, NULL       -- compared when the first one is in
    FROM incoming_visit n JOIN repeated_visit r ON r.instance_id = n.instance_id AND r.first <> n.row_no
    WHERE NOT EXISTS (SELECT FROM visit v WHERE v.instance_id = n.instance_id);
    ANALYZE left_over""")

# in the order of the index on (campaign, team, time): a third cheaper than as the rows come. ON CONFLICT costs as much
# again; without it a visit that somebody else sends meanwhile under one of these ids ends the statement
_INSERT = f"""
    INSERT INTO visit (instance_id, submission_id, campaign_id, row_no, unit_id, area_id, {", ".join(CONTENT)})
    SELECT n.instance_id, :submission, :campaign, n.row_no, n.settlement_id, n.area_id,
           {", ".join(f"n.{c}" for c in CONTENT)}
    FROM incoming_visit n WHERE NOT EXISTS (SELECT FROM left_over o WHERE o.row_no = n.row_no)
    ORDER BY n.team_id, n.visited_at"""
INSERT = text(_INSERT)
INSERT_MEANWHILE = text(f"{_INSERT} ON CONFLICT (instance_id) DO NOTHING")
MEANWHILE = text("""
    INSERT INTO left_over SELECT n.row_no, NULL FROM incoming_visit n
    WHERE NOT EXISTS (SELECT FROM left_over o WHERE o.row_no = n.row_no) AND NOT EXISTS (
        SELECT FROM visit v
        WHERE v.instance_id = n.instance_id AND v.submission_id = :submission AND v.row_no = n.row_no)""")

# the visit that it names is itself, over however many steps, a correction of this one
CIRCLES = text("""
    DELETE FROM incoming_visit n
    WHERE n.replaces IS NOT NULL AND NOT EXISTS (SELECT FROM visit v WHERE v.instance_id = n.instance_id) AND EXISTS (
        WITH RECURSIVE corrected AS (
            SELECT v.instance_id, v.replaces FROM visit v WHERE v.instance_id = n.replaces
            UNION
            SELECT v.instance_id, v.replaces FROM corrected JOIN visit v ON v.instance_id = corrected.replaces
        ) SELECT FROM corrected WHERE corrected.replaces = n.instance_id)
    RETURNING n.*""")

CONFLICTS = text(f"""
    SELECT n.* FROM left_over o JOIN incoming_visit n ON n.row_no = o.row_no
    JOIN visit v ON v.instance_id = n.instance_id
    WHERE o.same IS NOT TRUE AND NOT {SAME} ORDER BY n.row_no""")

WAIT = text("""
    INSERT INTO waiting (campaign_id, submission_id, team_ids)
    SELECT :campaign, :submission, array_agg(DISTINCT team_id) FROM incoming_visit""")


@dataclass
class ImportSummary:
    """What became of the rows of a file."""

    read: int = 0
    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Rejects:
    """The refused rows as read, with row, field, rule and message, written to a file as they come."""

    SHOWN = 20

    def __init__(self, file: TextIO | None) -> None:
        self.shown: list[RowError] = []  # the first few
        self._writer = csv.writer(file) if file else None
        self._write([*FIELDS, "row", "field", "rule", "message"])

    def add(self, refused: Refused) -> None:
        self.shown += refused.errors[: self.SHOWN - len(self.shown)]
        for error in refused.errors:
            values = (refused.as_read.get(f, "") for f in FIELDS)
            self._write([*values, error.row, error.field, error.rule, error.message])

    def _write(self, values: list[Any]) -> None:
        if self._writer:
            self._writer.writerow(values)


@contextmanager
def rejects_to(path: Path | None) -> Iterator[Rejects]:
    if path is None:
        yield Rejects(None)
        return
    with path.open("w", newline="", encoding="utf-8", errors="replace") as file:
        yield Rejects(file)


Progress = Callable[[int], None]  # told how many rows were read so far


def import_visits(
    session: Session,
    campaign: Campaign,
    file: Path,
    raw_folder: Path,
    rejects: Rejects,
    *,
    channel: str = "file",
    progress: Progress = lambda rows: None,
) -> ImportSummary:
    """Take the visits of a file into a campaign; the caller commits.

    Raises NotAVisitsFile, RowsRefused when the head is not that of visits, CampaignClosed.
    """
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    raw = keep_raw(file, raw_folder)
    with open_visits(raw, readable_name(file)) as opened:
        _check_head(opened)
        submission = Submission(
            campaign_id=campaign.id, channel=channel, sha256=bytes.fromhex(raw.name), media_type=opened.media_type,
            file_name=readable_name(file),
        )  # fmt: skip
        session.add(submission)
        session.flush()
        cursor = session.connection().connection.cursor()
        codes = _codes(cursor, campaign)
        summary = _stage_all(cursor, opened, codes, rejects, progress)
    arrived = {"campaign": campaign.id, "submission": submission.id}
    _insert_all(session, arrived, codes, summary, rejects)
    if summary.accepted:
        session.execute(WAIT, arrived)
    else:
        session.delete(submission)  # nothing new came with it
    return summary


def _check_head(opened: VisitsFile) -> None:
    """Unknown columns are refused, for a misspelt one would be lost unsaid; and so is a file without a required one."""
    if opened.columns is None:
        return
    known = (*FIELDS, *ADDED_BY_EXPORT)
    errors = [refusal(0, name, "unknown_field") for name in opened.columns if name not in known]
    errors += [refusal(0, name, "missing") for name in REQUIRED if name not in opened.columns]
    if errors:
        raise RowsRefused(errors)


def _codes(cursor: Cursor, campaign: Campaign) -> Codes:
    cursor.execute(TEAMS, (campaign.id,))
    team, team_id = zip(*cursor.fetchall(), strict=True) if cursor.rowcount else ((), ())
    cursor.execute(SETTLEMENTS, (campaign.vintage,))
    place, place_id, area_id = zip(*cursor.fetchall(), strict=True) if cursor.rowcount else ((), (), ())
    return Codes(
        pa.array(team, pa.string()), np.array(team_id, np.int32), pa.array(place, pa.string()),
        np.array(place_id, np.int32), np.array(area_id, np.int32),
    )  # fmt: skip


def _stage_all(cursor: Cursor, opened: VisitsFile, codes: Codes, rejects: Rejects, progress: Progress) -> ImportSummary:
    """All rows that can be read into `incoming_visit`; the others to the rejects."""
    cursor.execute(STAGING)
    summary, now = ImportSummary(), datetime.now(UTC)
    for part in opened.parts:
        staged = stage(part, codes, now)
        if staged.good.num_rows:
            cursor.copy_expert(COPY, BytesIO(as_copy(staged.good, ("instance_id", "replaces"))))
        for refused in staged.refused:
            rejects.add(refused)
        summary.read += staged.read
        summary.rejected += len(staged.refused)
        progress(summary.read)
    cursor.execute("ANALYZE incoming_visit")
    return summary


def _insert_all(
    session: Session, arrived: dict[str, int], codes: Codes, summary: ImportSummary, rejects: Rejects
) -> None:
    """From `incoming_visit` into `visit`: what is new, once; the rest is told apart by its content."""
    for row in session.execute(CIRCLES).mappings().all():
        summary.rejected += 1
        rejects.add(Refused(_as_read(row, codes), [refusal(row["row_no"], "replaces", "circle")]))
    session.execute(text(f"SET LOCAL work_mem = '{SORT_MEMORY}'"))
    session.execute(REPEATED)
    session.execute(LEFT_OVER, arrived)
    left_over = session.scalars(text("SELECT count(*) FROM left_over")).one()
    summary.accepted = _insert(session, arrived) if left_over < summary.read - summary.rejected else 0
    for row in session.execute(CONFLICTS, arrived).mappings().yield_per(1_000):
        summary.conflict += 1
        rejects.add(Refused(_as_read(row, codes), [refusal(row["row_no"], "instance_id", "conflict")]))
    summary.duplicate = summary.read - summary.rejected - summary.accepted - summary.conflict


def _insert(session: Session, arrived: dict[str, int]) -> int:
    """How many rows went in."""
    try:
        with session.begin_nested():
            return _rows_of(session, INSERT, arrived)
    except DBAPIError as error:
        if not isinstance(error.orig, (DeadlockDetected, UniqueViolation)):
            raise
    count = _insert_meanwhile(session, arrived)
    session.execute(MEANWHILE, arrived)
    return count


def _insert_meanwhile(session: Session, arrived: dict[str, int], tries: int = TRIES) -> int:
    """The same while somebody else sends visits under the same ids: whose comes first is taken."""
    try:
        with session.begin_nested():
            return _rows_of(session, INSERT_MEANWHILE, arrived)
    except OperationalError as error:
        if tries == 1 or not isinstance(error.orig, DeadlockDetected):
            raise
    return _insert_meanwhile(session, arrived, tries - 1)


def _rows_of(session: Session, statement: TextClause, values: dict[str, int]) -> int:
    return cast(CursorResult[Any], session.execute(statement, values)).rowcount


def _as_read(row: Any, codes: Codes) -> dict[str, str]:
    """A staged row as a file says it."""
    values = {
        **row, "team": codes.team_codes[row["team_id"]], "visited_at": row["visited_at"].isoformat(),
        "settlement": codes.settlement_codes.get(row["settlement_id"]),
    }  # fmt: skip
    return {name: _as_text(values[name]) for name in FIELDS}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
