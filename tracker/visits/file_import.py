"""Take visits from a file: everything that can be read goes in, in one transaction; what cannot is named and set aside.

The file itself is the raw submission: it is kept unchanged under its hash before anything else happens. Rows are validated batch by batch as
arrays, sent by COPY to a staging table of the transaction, and inserted as one set. A crash leaves nothing half-written; running the
import again completes it, because what is there already is recognised by its `instance_id`.
"""
import csv
import hashlib
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.errors import CampaignClosed, RowError
from tracker.visits.file_formats import Batch, open_visits
from tracker.visits.models import Submission
from tracker.visits.visit_row import (
    COUNTS,
    FIELDS,
    LONGEST_NOTE,
    Unreadable,
    VisitRow,
    refusal,
    read_text,

)

UUID_PATTERN = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
FIRST_MOMENT = pa.scalar(946_684_800_000_000, pa.timestamp("us", "UTC"))     # 2000-01-01

STAGED = ("row_no", "instance_id", "replaces", "team_id", "visited_at", "lon", "lat", "accuracy_m", "settlement_id", "area_id", *COUNTS, "is_revisit",
          "mock_location", "note")
STAGING = """
    CREATE TEMP TABLE incoming_visit (
        row_no integer, instance_id uuid, replaces uuid, team_id integer, visited_at timestamptz, lon float8, lat float8, accuracy_m float8,
        settlement_id integer, area_id integer, children_eligible integer, vaccinated integer, absent integer, refused integer, other_missed integer,
        guests_vaccinated integer, zero_dose integer, finger_marked integer, is_revisit boolean, mock_location boolean, note text
    ) ON COMMIT DROP"""

CONTENT = ("campaign_id", "team_id", "visited_at", "lon", "lat", "accuracy_m", "settlement_id", *COUNTS, "is_revisit", "mock_location", "replaces", "note")
SENT = ", ".join(f"coalesce(n.{c}, 0)" if c in COUNTS else ":campaign" if c == "campaign_id" else f"n.{c}" for c in CONTENT)
STORED = ", ".join(f"v.{c}" for c in CONTENT)

_INTO_VISIT = f"""
    INSERT INTO visit (instance_id, submission_id, campaign_id, row_no, unit_id, area_id, {", ".join(c for c in CONTENT if c != "campaign_id")})
    SELECT n.instance_id, :submission, :campaign, n.row_no, n.settlement_id, n.area_id,
           {", ".join(f"n.{c}" for c in CONTENT if c != "campaign_id")} FROM incoming_visit n"""
INSERT = text(f"{_INTO_VISIT} ORDER BY n.team_id, n.visited_at ON CONFLICT (instance_id) DO NOTHING")

# of rows with one id within the file the first counts, whatever order they were inserted in
REPEATED = """
    CREATE TEMP TABLE repeated_visit ON COMMIT DROP AS
    SELECT instance_id, min(row_no) AS first FROM incoming_visit GROUP BY instance_id HAVING count(*) > 1;
    ANALYZE repeated_visit"""
NOT_THE_FIRST = text("""
    DELETE FROM visit v USING repeated_visit r
    WHERE v.instance_id = r.instance_id AND v.submission_id = :submission AND v.row_no <> r.first""")
INSERT_FIRST = text(f"""{_INTO_VISIT}
    JOIN repeated_visit r ON r.instance_id = n.instance_id AND r.first = n.row_no ON CONFLICT (instance_id) DO NOTHING""")

LEFT_OVER = text(f"""
    SELECT n.row_no, n.instance_id, ({STORED}) IS NOT DISTINCT FROM ({SENT}) AS same
    FROM incoming_visit n JOIN visit v ON v.instance_id = n.instance_id
    WHERE NOT (v.submission_id = :submission AND v.row_no = n.row_no) ORDER BY n.row_no""")

