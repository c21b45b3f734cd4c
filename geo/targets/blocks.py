"""Where is a large settlement cut into blocks of equal work?

The extent is halved again and again across its longer side until every part holds an equal share. A block is the part
of the extent within its box; the same extent and number always give the same blocks.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely

from geo.targets.rules import Rules
from geo.targets.walking import EARTH_M, Floats, Ints

POINTS_A_BLOCK = 24
FEWEST_POINTS, MOST_POINTS = 400, 60_000


@dataclass(frozen=True)
class Blocks:
    """The parts of one settlement, in order of their numbers."""

    lon: Floats  # (k,) the middle of each part
    lat: Floats
    box: Floats  # (k, 4) west, south, east, north in degrees: a part is what of the extent lies in its box
    share: Floats  # (k,) of the extent's ground


def block_size(children: Ints, team_days: int, rules: Rules) -> int:
    """Most children of a block: a quarter of the mean team-day unless the campaign says."""
    if rules.block_children:
        return rules.block_children
    quarter = int(children.sum()) / max(1, team_days) / 4
    return int(min(max(round(quarter), rules.smallest_block), rules.largest_block))


def blocks_needed(children: Ints, size: int) -> Ints:
    """(n,) how many blocks each settlement is cut into; 1: it stays whole."""
    return np.maximum(1, -(-children // size))


def equal_parts(total: int, parts: int) -> list[int]:
    """A count in parts that differ by one at most, larger ones first."""
    each, more = divmod(total, parts)
    return [each + (k < more) for k in range(parts)]


def cut(lon: float, lat: float, radius_m: float, extent: shapely.Geometry | None, parts: int) -> Blocks:
    """An extent (degrees; None: the circle of `radius_m` about the centre) in `parts` equal parts."""
    metres_a_degree = np.radians(EARTH_M)
    scale = np.array([metres_a_degree * max(np.cos(np.radians(lat)), 0.01), metres_a_degree])
    if extent is None or extent.is_empty or extent.area == 0:
        middle, box, share = _disc(parts)
        factor = radius_m / scale
        at = np.array([lon, lat])
        return Blocks(
            lon + middle[:, 0] * factor[0], lat + middle[:, 1] * factor[1],
            np.hstack([at + box[:, :2] * factor, at + box[:, 2:] * factor]), share,
        )  # fmt: skip
    points = _points_in(extent, scale, parts)
    west, south, east, north = extent.bounds
    whole = np.array([west, south, east, north]) * np.tile(scale, 2)
    middle, box, share = _halved(points * scale, whole, parts)
    return Blocks(middle[:, 0] / scale[0], middle[:, 1] / scale[1], box / np.tile(scale, 2), share)


@lru_cache(maxsize=512)
def _disc(parts: int) -> tuple[Floats, Floats, Floats]:
    """The unit circle in parts."""
    side = int(np.ceil(np.sqrt(_points(parts) * 4 / np.pi)))
    step = (np.arange(side) + 0.5) / side * 2 - 1
    points = np.column_stack([grid.ravel() for grid in np.meshgrid(step, step)])
    return _halved(points[(points**2).sum(axis=1) <= 1], np.array([-1.0, -1.0, 1.0, 1.0]), parts)


def _points(parts: int) -> int:
    return min(max(FEWEST_POINTS, POINTS_A_BLOCK * parts), MOST_POINTS)


def _points_in(extent: shapely.Geometry, scale: Floats, parts: int) -> Floats:
    """An even grid of points inside an extent, degrees; its representative point when the grid misses it."""
    west, south, east, north = extent.bounds
    ground = extent.area * scale.prod()
    step = np.sqrt(ground / _points(parts)) / scale
    shapely.prepare(extent)
    lon = np.arange(west + step[0] / 2, east, step[0])
    lat = np.arange(south + step[1] / 2, north, step[1])
    if len(lon) * len(lat) > 50 * MOST_POINTS:
        lon, lat = np.linspace(west, east, 1000), np.linspace(south, north, 1000)
    points = np.column_stack([grid.ravel() for grid in np.meshgrid(lon, lat)])
    inside = points[shapely.contains_xy(extent, points)]
    return inside if len(inside) >= parts else _spread_out(extent, parts)


def _spread_out(extent: shapely.Geometry, parts: int) -> Floats:
    """For extents too thin for a grid: points along their outline."""
    line = extent.boundary if extent.geom_type in ("Polygon", "MultiPolygon") else extent
    if line.is_empty or line.length == 0:
        return np.repeat(shapely.get_coordinates(extent.representative_point()), parts, axis=0)
    at = (
        shapely.line_interpolate_point(line, (np.arange(parts * 8) + 0.5) / (parts * 8), normalized=True)
        if (line.geom_type == "LineString")
        else shapely.points(shapely.get_coordinates(shapely.segmentize(line, line.length / parts / 8)))
    )
    return np.asarray(shapely.get_coordinates(at))


def _halved(points: Floats, whole: Floats, parts: int) -> tuple[Floats, Floats, Floats]:
    """(middles, boxes, shares) of points cut across the longer side until there are `parts` groups."""
    todo, done = [(points, whole, parts)], []
    while todo:
        group, box, k = todo.pop()
        if k == 1 or len(group) < 2:
            done += [(group.mean(axis=0), box, len(group) / len(points) / k)] * k
            continue
        axis = int(np.argmax(np.ptp(group, axis=0)))
        order = np.lexsort((group[:, 1 - axis], group[:, axis]))
        at = int(np.clip(round(len(group) * (k // 2) / k), 1, len(group) - 1))
        line = (group[order[at - 1], axis] + group[order[at], axis]) / 2
        before, after = box.copy(), box.copy()
        before[2 + axis] = after[axis] = line
        todo += [(group[order[at:]], after, k - k // 2), (group[order[:at]], before, k // 2)]
    return tuple(np.array(part) for part in zip(*done, strict=True))  # type: ignore[return-value]
