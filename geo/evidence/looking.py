"""What does one scene show of one claim and of its shifted copies? And many scenes together, as a series.

A frame is made once per claim and lattice; looking through it costs a few sums per scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.evidence.blocks import block_means, box_of_candidates, candidate_shifts, steps_m
from geo.evidence.parameters import Parameters
from geo.evidence.series import Means, Series
from geo.evidence.zonal import Weights, grid_around, mean_of, weights_of
from geo.scenes.grid import Grid
from geo.scenes.images import Images, Seen

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]

UNKNOWN = -1  # of `Look.wet`; else 0 dry, 1 open water


@dataclass(frozen=True)
class Frame:
    """A claim on the pixels of one lattice.

    box : the pixels of all candidate blocks.   weights : of the claim, on `box`
    at : row and column of `shares` in it.   step_px : columns and rows of one shift
    """

    box: Grid
    weights: Weights
    at: tuple[int, int]
    shares: Floats
    step_px: tuple[int, int]


@dataclass(frozen=True)
class ClaimFrames:
    """One claim in the coordinates of a series, ready to be looked at.

    outline : in those coordinates.   shifts : (c, 2) of the candidates.   coarse : for short-wave indices
    """

    outline: shapely.Geometry
    steps: tuple[float, float]
    shifts: npt.NDArray[np.int64]
    fine: Frame | None  # None: no pixel is left of it
    coarse: Frame | None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Of all that has to be read."""
        return self.fine.box.bounds if self.fine else self.outline.bounds


@dataclass(frozen=True)
class Look:
    """One claim in one scene. Means are NaN where nothing usable is seen; clear shares NaN where it has no pixels."""

    means: dict[str, float]  # by index
    clear: dict[str, float]
    blocks: dict[str, Floats]  # (c,) by index
    box_clear: float
    snow: float
    ndvi: Floats  # (p,) of the claim's pixels
    wet: npt.NDArray[np.int8]


BLOCK_INDICES = ("ndvi", "nbr", "bsi")  # those that are compared with control land


def frames_of(
    outlines: Shapes,
    others: Sequence[Sequence[shapely.Geometry]],
    layers: Sequence[shapely.Geometry | None],
    grid: Grid,
    swir_factor: int,
    parameters: Parameters,
) -> list[ClaimFrames]:
    """Frames of many claims on the lattice of `grid`; all geometries in its coordinates.

    others : of each claim, the claims near it.   layers : of each, the land near it where nothing is planted
    """
    steps = [steps_m(outline, grid.size_m, parameters) for outline in outlines]
    shifts = [candidate_shifts(*each, parameters) for each in zip(outlines, steps, others, layers, strict=True)]
    fine = _frames(outlines, steps, grid, parameters)
    coarse = fine if swir_factor == 1 else _frames(outlines, steps, grid.coarser(swir_factor), parameters)
    return [ClaimFrames(*each) for each in zip(outlines, steps, shifts, fine, coarse, strict=True)]


def _frames(
    outlines: Shapes, steps: list[tuple[float, float]], grid: Grid, parameters: Parameters
) -> list[Frame | None]:
    around = grid_around(tuple(shapely.total_bounds(outlines)), grid)
    return [
        _frame(outline, weights, step, around, parameters) if len(weights.share) else None
        for outline, weights, step in zip(outlines, weights_of(outlines, around, parameters), steps, strict=True)
    ]


def _frame(
    outline: shapely.Geometry, weights: Weights, step: tuple[float, float], around: Grid, parameters: Parameters
) -> Frame:
    box = grid_around(box_of_candidates(outline, step, parameters), around, margin_px=0)
    row, column = around.window_of(box)
    moved = Weights(weights.rows - row, weights.columns - column, weights.share, weights.full, weights.lost)
    first_row, first_column, shares = moved.box()
    step_px = round(step[0] / box.size_m), round(step[1] / box.size_m)
    return Frame(box, moved, (first_row, first_column), shares, step_px)


def look_at(frames: ClaimFrames, seen: Seen, parameters: Parameters) -> Look | None:
    """The claim in this scene; None: the scene does not hold the whole of it."""
    west, south, east, north = frames.outline.bounds
    left, bottom, right, top = seen.scene_bounds
    if west < left or south < bottom or east > right or north > top:
        return None
    if frames.fine is None:
        nothing = np.empty(0)
        return Look({}, {}, {}, np.nan, np.nan, nothing, nothing.astype(np.int8))
    found = Look({}, {}, {}, *_surroundings(frames.fine, seen.fine), *_pixels(frames, seen, parameters))
    for images, frame in ((seen.fine, frames.fine), (seen.coarse, frames.coarse)):
        if images is None or frame is None:
            continue
        inside = _inside(frames, seen.scene_bounds)
        for name, values in images.indices.items():
            if name in found.means:
                continue
            cut = _cut(values, images.grid, frame.box)
            found.means[name], found.clear[name] = mean_of(cut, frame.weights)
            if name in BLOCK_INDICES:
                blocks = block_means(cut, frame.shares, frame.at, frame.step_px, frames.shifts, parameters)
                found.blocks[name] = np.where(inside, blocks, np.nan)
    return found


