"""Which cells of a settlement are inhabited, and in which grid?

Squares of 50 m over an urban extent and 100 m over a small settlement's, aligned to whole multiples in the UTM zone of
its centre; a cell counts when its centre lies in the extent. Anything else is one cell. (Our choice; footprints may
replace it.)
"""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely

CELL_M = {"urban": 50, "small": 100}  # any other type: the settlement is one cell
REACH_M = {"urban": 50.0}  # how near a visit must come to a cell's centre; others 100 m
OTHER_REACH_M = 100.0
ROUND_SEGMENTS = 32  # per quarter of a round extent


@dataclass(frozen=True)
class Grid:
    """Centres of the inhabited cells, whole metres in `utm_epsg`, sorted by (east, north)."""

    utm_epsg: int
    cell_m: int | None
    east_m: np.ndarray
    north_m: np.ndarray


def utm_zone(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """EPSG code of the UTM zone of each position: 326zz north, 327zz south."""
    zone = np.clip(np.floor((np.asarray(lon) + 180) / 6).astype(int) + 1, 1, 60)
    epsg: np.ndarray = np.where(np.asarray(lat) >= 0, 32600, 32700) + zone
    return epsg


def inhabited_cells(centre: shapely.Point, extent: shapely.Geometry | None, radius_m: float, kind: str) -> Grid:
    """The grid of one settlement.

    centre : EPSG:4326.   extent : EPSG:4326 polygon, or None for the round extent of `radius_m` about the centre.
    A settlement whose extent holds no cell centre is one cell at the middle of its extent.
    """
    epsg = int(utm_zone(np.array(centre.x), np.array(centre.y)))
    flat = _transformer(epsg)
    if extent is None:
        shape = shapely.buffer(shapely.Point(*flat.transform(centre.x, centre.y)), radius_m, quad_segs=ROUND_SEGMENTS)
    else:
        shape = shapely.transform(extent, flat.transform, interleaved=False)
    size = CELL_M.get(kind)
    if size:
        west, south, east, north = np.floor(np.array(shape.bounds) / size) * size + size // 2
        x, y = (
            a.ravel() for a in np.meshgrid(np.arange(west, east + size, size), np.arange(south, north + size, size))
        )
        shapely.prepare(shape)
        held = shapely.contains_xy(shape, x, y)
        if held.any():
            order = np.lexsort((y[held], x[held]))
            return Grid(epsg, size, x[held][order].astype(int), y[held][order].astype(int))
    middle = shapely.centroid(shape)
    return Grid(epsg, None, np.array([round(middle.x)]), np.array([round(middle.y)]))


_TRANSFORMERS: dict[int, pyproj.Transformer] = {}


def _transformer(epsg: int) -> pyproj.Transformer:
    """From degrees to a UTM zone; making one takes milliseconds, so each zone's is kept."""
    if epsg not in _TRANSFORMERS:
        _TRANSFORMERS[epsg] = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    return _TRANSFORMERS[epsg]
