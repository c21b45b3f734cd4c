"""Binary COPY: what goes in comes out, whatever is missing."""

import io
import uuid
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import text

from tracker.visits.copy_rows import as_copy

TABLE = "CREATE TEMP TABLE copied (id uuid, n integer, x float8, at timestamptz, yes boolean, other uuid, words text)"
SCHEMA = pa.schema([
    ("id", pa.string()), ("n", pa.int32()), ("x", pa.float64()), ("at", pa.timestamp("us", "UTC")), ("yes", pa.bool_()),
    ("other", pa.string()), ("words", pa.string()),
])  # fmt: skip
AT = datetime(2025, 11, 10, 4, 30, 0, 123456, UTC)
BEFORE_2000 = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("chunks", [1, 2])
def test_every_value_arrives_and_what_is_missing_stays_so(session, chunks):
    ids = [str(uuid.uuid4()) for _ in range(5)]
    rows = [
        (ids[0], 1, 71.123456789012345, AT, True, ids[1], 'الف, "b"\n\t\\N'),
        (ids[1], None, None, AT, False, None, None),
        (ids[2], -2_147_483_648, -0.0, BEFORE_2000, True, None, ""), (ids[3], 7, None, None, None, ids[0], "x"),
        (ids[4], 2_147_483_647, 1e-300, AT, False, None, None),
    ]  # fmt: skip
    table = pa.table([pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), SCHEMA, strict=True)], schema=SCHEMA)
    table = pa.concat_tables([table.slice(0, 2), table.slice(2)]) if chunks == 2 else table
    cursor = session.connection().connection.cursor()
    cursor.execute(TABLE)

    cursor.copy_expert("COPY copied FROM STDIN (FORMAT binary)", io.BytesIO(as_copy(table, ("id", "other"))))

    found = {str(row[0]): tuple(row) for row in session.execute(text("SELECT * FROM copied"))}
    told = [(i, n, x, at, yes, o and str(o), w) for i, n, x, at, yes, o, w in (found[row[0]] for row in rows)]
    assert [(str(row[0]), *row[1:]) for row in told] == rows
    assert np.signbit(told[2][2])


def test_no_rows_are_an_empty_copy(session):
    cursor = session.connection().connection.cursor()
    cursor.execute(TABLE)

    cursor.copy_expert("COPY copied FROM STDIN (FORMAT binary)", io.BytesIO(as_copy(SCHEMA.empty_table(), ("id",))))

    assert cursor.rowcount == 0
