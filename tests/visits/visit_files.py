"""Visit files in every format, for tests: the same rows as people's programs write them."""

import csv
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

import geo.vector_files  # noqa: F401  (limits GDAL's drivers before the next import registers them)

import pyogrio  # isort: skip

FIELDS = (
    "instance_id", "replaces", "team", "visited_at", "lon", "lat", "accuracy_m", "settlement", "children_eligible",
    "vaccinated", "absent", "refused", "other_missed", "guests_vaccinated", "zero_dose", "finger_marked", "is_revisit",
    "mock_location", "note",
)  # fmt: skip
FORMATS = ("csv", "ndjson", "parquet", "gpkg")
Row = dict[str, Any]


def a_row(**changes: Any) -> Row:
    """A good row under a new id, with values as JSON has them."""
    return {
        "instance_id": str(uuid.uuid4()), "replaces": None, "team": "T1", "visited_at": "2025-11-10T09:30:00+05:00",
        "lon": 71.5, "lat": 34.0, "accuracy_m": 8.5, "settlement": "KILI", "children_eligible": 3, "vaccinated": 2,
        "absent": 1, "refused": 0, "other_missed": 0, "guests_vaccinated": 1, "zero_dose": 0, "finger_marked": 3,
        "is_revisit": False, "mock_location": False, "note": None, **changes,
    }  # fmt: skip


def write(rows: Sequence[Row], path: Path, how: str) -> Path:
    """The rows as a file, under a name that tells nothing of its format."""
    made = path.with_suffix(f".{how}")
    {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet, "gpkg": _geopackage}[how](rows, made)
    return made.rename(path)


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _csv(rows: Sequence[Row], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        writer.writerows([as_text(row[f]) for f in FIELDS] for row in rows)


def _ndjson(rows: Sequence[Row], path: Path) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def _table(rows: Sequence[Row]) -> pa.Table:
    number = {"lon": pa.float64(), "lat": pa.float64(), "accuracy_m": pa.float64()}
    yes_or_no = dict.fromkeys(("is_revisit", "mock_location"), pa.bool_())
    counts = dict.fromkeys(FIELDS[8:16], pa.int64())
    kinds = number | yes_or_no | counts
    return pa.table({f: pa.array([row[f] for row in rows], kinds.get(f, pa.string())) for f in FIELDS})


def _parquet(rows: Sequence[Row], path: Path) -> None:
    pq.write_table(_table(rows), path)


def _geopackage(rows: Sequence[Row], path: Path) -> None:
    points = [None if row["lon"] is None else shapely.Point(row["lon"], row["lat"]) for row in rows]
    write_layer(_table(rows), points, path)


def write_layer(table: pa.Table, points: Sequence[shapely.Point | None], path: Path, crs: str = "EPSG:4326") -> None:
    geometry = pa.array(shapely.to_wkb(np.array(points, dtype=object)).tolist(), pa.binary())
    pyogrio.raw.write_arrow(
        table.append_column("geom", geometry), path, layer="visits", driver="GPKG", geometry_name="geom",
        geometry_type="Point", crs=crs,
    )  # fmt: skip
