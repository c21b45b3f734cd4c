"""Outlines of claims between degrees and metres: each in the UTM zone of its own centroid."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

Shapes = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


def to_metres(degrees: Shapes, utm_epsg: Ints) -> Shapes:
    """(n,) EPSG:4326 → the same in the zones given; None stays None."""
    return _changed(degrees, utm_epsg, lambda zone: _between(4326, zone))


def to_degrees(metres: Shapes, utm_epsg: Ints) -> Shapes:
    """The way back."""
    return _changed(metres, utm_epsg, lambda zone: _between(zone, 4326))


def in_crs(degrees: Shapes, crs: npt.NDArray[np.object_]) -> tuple[Shapes, npt.NDArray[np.bool_]]:
    """Outlines in the coordinate system in which they came, and whether that one is in metres.

    crs : (n,) codes such as EPSG:32642; what has no code, or is in degrees, stays as it is
    """
    metric = np.array([is_metric(code) for code in crs], dtype=bool)
    out = degrees.copy()
    for code in np.unique(crs[metric].astype(str)) if metric.any() else ():
        mine = metric & (crs == code)
        out[mine] = shapely.transform(degrees[mine], _between(4326, str(code)).transform, interleaved=False)
    return out, metric


@lru_cache(maxsize=256)
def is_metric(code: str) -> bool:
    """Whether a coordinate system counts in metres on a plane."""
    if not code:
        return False
    try:
        crs = pyproj.CRS.from_user_input(code)
    except pyproj.exceptions.ProjError:
        return False
    return bool(crs.is_projected and crs.axis_info[0].unit_name == "metre")


def _changed(shapes: Shapes, zones: Ints, way: object) -> Shapes:
    out = np.full(len(shapes), None, dtype=object)
    for zone in np.unique(zones):
        mine = zones == zone
        change = way(int(zone))  # type: ignore[operator]
        out[mine] = shapely.transform(shapes[mine], change.transform, interleaved=False)
    return out


@lru_cache(maxsize=256)
def _between(one: int | str, other: int | str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(one, other, always_xy=True)
