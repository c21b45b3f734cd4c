"""Which share of each pixel does a polygon cover, and what is the weighted mean of an index over it?

Shares are exact (exactextract, Baston 2020: https://github.com/isciences/exactextract), of the polygon eroded by half a
pixel, so that what stands beside a claim is not measured with it.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from exactextract import exact_extract
from exactextract._exactextract import Feature
from exactextract.feature import FeatureSource
from exactextract.raster import RasterSource
from exactextract.writer import Writer

from geo.evidence.parameters import DEFAULTS, Parameters
from geo.scenes.grid import Grid

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Weights:
    """The pixels of one polygon on a grid, in order of row and column.

    rows, columns : (n,) on the grid they were made for.   share : (n,) least_weight…1
    full : how many are covered whole.   lost : 1 − weighted pixels' area ÷ the polygon's, before eroding
    """

    rows: Places
    columns: Places
    share: Floats
    full: int
    lost: float

    @property
    def total(self) -> float:
        return float(self.share.sum())

    def too_small(self, parameters: Parameters = DEFAULTS) -> bool:
        return self.full < parameters.full_pixels or self.lost > parameters.lost_share

    def box(self) -> tuple[int, int, Floats]:
        """First row, first column, and the shares as an array of the rows and columns that they span (0 elsewhere)."""
        row, column = int(self.rows.min()), int(self.columns.min())
        shares = np.zeros((int(self.rows.max()) - row + 1, int(self.columns.max()) - column + 1))
        shares[self.rows - row, self.columns - column] = self.share
        return row, column, shares


def weights_of(polygons: Shapes, grid: Grid, parameters: Parameters = DEFAULTS) -> list[Weights]:
    """Shares of the grid's pixels covered by each polygon, eroded by half a pixel; empty where nothing is left.

    polygons : (n,) in the grid's coordinates.   Parts outside the grid have no pixels.
    """
    eroded = shapely.buffer(polygons, -grid.size_m / 2, quad_segs=16)
    there = np.flatnonzero(~shapely.is_empty(eroded) & shapely.intersects(eroded, shapely.box(*grid.bounds)))
    found = list(_covered(eroded[there], grid, parameters.least_weight))
    nothing = Weights(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), 0, 1.0)
    out = [nothing] * len(polygons)
    if not found:
        return out
    starts = np.cumsum([0, *(len(share) for _k, _cells, share in found)])
    cells, share = (np.concatenate([each[which] for each in found]) for which in (1, 2))
    rows, columns = np.divmod(cells, grid.columns)
    full = np.add.reduceat((share >= parameters.full_weight).astype(np.int64), starts[:-1])
    whose = there[[k for k, _cells, _share in found]]
    lost = 1.0 - np.diff(starts) * grid.size_m**2 / shapely.area(polygons[whose])
    for at, start, end, whole, missing in zip(whose, starts, starts[1:], full, lost, strict=False):
        out[at] = Weights(rows[start:end], columns[start:end], share[start:end], int(whole), float(missing))
    return out


def means(values: Floats, weights: Sequence[Weights]) -> tuple[Floats, Floats]:
    """Weighted means over many polygons of one image.

    values : (rows, columns) of the grid, NaN where unusable.
    returns : (n,) mean Σw·v·I ÷ Σw·v, NaN where no pixel is usable; (n,) clear share Σw·v ÷ Σw, NaN without pixels
    """
    rows, columns, share = (
        np.concatenate([getattr(w, name) for w in weights]) for name in ("rows", "columns", "share")
    )
    starts = np.cumsum([0, *(len(w.share) for w in weights)])
    seen = values[rows, columns]
    usable = np.where(np.isfinite(seen), share, 0.0)
    sums = [_sums(part, starts) for part in (np.where(np.isfinite(seen), seen, 0.0) * usable, usable, share)]
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[0] / np.where(sums[1] > 0, sums[1], np.nan), sums[1] / sums[2]


def mean_of(values: Floats, weights: Weights) -> tuple[float, float]:
    """The same for one polygon that has pixels: its mean, NaN where none is usable, and clear share."""
    seen = values[weights.rows, weights.columns]
    usable = np.isfinite(seen)
    share = weights.share[usable]
    total = float(share.sum())
    mean = float((seen[usable] * share).sum()) / total if total > 0 else np.nan
    return mean, total / float(weights.share.sum())


def _sums(values: Floats, starts: Places) -> Floats:
    """Of each stretch from one start to the next; 0 for an empty one."""
    out = np.add.reduceat(np.append(values, 0.0), starts)[:-1]
    out[starts[1:] == starts[:-1]] = 0.0
    return np.asarray(out)


def _covered(polygons: Shapes, grid: Grid, least: float) -> Iterator[tuple[int, Places, Floats]]:
    """Of each polygon that covers a pixel by at least `least`: its number, pixels (row × columns + column), shares."""
    if not len(polygons):
        return
    writer = _Cells()
    wanted = [f"{what}(min_coverage_frac={least})" for what in ("cell_id", "coverage")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # neither side names its coordinate system: they are one
        exact_extract(_NoValues(grid), _Outlines(polygons), wanted, output=writer)
    for number, found in enumerate(writer.found):
        cells, share = found.get("cell_id"), found.get("coverage")
        if cells is not None and len(cells):
            yield number, np.asarray(cells, np.int64), np.asarray(share, np.float64)


# exactextract asks for features and rasters of its own kind; these hand over WKB and need no pixels


class _Outline(Feature):  # type: ignore[misc]
    def __init__(self, wkb: bytes) -> None:
        super().__init__()
        self.wkb = wkb

    def geometry(self) -> bytes:
        return self.wkb

    def fields(self) -> list[str]:
        return []


class _Outlines(FeatureSource):  # type: ignore[misc]
    def __init__(self, polygons: Shapes) -> None:
        super().__init__()
        self.wkb = shapely.to_wkb(polygons)

    def count(self) -> int:
        return len(self.wkb)

    def __iter__(self) -> Iterator[_Outline]:
        return map(_Outline, self.wkb)

    def srs_wkt(self) -> None:
        return None


class _NoValues(RasterSource):  # type: ignore[misc]
    """A raster of which only the grid matters."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def res(self) -> tuple[float, float]:
        return self.grid.size_m, self.grid.size_m

    def extent(self) -> tuple[float, float, float, float]:
        return self.grid.bounds

    def nodata_value(self) -> None:
        return None

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> npt.NDArray[np.uint8]:
        return np.zeros((ny, nx), np.uint8)

    def srs_wkt(self) -> None:
        return None


class _Row(Feature):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value

    def set_geometry(self, _geometry: bytes) -> None:
        pass

    def set_geometry_format(self) -> str:
        return "wkb"


class _Cells(Writer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []

    def add_operation(self, _operation: Any) -> None:
        pass

    def write(self, feature: Feature) -> None:
        row = _Row()
        feature.copy_to(row)
        self.found.append(row.values)

    def finish(self) -> None:
        pass

    def features(self) -> list[dict[str, Any]]:
        return self.found


def grid_around(bounds: tuple[float, float, float, float], like: Grid, margin_px: int = 1) -> Grid:
    """The smallest grid on the lattice of `like` that holds these bounds, and a few pixels beside."""
    west, south, east, north = bounds
    columns = math.floor((west - like.left_m) / like.size_m), math.ceil((east - like.left_m) / like.size_m)
    rows = math.floor((like.top_m - north) / like.size_m), math.ceil((like.top_m - south) / like.size_m)
    return like.part((rows[0] - margin_px, rows[1] + margin_px), (columns[0] - margin_px, columns[1] + margin_px))