def _inside(frames: ClaimFrames, scene: tuple[float, float, float, float]) -> npt.NDArray[np.bool_]:
    """Which shifted copies lie within the scene's edge."""
    west, south, east, north = frames.outline.bounds
    x, y = frames.shifts[:, 0] * frames.steps[0], frames.shifts[:, 1] * frames.steps[1]
    return np.asarray((west + x > scene[0]) & (south + y > scene[1]) & (east + x < scene[2]) & (north + y < scene[3]))


def _surroundings(frame: Frame, images: Images) -> tuple[float, float]:
    """Share of usable pixels in the box of all candidates, of those that the scene has; and of the claim under snow."""
    row, column = images.grid.window_of(frame.box)
    rows = slice(max(0, row), max(0, row + frame.box.rows))
    columns = slice(max(0, column), max(0, column + frame.box.columns))
    usable = np.isfinite(images.indices["ndvi"][rows, columns])
    if not images.snow[rows, columns].any():
        return float(usable.mean()), 0.0
    snow = _cut(images.snow.astype(np.float64), images.grid, frame.box)
    return float(usable.mean()), mean_of(snow, frame.weights)[0]


def _pixels(frames: ClaimFrames, seen: Seen, parameters: Parameters) -> tuple[Floats, npt.NDArray[np.int8]]:
    """NDVI of the claim's pixels, and whether each is open water: MNDWI (NDWI without SWIR) > 0 and hardly green."""
    assert frames.fine is not None
    frame, fine = frames.fine, seen.fine
    rows, columns = frame.weights.rows, frame.weights.columns
    ndvi = _cut(fine.indices["ndvi"], fine.grid, frame.box)[rows, columns]
    water = _water(frame, seen)[rows, columns] if frame.box.rows else ndvi
    known = np.isfinite(ndvi) & np.isfinite(water)
    with np.errstate(invalid="ignore"):
        wet = np.where(known, (water > 0) & (ndvi < parameters.wet_ndvi), UNKNOWN)
    return ndvi, wet.astype(np.int8)


def _water(frame: Frame, seen: Seen) -> Floats:
    """The water index over the frame's box, on its pixels; NaN where there is none."""
    images = seen.coarse
    if images is not None and "mndwi" in images.indices:
        factor = round(images.grid.size_m / frame.box.size_m)
        if factor == 1:
            return _cut(images.indices["mndwi"], images.grid, frame.box)
        wide = grid_around(frame.box.bounds, images.grid, margin_px=0)
        repeated = _cut(images.indices["mndwi"], images.grid, wide).repeat(factor, 0).repeat(factor, 1)
        finer = Grid(wide.epsg, wide.left_m, wide.top_m, frame.box.size_m, wide.rows * factor, wide.columns * factor)
        return _cut(repeated, finer, frame.box)
    if "ndwi" in seen.fine.indices:
        return _cut(seen.fine.indices["ndwi"], seen.fine.grid, frame.box)
    return np.full((frame.box.rows, frame.box.columns), np.nan)


def _cut(values: Floats, grid: Grid, box: Grid) -> Floats:
    """The values on the pixels of the box; NaN where the grid has none."""
    out = np.full((box.rows, box.columns), np.nan)
    row, column = grid.window_of(box)
    top, bottom = max(0, row), min(grid.rows, row + box.rows)
    left, right = max(0, column), min(grid.columns, column + box.columns)
    if top < bottom and left < right:
        out[top - row : bottom - row, left - column : right - column] = values[top:bottom, left:right]
    return out


def series_of(frames: ClaimFrames, days: Sequence[int], looks: Sequence[Look]) -> Series:
    """Looks of one claim put together, in order of day; of two on one day the clearer one stands, else the first.

    days : ordinal, of each look
    """
    order = sorted(range(len(looks)), key=lambda k: (days[k], -_clear(looks[k]), k))
    chosen = [k for n, k in enumerate(order) if n == 0 or days[order[n - 1]] != days[k]]
    kept = [looks[k] for k in chosen]
    names = sorted({name for look in kept for name in look.means})
    return Series(
        days=np.array([days[k] for k in chosen], np.int64),
        box_clear=np.array([look.box_clear for look in kept]),
        snow=np.nan_to_num(np.array([look.snow for look in kept])),
        shifts=frames.shifts,
        means={name: _means(kept, name, len(frames.shifts)) for name in names},
        share=frames.fine.weights.share if frames.fine else np.empty(0),
        ndvi=np.array([look.ndvi for look in kept]),
        wet=np.array([look.wet for look in kept], np.int8),
    )


def _clear(look: Look) -> float:
    return float(np.nan_to_num(look.clear.get("ndvi", 0.0)))


def _means(looks: list[Look], name: str, candidates: int) -> Means:
    absent = np.full(candidates, np.nan)
    return Means(
        claim=np.array([look.means.get(name, np.nan) for look in looks]),
        clear=np.nan_to_num(np.array([look.clear.get(name, 0.0) for look in looks])),
        blocks=np.array([look.blocks.get(name, absent) for look in looks]).reshape(len(looks), candidates),
    )
