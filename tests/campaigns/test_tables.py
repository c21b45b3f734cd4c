"""Tables as spreadsheets write them."""

import pytest

from tracker.campaigns.tables import TableSummary, check_cells, read_table, whole_number
from tracker.errors import RowsRefused


def table(tmp_path, content: str | bytes):
    file = tmp_path / "teams.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.mark.parametrize(
    "content",
    [
        "team,type\nT1,mobile\n",
        "\ufeffteam,type\r\nT1,mobile\r\n",
        " Team ; TYPE\n T1 ; mobile \n",
        "type\tteam\nmobile\tT1",
        'team,type\n\n"T1","mobile"\n,\n',
    ],
)
def test_comma_semicolon_or_tab_with_or_without_byte_order_mark(tmp_path, content):
    assert read_table(table(tmp_path, content), ("team", "type")) == [{"team": "T1", "type": "mobile"}]


def test_a_name_in_quotes_may_run_over_lines(tmp_path):
    rows = read_table(table(tmp_path, 'team,note\nT1,"a, b\nc"\nT2,پشاور\n'), ("team",))

    assert [row["note"] for row in rows] == ["a, b\nc", "پشاور"]


@pytest.mark.parametrize(
    ("content", "field", "rule"),
    [
        ("", "team", "column_missing"),
        ("team;kind\nT1;mobile\n", "type", "column_missing"),
        (b"team,type\nT1,\xff\xfe\n", "file", "not_readable"),
        ('team,type\n"T1,mobile\n', "file", "not_readable"),
    ],
)
def test_what_is_no_table_is_refused_whole(tmp_path, content, field, rule):
    with pytest.raises(RowsRefused) as caught:
        read_table(table(tmp_path, content), ("team", "type"))

    (error,) = caught.value.errors
    assert (error.row, error.field, error.rule) == (0, field, rule)


@pytest.mark.parametrize(
    ("row", "rule"),
    [("T1,mobile,more", "too_many_cells"), ("T1,mob\x00ile", "not_text"), (f"T1,{'a' * 2001}", "not_text")],
)
def test_what_is_no_row_is_refused(tmp_path, row, rule):
    summary = TableSummary()

    check_cells(read_table(table(tmp_path, f"team,type\n{row}\n"), ("team",)), summary)

    assert (1, rule) in [(error.row, error.rule) for error in summary.errors]


@pytest.mark.parametrize(
    ("words", "number"),
    [
        ("0", 0),
        ("042", 42),
        ("۴۲", 42),
        ("٤٢", 42),
        ("100", 100),
        ("101", None),
        ("-1", None),
        ("1e3", None),
        ("²", None),
        ("", None),
    ],
)
def test_whole_numbers_in_any_digits(words, number):
    assert whole_number(words, 100) == number
