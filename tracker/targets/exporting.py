"""Give a plan out: a table, maps for programs and phones, paper.

Each format shows what the person may see. The file appears whole under its name, or not at all.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import shapely
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from geo.targets.outlines import area_of, ground
from tracker.accounts.scope import SERVER, Scope
from tracker.campaigns.models import Campaign
from tracker.errors import WrongRequest
from tracker.targets.models import TargetPlan
from tracker.targets.publishing import find_version
from tracker.targets.reading import Wanted, block_code, by_team_day, clock_words, extent_of, stops_of

FORMATS = ("geojson", "gpkg", "csv", "gpx", "pdf")
COLUMNS = (
    "team", "date", "order", "settlement", "block", "children", "lon", "lat", "walk_km", "arrive", "name", "name_ur",
    "work_minutes", "walk_minutes", "priority", "needs", "transport",
)  # fmt: skip
Stops = Sequence[dict[str, Any]]


def export_plan(
    session: Session, campaign: Campaign, wanted: Wanted, how: str, out: Path, *, scope: Scope = SERVER,
    language: str = "en", today: date | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Write what is wanted of a version; give what was written. Raises WrongRequest, NotFound."""
    plan = find_version(session, campaign, wanted.version)
    stops = stops_of(session, campaign, plan.id, scope, wanted, today)
    if not stops:
        raise WrongRequest(field="date", why=_("the plan has no stops of that day and team."))
    transport_km = _transport_km(session, plan.id)
    with appears_whole(out, f".{how}") as unfinished:
        if how == "pdf":
            from tracker.targets.printing import print_sheets

            print_sheets(session, campaign, plan, wanted, unfinished, scope=scope, language=language, today=today)
        else:
            WRITERS[how](stops, unfinished, transport_km)
    return {
        "campaign": campaign.code,
        "version": plan.version,
        "team_days": len(by_team_day(stops)),
        "stops": len(stops),
    }


def _transport_km(session: Session, plan_id: int) -> float:
    its = session.get(TargetPlan, plan_id)
    return float(its.parameters["rules"]["transport_km"]) if its else 3.0


@contextmanager
def appears_whole(out: Path, ending: str) -> Iterator[Path]:
    unfinished = out.with_name(f".{out.name}.unfinished-{os.getpid()}{ending}")
    try:
        yield unfinished
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, out)
    finally:
        unfinished.unlink(missing_ok=True)


def row_of(stop: dict[str, Any], transport_km: float) -> dict[str, Any]:
    """A stop as a row of the table."""
    return {
        "team": stop["team"], "date": stop["on_date"].isoformat(), "order": stop["position"],
        "settlement": stop["code"], "block": str(stop["block"]) if stop["block"] else "", "children": stop["children"],
        "lon": stop["lon"], "lat": stop["lat"], "walk_km": stop["walk_km"],
        "arrive": clock_words(stop["arrive_minute"]),
        "name": stop["name_en"], "name_ur": stop["name_ur"] or "", "work_minutes": stop["minutes"],
        "walk_minutes": stop["walk_minutes"], "priority": "yes" if stop["is_priority"] else "",
        "needs": ";".join(stop["needs"]), "transport": "yes" if stop["walk_km"] > transport_km else "",
    }  # fmt: skip


def write_csv(stops: Stops, path: Path, transport_km: float) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({key: _harmless(value) for key, value in row_of(stop, transport_km).items()} for stop in stops)


def _harmless(value: Any) -> Any:
    """A spreadsheet takes a cell that begins so for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def team_day_shape(stops: Stops) -> shapely.Geometry:
    """The ground of one team-day."""
    grounds = [ground(s["lon"], s["lat"], s["radius_m"], extent_of(s), s["box"]) for s in stops]
    return area_of(grounds, np.array([[s["lon"], s["lat"]] for s in stops]))


def _totals(stops: Stops) -> dict[str, Any]:
    first = stops[0]
    return {
        "team": first["team"], "date": first["on_date"].isoformat(), "stops": len(stops),
        "children": sum(s["children"] for s in stops), "walk_km": round(sum(s["walk_km"] for s in stops), 3),
        "hours": round(sum(s["minutes"] + s["walk_minutes"] for s in stops) / 60, 2),
    }  # fmt: skip


def _write_geojson(stops: Stops, path: Path, transport_km: float) -> None:
    """Per team-day its area, then its stops."""
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[\n')
        comma = ""
        for its in by_team_day(stops).values():
            features = [_feature({"kind": "team_day", **_totals(its)}, team_day_shape(its))]
            features += [
                _feature({"kind": "stop", **row_of(s, transport_km)}, shapely.Point(s["lon"], s["lat"])) for s in its
            ]
            for feature in features:
                file.write(comma + json.dumps(feature, ensure_ascii=False))
                comma = ",\n"
        file.write("\n]}\n")


def _feature(properties: dict[str, Any], shape: shapely.Geometry) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(shape))}


def _write_gpkg(stops: Stops, path: Path, transport_km: float) -> None:
    """Layers team_days (areas), ways (in walking order) and stops."""
    from tracker.visits.file_formats import gdal

    days = list(by_team_day(stops).values())
    ways = [its for its in days if len(its) > 1]
    totals, rows = [_totals(its) for its in days], [row_of(s, transport_km) for s in stops]
    areas = np.array([_as_multipolygon(team_day_shape(its)) for its in days])
    lines = np.array([shapely.LineString([[s["lon"], s["lat"]] for s in its]) for its in ways], dtype=object)
    points = shapely.points([s["lon"] for s in stops], [s["lat"] for s in stops])
    layers = (
        ("team_days", totals, areas, "MultiPolygon"), ("ways", [_totals(its) for its in ways], lines, "LineString"),
        ("stops", rows, points, "Point"),
    )  # fmt: skip
    is_begun = False
    for name, its_rows, shapes, kind in layers:
        if not len(its_rows):
            continue
        table = pa.Table.from_pylist(its_rows).append_column(
            "geometry", pa.array(shapely.to_wkb(shapes).tolist(), pa.binary())
        )
        gdal().raw.write_arrow(
            table, path, layer=name, driver="GPKG", geometry_name="geometry", geometry_type=kind, crs="EPSG:4326",
            append=is_begun,
        )  # fmt: skip
        is_begun = True


def _as_multipolygon(shape: shapely.Geometry) -> shapely.Geometry:
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return shapely.multipolygons(parts) if shape.geom_type != "MultiPolygon" else shape


def _write_gpx(stops: Stops, path: Path, transport_km: float) -> None:
    """Per team-day a route; each stop is a point of it, so that phones lead from one to the next."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write('<gpx version="1.1" creator="Rasai" xmlns="http://www.topografix.com/GPX/1/1">\n')
        for its in by_team_day(stops).values():
            day = _totals(its)
            file.write(f"<rte><name>{escape(day['team'])} {day['date']}</name>\n")
            for s in its:
                name, said = f"{s['position']} {s['name_en']}", f"{block_code(s)}, {s['children']} children"
                file.write(f'<rtept lat="{s["lat"]:.7f}" lon="{s["lon"]:.7f}">')
                file.write(f"<name>{escape(name)}</name><desc>{escape(said)}</desc></rtept>\n")
            file.write("</rte>\n")
        file.write("</gpx>\n")


WRITERS: dict[str, Callable[[Stops, Path, float], None]] = {
    "csv": write_csv, "geojson": _write_geojson, "gpkg": _write_gpkg, "gpx": _write_gpx,
}  # fmt: skip
