"""A table as people send it: whatever stands above the head, however the head is merged, in which digits ever."""

import pytest

from tests.set_up.sheets_of_districts import a_workbook
from tracker.errors import RowsRefused
from tracker.set_up.kinds import KINDS, guess
from tracker.sheets import read_sheet


@pytest.fixture
def read(tmp_path):
    def read_it(content: bytes, name: str = "table.xlsx"):
        (tmp_path / name).write_bytes(content)
        return read_sheet(tmp_path / name)

    return read_it


def test_titles_above_the_head_and_blank_rows_below_are_passed_over(read):
    rows = [["District Peshawar"], [], ["Team", "Type"], ["T1", "mobile"], ["T2", "fixed"], [], []]

    sheet = read(a_workbook(rows, [(0, 0, 0, 1, "District Peshawar")]))

    assert sheet.columns == ["Team", "Type"]
    assert [row["Team"] for row in sheet.rows if any(row.values())] == ["T1", "T2"]


def test_a_head_merged_across_columns_goes_on_in_the_next_row(read):
    rows = [["Village", "", ""], ["", "Day", "Team"], ["KILI", "2025-11-10", "T1"]]

    sheet = read(a_workbook(rows, [(0, 0, 1, 0, "Village"), (0, 1, 0, 2, "Plan")]))

    assert sheet.columns == ["Village", "Plan / Day", "Plan / Team"]
    assert sheet.rows == [{"Village": "KILI", "Plan / Day": "2025-11-10", "Plan / Team": "T1"}]


def test_numbers_and_days_of_a_spreadsheet_come_as_texts(read):
    from datetime import date

    sheet = read(a_workbook([["n", "share", "day"], [40.0, 0.5, str(date(2025, 11, 10))]]))

    assert sheet.rows == [{"n": "40", "share": "0.5", "day": "2025-11-10"}]


def test_two_columns_of_one_name_are_told_apart(read):
    assert read(b"a,a,b\n1,2,3\n", "t.csv").columns == ["a", "a 2", "b"]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x00\x01\x02\xff\xfe\xff", b"PK\x03\x04broken", b"just one column\nx\n",
        "نام,ہدف".encode("cp1256", "replace"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_in_words(read, content):
    with pytest.raises(RowsRefused) as refused:
        read(content, "table.bin")

    assert refused.value.errors[0].field == "file"


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["Team No.", "Planned Day", "Village Code", "Target (U5)"], [0, 1, 2, 3]),
        (["ٹیم نمبر", "تاریخ", "آبادی", "ہدف"], [0, 1, 2, 3]),
        (["Settlment", "Day", "x", "Team"], [3, 1, 0]),
        (["x", "y", "z"], []),
    ],
)  # fmt: skip
def test_columns_are_guessed(columns, found):
    assert sorted(columns.index(c) for c in guess(KINDS["microplan"], columns).values()) == sorted(found)