WAIT = text("""
    INSERT INTO waiting (campaign_id, submission_id, team_ids) SELECT :campaign, :submission, array_agg(DISTINCT team_id) FROM incoming_visit""")


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
    """The refused rows as read, with row, field, rule and message; written as they come. No path: they are only counted."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.file, self.shown = path, None, []
        self.file: TextIO | None
        self.shown: list[RowError]

    def __enter__(self) -> "Rejects":
        if self.path:
            self.file = self.path.open("w", newline="", encoding="utf-8", errors="replace")
            self.writer = csv.writer(self.file)
            self.writer.writerow([*FIELDS, "row", "field", "rule", "message"])
        return self

    def __exit__(self, *error: object) -> None:
        if self.file:
            self.file.close()

    def add(self, as_read: dict[str, Any], error: RowError) -> None:
        if len(self.shown) < 20:
            self.shown.append(error)
        if self.file:
            self.writer.writerow([*(as_read.get(f, "") for f in FIELDS), error.row, error.field, error.rule, error.message])


@dataclass(frozen=True)
class Codes:
    """Codes of the campaign's teams and of all settlements, with their ids, for looking up whole columns."""

    team: pa.Array
    team_id: np.ndarray
    settlement: pa.Array
    settlement_id: np.ndarray
    settlement_area: np.ndarray


def keep_raw(file: Path, folder: Path) -> bytes:
    """Copy the file to `folder/<sha256>`, durably, and give its hash. A file kept already is not copied again."""
    folder.mkdir(parents=True, exist_ok=True)
    digest, unfinished = hashlib.sha256(), folder / f"unfinished-{os.getpid()}"
    with file.open("rb") as source, unfinished.open("wb") as copy:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    unfinished.rename(folder / digest.hexdigest())
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return digest.digest()


def import_visits(session: Session, campaign: Campaign, file: Path, raw_folder: Path, rejects: Rejects, submitter_id: int | None = None,
                  channel: str = "file") -> ImportSummary:
    """Take the visits of a file into a campaign. Raises NotAVisitsFile, CampaignClosed; the caller commits."""
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    opened = open_visits(file)
    sha256 = keep_raw(file, raw_folder)
    submission = Submission(campaign_id=campaign.id, channel=channel, sha256=sha256, media_type=opened.media_type, file_name=file.name,
                            submitter_id=submitter_id)
    session.add(submission)
    session.flush()
    summary = ImportSummary()
    cursor = session.connection().connection.cursor()
    cursor.execute(STAGING)
    codes, now, staged = _codes(session, campaign), datetime.now(UTC), 0
    for batch in opened.batches:
        good = _readable(batch, codes, now, summary, rejects)
        staged += good.num_rows
        cursor.copy_expert(f"COPY incoming_visit ({', '.join(STAGED)}) FROM STDIN (FORMAT csv)", _as_csv(good))
    for number, words in opened.odd_rows:
        summary.read, summary.rejected = summary.read + 1, summary.rejected + 1
        rejects.add({"instance_id": words.split(",", 1)[0]}, refusal(number - 1, "row", "columns"))
    cursor.execute("ANALYZE incoming_visit")
    values = {"campaign": campaign.id, "submission": submission.id}
    summary.accepted = session.execute(INSERT, values).rowcount if staged else 0
    if summary.accepted < staged:
        _sort_out_repeats(session, values, summary, staged, rejects)
    if summary.accepted:
        session.execute(WAIT, values)
    else:
        session.delete(submission)      # nothing new came with it
    return summary


def _sort_out_repeats(session: Session, values: dict[str, Any], summary: ImportSummary, staged: int, rejects: Rejects) -> None:
    """Rows whose id is there already: the same content is a duplicate, other content a conflict."""
    session.connection().connection.cursor().execute(REPEATED)
    if session.execute(NOT_THE_FIRST, values).rowcount:
        session.execute(INSERT_FIRST, values)
    for row, instance_id, same in session.execute(LEFT_OVER, values).yield_per(10_000):
        summary.duplicate += same
        if not same:
            summary.conflict += 1
            rejects.add({"instance_id": str(instance_id)}, RowError(row, "instance_id", "conflict", _(
                "A visit with this instance_id is there with other content; nothing was changed. To correct it, send a new visit that names it in replaces.")))
    summary.accepted = staged - summary.duplicate - summary.conflict


