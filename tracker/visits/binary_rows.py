"""Read and write many fixed-width rows at once: PostgreSQL's binary COPY straight from and to numpy, nothing parsed
row by row.
"""

import io
from typing import Any

import numpy as np
from psycopg2.extensions import cursor as Cursor

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
POSTGRES_EPOCH_US = 946_684_800 * 1_000_000  # 2000-01-01, from which timestamps count, in microseconds since 1970
POSTGRES_EPOCH_DAY = 10_957  # … and dates, in days since 1970
UUID_ON_WIRE = np.dtype([("hi", ">u8"), ("lo", ">u8")])

Columns = list[tuple[str, str]]  # name, numpy type as PostgreSQL sends it: '>i8', '>i4', '>i2', '>f8', '?' or 'uuid'


def read_rows(cursor: Cursor, query: str, values: dict[str, Any], columns: Columns) -> np.ndarray:
    """Rows of a query whose columns, in this order, are all NOT NULL and of fixed width.

    returns : (n,) structured array in the machine's byte order; of a uuid its halves `hi` and `lo`
    """
    rows = rows_as_sent(cursor, query, values, columns)
    out = np.empty(len(rows), [(name, _on_wire(kind).newbyteorder("=")) for name, kind in columns])
    for name, _ in columns:
        out[name] = rows[name]
    return out


def rows_as_sent(cursor: Cursor, query: str, values: dict[str, Any], columns: Columns) -> np.ndarray:
    """The same without copying them out of what was sent: big-endian, and read-only."""
    buffer = io.BytesIO()
    cursor.copy_expert(cursor.mogrify(f"COPY ({query}) TO STDOUT (FORMAT binary)", values).decode(), buffer)
    sent, wire = buffer.getbuffer(), _wire(columns)
    return np.frombuffer(sent, wire, (len(sent) - len(HEADER) - len(TRAILER)) // wire.itemsize, len(HEADER))


def write_rows(cursor: Cursor, table: str, columns: Columns, values: dict[str, np.ndarray]) -> None:
    """Append rows to a table; `values` has an array for each column."""
    wire = _wire(columns)
    rows = np.zeros(len(values[columns[0][0]]), wire)
    rows["_fields"] = len(columns)
    for name, kind in columns:
        rows[f"_{name}"] = _on_wire(kind).itemsize
        rows[name] = values[name]
    names = ", ".join(name for name, _ in columns)
    copy = f"COPY {table} ({names}) FROM STDIN (FORMAT binary)"
    cursor.copy_expert(copy, io.BytesIO(HEADER + rows.tobytes() + TRAILER))


def _wire(columns: Columns) -> np.dtype[Any]:
    """A row as it is sent: the number of fields, then each with its length before it."""
    fields: list[tuple[str, Any]] = [("_fields", ">i2")]
    for name, kind in columns:
        fields += [(f"_{name}", ">i4"), (name, _on_wire(kind))]
    return np.dtype(fields)


def _on_wire(kind: str) -> np.dtype[Any]:
    return UUID_ON_WIRE if kind == "uuid" else np.dtype(kind)


def since_1970_us(timestamps: np.ndarray) -> np.ndarray:
    """PostgreSQL's microseconds since 2000 as those since 1970; its infinite past stays the smallest number."""
    never = timestamps == np.iinfo(np.int64).min
    return np.asarray(np.where(never, timestamps, timestamps + POSTGRES_EPOCH_US))
