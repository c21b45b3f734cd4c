"""Read what somebody gives as a scene, and keep it as COGs of our own making. Runs apart (`apart.py`): no database.

Always written anew, also when it is a COG already: what is read later, by processes that serve, was made by us.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil

from geo.scenes.masks import SCL_LAND, grown, judge_mask, places
from geo.scenes.offsets import offset_doubt
from geo.scenes.scene import Band, Scene
from tracker.imagery.fitness import FileFacts, Fitting, fit
from tracker.imagery.opening import BROKEN, first_words, opened
from tracker.imagery.refusals import SceneRefused
from tracker.imagery.wish import Wish

READ_ROWS = 512
LOOK_PIXELS = 1_500  # a side: as many are looked at for signs of a wrong offset
COG = {
    "driver": "COG",
    "COMPRESS": "ZSTD",
    "LEVEL": "3",
    "BLOCKSIZE": "256",
    "OVERVIEWS": "IGNORE_EXISTING",
    "RESAMPLING": "NEAREST",  # also of masks, whose classes have no mean
    "NUM_THREADS": "1",
    "BIGTIFF": "IF_SAFER",
}


@dataclass(frozen=True)
class Taken:
    """A scene as it lies in a folder: file n of the fitting is `n.tif`."""

    fitting: Fitting
    doubt: str | None  # why its offset looks wrong


def take_in(wish: Wish, sha256: Sequence[str], folder: Path) -> Taken:
    """Write the scene's files into the folder. Raises SceneRefused; the folder is then the caller's to remove."""
    facts = [described(file) for file in wish.files]
    mask = described(wish.mask_file) if wish.mask_file else None
    fitting = fit(wish, facts, mask, sha256)
    for number, one in enumerate(fitting.files):
        _keep(one, folder / f"{number}.tif")
    return Taken(fitting, None if fitting.shown else _doubt(fitting.scene, folder))


def described(file: Path) -> FileFacts:
    """What the header says."""
    with opened(file) as dataset:
        crs, transform = dataset.crs, dataset.transform
        has_place = crs is not None and bool(crs.to_wkt())
        metres = has_place and crs.is_projected and crs.linear_units_factor[1] == 1.0
        return FileFacts(
            file=file,
            crs=crs.to_string() if has_place else None,
            epsg=crs.to_epsg(confidence_threshold=70) if has_place else None,
            metres=metres,
            transform=tuple(transform)[:6],
            width=dataset.width,
            height=dataset.height,
            dtypes=tuple(dataset.dtypes),
            nodata=tuple(dataset.nodatavals),
        )


def _keep(one: FileFacts, target: Path) -> None:
    """All bands of a file as a COG, north up."""
    source, turned = one.file, target.with_suffix(".turned.tif")
    try:
        if one.south_up:
            _turn(one, turned)
            source = turned
        with opened(source) as dataset:
            rasterio.shutil.copy(dataset, target, strict=False, **COG, PREDICTOR=_predictor(one))
    except BROKEN as error:
        raise SceneRefused("truncated", file=one.file.name, why=first_words(error)) from None
    finally:
        turned.unlink(missing_ok=True)


def _predictor(one: FileFacts) -> str:
    """What helps the compression: differences of neighbours, of whole numbers or of fractions."""
    return "FLOATING_POINT" if any(dtype.startswith("float") for dtype in one.dtypes) else "STANDARD"


def _turn(one: FileFacts, target: Path) -> None:
    """The same raster with its first row in the north."""
    with opened(one.file) as source:
        grid = one.grid
        place = rasterio.Affine(grid.size_m, 0, grid.left_m, 0, -grid.size_m, grid.top_m)
        profile = {**source.profile, "driver": "GTiff", "transform": place, "tiled": True, "blockxsize": 256,
                   "blockysize": 256}  # fmt: skip
        with rasterio.open(target, "w", **profile) as out:
            for first in range(0, source.height, READ_ROWS):
                count = min(READ_ROWS, source.height - first)
                window = rasterio.windows.Window(0, first, source.width, count)
                flipped = source.read(window=window)[:, ::-1]
                out.write(
                    flipped, window=rasterio.windows.Window(0, source.height - first - count, source.width, count)
                )


def _doubt(scene: Scene, folder: Path) -> str | None:
    """Whether a Sentinel-2 scene looks as if its offset were wrong, from every n-th pixel of it."""
    if not scene.made_by.has_baseline or not {"red", "blue"} <= scene.bands.keys() or scene.mask is None:
        return None
    if scene.mask_kind != "SCL":
        return None
    red, blue = (_some(scene.bands[name], scene, folder) for name in ("red", "blue"))
    classes, there = _some_of(scene.mask, scene, folder)
    size_m = scene.grid.size_m * max(1.0, max(scene.grid.rows, scene.grid.columns) / LOOK_PIXELS)
    cloudy = grown(judge_mask(classes, "SCL").cloudy, size_m)
    return offset_doubt(red, blue, np.isin(classes, SCL_LAND) & ~cloudy & there)


def _some(band: Band, scene: Scene, folder: Path) -> Any:
    """Reflectance before any limit, NaN for nodata, on at most LOOK_PIXELS² pixels of the scene's grid."""
    dn, there = _some_of(band, scene, folder)
    values = dn.astype(np.float64)
    return np.where(there & ~np.isin(values, band.nodata), values * band.scale + band.offset, np.nan)


def _some_of(band: Band, scene: Scene, folder: Path) -> tuple[Any, Any]:
    grid, its = scene.grid, band.grid
    step = max(1, -(-max(grid.rows, grid.columns) // LOOK_PIXELS))
    columns = places(grid.left_m, grid.size_m, grid.columns, its.left_m, its.size_m)[::step]
    rows = places(-grid.top_m, grid.size_m, grid.rows, -its.top_m, its.size_m)[::step]
    there = ((rows >= 0) & (rows < its.rows))[:, None] & ((columns >= 0) & (columns < its.columns))[None]
    rows, columns = np.clip(rows, 0, its.rows - 1), np.clip(columns, 0, its.columns - 1)
    out = np.empty((len(rows), len(columns)), dtype=np.float64)
    with opened(folder / f"{band.file}.tif") as dataset:
        for first in range(0, its.rows, READ_ROWS):
            here = (rows >= first) & (rows < first + READ_ROWS)
            window = rasterio.windows.Window(0, first, its.columns, min(READ_ROWS, its.rows - first))
            out[here] = dataset.read(band.index, window=window)[np.ix_(rows[here] - first, columns)]
    return out, there
