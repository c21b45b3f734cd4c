"""Join a census table to areas by name: propose, let a person confirm, list what is left.

Only what a person confirmed is used. A coordinator sees and confirms the rows whose area is theirs; what belongs
elsewhere is not shown to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.tables import DIGITS
from tracker.denominators.matching import Named, Place, propose
from tracker.denominators.models import FIGURES, CensusRow, CensusTable
from tracker.errors import NotFound, RowError, RowsRefused, WrongRequest
from tracker.sheets import Sheet

LARGEST_NUMBER = 2_000_000_000


@dataclass(frozen=True)
class Reading:
    """Which columns of the table hold what, and which of its rows are meant."""

    name: str
    number: str
    parent: str | None = None
    code: str | None = None
    only: tuple[tuple[str, str], ...] = ()  # (column, value): rows of which all hold


@dataclass(frozen=True)
class About:
    title: str
    level: str
    vintage: date
    figure: str
    year: int


PLACES = text("""
    SELECT a.id, a.code, a.name_en AS name, p.name_en AS parent FROM area a LEFT JOIN area p ON p.id = a.parent_id
    WHERE a.vintage = :vintage AND a.level = :level ORDER BY a.code""")


def read_census(session: Session, by: Scope, sheet: Sheet, reading: Reading, about: About) -> CensusTable:
    """Keep the rows of a table, each with what is proposed for it. Raises WrongRequest, RowsRefused."""
    if about.level not in LEVELS or about.figure not in FIGURES or not 1900 <= about.year <= 2100:
        raise WrongRequest(field="level", why=_("choose level, figure and year."))
    rows = _meant(sheet, reading)
    places = [
        Place(**row) for row in session.execute(PLACES, {"vintage": about.vintage, "level": about.level}).mappings()
    ]
    if not places:
        raise WrongRequest(field="level", why=_("no areas are loaded. Import the boundaries first."))
    named = [Named(row["name"], row["parent_name"], row["code"]) for row in rows]
    table = CensusTable(**vars(about), person_id=by.person_id)
    session.add(table)
    session.flush()
    proposals = propose(named, places)
    session.execute(insert(CensusRow), [
        {**row, "table_id": table.id, "how": found.how, "area_id": found.area_id, "score": found.score}
        for row, found in zip(rows, proposals, strict=True)
    ])  # fmt: skip
    audit.record(session, by, "read census", "census", str(table.id), {"title": about.title, "rows": len(rows)})
    return table


def _meant(sheet: Sheet, reading: Reading) -> list[dict[str, Any]]:
    for column in filter(None, (reading.name, reading.number, reading.parent, reading.code, *dict(reading.only))):
        if column not in sheet.columns:
            raise WrongRequest(field=column, why=_("the table has no such column."))
    rows, errors = [], []
    for at, row in enumerate(sheet.rows, 1):
        if not row.get(reading.name) or any(row.get(column) != value for column, value in reading.only):
            continue
        number = _count(row.get(reading.number, ""))
        if number is None:
            why = _("{value} is not a whole number from 0 to {most}.")
            errors.append(RowError(at, reading.number, "not_a_count", why.format(
                value=row.get(reading.number) or "–", most=LARGEST_NUMBER)))  # fmt: skip
            continue
        rows.append({
            "row_no": at, "name": row[reading.name], "number": number,
            "parent_name": row.get(reading.parent) or None if reading.parent else None,
            "code": row.get(reading.code) or None if reading.code else None,
        })  # fmt: skip
    if errors:
        raise RowsRefused(errors)
    if not rows:
        raise WrongRequest(field="only", why=_("no row of the table is meant by that."))
    return rows


def _count(words: str) -> int | None:
    plain = words.translate(DIGITS).replace(",", "").strip()
    return int(plain) if plain.isascii() and plain.isdigit() and int(plain) <= LARGEST_NUMBER else None


TABLES = text("""
    SELECT t.id, t.title, t.level, t.figure, t.year, t.read_at, count(*) AS rows,
           count(*) FILTER (WHERE r.confirmed_at IS NOT NULL) AS confirmed
    FROM census_table t JOIN census_row r ON r.table_id = t.id
    WHERE :everything OR t.person_id = :person GROUP BY t.id ORDER BY t.id DESC""")

ROWS = text("""
    SELECT r.id, r.row_no, r.name, r.parent_name, r.number, r.how, r.score, r.area_id, r.confirmed_at,
           a.code AS area, a.name_en AS area_name, a.name_ur AS area_name_ur, a.name_ps AS area_name_ps,
           q.name_en AS area_parent, coalesce(nullif(p.name, ''), p.role) AS confirmed_by
    FROM census_row r LEFT JOIN area a ON a.id = r.area_id LEFT JOIN area q ON q.id = a.parent_id
    LEFT JOIN person p ON p.id = r.confirmed_by
    WHERE r.table_id = :table AND (:everything OR r.area_id IS NULL OR in_areas(r.area_id, :areas))
    ORDER BY array_position(ARRAY['proposed','same_name','code','left'], r.how), r.score, r.row_no""")


def list_tables(session: Session, scope: Scope) -> Sequence[Any]:
    values = {"everything": scope.everything, "person": scope.person_id}
    return session.execute(TABLES, values).mappings().all()


def find_table(session: Session, scope: Scope, table_id: int) -> CensusTable:
    """One's own table, or any for those who see everything; NotFound otherwise."""
    table = session.get(CensusTable, table_id)
    if table is None or not (scope.everything or table.person_id == scope.person_id):
        raise NotFound
    return table