def _codes(session: Session, campaign: Campaign) -> Codes:
    teams = session.execute(text("SELECT code, id FROM team WHERE campaign_id = :id"), {"id": campaign.id}).all()
    settlements = session.execute(text("""
        SELECT s.code, s.id, coalesce(p.area_id, 0) FROM settlement s
        LEFT JOIN settlement_place p ON p.settlement_id = s.id AND p.vintage = :vintage"""), {"vintage": campaign.vintage}).all()
    return Codes(
        pa.array([t[0] for t in teams], pa.string()), np.array([t[1] for t in teams], np.int32), pa.array([s[0] for s in settlements], pa.string()),
        np.array([s[1] for s in settlements], np.int32), np.array([s[2] for s in settlements], np.int32))


# reading a batch: whole columns first, then, one by one, what did not pass at once

def _readable(batch: Batch, codes: Codes, now: datetime, summary: ImportSummary, rejects: Rejects) -> pa.Table:
    """The rows of a batch that can be taken, as columns of STAGED; the others go to the rejects."""
    n = len(batch.row)
    summary.read += n
    columns, good = _fast(batch, codes, now)
    slow_rows, slow_columns = _slow(batch, np.flatnonzero(~good), codes, now, summary, rejects)
    fast = pa.table(columns, names=STAGED).filter(pa.array(good))
    if not slow_rows:
        return fast
    return pa.concat_tables([fast, pa.table(slow_columns, schema=fast.schema)])


def _fast(batch: Batch, codes: Codes, now: datetime) -> tuple[list[pa.Array], np.ndarray]:
    """Columns of STAGED and which rows are surely good; of the others nothing is said."""
    n = len(batch.row)
    empty = pa.array([""] * n, pa.string())
    texts = {f: batch.texts.get(f, empty) for f in FIELDS}
    good = np.ones(n, bool)
    if set(batch.texts) - set(FIELDS):
        good[:] = False     # an unknown column: every row is named

    def require(mask: pa.Array) -> None:
        nonlocal good
        good &= np.asarray(pc.fill_null(mask, False))

    for name in ("team", "settlement", "note"):
        require(pc.invert(pc.or_(pc.match_substring(texts[name], "\0"), pc.match_substring(texts[name], "\ufffd"))))
    ids, replaces = (pc.utf8_lower(texts[f]) for f in ("instance_id", "replaces"))
    require(pc.match_substring_regex(ids, UUID_PATTERN))
    no_replaces = pc.equal(replaces, "")
    require(pc.or_(no_replaces, pc.match_substring_regex(replaces, UUID_PATTERN)))
    team, settlement = pc.index_in(texts["team"], codes.team), pc.index_in(texts["settlement"], codes.settlement)
    require(pc.is_valid(team))
    no_settlement = pc.equal(texts["settlement"], "")
    require(pc.or_(no_settlement, pc.is_valid(settlement)))
    require(pc.less_equal(pc.utf8_length(texts["note"]), LONGEST_NOTE))
    visited_at = _times(texts["visited_at"], now, require)
    numbers = {name: _numbers(texts[name], pattern, require) for name, pattern in (
        ("lon", r"^-?[0-9]{1,3}(\.[0-9]{1,15})?$"), ("lat", r"^-?[0-9]{1,2}(\.[0-9]{1,15})?$"), ("accuracy_m", r"^[0-9]{1,9}(\.[0-9]{1,9})?$"))}
    require(pc.equal(pc.is_null(numbers["lon"]), pc.is_null(numbers["lat"])))
    require(pc.fill_null(pc.less_equal(pc.abs(numbers["lon"]), 180.0), True))
    require(pc.fill_null(pc.less_equal(pc.abs(numbers["lat"]), 90.0), True))
    counts = []
    for name in COUNTS:
        digits = pc.match_substring_regex(texts[name], "^[0-9]{1,9}$")
        optional = name in COUNTS[5:]
        require(pc.or_(digits, pc.equal(texts[name], "")) if optional else digits)
        counts.append(pc.if_else(digits, texts[name], "0").cast(pa.int32()))
    booleans = []
    for name in ("is_revisit", "mock_location"):
        true = pc.equal(texts[name], "true")
        require(pc.or_(true, pc.is_in(texts[name], pa.array(["false", ""]))))
        booleans.append(true)
    row = np.asarray(pc.fill_null(settlement, 0))
    known = np.asarray(pc.is_valid(settlement))
    place_id, place_area = (pa.array(a[row] if len(a) else row, pa.int32(), mask=~known) for a in (codes.settlement_id, codes.settlement_area))
    team_id = pa.array(codes.team_id[np.asarray(pc.fill_null(team, 0))] if len(codes.team_id) else np.zeros(n, np.int32), pa.int32())
    columns = [batch.row, ids, pc.if_else(no_replaces, None, replaces), team_id, visited_at, numbers["lon"], numbers["lat"], numbers["accuracy_m"], place_id,
               place_area, *counts, *booleans, pc.if_else(pc.equal(texts["note"], ""), None, texts["note"])]
    return columns, good


