"""Spreadsheets as districts send them: titles above, merged heads, Urdu digits."""

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter


def a_workbook(rows: Sequence[Sequence[Any]], merged: Sequence[tuple[int, int, int, int, str]] = ()) -> bytes:
    """One sheet; `merged` are (first row, first column, last row, last column, text)."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("Sheet1")
    for at, row in enumerate(rows):
        sheet.write_row(at, 0, row)
    for top, left, bottom, right, words in merged:
        sheet.merge_range(top, left, bottom, right, words)
    book.close()
    return out.getvalue()
