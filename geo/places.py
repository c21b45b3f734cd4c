"""How far is a position from a settlement's extent or from an area, and which settlement is nearest?

Distances are metres on the WGS 84 ellipsoid. Round extents are true circles: geodesic distance to the centre minus
the radius. Outlines are measured in a plane about their own centre, which is right to a millimetre over a settlement
and to a metre over 100 km. Positions are EPSG:4326, degrees.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely

from geo.boundaries import WGS84

WIDEST_REACH_M = 500.0  # from an extent, within which a settlement can be asked for
EXACT_BELOW_M = 20_000.0  # beyond that from its edge, an outline counts as the circle about it


@dataclass(frozen=True)
class Places:
    """Settlements as arrays of one length, sorted by id. `outline`: shapely EPSG:4326, None where the extent is
    round.
    """

    id: np.ndarray
    code: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    radius_m: np.ndarray
    outline: np.ndarray

    def index_of(self, ids: np.ndarray) -> np.ndarray:
        """Row of each id; every id must be known."""
        return np.searchsorted(self.id, ids)

    @cached_property
    def has_outline(self) -> np.ndarray:
        return np.array([shape is not None for shape in self.outline], bool)

    @cached_property
    def local_outline(self) -> np.ndarray:
        """Outlines in metres east and north of their own centre, None where the extent is round: (n,) shapely."""
        local = np.full(len(self.id), None, dtype=object)
        for k in np.flatnonzero(self.has_outline):
            local[k] = _local(self.outline[k], self.lon[k], self.lat[k])
        return local

    @cached_property
    def tree(self) -> shapely.STRtree:
        """Boxes that hold every position within WIDEST_REACH_M of each extent."""
        east, north = metres_per_degree(np.minimum(np.abs(self.lat) + 0.05, 89.0))
        wide, high = ((self.radius_m + WIDEST_REACH_M) * 1.01 / degree_m for degree_m in (east, north))
        return shapely.STRtree(shapely.box(self.lon - wide, self.lat - high, self.lon + wide, self.lat + high))


def metres_per_degree(lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres of one degree of longitude and of latitude at a latitude on WGS 84.

    source : series of the meridian and parallel arcs, as in Snyder 1987, USGS PP 1395; right to a centimetre
    """
    phi = np.radians(lat)
    east = 111412.84 * np.cos(phi) - 93.5 * np.cos(3 * phi) + 0.118 * np.cos(5 * phi)
    north = 111132.954 - 559.822 * np.cos(2 * phi) + 1.175 * np.cos(4 * phi)
    return east, north


def near_metres(lon1: np.ndarray, lat1: np.ndarray, lon2: np.ndarray, lat2: np.ndarray) -> np.ndarray:
    """Distance between positions near each other: right to 1 in 100,000 below 20 km, a fair estimate beyond."""
    east, north = metres_per_degree((lat1 + lat2) / 2)
    turn = (lon2 - lon1 + 180) % 360 - 180
    return np.asarray(np.hypot(turn * east, (lat2 - lat1) * north))


def geodesic_metres(lon1: np.ndarray, lat1: np.ndarray, lon2: np.ndarray, lat2: np.ndarray) -> np.ndarray:
    """Geodesic distance. source : Karney 2013, doi:10.1007/s00190-012-0578-z, through pyproj.Geod"""
    return np.asarray(WGS84.inv(lon1, lat1, lon2, lat2)[2])


