"""Made-up scenes as files, taken in like any others. Their names begin with "synthetic", wherever they are shown."""

import tempfile
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from sqlalchemy.orm import Session

from geo.scenes.grid import Grid
from geo.scenes.synthetic import Land, MadeScene
from tracker.imagery.adding import Added, add_scene
from tracker.imagery.opening import OPTIONS
from tracker.imagery.wish import Wish

SENSOR = "sentinel-2-l2a"


def add_made_scenes(session: Session, land: Land, days: Iterable[date], name: str) -> Iterator[Added]:
    """Look at made-up land on these days, and take each scene in. `name` tells one piece of land from another."""
    for day in days:
        with tempfile.TemporaryDirectory(prefix="rasai-synthetic-") as folder:
            yield add_scene(
                session, write_made(land.on(day), land.grid, Path(folder), f"synthetic-{name}-{day:%Y%m%d}")
            )


def write_made(made: MadeScene, grid: Grid, folder: Path, name: str) -> Wish:
    """The scene as GeoTIFF files in a folder, and what is to be said of them."""
    wide = Grid(grid.epsg, grid.left_m, grid.top_m, grid.size_m * 2, grid.rows // 2, grid.columns // 2)
    fine, coarse, scl = (folder / f"{name}-{part}.tif" for part in ("10m", "20m", "SCL"))
    _write(fine, np.stack(list(made.fine.values())), grid)
    _write(coarse, np.stack(list(made.coarse.values())), wide)
    _write(scl, made.scl[None], wide)
    bands = tuple((band, number) for number, band in enumerate([*made.fine, *made.coarse], 1))
    return Wish((fine, coarse), SENSOR, made.day, bands, mask_file=scl, baseline=made.baseline, name=name)


def _write(path: Path, values: npt.NDArray[np.generic], grid: Grid) -> None:
    place = rasterio.Affine(grid.size_m, 0, grid.left_m, 0, -grid.size_m, grid.top_m)
    with (
        rasterio.Env(**OPTIONS),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            count=len(values),
            height=grid.rows,
            width=grid.columns,
            dtype=values.dtype,
            crs=f"EPSG:{grid.epsg}",
            transform=place,
            nodata=0,
        ) as out,
    ):
        out.write(values)
