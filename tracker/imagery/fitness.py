"""May these files be a scene, and of which kind? Each refusal has its own words; the first that fits is told."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geo.scenes.grid import Grid
from geo.scenes.masks import covers
from geo.scenes.scene import Band, Scene
from tracker.imagery.refusals import SceneRefused
from tracker.imagery.wish import Wish, mask_kind, named_bands, scale_and_offset

COARSEST_M = 30.0
ROUGH_M = 31.0  # Landsat in other projections is resampled to lengths just above 30 m
TURNED = 1e-9
A_MAP = "a map of land cover: asked where trees stood, gives no index"
NO_INFRARED = "no near infrared band: shown, gives no index"
EIGHT_BITS = "8-bit values, stretched for the eye: shown, gives no index"


@dataclass(frozen=True)
class FileFacts:
    """What a GeoTIFF's header says."""

    file: Path
    crs: str | None  # as words
    epsg: int | None
    metres: bool  # projected, in metres
    transform: tuple[float, float, float, float, float, float]  # a, b, c, d, e, f
    width: int
    height: int
    dtypes: tuple[str, ...]
    nodata: tuple[float | None, ...]

    @property
    def south_up(self) -> bool:
        return self.transform[4] > 0

    @property
    def grid(self) -> Grid:
        """North up, also where the file is not: it is turned when it is taken in."""
        a, _b, c, _d, e, f = self.transform
        top = f + self.height * e if self.south_up else f
        return Grid(self.epsg or 0, c, top, abs(a), self.height, self.width)


@dataclass(frozen=True)
class Fitting:
    """A scene as it will be. `shown`: why it gives no index; None: it does."""

    scene: Scene
    files: tuple[FileFacts, ...]  # those to be kept, in order; a mask's file last
    shown: str | None
    notes: tuple[str, ...]


def fit(wish: Wish, facts: Sequence[FileFacts], mask: FileFacts | None, sha256: Sequence[str]) -> Fitting:
    """The scene that these files make. Raises SceneRefused."""
    names = named_bands(wish)
    its_mask = mask_kind(wish)
    for one in [*facts, *([mask] if mask else [])]:
        check_place(one, to_measure=not wish.made_by.trees)
    placed = _placed(wish, names, facts)
    mask_band = _mask(wish, facts, mask)
    _check_nodata(wish, facts, placed, mask_band is not None)
    eight_bits = any(facts[at].dtypes[index - 1] == "uint8" for at, index in placed.values())
    shown = (
        A_MAP
        if wish.made_by.trees
        else EIGHT_BITS
        if eight_bits
        else NO_INFRARED
        if not {"red", "nir"} <= placed.keys()
        else None
    )
    scales = {"": (1.0, 0.0)} if shown and wish.made_by.scale is None and wish.scale is None else scale_and_offset(wish)
    bands = {
        name: _band(wish, facts[at], at, index, scales.get(name, scales[""])) for name, (at, index) in placed.items()
    }
    saturated = bands.pop("radsat", None)
    if mask_band is not None and bands:
        widest = max((band.grid for band in bands.values()), key=lambda grid: grid.rows * grid.columns)
        if not covers(mask_band.grid.bounds, widest.bounds) or mask_band.grid.epsg != widest.epsg:
            raise SceneRefused("mask_elsewhere", file=_name(facts, mask, mask_band))
    turned = [one.file.name for one in [*facts, *([mask] if mask else [])] if one.south_up]
    notes = tuple(f"{name} was stored south-up; it is kept turned, north up" for name in turned)
    name = printable(wish.name or wish.files[0].name.removesuffix(".tif").removesuffix(".tiff"))
    scene = Scene(0, name, wish.day, wish.sensor, tuple(sha256), bands, mask_band, its_mask, saturated)
    return Fitting(scene, (*facts, *([mask] if mask else [])), shown, notes)


def check_place(one: FileFacts, to_measure: bool = True) -> None:
    """Whether a raster lies where it can be measured: north up, in metres, square pixels of at most 30 m.

    A map of land cover is only looked up: it may be in degrees, and coarser.
    """
    a, b, _c, d, e, _f = one.transform
    name = one.file.name
    if one.crs is None:
        raise SceneRefused("no_crs", file=name)
    if abs(b) > TURNED or abs(d) > TURNED or a <= 0:
        raise SceneRefused("rotated", file=name)
    if one.epsg is None or (to_measure and not one.metres):
        raise SceneRefused("not_projected", file=name, crs=f"EPSG:{one.epsg}" if one.epsg else one.crs[:80])
    if not math.isclose(abs(e), a, rel_tol=1e-6 if to_measure else 1e-3):
        raise SceneRefused("not_square", file=name, width=f"{a:g}", height=f"{abs(e):g}")
    if to_measure and a > ROUGH_M:
        raise SceneRefused("coarse", file=name, size=f"{a:g}")


MOST_LETTERS = 200


def printable(name: str) -> str:
    """A name that can be kept and shown: file names and STAC ids may hold anything."""
    return "".join(c if c.isprintable() else "_" for c in name)[:MOST_LETTERS].strip() or "scene"


def _placed(wish: Wish, names: dict[str, int], facts: Sequence[FileFacts]) -> dict[str, tuple[int, int]]:
    """File and band of it for each name. Raises where bands are missing or lie on different grids."""
    placed = {name: _where(name, index, facts) for name, index in names.items()}
    by_size: dict[float, FileFacts] = {}
    for at, _index in placed.values():
        one = facts[at]
        size = round(one.grid.size_m, 6) if wish.made_by.has_baseline else 0.0  # Sentinel-2 has three resolutions
        first = by_size.setdefault(size, one)
        if first.grid != one.grid:
            raise SceneRefused("other_grid", file=one.file.name, first=first.file.name)
    return placed


def _where(name: str, index: int, facts: Sequence[FileFacts]) -> tuple[int, int]:
    count, left = sum(len(one.dtypes) for one in facts), index
    for at, one in enumerate(facts):
        if 1 <= left <= len(one.dtypes):
            return at, left
        left -= len(one.dtypes)
    raise SceneRefused("few_bands", name=name, index=index, count=count)


def _mask(wish: Wish, facts: Sequence[FileFacts], mask: FileFacts | None) -> Band | None:
    if mask is not None:
        return Band(str(len(facts)), 1, mask.grid)
    if wish.mask_band is None:
        return None
    at, index = _where(wish.mask_name or "mask", wish.mask_band, facts)
    return Band(str(at), index, facts[at].grid)


def _check_nodata(wish: Wish, facts: Sequence[FileFacts], placed: dict[str, tuple[int, int]], masked: bool) -> None:
    if wish.made_by.zero_is_nodata or wish.made_by.trees or masked:
        return
    for at, index in placed.values():
        if facts[at].nodata[index - 1] is None:
            raise SceneRefused("no_nodata", file=facts[at].file.name)


def _band(wish: Wish, one: FileFacts, at: int, index: int, scaled: tuple[float, float]) -> Band:
    own = one.nodata[index - 1]
    nodata = {0.0} if wish.made_by.zero_is_nodata else set[float]()
    if own is not None and not np.isnan(own):
        nodata.add(float(own))
    return Band(str(at), index, one.grid, tuple(sorted(nodata)), *scaled)


def _name(facts: Sequence[FileFacts], mask: FileFacts | None, band: Band) -> str:
    return mask.file.name if mask else facts[int(band.file)].file.name
