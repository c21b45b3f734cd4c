"""Take a list out of a campaign: as text while its rows come, or as a file that is sent when it is whole.

Reads within the person's scope, in one transaction that lasts as long as the answer. Who took which list out, with
which filter, stands in the audit trail before the first byte goes.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from pathlib import Path

from tracker import settings
from tracker.accounts import audit
from tracker.accounts.scope import Scope, campaign_in_scope, reading
from tracker.database import transaction
from tracker.exports.lists import LISTS, Asked, Batches, List
from tracker.exports.statement import statement
from tracker.exports.text_files import as_csv, as_geojson

PIECE_BYTES = 256 * 1024


@dataclass(frozen=True)
class Format:
    words: str  # its own name, the same in every language
    ending: str
    media_type: str


FORMATS = {
    "csv": Format("CSV", "csv", "text/csv; charset=utf-8"),
    "xlsx": Format("XLSX", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "geojson": Format("GeoJSON", "geojson", "application/geo+json"),
    "gpkg": Format("GeoPackage", "gpkg", "application/geopackage+sqlite3"),
    "parquet": Format("GeoParquet", "parquet", "application/vnd.apache.parquet"),
}


def take_out(
    code: str, entry: List, how: str, scope: Scope, asked: Asked, *, now: datetime, by: str, mark: bool = False
) -> Iterator[bytes]:
    """The bytes of the file. What cannot be answered raises before the first of them: NotFound, WrongRequest."""
    pieces = _pieces(code, entry, how, scope, asked, now=now, by=by, mark=mark)
    first = next(pieces, b"")
    with transaction() as session:
        facts = {"format": how, "filter": asked.said()}
        audit.record(session, scope, "take out", "list", f"{code}/{entry.name}", facts)
    return chain([first], pieces)


def _pieces(
    code: str, entry: List, how: str, scope: Scope, asked: Asked, *, now: datetime, by: str, mark: bool
) -> Iterator[bytes]:
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        said = statement(campaign, entry.name, asked.said(), now=now, by=by, role=scope.role)
        batches = _begun(entry.read(session, campaign, scope, asked, now))
        if how == "csv":
            yield from (piece.encode() for piece in as_csv(batches, entry.columns, said, mark=mark))
        elif how == "geojson":
            yield from (piece.encode() for piece in as_geojson(batches, entry.columns, said, entry.geometry))
        else:
            from tracker.exports.table_files import WRITERS  # Arrow and GDAL are large: only whom they serve waits

            with _own_folder() as folder:
                path = Path(folder) / f"list.{FORMATS[how].ending}"
                WRITERS[how](path, batches, entry.columns, said, entry.geometry)
                yield from _read(path)


def _begun(batches: Batches) -> Batches:
    """The same batches, the first of them read: a question without an answer has raised before a file begins."""
    first = next(batches, [])
    return chain([first], batches)


def _own_folder() -> "tempfile.TemporaryDirectory[str]":
    place = settings.from_environment().run_dir / "taking-out"
    os.makedirs(place, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=place)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def file_name(code: str, entry: List, how: str, asked: Asked, now: datetime) -> str:
    words = [code, entry.name, *asked.said().values(), now.strftime("%Y-%m-%d-%H%M")]
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in "-".join(words))
    return f"{kept}.{FORMATS[how].ending}"


def may_take(role: str) -> list[List]:
    return [entry for entry in LISTS.values() if role in entry.roles]