def metres_to_extent(places: Places, row: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Metres from each position to the extent of the place in `row`; 0 inside: (n,) for (n,) pairs."""
    return metres_to_centre_and_extent(places, row, lon, lat)[1]


def metres_to_centre_and_extent(
    places: Places, row: np.ndarray, lon: np.ndarray, lat: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same, with the metres to the place's centre before it."""
    to_centre = near_metres(places.lon[row], places.lat[row], lon, lat)
    away = np.maximum(0.0, to_centre - places.radius_m[row])
    near = np.flatnonzero(places.has_outline[row] & (to_centre < places.radius_m[row] + EXACT_BELOW_M))
    place = row[near]
    east, north = metres_per_degree(places.lat[place])
    points = shapely.points((lon[near] - places.lon[place]) * east, (lat[near] - places.lat[place]) * north)
    away[near] = shapely.distance(places.local_outline[place], points)
    return to_centre, away


def nearest_place(places: Places, lon: np.ndarray, lat: np.ndarray, reach_m: np.ndarray) -> np.ndarray:
    """Row of the place whose extent holds each position, else of the nearest within `reach_m` of its extent, else -1:
    (n,) int.

    reach_m : (n,) at most WIDEST_REACH_M. Of several that hold it the one with the nearer centre, then the first
    code, so that the answer is the same every time.
    """
    found = np.full(len(lon), -1)
    if not len(places.id) or not len(lon):
        return found
    p, r = places.tree.query(shapely.points(lon, lat))
    away = metres_to_extent(places, r, lon[p], lat[p])
    within = away <= reach_m[p]
    p, r, away = p[within], r[within], away[within]
    to_centre = near_metres(places.lon[r], places.lat[r], lon[p], lat[p])
    order = np.lexsort((places.code[r], np.round(to_centre, 3), np.round(away, 3), p))
    first = order[np.r_[True, p[order][1:] != p[order][:-1]]] if len(order) else order
    found[p[first]] = r[first]
    return found


@dataclass(frozen=True)
class Ground:
    """Areas cut into small pieces (shapely polygons, EPSG:4326): inside, or how far outside?"""

    pieces: np.ndarray

    @cached_property
    def tree(self) -> shapely.STRtree:
        return shapely.STRtree(self.pieces)

    def metres_outside(self, lon: np.ndarray, lat: np.ndarray, exact_until_m: np.ndarray) -> np.ndarray:
        """Metres to the nearest area, 0 inside: (n,). Infinite when there is no area.

        exact_until_m : (n,) surely farther away, the answer may be too large by the ratio of the two degrees
        """
        if not len(self.pieces):
            return np.full(len(lon), np.inf)
        points = shapely.points(lon, lat)
        away = np.zeros(len(lon))
        outside = np.ones(len(lon), bool)
        outside[self.tree.query(points, predicate="intersects")[0]] = False
        rows = np.flatnonzero(outside)
        (which, piece), degrees = self.tree.query_nearest(points[rows], return_distance=True, all_matches=False)
        rows = rows[which]
        line = shapely.get_coordinates(shapely.shortest_line(points[rows], self.pieces[piece])).reshape(-1, 2, 2)
        away[rows] = near_metres(line[:, 0, 0], line[:, 0, 1], line[:, 1, 0], line[:, 1, 1])
        # nearest in degrees is not always nearest in metres: look closer where it may matter
        east, _ = metres_per_degree(np.minimum(np.abs(lat[rows]) + degrees, 89.0))
        unsure = (away[rows] > exact_until_m[rows]) & (degrees * east <= exact_until_m[rows])
        for k, within in zip(rows[unsure].tolist(), degrees[unsure].tolist(), strict=True):
            away[k] = self._metres_outside_one(float(lon[k]), float(lat[k]), within)
        return away

    def _metres_outside_one(self, lon: float, lat: float, nearest_degrees: float) -> float:
        """To the nearest of the pieces that could be nearest: degrees of longitude are shorter than those of
        latitude.
        """
        east, north = metres_per_degree(np.array(min(abs(lat) + nearest_degrees, 89.0)))
        widest = shapely.buffer(shapely.Point(lon, lat), nearest_degrees * float(north / east) * 1.02)
        local = [_local(self.pieces[c], lon, lat) for c in self.tree.query(widest, predicate="intersects")]
        return float(shapely.distance(np.array(local, dtype=object), shapely.Point(0, 0)).min())


def _local(geometry: shapely.Geometry, lon: float, lat: float) -> shapely.Geometry:
    """A geometry in metres east and north of a position."""
    east, north = metres_per_degree(np.array(lat))
    return shapely.transform(geometry, lambda xy: (xy - (lon, lat)) * (east, north))
