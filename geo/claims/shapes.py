"""What does the outline of a claim itself tell: spikes, slivers, shapes drawn at a desk, careless coordinates?

Outlines are shapely polygons and multipolygons in metres (the UTM zone of their centroid) unless a name says degrees.
All functions take (n,) arrays and answer for each outline; what is None or empty has no spikes and NaN measures.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Whether = npt.NDArray[np.bool_]

DECIMALS_LOOKED_AT = 8  # of a coordinate in degrees: a millimetre


@dataclass(frozen=True)
class Corners:
    """Every vertex of every ring with the two beside it, rings taken cyclically: arrays of one length.

    outline : which one it belongs to.   at, before, after : (k, 2) positions
    """

    outline: Ints
    at: Floats
    before: Floats
    after: Floats


def corners(outlines: Shapes) -> Corners:
    """All corners of the outlines, repeated positions left out."""
    rings, outline_of_ring = _rings(outlines)
    at, ring = shapely.get_coordinates(rings, return_index=True)
    same = np.zeros(len(at), dtype=bool)
    same[1:] = (ring[1:] == ring[:-1]) & (at[1:] == at[:-1]).all(axis=1)
    at, ring = at[~same], ring[~same]
    closing = np.r_[ring[1:] != ring[:-1], True][: len(ring)]  # the last position of a ring is its first
    at, ring = at[~closing], ring[~closing]
    index = np.arange(len(ring))
    first = np.searchsorted(ring, ring)
    count = np.bincount(ring, minlength=len(rings))[ring] if len(ring) else index
    place = index - first
    before = at[first + (place - 1) % np.maximum(count, 1)]
    after = at[first + (place + 1) % np.maximum(count, 1)]
    return Corners(outline_of_ring[ring], at, before, after)


@dataclass(frozen=True)
class Spikes:
    """Corners that stick out: arrays of one length, sorted by outline."""

    outline: Ints
    tip: Floats  # (k, 2)
    before: Floats
    after: Floats
    angle_deg: Floats
    length_m: Floats  # of the longer side


def spikes(outlines: Shapes, *, angle_below_deg: float, side_from_m: float, sides_over_base: float) -> Spikes:
    """Corners with a sharp angle between two long sides that end near each other.

    A corner counts when its angle is below `angle_below_deg`, both sides are at least `side_from_m` long, and their
    sum is more than `sides_over_base` times the distance between their far ends.
    """
    c = corners(outlines)
    one, two = c.before - c.at, c.after - c.at
    d1, d2 = np.hypot(*one.T), np.hypot(*two.T)
    base = np.hypot(*(c.after - c.before).T)
    with np.errstate(invalid="ignore", divide="ignore"):
        angle = np.degrees(np.arccos(np.clip((one * two).sum(axis=1) / (d1 * d2), -1, 1)))
        slender = (d1 + d2) > sides_over_base * base
    found = np.flatnonzero((angle < angle_below_deg) & (np.minimum(d1, d2) >= side_from_m) & slender)
    found = found[np.argsort(c.outline[found], kind="stable")]
    longer = np.maximum(d1, d2)[found]
    return Spikes(c.outline[found], c.at[found], c.before[found], c.after[found], angle[found], longer)


def mean_width_m(outlines: Shapes) -> Floats:
    """2 · area ÷ perimeter, holes' edges included: of a long strip its width."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(2 * shapely.area(outlines) / shapely.length(outlines), dtype=float)


def compactness(outlines: Shapes) -> Floats:
    """4π · area ÷ perimeter² (1 for a circle); of several parts the mean by area."""
    parts, index = shapely.get_parts(outlines, return_index=True)
    area, length = shapely.area(parts), shapely.length(parts)
    n = len(outlines)
    with np.errstate(invalid="ignore", divide="ignore"):
        weighted = np.bincount(index, weights=4 * np.pi * area**2 / length**2, minlength=n)
        return np.asarray(weighted / np.bincount(index, weights=area, minlength=n), dtype=float)


def roundness(outlines: Shapes, corners_from: int) -> Floats:
    """Coefficient of variation of the distance from the centroid to the corners of the largest part: 0 for a circle
    drawn with a tool. NaN for fewer than `corners_from` corners."""
    largest = _largest_part(outlines)
    c = corners(shapely.polygons(shapely.get_exterior_ring(largest)))
    centre = shapely.get_coordinates(shapely.centroid(largest))
    with_centre = np.flatnonzero(~shapely.is_missing(largest))
    place = np.full(len(outlines), -1)
    place[with_centre] = np.arange(len(with_centre))
    reach = np.hypot(*(c.at - centre[place[c.outline]]).T) if len(c.outline) else np.empty(0)
    n = len(outlines)
    count = np.bincount(c.outline, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(c.outline, weights=reach, minlength=n) / count
        square = np.bincount(c.outline, weights=(reach - mean[c.outline]) ** 2, minlength=n) / count
        return np.where(count >= corners_from, np.sqrt(square) / mean, np.nan)


def share_of_rectangle(outlines: Shapes) -> Floats:
    """Area ÷ the area of the smallest rectangle, turned any way, around it."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(shapely.area(outlines) / shapely.area(shapely.oriented_envelope(outlines)), dtype=float)


def share_on_lattice(outlines: Shapes, step: float, within: float) -> Floats:
    """Share of the corners of which both coordinates are multiples of `step`, give or take `within`; in the outlines'
    own units."""
    c = corners(outlines)
    off = np.abs(c.at - np.round(c.at / step) * step).max(axis=1, initial=0)
    n = len(outlines)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.bincount(c.outline, weights=off <= within, minlength=n) / np.bincount(c.outline, minlength=n)


def decimals_told(degrees: Shapes) -> Floats:
    """Median over the corners of how many decimals are written, the larger number of lon and lat.

    degrees : outlines as they came, in degrees.   returns : (n,) 0…DECIMALS_LOOKED_AT, NaN without corners
    """
    c = corners(degrees)
    told = np.full(len(c.at), DECIMALS_LOOKED_AT)
    for decimals in range(DECIMALS_LOOKED_AT - 1, -1, -1):
        told[(np.abs(c.at - np.round(c.at, decimals)) < 1e-9).all(axis=1)] = decimals
    return _medians(told, c.outline, len(degrees))


def _medians(values: Ints, group: Ints, groups: int) -> Floats:
    """Median of the values of each group; NaN where a group has none."""
    order = np.lexsort((values, group))
    count = np.bincount(group, minlength=groups)
    start = np.cumsum(count) - count
    out = np.full(groups, np.nan)
    some = count > 0
    low, high = start + (count - 1) // 2, start + count // 2
    out[some] = (values[order][low[some]] + values[order][high[some]]) / 2
    return out


def _rings(outlines: Shapes) -> tuple[Shapes, Ints]:
    parts, part_of = shapely.get_parts(outlines, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    return rings, part_of[ring_of]


def _largest_part(outlines: Shapes) -> Shapes:
    """The largest polygon of each; None where there is none."""
    parts, index = shapely.get_parts(outlines, return_index=True)
    out = np.full(len(outlines), None, dtype=object)
    order = np.argsort(shapely.area(parts), kind="stable")
    out[index[order]] = parts[order]  # of several the last, the largest, stays
    return out
