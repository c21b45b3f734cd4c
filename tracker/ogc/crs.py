"""Coordinate systems that OGC API Features Part 2 offers here: CRS84, and those of Pakistan's maps, in metres.

All have east before north, so that no axis ever needs to be turned.
"""

from functools import lru_cache
from typing import Any

import pyproj
import shapely

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CODES = {CRS84: 4326, f"{EPSG}3857": 3857, f"{EPSG}32642": 32642, f"{EPSG}32643": 32643}
DEGREES_AS = 7  # decimals: a centimetre
METRES_AS = 2

Box = tuple[float, float, float, float]


@lru_cache(maxsize=8)
def _between(source: int, target: int) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def drawn_in(shapes: Any, uri: str) -> list[str | None]:
    """(n,) shapes in degrees as GeoJSON geometries in another system; None stays None."""
    code = CODES[uri]
    if code != 4326:
        shapes = shapely.transform(shapes, _between(4326, code).transform, interleaved=False)
    decimals = DEGREES_AS if code == 4326 else METRES_AS
    shapes = shapely.transform(shapes, lambda at: at.round(decimals))
    return list(shapely.to_geojson(shapes).tolist())


def box_in_degrees(box: Box, uri: str) -> Box:
    """The box around a box of another system; infinite where it lies outside of what that system describes."""
    if CODES[uri] == 4326:
        return box
    west, south, east, north = _between(CODES[uri], 4326).transform_bounds(*box, densify_pts=21)
    return float(west), float(south), float(east), float(north)
