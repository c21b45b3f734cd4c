"""The map of one team-day for paper: plain shapes in millimetres, black and white, which a template draws as SVG.

North is up. Names stand where they cover neither each other nor a stop; what finds no room stands in the list alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from geo.targets.walking import EARTH_M

WIDTH_MM, HEIGHT_MM = 186.0, 118.0
MARGIN_MM = 9.0
SMALLEST_WIDTH_M = 500.0
SPOT_MM = 2.6  # radius of a stop's circle
LETTER_MM = 1.75  # width of a letter, about
LINE_MM = 3.6
BARS_M = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
MOST_NAMES = 16


@dataclass
class Spot:
    x: float
    y: float
    number: int
    is_priority: bool


@dataclass
class Name:
    x: float
    y: float
    words: str
    anchor: str  # start, middle, end
    language: str


@dataclass
class SheetMap:
    """Everything in millimetres from the upper left corner."""

    area: str
    way: str
    neighbours: list[str] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    edges: list[Name] = field(default_factory=list)  # neighbours' names
    bar_mm: float = 0.0
    bar_words: str = ""
    width: float = WIDTH_MM
    height: float = HEIGHT_MM


class _Frame:
    """From degrees to millimetres on paper."""

    def __init__(self, shape: shapely.Geometry) -> None:
        west, south, east, north = shape.bounds
        self.lat = (south + north) / 2
        a_degree = np.radians(EARTH_M)
        self.metres = np.array([a_degree * np.cos(np.radians(self.lat)), a_degree])
        size = np.maximum((np.array([east - west, north - south])) * self.metres, SMALLEST_WIDTH_M * np.array([1, 0.6]))
        room = np.array([WIDTH_MM, HEIGHT_MM]) - 2 * MARGIN_MM
        self.mm_a_metre = float((room / size).min())
        self.middle = np.array([(west + east) / 2, self.lat])

    def place(self, lonlat: np.ndarray) -> np.ndarray:
        moved = (np.asarray(lonlat) - self.middle) * self.metres * self.mm_a_metre
        placed: np.ndarray = np.round(np.array([WIDTH_MM / 2, HEIGHT_MM / 2]) + moved * np.array([1, -1]), 2)
        return placed

    def shape(self, shape: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(shape, self.place)


def draw(stops: Sequence[dict[str, Any]], area: shapely.Geometry, around: Sequence[tuple[str, shapely.Geometry]],
         script: str) -> SheetMap:  # fmt: skip
    """stops in walking order; area of the team-day and of those around it, in degrees; `script` of the reader."""
    frame = _Frame(area)
    paper = shapely.box(0, 0, WIDTH_MM, HEIGHT_MM)
    at = frame.place(np.array([[s["lon"], s["lat"]] for s in stops]))
    own = shapely.intersection(frame.shape(area), paper)
    drawn = SheetMap(_path(own), "M" + "L".join(f"{x:g} {y:g}" for x, y in at))
    taken = [shapely.box(x - SPOT_MM, y - SPOT_MM, x + SPOT_MM, y + SPOT_MM) for x, y in at]
    drawn.spots = [
        Spot(float(x), float(y), s["position"], s["is_priority"]) for (x, y), s in zip(at, stops, strict=True)
    ]
    for label, shape in around:
        part = shapely.intersection(shapely.make_valid(frame.shape(shape)), paper)
        if not part.is_empty and part.area > 1:
            drawn.neighbours.append(_path(part))
            _name_at_edge(drawn, label, part, own, taken)
    _name_stops(drawn, stops, at, taken, script)
    drawn.bar_mm, drawn.bar_words = _scale_bar(frame.mm_a_metre)
    return drawn


def _path(shape: shapely.Geometry) -> str:
    out = []
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            for ring in (part.exterior, *part.interiors):
                points = shapely.get_coordinates(shapely.simplify(ring, 0.15))
                out.append("M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points) + "Z")
    return "".join(out)


def _name_at_edge(drawn: SheetMap, label: str, part: shapely.Geometry, own: shapely.Geometry, taken: list[Any]) -> None:
    """In the middle of what is seen of the neighbour, or towards its edge of the paper."""
    width = len(label) * LETTER_MM * 1.15
    middle = part.representative_point()
    far = shapely.get_coordinates(part)
    outermost = far[np.argmax(np.abs(far - np.array([WIDTH_MM / 2, HEIGHT_MM / 2])).max(axis=1))]
    for x, y in ((middle.x, middle.y), tuple((outermost + np.array([middle.x, middle.y])) / 2), tuple(outermost)):
        x = float(np.clip(x, width / 2 + 1, WIDTH_MM - width / 2 - 1))
        y = float(np.clip(y, LINE_MM, HEIGHT_MM - 2))
        box = shapely.box(x - width / 2, y - LINE_MM, x + width / 2, y + 1)
        if not any(box.intersects(other) for other in taken):
            drawn.edges.append(Name(round(x, 2), round(y, 2), label, "middle", "en"))
            taken.append(box)
            return


def _name_stops(
    drawn: SheetMap, stops: Sequence[dict[str, Any]], at: np.ndarray, taken: list[Any], script: str
) -> None:
    """Both scripts beside the stop; a settlement of many blocks is named once."""
    named: set[str] = set()
    for (x, y), stop in zip(at.tolist(), stops, strict=True):
        if stop["code"] in named or len(named) >= MOST_NAMES:
            continue
        other = stop.get(f"name_{script}") if script != "en" else stop["name_ur"]
        lines = [(stop["name_en"], "en"), *([(other, script if script != "en" else "ur")] if other else [])]
        width = max(len(words) for words, _language in lines) * LETTER_MM
        height = LINE_MM * len(lines)
        for dx, dy, anchor in ((1, 0, "start"), (-1, 0, "end"), (0, -1, "middle"), (0, 1, "middle")):
            left = {"start": x + SPOT_MM + 1, "end": x - SPOT_MM - 1 - width, "middle": x - width / 2}[anchor]
            top = y - height / 2 if dx else (y - SPOT_MM - 1 - height if dy < 0 else y + SPOT_MM + 1)
            box = shapely.box(left, top, left + width, top + height)
            inside = left > 0 and left + width < WIDTH_MM and top > 0 and top + height < HEIGHT_MM
            if inside and not any(box.intersects(one) for one in taken):
                at_x = {"start": left, "end": left + width, "middle": left + width / 2}[anchor]
                drawn.names += [
                    Name(round(at_x, 2), round(top + LINE_MM * (k + 0.8), 2), words, anchor, language)
                    for k, (words, language) in enumerate(lines)
                ]
                taken.append(box)
                named.add(stop["code"])
                break


def _scale_bar(mm_a_metre: float) -> tuple[float, str]:
    metres = next((m for m in reversed(BARS_M) if m * mm_a_metre <= 45), BARS_M[0])
    return round(metres * mm_a_metre, 2), f"{metres // 1000} km" if metres >= 1000 else f"{metres} m"
