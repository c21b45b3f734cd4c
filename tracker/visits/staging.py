"""Make rows of a file ready for COPY: whole columns first, then, one by one, what did not pass at once.

Both ways say the same of a row: `visit_row` is the contract, and whatever whole columns cannot be sure of is left to
it. Codes become ids here. Reads and writes no database.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracker.errors import RowError
from tracker.visits.file_formats import Lines, Misfit, Part, Texts
from tracker.visits.visit_row import (
    COUNTS,
    FIELDS,
    LONGEST_NOTE,
    NUMBERS,
    REQUIRED,
    YES_OR_NO,
    Unreadable,
    VisitRow,
    read_exported_json,
    read_text,
    refusal,
    texts_of,
)

INSTANT = pa.timestamp("us", "UTC")
STAGED = pa.schema([
    ("row_no", pa.int32()), ("instance_id", pa.string()), ("replaces", pa.string()), ("team_id", pa.int32()),
    ("visited_at", INSTANT), ("lon", pa.float64()), ("lat", pa.float64()), ("accuracy_m", pa.float64()),
    ("settlement_id", pa.int32()), ("area_id", pa.int32()), *((c, pa.int32()) for c in COUNTS),
    ("is_revisit", pa.bool_()), ("mock_location", pa.bool_()), ("note", pa.string()),
])  # fmt: skip

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
TIME = (
    "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[T ]([01][0-9]|2[0-3]):[0-5][0-9]"
    r"(:[0-5][0-9](\.[0-9]{1,6})?)?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)$"
)
LATE_DAY = "^.{8}(29|3[01])"  # which not every month has
FIRST_MOMENT = pa.scalar(946_684_800_000_000, INSTANT)  # 2000-01-01


@dataclass(frozen=True)
class Codes:
    """Codes of the campaign's teams and of all settlements, with their ids, for looking up whole columns."""

    team: pa.Array
    team_id: np.ndarray  # (teams,) int32
    settlement: pa.Array
    settlement_id: np.ndarray  # (settlements,) int32
    settlement_area: np.ndarray  # (settlements,) int32: its lowest area in the campaign's vintage; 0: none

    @cached_property
    def teams(self) -> dict[str, int]:
        return dict(zip(self.team.to_pylist(), self.team_id.tolist(), strict=True))

    @cached_property
    def settlements(self) -> dict[str, tuple[int, int]]:
        ids = zip(self.settlement_id.tolist(), self.settlement_area.tolist(), strict=True)
        return dict(zip(self.settlement.to_pylist(), ids, strict=True))

    @cached_property
    def team_codes(self) -> dict[int, str]:
        return {id: code for code, id in self.teams.items()}

    @cached_property
    def settlement_codes(self) -> dict[int, str]:
        return {id: code for code, (id, _area) in self.settlements.items()}


@dataclass(frozen=True)
class Refused:
    """A row that cannot be taken: as it was read, and what is wrong with it."""

    as_read: dict[str, str]
    errors: list[RowError]


@dataclass
class Staged:
    """What became of a part of the file."""

    good: pa.Table  # of STAGED
    refused: list[Refused] = field(default_factory=list)

    @property
    def read(self) -> int:
        return int(self.good.num_rows) + len(self.refused)


def stage(part: Part, codes: Codes, now: datetime) -> Staged:
    """The rows of a part that can be taken, and why the others cannot."""
    if isinstance(part, Misfit):
        return Staged(STAGED.empty_table(), [Refused(part.values, [refusal(part.number, "row", part.rule)])])
    if isinstance(part, Lines):
        return _one_by_one(zip(part.number.tolist(), part.lines, strict=True), _of_line, codes, now)
    table, is_good = _as_columns(part, codes, now)
    slow = _one_by_one(_odd_rows(part, ~is_good), _of_texts, codes, now)
    return Staged(pa.concat_tables([table.filter(pa.array(is_good)), slow.good]), slow.refused)


# whole columns


class _Sure:
    """Which rows of a part are surely good; of the others nothing is said."""

    def __init__(self, rows: int) -> None:
        self.rows = np.ones(rows, bool)

    def only_where(self, mask: pa.Array) -> None:
        self.rows &= np.asarray(pc.fill_null(mask, False))


def _as_columns(part: Texts, codes: Codes, now: datetime) -> tuple[pa.Table, np.ndarray]:
    n, sure = len(part.number), _Sure(len(part.number))
    sure.rows[list(part.broken)] = False
    nothing = pa.array([""] * n, pa.string())
    texts = {name: part.texts.get(name, nothing) for name in FIELDS}
    made: dict[str, Any] = {"row_no": pa.array(part.number, pa.int32())}
    for name in ("instance_id", "replaces"):
        made[name] = _uuids(texts[name], name in REQUIRED, sure)
    [made["team_id"]] = _ids(texts["team"], codes.team, [codes.team_id], True, sure)
    of_place = [codes.settlement_id, codes.settlement_area]
    made["settlement_id"], made["area_id"] = _ids(texts["settlement"], codes.settlement, of_place, False, sure)
    made["visited_at"] = _times(texts["visited_at"], now, sure)
    for name in NUMBERS:
        made[name] = _numbers(texts[name], sure)
    for name in COUNTS:
        made[name] = _counts(texts[name], name in REQUIRED, sure)
    for name in YES_OR_NO:
        made[name] = pc.equal(texts[name], "true")
        sure.only_where(pc.or_(made[name], pc.is_in(texts[name], pa.array(["false", ""]))))
    made["note"] = _or_null(texts["note"])
    sure.only_where(pc.invert(pc.match_substring(texts["note"], "\0")))
    sure.only_where(pc.less_equal(pc.utf8_length(texts["note"]), LONGEST_NOTE))
    _check_positions(made["lon"], made["lat"], made["accuracy_m"], sure)
    sure.only_where(pc.fill_null(pc.not_equal(made["replaces"], made["instance_id"]), True))
    return pa.table([made[name] for name in STAGED.names], schema=STAGED), sure.rows


