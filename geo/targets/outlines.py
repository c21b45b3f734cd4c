"""What ground is a team-day's? The extents of its stops, joined by the ways between them."""

from collections.abc import Sequence

import numpy as np
import shapely

from geo.targets.walking import EARTH_M, Floats

WAY_M = 30.0  # a way between two stops is drawn so wide on either side
CIRCLE = 12  # segments of a quarter circle


def ground(
    lon: float, lat: float, radius_m: float, extent: shapely.Geometry | None, box: Sequence[float] | None
) -> shapely.Geometry:
    """Degrees. The ground of one stop: an extent (None: round), or what of it lies in a block's box.

    Where that part is empty (a block of points at one spot) it is a small circle about the stop.
    """
    whole = round_ground(lon, lat, radius_m) if extent is None or extent.is_empty or extent.area == 0 else extent
    if box is None:
        return whole
    part = shapely.clip_by_rect(whole, *box)
    return part if part.area > 0 else round_ground(lon, lat, min(radius_m, 50.0))


def round_ground(lon: float, lat: float, radius_m: float) -> shapely.Geometry:
    scale = _degrees_a_metre(lat)
    circle = shapely.Point(0, 0).buffer(radius_m, quad_segs=CIRCLE)
    return shapely.transform(circle, lambda xy: xy * scale + np.array([lon, lat]))


def area_of(grounds: Sequence[shapely.Geometry], at: Floats) -> shapely.Geometry:
    """One team-day's area: its grounds and the ways between the stops, (n, 2) lon and lat in walking order."""
    joined = shapely.union_all(list(grounds), grid_size=1e-8)
    if len(at) > 1:
        scale = _degrees_a_metre(float(at[:, 1].mean()))
        way = shapely.LineString(at / scale).buffer(WAY_M, quad_segs=2)
        joined = shapely.union_all([joined, shapely.transform(way, lambda xy: xy * scale)], grid_size=1e-8)
    return shapely.make_valid(joined)


def _degrees_a_metre(lat: float) -> Floats:
    a_metre = 1 / np.radians(EARTH_M)
    return np.array([a_metre / max(np.cos(np.radians(lat)), 0.01), a_metre])
