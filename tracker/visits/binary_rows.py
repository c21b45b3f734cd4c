"""Read many fixed-width rows from PostgreSQL at once: binary COPY straight into a numpy array, nothing parsed row by row."""
import io
from typing import Any

import numpy as np
from psycopg2.extensions import cursor as Cursor

HEADER_BYTES, TRAILER_BYTES = 19, 2
POSTGRES_EPOCH_S = 946_684_800      # 2000-01-01, from which timestamps count, in seconds since 1970


def read_rows(cursor: Cursor, query: str, values: dict[str, Any], columns: list[tuple[str, str]]) -> np.ndarray:
    """Rows of a query whose columns are all NOT NULL and of fixed width.

    columns : (name, numpy type as PostgreSQL sends it, big-endian: '>i4', '>i8', '>f8', '>i2', 'V16', '?'), in the query's order
    returns : a structured array in the machine's byte order
    """
    wire = np.dtype([("_fields", ">i2"), *((part, kind) for name, kind in columns for part, kind in ((f"_{name}", ">i4"), (name, kind)))])
    buffer = io.BytesIO()
    cursor.copy_expert(cursor.mogrify(f"COPY ({query}) TO STDOUT (FORMAT binary)", values).decode(), buffer)
    sent = buffer.getbuffer()
    count = (len(sent) - HEADER_BYTES - TRAILER_BYTES) // wire.itemsize
    rows = np.frombuffer(sent, wire, count, HEADER_BYTES)
    out = np.empty(count, [(name, np.dtype(kind).newbyteorder("=")) for name, kind in columns])
    for name, _ in columns:
        out[name] = rows[name]
    return out


def seconds(timestamps: np.ndarray) -> np.ndarray:
    """PostgreSQL's microseconds since 2000 as seconds since 1970, float64; its infinities become NaN."""
    infinite = (timestamps == np.iinfo(np.int64).max) | (timestamps == np.iinfo(np.int64).min)
    return np.where(infinite, np.nan, timestamps / 1e6 + POSTGRES_EPOCH_S)
