"""A claim's map and the curve of its greenness as vector drawings: paths and places for the page, nothing opened.

The map is a plane in metres (UTM), north up, its origin in the upper left corner; the chart counts in pixels.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import shapely
from shapely import affinity

from geo.claims.outlines import to_metres
from tracker.plantations.one_claim import OneClaim

SHARE_AROUND = 0.35  # of the claim's size is shown beside it
LEAST_AROUND_M = 60.0
SCALES_M = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)
CLEAR_FROM = 0.8  # share of usable pixels from which a date counts
CHART_WIDTH, CHART_HEIGHT = 960, 240
CHART_LEFT, CHART_BOTTOM, CHART_TOP = 34, 24, 10
LOWEST_NDVI, HIGHEST_NDVI = 0.0, 0.9


@dataclass(frozen=True)
class Drawn:
    """A piece of ground as an SVG path; `label` where one may be written."""

    path: str
    kind: str  # claim, other, control, warn, doubt, reject
    label: str = ""
    at: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class GroundMap:
    width_m: float
    height_m: float
    scale_m: int  # length of the scale bar
    pieces: list[Drawn]  # in the order of drawing

    @property
    def gravest(self) -> str | None:
        """Of the findings that are drawn; None: there is none."""
        kinds = {piece.kind for piece in self.pieces}
        return next((kind for kind in ("reject", "doubt", "warn") if kind in kinds), None)

    @property
    def scale_x(self) -> float:
        return round(0.03 * self.width_m, 1)

    @property
    def scale_y(self) -> float:
        return round(0.96 * self.height_m, 1)

    @property
    def text_m(self) -> float:
        """Height of letters."""
        return round(0.045 * min(self.height_m, 0.7 * self.width_m), 1)


def ground_map(claim: OneClaim) -> GroundMap:
    """Control land, neighbours, the claim, and what findings point at."""
    zone = int(claim.facts["utm_epsg"])
    outline = _metres(claim.outline, zone)
    controls = control_blocks(outline, zone, claim.record)
    west, south, east, north = shapely.total_bounds([outline, *controls])
    around = max(LEAST_AROUND_M, SHARE_AROUND * max(east - west, north - south) * (0 if controls else 1))
    west, south, east, north = west - around, south - around, east + around, north + around
    frame = shapely.box(west, south, east, north)

    def drawn(shape: shapely.Geometry, kind: str, label: str = "") -> Drawn:
        visible = shapely.intersection(shape, frame)
        centre = shapely.point_on_surface(visible if not visible.is_empty else shape)
        return Drawn(_path(visible, west, north), kind, label, (round(centre.x - west, 1), round(north - centre.y, 1)))

    pieces = [drawn(block, "control") for block in controls]
    pieces += [drawn(_metres(shape, zone), "other", code) for code, _campaign, shape in claim.neighbours]
    pieces.append(drawn(outline, "claim"))
    pieces += [
        drawn(_metres(shape, zone), severity) for _rule, severity, shape in claim.shown if not _is_whole(shape, claim)
    ]
    width, height = east - west, north - south
    scale = max((s for s in SCALES_M if s <= width / 3), default=SCALES_M[0])
    return GroundMap(round(width, 1), round(height, 1), scale, [piece for piece in pieces if piece.path])


def control_blocks(outline: shapely.Geometry, zone: int, record: dict[str, Any] | None) -> list[shapely.Geometry]:
    """The copies of the claim with which it was compared; empty where there are none, or in another zone."""
    control = record and record.get("control")
    if not control or control["epsg"] != zone:
        return []
    east_m, north_m = control["step_m"]
    return [affinity.translate(outline, a * east_m, b * north_m) for a, b in control["shifts"]]


def _is_whole(shape: shapely.Geometry, claim: OneClaim) -> bool:
    """A finding about the whole claim needs no mark of its own."""
    return bool(shapely.equals(shape, claim.outline))


def _metres(shape: shapely.Geometry, zone: int) -> shapely.Geometry:
    return to_metres(np.array([shape], dtype=object), np.array([zone]))[0]


def _path(shape: shapely.Geometry, west: float, north: float) -> str:
    words = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Point":
            x, y = part.x - west, north - part.y
            words.append(f"M{x - 4:.1f} {y:.1f}h8M{x:.1f} {y - 4:.1f}v8")
            continue
        lines = [part] if part.geom_type == "LineString" else shapely.get_rings(part)
        for line in lines:
            at = shapely.get_coordinates(line) * (1, -1) + (-west, north)
            words.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at) + ("Z" if line.is_closed else ""))
    return "".join(words)


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    clear: bool
    title: str


@dataclass(frozen=True)
class Chart:
    """Greenness by date: the claim's dots, a line through its control land, when it was planted."""

    width: int
    height: int
    dots: list[Dot]
    control: str  # path
    planted_x: float | None
    years: list[tuple[float, int]]
    levels: list[tuple[float, float]]  # y, NDVI
    left: int
    bottom: int  # y of the axis
    cloudy: int  # how many dates do not count


def greenness_chart(record: dict[str, Any] | None, planted_on: date | None) -> Chart | None:
    """None without scenes that show the claim."""
    seen = [s for s in (record or {}).get("scenes", ()) if s["ndvi_mean"] is not None]
    if not seen:
        return None
    days = [date.fromisoformat(s["date"][:10]).toordinal() for s in seen]
    first, last = min(days), max(max(days), min(days) + 365)
    axis = CHART_HEIGHT - CHART_BOTTOM

    def x(day: int) -> float:
        return round(CHART_LEFT + (CHART_WIDTH - CHART_LEFT - 8) * (day - first) / (last - first), 1)

    def y(ndvi: float) -> float:
        share = (min(max(ndvi, LOWEST_NDVI), HIGHEST_NDVI) - LOWEST_NDVI) / (HIGHEST_NDVI - LOWEST_NDVI)
        return round(axis - (axis - CHART_TOP) * share, 1)

    dots = [
        Dot(
            x(day), y(s["ndvi_mean"]), (s["clear_share"] or 0) >= CLEAR_FROM, f"{s['date'][:10]} · {s['ndvi_mean']:.2f}"
        )
        for day, s in zip(days, seen, strict=True)
    ]
    control = [(x(day), y(c)) for day, c in zip(days, map(_control_of, seen), strict=True) if c is not None]
    planted = planted_on.toordinal() if planted_on else None
    years = range(date.fromordinal(first).year + 1, date.fromordinal(last).year + 1)
    return Chart(
        CHART_WIDTH,
        CHART_HEIGHT,
        dots,
        "M" + "L".join(f"{a} {b}" for a, b in control) if len(control) > 1 else "",
        x(planted) if planted and first <= planted <= last else None,
        [(x(date(year, 1, 1).toordinal()), year) for year in years],
        [(y(level), level) for level in (0.0, 0.2, 0.4, 0.6, 0.8)],
        CHART_LEFT,
        axis,
        sum(not dot.clear for dot in dots),
    )


def _control_of(scene: dict[str, Any]) -> float | None:
    control: float | None = (scene.get("control") or {}).get("ndvi_median")
    return control
