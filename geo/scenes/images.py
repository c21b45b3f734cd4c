"""Indices of a part of a scene: bands read, made reflectance, masked, and put into formulas.

Nothing is opened here: `read` hands over the digital numbers of a band's part.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.scenes.grid import Grid
from geo.scenes.indices import available, normalised
from geo.scenes.masks import GROW_M, Judged, grown, judge_mask, places
from geo.scenes.reflectance import averaged, reflectance
from geo.scenes.scene import Band, Scene

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.generic]
Whether = npt.NDArray[np.bool_]
Bounds = tuple[float, float, float, float]
Read = Callable[[Band, Grid], Numbers]  # the part lies within the band's grid, on its pixels

SNOW_NDSI, SNOW_NIR = 0.4, 0.11  # water has a high NDSI too, and is darker than that (Hall et al. 1995)


@dataclass(frozen=True)
class Images:
    """Of one grid: indices by name, NaN where unusable, and where snow lies."""

    grid: Grid
    indices: dict[str, Floats]
    snow: Whether


@dataclass(frozen=True)
class Seen:
    """Part of a scene. `fine` holds NDVI and NDWI; `coarse` those with short-wave bands, None when there are none."""

    scene_bounds: Bounds
    fine: Images
    coarse: Images | None


def look(scene: Scene, bounds: Bounds, read: Read) -> Seen | None:
    """The scene's indices around these bounds (metres, its own coordinates); None: it does not reach there."""
    names, factor = frozenset(scene.bands), scene.swir_factor
    indices = available(names)
    with_swir = [index.name for index in indices if index.reads_swir]
    without = [index.name for index in indices if not index.reads_swir]
    part = scene.grid.within(bounds, GROW_M + scene.grid.size_m)
    if part is None:
        return None
    fine = _images(scene, part, without if factor > 1 else without + with_swir, read)
    coarse = None
    if with_swir and factor > 1:
        wide = scene.grid.coarser(factor)
        its = wide.within(bounds, GROW_M + wide.size_m)
        coarse = _images(scene, its, with_swir, read) if its else None
    elif with_swir:
        coarse = fine
    return Seen(scene.grid.bounds, fine, coarse)


def _images(scene: Scene, part: Grid, wanted: list[str], read: Read) -> Images:
    judged = _mask(scene, part, read)
    unusable = judged.unusable | grown(judged.cloudy, part.size_m)
    if scene.saturated is not None:
        radsat, there = _nearest(scene.saturated, part, read)
        unusable |= ~there | (radsat != 0)
    bands: dict[str, Floats] = {}
    indices: dict[str, Floats] = {}
    chosen = [index for index in available(frozenset(scene.bands)) if index.name in wanted]
    for name in dict.fromkeys(band for index in chosen for band in index.bands):
        bands[name] = _band(scene, name, part, read)
    for index in chosen:
        indices[index.name] = np.where(unusable, np.nan, index.formula(bands))
    snow = judged.snow
    if scene.mask_kind == "PLAIN" and {"green", "swir1", "nir"} <= bands.keys():
        with np.errstate(invalid="ignore"):
            snow = (normalised(bands["green"], bands["swir1"]) > SNOW_NDSI) & (bands["nir"] > SNOW_NIR)
    return Images(part, indices, snow)


def _mask(scene: Scene, part: Grid, read: Read) -> Judged:
    if scene.mask is None:
        nothing = np.zeros((part.rows, part.columns), bool)
        return Judged(nothing, nothing, nothing)
    values, there = _nearest(scene.mask, part, read)
    judged = judge_mask(values, scene.mask_kind)
    return Judged(judged.unusable | ~there, judged.cloudy & there, judged.snow & there)


def _band(scene: Scene, name: str, part: Grid, read: Read) -> Floats:
    """Reflectance on these pixels: as they are, averaged from finer ones, or taken from the coarser one they lie in."""
    coarse = part.size_m > scene.grid.size_m
    band = scene.bands["nir_narrow"] if name == "nir" and coarse and "nir_narrow" in scene.bands else scene.bands[name]
    factor = round(part.size_m / band.grid.size_m)
    finer = Grid(
        part.epsg, part.left_m, part.top_m, part.size_m / max(factor, 1), part.rows * factor, part.columns * factor
    )
    if factor >= 1 and finer.lattice == band.grid.lattice and _holds(band.grid, finer):
        found = reflectance(read(band, finer), band.scale, band.offset, band.nodata)
        return averaged(found, factor) if factor > 1 else found
    values, there = _nearest(band, part, read)
    return np.where(there, reflectance(values, band.scale, band.offset, band.nodata), np.nan)


def _holds(grid: Grid, part: Grid) -> bool:
    row, column = grid.window_of(part)
    return row >= 0 and column >= 0 and row + part.rows <= grid.rows and column + part.columns <= grid.columns


def _nearest(band: Band, part: Grid, read: Read) -> tuple[Numbers, Whether]:
    """The band's pixel in which each centre lies, and where there is one."""
    its = band.grid
    columns = places(part.left_m, part.size_m, part.columns, its.left_m, its.size_m)
    rows = places(-part.top_m, part.size_m, part.rows, -its.top_m, its.size_m)
    there = ((rows >= 0) & (rows < its.rows))[:, None] & ((columns >= 0) & (columns < its.columns))[None]
    rows, columns = np.clip(rows, 0, its.rows - 1), np.clip(columns, 0, its.columns - 1)
    first, left = int(rows.min()), int(columns.min())
    values = read(band, its.part((first, int(rows.max()) + 1), (left, int(columns.max()) + 1)))
    return values[np.ix_(rows - first, columns - left)], there
