"""CSV in blocks: the same rows under the same numbers however they fall into blocks, and a bad row hides no other."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.visits import csv_rows
from tracker.visits.csv_rows import Misfit, read_head, read_rows


def rows_of(data: bytes, width: int) -> list[tuple[int, list[bytes] | str]]:
    """(number, values) of good rows, (number, what is wrong) of others."""
    found: list[tuple[int, list[bytes] | str]] = []
    for part in read_rows(io.BytesIO(data), width):
        if isinstance(part, Misfit):
            found.append((part.number, "unclosed" if part.is_unclosed else "columns"))
        else:
            values = zip(*(column.to_pylist() for column in part.columns), strict=True)
            found += zip(part.number.tolist(), map(list, values), strict=True)
    return found


@pytest.fixture(params=[7, 64, 1 << 20])
def block_bytes(request, monkeypatch):
    monkeypatch.setattr(csv_rows, "BLOCK_BYTES", request.param)
    monkeypatch.setattr(csv_rows, "LONGEST_ROW_BYTES", 200)
    return request.param


CELLS = st.text(st.sampled_from('ab,"\n é'), max_size=6)
ROWS = st.lists(CELLS, min_size=3, max_size=3) | st.lists(CELLS.filter(lambda c: "\n" not in c), min_size=2, max_size=4)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(ROWS, max_size=12),
    block=st.sampled_from([3, 17, 64, 1 << 20]),
    ending=st.sampled_from(["\n", "\r\n"]),
    ends_open=st.booleans(),
)
def test_what_the_standard_library_writes_is_read_as_it_reads_it(rows, block, ending, ends_open):
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator=ending).writerows(rows)
    text = written.getvalue().removesuffix(ending) if ends_open else written.getvalue()
    kept = csv_rows.BLOCK_BYTES
    csv_rows.BLOCK_BYTES = block
    try:
        found = rows_of(text.encode(), 3)
    finally:
        csv_rows.BLOCK_BYTES = kept

    wanted = [row if len(row) == 3 else "columns" for row in csv.reader(io.StringIO(text, newline=""))]
    assert [number for number, _ in found] == list(range(1, len(wanted) + 1))
    assert [v if isinstance(v, str) else [c.decode() for c in v] for _, v in found] == wanted


def test_a_line_break_inside_quotes_begins_no_row(block_bytes):
    assert rows_of(b'1,"a\nb"\r\n\r\n2,"c ""d"", e"\n3,f', 2) == [
        (1, [b"1", b"a\nb"]), (2, [b"2", b'c "d", e']), (3, [b"3", b"f"]),
    ]  # fmt: skip


def test_rows_that_do_not_fit_the_head_are_counted_and_hide_no_other(block_bytes):
    assert rows_of(b"1,a\n2\n3,c\n4,d,x\n5,e\n", 2) == [
        (1, [b"1", b"a"]), (2, "columns"), (3, [b"3", b"c"]), (4, "columns"), (5, [b"5", b"e"]),
    ]  # fmt: skip


def test_a_lone_quote_costs_one_row(block_bytes):
    rows = [b"%d,plain" % k for k in range(1, 30)]
    rows[4] = b'5,"lone'

    found = rows_of(b"\n".join(rows) + b"\n", 2)

    assert found[4] == (5, "unclosed")
    assert [v for k, v in enumerate(found) if k != 4] == [(k, [b"%d" % k, b"plain"]) for k in range(1, 30) if k != 5]


def test_a_quote_within_a_value_is_a_character(block_bytes):
    assert rows_of(b'1,5" pipe\n2,"a"b\n3,"c"\n', 2) == [(1, [b"1", b'5" pipe']), (2, [b"2", b"ab"]), (3, [b"3", b"c"])]


def test_bytes_that_are_no_text_are_left_as_they_are(block_bytes):
    assert rows_of(b"1,a\xff\n2,\0\n", 2) == [(1, [b"1", b"a\xff"]), (2, [b"2", b"\0"])]


@pytest.mark.parametrize("data", [b"", b"\n\r\n\n"])
def test_nothing_is_no_row(data):
    assert rows_of(data, 2) == []


def test_the_head_may_begin_with_a_mark_and_an_empty_line():
    file = io.BytesIO(b'\xef\xbb\xbfa,"b"\n1,2\n')

    assert read_head(file) == ["a", "b"]
    assert file.read() == b"1,2\n"


def test_a_misfit_of_several_lines_is_one_row(block_bytes):
    assert rows_of(b'1,"a\nb",x\n2,c\n', 2) == [(1, "columns"), (2, [b"2", b"c"])]
