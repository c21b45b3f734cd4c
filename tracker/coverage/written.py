"""Reports as files and on a terminal: table, CSV, GeoJSON."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.coverage.statuses import STATUSES

Rows = Sequence[dict[str, Any]]

SHAPES = text("""
    SELECT code, ST_AsGeoJSON(boundary, 6) FROM area WHERE vintage = :vintage AND code = ANY(:codes) AND level = :level
    UNION ALL
    SELECT code, ST_AsGeoJSON(coalesce(extent, centre), 6) FROM settlement
    WHERE code = ANY(:codes) AND :level = 'settlement'""")

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run a name that begins so
WIDEST = 28


def as_table(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> str:
    """Columns of the widest word; a dash for what has no meaning or is not known."""
    lines = [list(columns), *([_cell(row.get(column)) for column in columns] for row in rows)]
    width = [max(len(line[k]) for line in lines) for k in range(len(columns))]
    return "\n".join("  ".join(word.ljust(width[k]) for k, word in enumerate(line)).rstrip() for line in lines)


def as_csv(rows: Rows) -> str:
    """All columns; what is a set of numbers becomes one column each."""
    flat = [_flat(row) for row in rows]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(key for row in flat for key in row)), restval="")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def as_features(session: Session, campaign: Campaign, rows: Rows, level: str) -> dict[str, Any]:
    """A GeoJSON FeatureCollection; teams, days and what lies nowhere have no geometry."""
    codes = [row["code"] for row in rows if row["code"] is not None]
    found = session.execute(SHAPES, {"vintage": campaign.vintage, "codes": codes, "level": level})
    shape = {code: json.loads(geometry) for code, geometry in found}
    features = [{"type": "Feature", "geometry": shape.get(row["code"]), "properties": row} for row in rows]
    return {"type": "FeatureCollection", "features": features}


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.1%}"
    words = str(value)
    return words if len(words) <= WIDEST else words[: WIDEST - 1] + "…"


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key == "by_status":
            flat |= {status: (value or {}).get(status) for status in STATUSES}
        elif isinstance(value, dict):
            flat |= value
        else:
            flat[key] = f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
    return flat