def _times(words: pa.Array, now: datetime, require: Any) -> pa.Array:
    """Instants; a batch with an impossible date (30 February) is left to the patient reader as a whole."""
    fits = pc.match_substring_regex(words, TIME_PATTERN)
    try:
        times = pc.if_else(fits, words, "2000-01-01T00:00:00Z").cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:
        times, fits = pa.array([FIRST_MOMENT.as_py()] * len(words), pa.timestamp("us", "UTC")), pa.array([False] * len(words))
    latest = pa.scalar(now, pa.timestamp("us", "UTC"))
    require(pc.and_(fits, pc.and_(pc.greater_equal(times, FIRST_MOMENT), pc.less_equal(times, latest))))
    return times


def _numbers(words: pa.Array, pattern: str, require: Any) -> pa.Array:
    empty, fits = pc.equal(words, ""), pc.match_substring_regex(words, pattern)
    require(pc.or_(empty, fits))
    return pc.if_else(fits, words, None).cast(pa.float64())


def _slow(batch: Batch, rows: np.ndarray, codes: Codes, now: datetime, summary: ImportSummary, rejects: Rejects) -> tuple[int, dict[str, list[Any]]]:
    """Read the rows that did not pass at once one by one: some are good after all, the others say why not."""
    taken: dict[str, list[Any]] = {name: [] for name in STAGED}
    count = 0
    for k in rows.tolist():
        number = batch.row[k].as_py()
        as_read = {name: values[k].as_py() for name, values in batch.texts.items()}
        try:
            values = _staged(read_text(as_read, number, now), number, codes)
        except Unreadable as error:
            summary.rejected += 1
            for told in error.errors:
                rejects.add(as_read, told)
            continue
        for name, value in zip(STAGED, values, strict=True):
            taken[name].append(value)
        count += 1
    return count, taken


def _staged(visit: VisitRow, number: int, codes: Codes) -> tuple[Any, ...]:
    team = pc.index(codes.team, visit.team).as_py()
    settlement = pc.index(codes.settlement, visit.settlement).as_py() if visit.settlement else None
    errors = [refusal(number, "team", "unknown_team", visit.team)] if team < 0 else []
    if settlement is not None and settlement < 0:
        errors.append(refusal(number, "settlement", "unknown_settlement", visit.settlement))
    if errors:
        raise Unreadable(errors)
    place = (int(codes.settlement_id[settlement]), int(codes.settlement_area[settlement])) if settlement is not None else (None, None)
    return (number, str(visit.instance_id), str(visit.replaces) if visit.replaces else None, int(codes.team_id[team]), visit.visited_at, visit.lon, visit.lat,
            visit.accuracy_m, *place, *(getattr(visit, c) or 0 for c in COUNTS), visit.is_revisit, visit.mock_location, visit.note or None)


def _as_csv(rows: pa.Table) -> BytesIO:
    out = BytesIO()
    pcsv.write_csv(rows, out, pcsv.WriteOptions(include_header=False, quoting_style="needed"))
    out.seek(0)
    return out

