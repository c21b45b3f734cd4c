"""Give visits back: every column exactly as it was sent, and what the system made of it.

Streams from a server-side cursor; the file appears whole under its name or not at all.
"""
import csv
import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.visits.models import STANDINGS
from tracker.visits.rules import names_of
from tracker.visits.visit_row import COUNTS, FIELDS

ADDED = ("settlement_resolved", "area_resolved", "standing", "flags")
COLUMNS = (*FIELDS, *ADDED)
ROWS_AT_ONCE = 10_000

ROWS = text(f"""
    SELECT CAST(v.instance_id AS text) AS instance_id, CAST(v.replaces AS text) AS replaces, t.code AS team, v.visited_at, v.lon, v.lat, v.accuracy_m,
           d.code AS settlement, {", ".join(f"v.{c}" for c in COUNTS)}, v.is_revisit, v.mock_location, v.note,
           r.code AS settlement_resolved, a.code AS area_resolved,
           CASE WHEN w.submission_id IS NULL THEN v.standing END AS standing, v.flags
    FROM visit v JOIN team t ON t.id = v.team_id LEFT JOIN settlement d ON d.id = v.settlement_id
    LEFT JOIN settlement r ON r.id = v.unit_id LEFT JOIN area a ON a.id = v.area_id
    LEFT JOIN (SELECT DISTINCT submission_id FROM waiting WHERE campaign_id = :campaign AND submission_id IS NOT NULL) w
        ON w.submission_id = v.submission_id
    WHERE v.campaign_id = :campaign ORDER BY v.team_id, v.visited_at, v.instance_id""")

SCHEMA = pa.schema([
    ("instance_id", pa.string()), ("replaces", pa.string()), ("team", pa.string()), ("visited_at", pa.timestamp("us", "UTC")), ("lon", pa.float64()),
    ("lat", pa.float64()), ("accuracy_m", pa.float64()), ("settlement", pa.string()), *((c, pa.int32()) for c in COUNTS), ("is_revisit", pa.bool_()),
    ("mock_location", pa.bool_()), ("note", pa.string()), *((c, pa.string()) for c in ADDED)])


def export_visits(session: Session, campaign: Campaign, how: str, out: Path) -> int:
    """Write all visits of a campaign as csv, ndjson, parquet or gpkg; give their number."""
    unfinished = out.with_name(f".{out.name}.unfinished{out.suffix if how == 'gpkg' else ''}")
    rows = session.execute(ROWS, {"campaign": campaign.id}, execution_options={"yield_per": ROWS_AT_ONCE})
    batches = ([_as_sent(dict(r)) for r in part] for part in rows.mappings().partitions(ROWS_AT_ONCE))
    write = {"csv": _write_csv, "ndjson": _write_ndjson, "parquet": _write_parquet, "gpkg": _write_geopackage}[how]
    count = write(batches, unfinished)
    os.replace(unfinished, out)
    return count


def _as_sent(row: dict[str, Any]) -> dict[str, Any]:
    row["standing"] = STANDINGS.get(row["standing"], "waiting")
    row["flags"] = ";".join(names_of(row["flags"]))
    return row


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _write_csv(batches: Iterator[list[dict[str, Any]]], path: Path) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for batch in batches:
            count += len(batch)
            writer.writerows([_csv_value(row[c]) for c in COLUMNS] for row in batch)
    return count


def _csv_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _iso(value) if isinstance(value, datetime) else value


def _write_ndjson(batches: Iterator[list[dict[str, Any]]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for batch in batches:
            count += len(batch)
            file.writelines(json.dumps({**row, "visited_at": _iso(row["visited_at"])}, ensure_ascii=False) + "\n" for row in batch)
    return count


def _write_parquet(batches: Iterator[list[dict[str, Any]]], path: Path) -> int:
    count = 0
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for batch in batches:
            count += len(batch)
            writer.write_table(pa.Table.from_pylist(batch, SCHEMA))
    return count


def _write_geopackage(batches: Iterator[list[dict[str, Any]]], path: Path) -> int:
    count = 0
    path.unlink(missing_ok=True)
    for batch in batches:
        points = np.array([shapely.Point(r["lon"], r["lat"]) if r["lon"] is not None else None for r in batch], dtype=object)
        columns = [np.array([_gpkg_value(c, r[c]) for r in batch], dtype=object if SCHEMA.field(c).type == pa.string() or c == "visited_at" else None) for c in COLUMNS]
        pyogrio.raw.write(path, geometry=shapely.to_wkb(points), field_data=columns, fields=np.array(COLUMNS), layer="visits", driver="GPKG",
                          geometry_type="Point", crs="EPSG:4326", append=count > 0)
        count += len(batch)
    return count


def _gpkg_value(column: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return _iso(value)
    return float("nan") if value is None and column in ("lon", "lat", "accuracy_m") else value
