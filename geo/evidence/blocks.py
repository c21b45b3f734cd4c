"""Which land is a claim compared with? Shifted copies of the claim itself, matched on their past.

Copies have the claim's size and shape, and with them its noise. Matching on the history of the outcome within a bounded
distance is the idea of VM0047 (Verra 2023); the numbers are ours.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely
from shapely import affinity

from geo.evidence.parameters import Parameters
from geo.evidence.periods import Periods

Floats = npt.NDArray[np.float64]
Shifts = npt.NDArray[np.int64]
STEP_TOLERANCE = 1e-9


def step_m(width_m: float, pixel_m: float, parameters: Parameters) -> float:
    """How far apart copies of that width stand: clear of each other, a whole number of pixels."""
    unit = pixel_m * math.ceil(parameters.shift_step_m / pixel_m - STEP_TOLERANCE)
    return unit * math.ceil((width_m + unit) / unit - STEP_TOLERANCE)


def steps_m(outline: shapely.Geometry, pixel_m: float, parameters: Parameters) -> tuple[float, float]:
    """Steps east and north for this outline (metres, the scene's coordinates)."""
    west, south, east, north = outline.bounds
    return step_m(east - west, pixel_m, parameters), step_m(north - south, pixel_m, parameters)


def candidate_shifts(
    outline: shapely.Geometry,
    steps: tuple[float, float],
    claims: Sequence[shapely.Geometry],
    layers: shapely.Geometry | None,
    parameters: Parameters,
) -> Shifts:
    """Shifts (a, b), in steps east and north, of the copies that may serve as control land.

    claims : all other claims near, of any year, campaign or decision.   layers : land where nothing is planted
    returns : (c, 2), in order of a, then b.   What lies beyond a scene's edge is left to the scene.
    """
    reach = range(-parameters.shifts, parameters.shifts + 1)
    shifts = np.array([(a, b) for a in reach for b in reach if (a, b) != (0, 0)], np.int64)
    copies = np.array([affinity.translate(outline, a * steps[0], b * steps[1]) for a, b in shifts], object)
    near = shapely.GeometryCollection([outline, *claims])
    shapely.prepare(near)
    out = shapely.dwithin(copies, near, parameters.keep_away_m)
    if layers is not None and not layers.is_empty:
        covered = shapely.area(shapely.intersection(copies[~out], layers))
        out[~out] = covered > parameters.layer_share * outline.area
    left: Shifts = shifts[~out]
    return left


def box_of_candidates(
    outline: shapely.Geometry, steps: tuple[float, float], parameters: Parameters
) -> tuple[float, float, float, float]:
    """Bounds of the outline and all its copies."""
    west, south, east, north = outline.bounds
    x, y = parameters.shifts * steps[0], parameters.shifts * steps[1]
    return west - x, south - y, east + x, north + y


def block_means(
    values: Floats,
    shares: Floats,
    at: tuple[int, int],
    step_px: tuple[int, int],
    shifts: Shifts,
    parameters: Parameters,
) -> Floats:
    """Weighted mean of each shifted copy in one image.

    values : (rows, columns), NaN where unusable or outside the scene; all copies lie within.   shares : (h, w) weights
    at : row and column of the claim's own copy.   step_px : columns and rows of one step.   shifts : (c, 2) east, north
    returns : (c,) NaN where less than `clear_share` of the weight is usable
    """
    usable = np.isfinite(values)
    filled = np.where(usable, values, 0.0)
    reach = parameters.shifts
    row, column = at[0] - reach * step_px[1], at[1] - reach * step_px[0]
    sums = _correlate(filled, shares, (row, column), step_px, 2 * reach + 1)
    seen = _correlate(usable.astype(np.float64), shares, (row, column), step_px, 2 * reach + 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.where(seen / shares.sum() >= parameters.clear_share, sums / seen, np.nan)
    return np.asarray(found[reach - shifts[:, 1], reach + shifts[:, 0]])  # rows run south


def _correlate(image: Floats, shares: Floats, at: tuple[int, int], step_px: tuple[int, int], count: int) -> Floats:
    """(count, count) sums of image × shares, one for each step down and right."""
    down, right = image.strides
    first = image[at[0] :, at[1] :]
    copies = np.lib.stride_tricks.as_strided(
        first, (count, count, *shares.shape), (down * step_px[1], right * step_px[0], down, right), writeable=False
    )
    return np.asarray(np.einsum("abij,ij->ab", copies, shares))


def matching(
    claim: Floats, blocks: Floats, shifts: Shifts, when: Periods, parameters: Parameters
) -> npt.NDArray[np.intp]:
    """Which candidates were most like the claim before planting, the nearest first; at most `blocks` of them.

    claim : (t,) NDVI.   blocks : (t, c).   returns : (k,) columns of `blocks`
    """
    seen = np.isfinite(blocks)
    common = seen & (when.pre & np.isfinite(claim))[:, None]
    enough = (common.sum(0) >= _needed(parameters.block_pre, when.pre)) & (
        (seen & when.post[:, None]).sum(0) >= _needed(parameters.block_post, when.post)
    )
    apart = np.where(common, claim[:, None] - np.where(seen, blocks, 0.0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.round(np.sqrt((apart**2).sum(0) / common.sum(0)), 9)
    able = np.flatnonzero(enough & (distance <= parameters.distance))
    reach = np.abs(shifts).sum(1)
    order = np.lexsort((shifts[able, 1], shifts[able, 0], reach[able], distance[able]))
    return able[order][: parameters.blocks]


def _needed(rule: tuple[int, float], dates: npt.NDArray[np.bool_]) -> float:
    return max(float(rule[0]), rule[1] * int(dates.sum()))
