"""Give visits back: every column exactly as it was sent, and what the system made of it.

Streams from a server-side cursor; the file appears whole under its name, or not at all. Only reads.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.visits.file_formats import gdal
from tracker.visits.file_import import Progress
from tracker.visits.models import STANDINGS
from tracker.visits.rules import names_of
from tracker.visits.visit_row import ADDED_BY_EXPORT, COUNTS, FIELDS

FORMATS = ("csv", "ndjson", "parquet", "gpkg")
COLUMNS = (*FIELDS, *ADDED_BY_EXPORT)
ROWS_AT_ONCE = 10_000
Batches = Iterator[list[dict[str, Any]]]

ROWS = text(f"""
    SELECT CAST(v.instance_id AS text) AS instance_id, CAST(v.replaces AS text) AS replaces, t.code AS team,
           v.visited_at, v.lon, v.lat, v.accuracy_m, d.code AS settlement, {", ".join(f"v.{c}" for c in COUNTS)},
           v.is_revisit, v.mock_location, v.note, r.code AS settlement_resolved, a.code AS area_resolved,
           CASE WHEN w.submission_id IS NULL THEN v.standing END AS standing, v.flags
    FROM visit v JOIN team t ON t.id = v.team_id LEFT JOIN settlement d ON d.id = v.settlement_id
    LEFT JOIN settlement r ON r.id = v.unit_id LEFT JOIN area a ON a.id = v.area_id
    LEFT JOIN (SELECT DISTINCT submission_id FROM waiting WHERE campaign_id = :campaign AND submission_id IS NOT NULL) w
        ON w.submission_id = v.submission_id
    WHERE v.campaign_id = :campaign ORDER BY v.team_id, v.visited_at, v.instance_id""")

SCHEMA = pa.schema([
    ("instance_id", pa.string()), ("replaces", pa.string()), ("team", pa.string()),
    ("visited_at", pa.timestamp("us", "UTC")), ("lon", pa.float64()), ("lat", pa.float64()),
    ("accuracy_m", pa.float64()), ("settlement", pa.string()), *((c, pa.int32()) for c in COUNTS),
    ("is_revisit", pa.bool_()), ("mock_location", pa.bool_()), ("note", pa.string()),
    *((c, pa.string()) for c in ADDED_BY_EXPORT),
])  # fmt: skip


def export_visits(
    session: Session, campaign: Campaign, how: str, out: Path, progress: Progress = lambda rows: None
) -> int:
    """Write all visits of a campaign in one of FORMATS; give their number."""
    rows = session.execute(ROWS, {"campaign": campaign.id}, execution_options={"yield_per": ROWS_AT_ONCE})
    count = 0

    def batches() -> Batches:
        nonlocal count
        for part in rows.mappings().partitions(ROWS_AT_ONCE):
            yield [_as_sent(dict(r)) for r in part]
            count += len(part)
            progress(count)

    with _appears_whole(out) as unfinished:
        WRITERS[how](batches(), unfinished)
    return count


@contextmanager
def _appears_whole(out: Path) -> Iterator[Path]:
    """Another name to write under; the file takes its own when the block ends well."""
    unfinished = out.with_name(f".{out.name}.unfinished-{os.getpid()}.gpkg")  # the driver wants this ending
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, out)
    finally:
        unfinished.unlink(missing_ok=True)


def _as_sent(row: dict[str, Any]) -> dict[str, Any]:
    row["standing"] = STANDINGS.get(row["standing"], "waiting")
    row["flags"] = ";".join(names_of(row["flags"]))
    return row


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _write_csv(batches: Batches, path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for batch in batches:
            writer.writerows([_csv_value(row[c]) for c in COLUMNS] for row in batch)


def _csv_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _iso(value) if isinstance(value, datetime) else value


def _write_ndjson(batches: Batches, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for batch in batches:
            for row in batch:
                file.write(json.dumps({**row, "visited_at": _iso(row["visited_at"])}, ensure_ascii=False) + "\n")


def _write_parquet(batches: Batches, path: Path) -> None:
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_pylist(batch, SCHEMA))


def _write_geopackage(batches: Batches, path: Path) -> None:
    """A layer of points; the columns stand beside them as in the other formats, times as texts."""
    schema = SCHEMA.set(SCHEMA.get_field_index("visited_at"), pa.field("visited_at", pa.string()))
    is_begun = False
    for batch in _at_least_one(batches):
        table = pa.Table.from_pylist([{**row, "visited_at": _iso(row["visited_at"])} for row in batch], schema)
        lon, lat = (table.column(c).to_numpy() for c in ("lon", "lat"))
        points = np.where(np.isnan(lon), None, shapely.points(lon, lat))
        table = table.append_column("position", pa.array(shapely.to_wkb(points).tolist(), pa.binary()))
        gdal().raw.write_arrow(
            table, path, layer="visits", driver="GPKG", geometry_name="position", geometry_type="Point",
            crs="EPSG:4326", append=is_begun,
        )  # fmt: skip
        is_begun = True


def _at_least_one(batches: Batches) -> Batches:
    """A layer without visits has its columns all the same."""
    first = next(batches, [])
    yield first
    yield from batches


WRITERS: dict[str, Callable[[Batches, Path], None]] = {
    "csv": _write_csv, "ndjson": _write_ndjson, "parquet": _write_parquet, "gpkg": _write_geopackage,
}  # fmt: skip
