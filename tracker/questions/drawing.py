"""A team's day as lines and points on a sheet, and its visits by quarter of an hour. Pure: what templates draw."""

from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import Any

from geo.sheet import Sheet, sheet_for
from tracker.questions.team_days import SLOT_MINUTES, TeamDayView, has_position, outline
from tracker.visits.models import STANDINGS

WIDTH, HEIGHT, MARGIN = 720.0, 520.0, 34.0
MOST_ACCURACY_M = 500.0  # a larger disc would cover the sheet


@dataclass(frozen=True)
class Point:
    """One visit on the sheet. `minute`: of the day, for the time cursor."""

    id: str
    x: float
    y: float
    disc: float  # radius of the phone's accuracy
    standing: str
    asks: bool
    minute: int


@dataclass(frozen=True)
class Drawing:
    """What stands on the sheet; lengths in its units."""

    sheet: Sheet
    rings: list[tuple[str, str]]  # (settlement code, SVG path) of outlines
    rounds: list[tuple[str, float, float, float]]  # (settlement code, x, y, radius)
    names: list[tuple[Any, float, float]]  # planned stop, where its name stands
    path: str  # SVG path through the visits in order of time
    points: list[Point]
    numbers: list[tuple[int, float, float]]  # stays by their number


def draw_day(view: TeamDayView, now: datetime) -> Drawing | None:
    """None when nothing of the day has a place that may be shown."""
    placed = [v for v in view.visits if has_position(view, v, now)]
    places = [(stop.lon, stop.lat) for stop in view.plan]
    where = [(v.lon, v.lat) for v in placed] + places
    if not where:
        return None
    lons, lats = [lon for lon, _ in where], [lat for _, lat in where]
    sheet = sheet_for((min(lons), min(lats), max(lons), max(lats)), WIDTH, HEIGHT, MARGIN)
    points = [_point(view, sheet, v) for v in placed]
    seen = {p.id: p for p in points}
    firsts = [(stay.number, seen.get(str(stay.visits[0].instance_id))) for stay in view.stays]
    return Drawing(
        sheet=sheet,
        rings=[(stop.code, _path(sheet, ring)) for stop in view.plan for ring in outline(stop.extent)],
        rounds=[
            (stop.code, sheet.x(stop.lon), sheet.y(stop.lat), max(4.0, sheet.length(stop.radius_m)))
            for stop in view.plan if not outline(stop.extent)
        ],
        names=[(stop, sheet.x(stop.lon), sheet.y(stop.lat)) for stop in view.plan],
        path="M" + " L".join(f"{p.x} {p.y}" for p in points) if len(points) > 1 else "",
        points=points, numbers=[(number, p.x, p.y) for number, p in firsts if p],
    )  # fmt: skip


def _point(view: TeamDayView, sheet: Sheet, v: Any) -> Point:
    disc = sheet.length(min(v.accuracy_m or 0.0, MOST_ACCURACY_M))
    asks = bool(view.flags[v.instance_id]) and v.decided is None
    minute = int((v.visited_at - view.begins).total_seconds()) // 60
    return Point(str(v.instance_id), sheet.x(v.lon), sheet.y(v.lat), disc, STANDINGS[v.standing], asks, minute)


def _path(sheet: Sheet, ring: list[list[float]]) -> str:
    return "M" + " L".join(f"{sheet.x(lon)} {sheet.y(lat)}" for lon, lat, *_ in ring) + "Z"


@dataclass(frozen=True)
class Strip:
    """Visits by quarter of an hour: this team's as bars, its neighbours' middle half as a band."""

    first: int  # slot of the day
    bars: list[int]
    low: list[float]
    high: list[float]
    most: float  # top of the drawing
    hours: list[tuple[int, int]]  # (place among the slots, hour)
    teams: int  # in the band


def strip_of(view: TeamDayView) -> Strip | None:
    """None when nobody of the area made a visit."""
    own = view.slots()
    slots = sorted({*own, *(slot for counted in view.others.values() for slot in counted)})
    if not slots:
        return None
    first, last = max(0, slots[0]), min(24 * 60 // SLOT_MINUTES, slots[-1] + 1)
    span = range(first, max(last, first + 1))
    band = [_middle([counted.get(slot, 0) for counted in view.others.values()]) for slot in span]
    bars = [own.get(slot, 0) for slot in span]
    per_hour = 60 // SLOT_MINUTES
    return Strip(
        first, bars, [low for low, _ in band], [high for _, high in band],
        max([1.0, *bars, *(high for _, high in band)]),
        [(slot - first, slot // per_hour) for slot in span if slot % per_hour == 0], len(view.others),
    )  # fmt: skip


def _middle(counts: list[int]) -> tuple[float, float]:
    if len(counts) < 3:
        return (float(min(counts, default=0)), float(max(counts, default=0)))
    low, _, high = quantiles(counts, n=4, method="inclusive")
    return low, high