def _or_null(words: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(words, ""), None, words)


def _uuids(words: pa.Array, required: bool, sure: _Sure) -> pa.Array:
    fits = pc.match_substring_regex(words, UUID)
    sure.only_where(fits if required else pc.or_(fits, pc.equal(words, "")))
    return pc.ascii_lower(_or_null(words))


def _ids(words: pa.Array, known: pa.Array, ids: list[np.ndarray], required: bool, sure: _Sure) -> list[pa.Array]:
    """The ids of codes; null where there is no code, or an unknown one, which is not sure."""
    place = pc.index_in(words, known)
    found = pc.is_valid(place)
    sure.only_where(found if required else pc.or_(found, pc.equal(words, "")))
    at, unknown = np.asarray(pc.fill_null(place, 0)), ~np.asarray(found)
    return [pa.array(i[at] if len(i) else np.zeros(len(at), np.int32), pa.int32(), mask=unknown) for i in ids]


def _times(words: pa.Array, now: datetime, sure: _Sure) -> pa.Array:
    fits = pc.match_substring_regex(words, TIME)
    try:
        times = pc.if_else(fits, words, None).cast(INSTANT)
    except pa.ArrowInvalid:  # 30 February is among them
        fits = pc.and_(fits, pc.invert(pc.match_substring_regex(words, LATE_DAY)))
        times = pc.if_else(fits, words, None).cast(INSTANT)
    sure.only_where(pc.and_(pc.greater_equal(times, FIRST_MOMENT), pc.less_equal(times, pa.scalar(now, INSTANT))))
    return times


def _numbers(words: pa.Array, sure: _Sure) -> pa.Array:
    try:
        numbers = _or_null(words).cast(pa.float64())
    except pa.ArrowInvalid:  # some are none
        fits = pc.match_substring_regex(words, r"^-?[0-9]{1,9}(\.[0-9]{1,17})?$")
        sure.only_where(pc.or_(fits, pc.equal(words, "")))
        numbers = pc.if_else(fits, words, None).cast(pa.float64())
    sure.only_where(pc.fill_null(pc.is_finite(numbers), True))
    return numbers


def _counts(words: pa.Array, required: bool, sure: _Sure) -> pa.Array:
    fits = pc.and_(pc.ascii_is_decimal(words), pc.less_equal(pc.binary_length(words), 9))
    sure.only_where(fits if required else pc.or_(fits, pc.equal(words, "")))
    return pc.if_else(fits, words, "0").cast(pa.int32())


def _check_positions(lon: pa.Array, lat: pa.Array, accuracy_m: pa.Array, sure: _Sure) -> None:
    sure.only_where(pc.equal(pc.is_null(lon), pc.is_null(lat)))
    for degrees, limit in ((lon, 180.0), (lat, 90.0)):
        sure.only_where(pc.fill_null(pc.less_equal(pc.abs(degrees), limit), True))
    sure.only_where(pc.fill_null(pc.greater_equal(accuracy_m, 0.0), True))


# one by one

Read = Callable[[Any, int, datetime], VisitRow]


def _odd_rows(part: Texts, which: np.ndarray) -> Iterable[tuple[int, dict[str, str]]]:
    rows = np.flatnonzero(which)
    if not len(rows):
        return
    sent = {name: column for name, column in part.texts.items() if name in FIELDS}  # not what an export added
    values = pa.table(sent).take(pa.array(rows)).to_pylist()
    for k, as_read in zip(rows.tolist(), values, strict=True):
        broken = part.broken.get(k, {})
        yield int(part.number[k]), {name: broken.get(name, words) for name, words in as_read.items()}


def _of_texts(as_read: dict[str, str], number: int, now: datetime) -> VisitRow:
    return read_text(as_read, number, now)


def _of_line(line: bytes, number: int, now: datetime) -> VisitRow:
    return read_exported_json(line, number, now)


def _one_by_one(rows: Iterable[tuple[int, Any]], read: Read, codes: Codes, now: datetime) -> Staged:
    good, refused = list[tuple[Any, ...]](), list[Refused]()
    for number, row in rows:
        try:
            good.append(_row(read(row, number, now), number, codes))
        except Unreadable as why:
            refused.append(Refused(texts_of(row) if isinstance(row, bytes) else row, why.errors))
    columns = zip(*good, strict=True) if good else [[]] * len(STAGED)
    return Staged(pa.table([pa.array(c, f.type) for c, f in zip(columns, STAGED, strict=True)], schema=STAGED), refused)


def _row(visit: VisitRow, number: int, codes: Codes) -> tuple[Any, ...]:
    """A visit as a row of STAGED; raises Unreadable for an unknown code."""
    team_id = codes.teams.get(visit.team)
    place = codes.settlements.get(visit.settlement) if visit.settlement else (None, None)
    errors = [] if team_id is not None else [refusal(number, "team", "unknown_team", visit.team)]
    if place is None:
        errors.append(refusal(number, "settlement", "unknown_settlement", visit.settlement))
    if place is None or errors:
        raise Unreadable(errors)
    replaces = str(visit.replaces) if visit.replaces else None
    return (
        number, str(visit.instance_id), replaces, team_id, visit.visited_at, visit.lon, visit.lat, visit.accuracy_m,
        *place, *(getattr(visit, c) or 0 for c in COUNTS), bool(visit.is_revisit), bool(visit.mock_location),
        visit.note or None,
    )  # fmt: skip