def list_rows(session: Session, scope: Scope, table: CensusTable) -> Sequence[Any]:
    """Proposals first, the least sure on top."""
    values = {"table": table.id, "everything": scope.everything, **scope.binds()}
    return session.execute(ROWS, values).mappings().all()


def places_of(session: Session, scope: Scope, table: CensusTable) -> Sequence[Any]:
    """Areas of the table's level that the person may choose for a row."""
    found = session.execute(text(f"""
        SELECT * FROM ({PLACES.text}) a WHERE :everything OR in_areas(a.id, :areas)"""),
        {"vintage": table.vintage, "level": table.level, "everything": scope.everything, **scope.binds()})  # fmt: skip
    return found.mappings().all()


CONFIRM = text("""
    UPDATE census_row r SET area_id = n.area_id, confirmed_by = :person, confirmed_at = :at
    FROM unnest(CAST(:rows AS bigint[]), CAST(:chosen AS integer[])) n (id, area_id)
    JOIN area a ON a.id = n.area_id AND a.vintage = :vintage AND a.level = :level
    WHERE r.id = n.id AND r.table_id = :table AND (:everything OR in_areas(n.area_id, :areas))""")


def confirm(session: Session, by: Scope, table: CensusTable, chosen: dict[int, int]) -> int:
    """`chosen` is {row: area}, each looked at by the person; how many were confirmed. Raises RowsRefused for an area
    that two rows would bear."""
    taken = set(session.scalars(text(
        "SELECT area_id FROM census_row WHERE table_id = :table AND confirmed_at IS NOT NULL AND NOT id = ANY(:rows)"
    ), {"table": table.id, "rows": list(chosen)}))  # fmt: skip
    errors = []
    for row, area in chosen.items():
        if area in taken:
            why = _("This area is joined to another row already. An area has one row of a table.")
            errors.append(RowError(row, "area", "area_twice", why))
        taken.add(area)
    if errors:
        raise RowsRefused(errors)
    done: Any = session.execute(CONFIRM, {
        "rows": list(chosen), "chosen": list(chosen.values()), "person": by.person_id, "at": datetime.now(UTC),
        "table": table.id, "vintage": table.vintage, "level": table.level, "everything": by.everything, **by.binds(),
    })  # fmt: skip
    if done.rowcount:
        audit.record(session, by, "confirm census", "census", str(table.id), {"rows": done.rowcount})
    return int(done.rowcount)


def withdraw(session: Session, by: Scope, table: CensusTable, row_id: int) -> None:
    """Take one confirmation back."""
    done: Any = session.execute(text("""
        UPDATE census_row SET confirmed_by = NULL, confirmed_at = NULL
        WHERE id = :row AND table_id = :table AND (:everything OR in_areas(area_id, :areas))"""),
        {"row": row_id, "table": table.id, "everything": by.everything, **by.binds()})  # fmt: skip
    if not done.rowcount:
        raise NotFound
    audit.record(session, by, "withdraw census", "census", str(table.id), {"row": row_id})


KNOWN = text("""
    SELECT DISTINCT ON (r.area_id) r.area_id, r.number, t.year, t.title
    FROM census_row r JOIN census_table t ON t.id = r.table_id
    WHERE r.confirmed_at IS NOT NULL AND t.figure = 'under_five' AND r.area_id = ANY(:areas)
    ORDER BY r.area_id, t.year DESC, t.id DESC""")


def census_of(session: Session, area_ids: list[int]) -> dict[int, Any]:
    """By area the newest confirmed number of children under five."""
    return {row.area_id: row for row in session.execute(KNOWN, {"areas": area_ids})}
