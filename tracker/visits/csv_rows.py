"""Read a CSV file in blocks of whole rows, fast where it is tidy and row by row where it is not.

A row that does not fit the head, or whose quote is never closed, is told by its number and hides no other row. A tidy
block (every quote opens or closes a value) is parsed by Arrow as a whole. Memory stays the same however long the file.
Rows are counted as data rows: the first after the head is 1, empty lines do not count, and a line break inside quotes
begins no row.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv

BLOCK_BYTES = 1 << 20  # eight times as much would take twice the memory and save nothing
LONGEST_ROW_BYTES = 1 << 18  # far beyond any visit: what is longer began with a lone quote
QUOTE = ord('"')
BESIDE_A_QUOTE = np.zeros(256, bool)  # what may stand before an opening quote and behind a closing one
BESIDE_A_QUOTE[list(b'",\r\n')] = True
END_OF_VALUE = re.compile(rb"[,\r\n]")


@dataclass(frozen=True)
class Rows:
    """Rows that fit the head, in file order: bytes as they stand there, one binary array per column."""

    number: np.ndarray  # (n,) int32, of the data row
    columns: list[pa.Array]


@dataclass(frozen=True)
class Misfit:
    """A row that does not fit the head."""

    number: int
    values: list[bytes]  # as far as they could be told apart
    is_unclosed: bool  # a quote opens and nothing closes it; else it has more or fewer columns than the head


def read_head(file: BinaryIO) -> list[str]:
    """The names of the columns; leaves the file at the first data row. Raises ValueError."""
    line = b""
    while not line.strip():
        line = file.readline(BLOCK_BYTES)
        if not line:
            raise ValueError("it is empty")
        line = line.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in line.rstrip(b"\r\n"):
        raise ValueError("its lines end in a bare CR, as old spreadsheets write them; save it as CSV UTF-8")
    try:
        names = next(csv.reader([line.decode("utf-8")]))
    except csv.Error as error:  # a name without end
        raise ValueError(f"its head cannot be read ({error})") from None
    for sign, word in ((";", "semicolons"), ("\t", "tabs")):
        if len(names) == 1 and sign in names[0]:
            raise ValueError(f"its columns are parted by {word}; save it with commas")
    return names


def read_rows(file: BinaryIO, width: int) -> Iterator[Rows | Misfit]:
    """All rows after the head, which has `width` columns."""
    number, rest, is_last = 1, b"", False
    while not is_last:
        chunk = file.read(BLOCK_BYTES)
        is_last, data = not chunk, rest + chunk
        end = len(data) if is_last else _end_of_whole_rows(data)
        tidy = _parse_tidy(data[:end], width) if end else None
        if tidy is None:
            parts, end = _parse_patiently(data, width, number, is_last)
        else:
            parts = [Rows(np.arange(number, number + len(tidy[0]), dtype=np.int32), tidy)]
        yield from parts
        number += sum(1 if isinstance(part, Misfit) else len(part.number) for part in parts)
        rest = data[end:]


# the fast way


def _end_of_whole_rows(data: bytes) -> int:
    """Behind the last line break that lies outside quotes, in tidy data; 0: there is none."""
    end = data.rfind(b"\n") + 1
    is_inside = data.count(b'"', 0, end) % 2 == 1
    while is_inside and end:
        before = data.rfind(b"\n", 0, end - 1) + 1
        is_inside ^= data.count(b'"', before, end) % 2 == 1
        end = before
    return end


def _parse_tidy(data: bytes, width: int) -> list[pa.Array] | None:
    """The columns of whole rows; None when a quote stands where none should, or a row has not `width` columns."""
    if not data.strip(b"\r\n"):
        return [pa.array([], pa.binary())] * width
    if not _is_tidy(data):
        return None
    names, misfits = [str(n) for n in range(width)], list[pcsv.InvalidRow]()

    def note(row: pcsv.InvalidRow) -> str:
        misfits.append(row)
        return "skip"

    table = pcsv.read_csv(
        pa.py_buffer(data),
        pcsv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
        pcsv.ParseOptions(newlines_in_values=True, invalid_row_handler=note),
        pcsv.ConvertOptions(column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False),
    )
    return None if misfits else [column.combine_chunks() for column in table.columns]


def _is_tidy(data: bytes) -> bool:
    """Whether every quote opens a value, closes it, or is doubled inside it."""
    characters = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(characters == QUOTE)
    if len(quotes) % 2:
        return False
    opening, closing = quotes[::2], quotes[1::2]
    opening = opening[1:] if len(opening) and opening[0] == 0 else opening
    closing = closing[:-1] if len(closing) and closing[-1] == len(data) - 1 else closing
    return bool(BESIDE_A_QUOTE[characters[opening - 1]].all() and BESIDE_A_QUOTE[characters[closing + 1]].all())


# the patient way


def _parse_patiently(data: bytes, width: int, number: int, is_last: bool) -> tuple[list[Rows | Misfit], int]:
    """Row by row as far as whole rows go, and where that is."""
    parts: list[Rows | Misfit] = []
    good: list[list[bytes]] = []
    at = _next_row(data, 0)
    while at < len(data):
        values, end = _row_at(data, at, is_last)
        if end is None and not is_last and len(data) - at < LONGEST_ROW_BYTES:
            break  # the rest of this row comes with the next block
        line_end = data.find(b"\n", at) + 1 or len(data)
        is_unclosed = end is None or (len(values) != width and _swallowed_the_next(data, line_end, end, width))
        if len(values) == width and not is_unclosed:
            good.append(values)
        else:
            parts += _as_rows(good, number)
            number, good = number + len(good), []
            values = data[at:line_end].strip().split(b",") if is_unclosed else values
            parts.append(Misfit(number, values, is_unclosed))
            number += 1
        at = _next_row(data, line_end if is_unclosed or end is None else end)
    return parts + _as_rows(good, number), at


def _next_row(data: bytes, at: int) -> int:
    while data[at : at + 1] in (b"\r", b"\n"):
        at += 1
    return at


def _row_at(data: bytes, at: int, is_last: bool) -> tuple[list[bytes], int | None]:
    """The values of the row that begins there, and where it ends; None: not within the data or LONGEST_ROW_BYTES."""
    values, limit = list[bytes](), at + LONGEST_ROW_BYTES
    while True:
        value = b""
        if data[at : at + 1] == b'"':
            closed = _closing_quote(data, at + 1, limit)
            if closed is None:
                return values, None
            value, at = data[at + 1 : closed].replace(b'""', b'"'), closed + 1
        found = END_OF_VALUE.search(data, at, limit)
        end = found.start() if found else len(data)
        values.append(value + data[at:end])
        if not found or (found[0] == b"\r" and found.end() == len(data)):
            return values, len(data) if is_last and end <= limit else None
        if found[0] != b",":
            return values, found.end()
        at = found.end()


def _closing_quote(data: bytes, at: int, limit: int) -> int | None:
    while True:
        at = data.find(b'"', at, limit)
        if at < 0:
            return None
        if data[at + 1 : at + 2] != b'"':
            return at
        at += 2


def _swallowed_the_next(data: bytes, line_end: int, end: int, width: int) -> bool:
    """Whether a row of several lines is in truth a lone quote: its second line is a good row by itself."""
    if line_end >= end:
        return False
    values, next_end = _row_at(data, line_end, True)
    return next_end is not None and len(values) == width and data.count(b'"', line_end, next_end) % 2 == 0


def _as_rows(good: list[list[bytes]], number: int) -> list[Rows]:
    if not good:
        return []
    columns = [pa.array(column, pa.binary()) for column in zip(*good, strict=True)]
    return [Rows(np.arange(number, number + len(good), dtype=np.int32), columns)]
