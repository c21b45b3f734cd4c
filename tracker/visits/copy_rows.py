"""Tables as PostgreSQL's binary COPY takes them: whole columns at once, so that neither side writes or parses digits.

Rows that lack the same values have one layout and are written together; their order is not kept.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracker.visits.binary_rows import HEADER, POSTGRES_EPOCH_US, TRAILER

LENGTH = ">i4"  # stands before each value; -1: there is none
UUID = np.dtype((np.uint8, 16))
HEX_DIGITS = [*range(8), *range(9, 13), *range(14, 18), *range(19, 23), *range(24, 36)]  # of a UUID as text
NIBBLE = np.zeros(256, np.uint8)
NIBBLE[list(b"0123456789abcdef")] = range(16)


@dataclass(frozen=True)
class Column:
    """One column of fixed width."""

    name: str
    values: np.ndarray  # (n,) as PostgreSQL reads them, (n, 16) of UUIDs; anything where there is none
    is_there: np.ndarray  # (n,) bool


def as_copy(rows: pa.Table, uuids: tuple[str, ...]) -> bytes:
    """All columns in the table's order. Texts are the last one, and those in `uuids`, which are UUIDs in lower case."""
    *fixed, last = rows.schema.names
    columns = [_column(name, rows.column(name), name in uuids) for name in fixed]
    texts, has_text = rows.column(last), _is_there(rows.column(last))
    layout = has_text.astype(np.int64)
    for k, column in enumerate(columns, 1):
        layout |= column.is_there.astype(np.int64) << k
    parts = [HEADER]
    for one in np.unique(layout):
        which = np.flatnonzero(layout == one)
        written = _write(columns, which, has_text[which[0]])
        if has_text[which[0]]:
            parts += _with_texts(written, texts.take(pa.array(which)).cast(pa.binary()).to_pylist())
        else:
            parts.append(written.tobytes())
    return b"".join([*parts, TRAILER])


def _write(columns: list[Column], which: np.ndarray, text_follows: bool) -> np.ndarray:
    """Rows of one layout, without the text that follows some."""
    there = {column.name: bool(column.is_there[which[0]]) for column in columns}
    fields: list[tuple[str, Any]] = [("_count", ">i2")]
    for column in columns:
        fields.append((f"_{column.name}", LENGTH))
        if there[column.name]:
            fields.append((column.name, UUID if column.values.ndim == 2 else column.values.dtype))
    rows = np.empty(len(which), [*fields, *([] if text_follows else [("_last", LENGTH)])])
    rows["_count"] = len(columns) + 1
    for column in columns:
        rows[f"_{column.name}"] = column.values[0].nbytes if there[column.name] else -1
        if there[column.name]:
            rows[column.name] = column.values[which]
    if not text_follows:
        rows["_last"] = -1
    return rows


def _with_texts(rows: np.ndarray, texts: list[bytes]) -> list[bytes]:
    written, size, parts = rows.tobytes(), rows.itemsize, list[bytes]()
    for k, words in enumerate(texts):
        parts += (written[k * size : (k + 1) * size], len(words).to_bytes(4, "big"), words)
    return parts


def _column(name: str, column: pa.ChunkedArray, is_uuid: bool) -> Column:
    is_there, kind = _is_there(column), column.type
    if is_uuid:
        values = np.zeros((len(column), 16), np.uint8)
        values[is_there] = _uuid_bytes(column.drop_null())
        return Column(name, values, is_there)
    if pa.types.is_timestamp(kind):
        since_1970_us = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
        return Column(name, (since_1970_us - POSTGRES_EPOCH_US).astype(">i8"), is_there)
    wire = "?" if pa.types.is_boolean(kind) else ">f8" if pa.types.is_floating(kind) else ">i4"
    return Column(name, pc.fill_null(column, pa.scalar(0).cast(kind)).to_numpy().astype(wire), is_there)


def _is_there(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.is_valid())


def _uuid_bytes(texts: pa.ChunkedArray) -> np.ndarray:
    """(n, 16) of n texts of 36 characters each."""
    if not len(texts):
        return np.empty((0, 16), np.uint8)
    nibbles = NIBBLE[_characters(texts).reshape(-1, 36)[:, HEX_DIGITS]]
    return np.asarray(nibbles[:, ::2] << 4 | nibbles[:, 1::2])


def _characters(texts: pa.ChunkedArray) -> np.ndarray:
    """What they hold, one after the other."""
    parts = []
    for chunk in texts.chunks:
        _validity, offsets, data = chunk.buffers()
        at = np.frombuffer(offsets, np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        parts.append(np.frombuffer(data, np.uint8)[at[0] : at[-1]])
    return np.concatenate(parts)
