"""Are these outlines sound, how large are they, and how do they lie to each other?

All geometries are shapely, EPSG:4326. Areas, and the shares made of them, are geodesic on WGS 84.
"""

import numpy as np
import numpy.typing as npt
import pyproj
import shapely

WGS84 = pyproj.Geod(ellps="WGS84")
POLYGON, MULTIPOLYGON = 3, 6  # shapely's type ids
CROSSINGS_LIMIT = 20_000  # of one outline: repairing takes some 20 µs each and memory beside
PROBE_LIMIT = 1_000_000  # pairs of segments looked at for that: about a second

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Whether = npt.NDArray[np.bool_]


def repaired(geometry: Shapes, *, twice_is_ground: bool = True) -> tuple[Shapes, Whether]:
    """Valid multipolygons out of polygons as drawn, and which of them had to be changed.

    geometry : (n,) shapely or None.   returns : (n,) multipolygon, None where nothing usable is left; (n,) bool changed
    twice_is_ground : ground enclosed twice by one ring stays ground; else it is a hole, as most GIS mend by default
    Crossing rings become the parts that they enclose; lines and points that repairing leaves behind are dropped. None
    for anything but polygons, for coordinates that are no numbers, and for a scribble that crosses itself
    over CROSSINGS_LIMIT times (repairing it would take minutes).
    """
    polygonal = np.isin(shapely.get_type_id(geometry), (POLYGON, MULTIPOLYGON))
    usable = polygonal & ~shapely.is_empty(geometry) & _finite(geometry)
    broken = usable & ~shapely.is_valid(geometry)
    for k in np.flatnonzero(broken):
        usable[k] = _crossings(geometry[k]) <= CROSSINGS_LIMIT
    broken &= usable
    fixed = geometry.copy()
    fixed[broken] = _made_valid(geometry[broken]) if twice_is_ground else shapely.make_valid(geometry[broken])
    out = np.full(len(geometry), None, dtype=object)
    out[usable] = [_multipolygon(g) for g in fixed[usable]]
    return out, broken


def _finite(geometry: Shapes) -> Whether:
    """Whether all coordinates are numbers, neither NaN nor infinite; True for what has none."""
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    finite = np.ones(len(geometry), dtype=bool)
    finite[index[~np.isfinite(coordinates).all(axis=1)]] = False
    return finite


def _made_valid(geometry: Shapes) -> Shapes:
    """By structure: ground enclosed twice stays ground. Rounding defeats that for one scribble in a hundred; those are
    rebuilt from their lines."""
    fixed = np.array(shapely.make_valid(geometry, method="structure", keep_collapsed=False), dtype=object)
    defeated = ~shapely.is_valid(fixed)
    fixed[defeated] = shapely.make_valid(geometry[defeated])
    return fixed


def _crossings(geometry: shapely.Geometry) -> float:
    """About how often the rings of an outline cross themselves and each other, from a sample of their segments."""
    ends, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(geometry)), return_index=True)
    together = ring[:-1] == ring[1:]
    segments = shapely.linestrings(np.stack([ends[:-1][together], ends[1:][together]], axis=1))
    probes = segments[:: max(1, len(segments) ** 2 // PROBE_LIMIT)]
    hits = shapely.STRtree(segments).query(probes, predicate="crosses")
    return float(hits.shape[1] / len(probes) * len(segments) / 2)


def _multipolygon(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of a valid geometry that enclose something, as one; None when there are none."""
    parts = [p for p in shapely.get_parts(geometry) if shapely.get_type_id(p) in (POLYGON, MULTIPOLYGON)]
    polygons = [q for p in parts for q in shapely.get_parts(p) if shapely.area(q) > 0]
    return shapely.MultiPolygon(polygons) if polygons else None


def geodesic_km2(geometry: Shapes) -> Floats:
    """Area in km² on the WGS 84 ellipsoid, holes subtracted, whatever way the rings run.

    geometry : (n,) shapely or None.   returns : (n,) float; only polygons count, also within collections
    source   : Karney 2013, doi:10.1007/s00190-012-0578-z, through pyproj.Geod
    """
    parts, index = shapely.get_parts(geometry, return_index=True)
    is_polygon = shapely.get_type_id(parts) == POLYGON
    polygons = shapely.orient_polygons(parts[is_polygon])  # a hole counts as one only when it runs the other way
    km2 = np.array([abs(WGS84.geometry_area_perimeter(polygon)[0]) / 1e6 for polygon in polygons], dtype=float)
    return np.bincount(index[is_polygon], weights=km2, minlength=len(geometry)).astype(float)


def share_outside(inner: Shapes, outer: Shapes) -> Floats:
    """Share of each `inner` that lies outside its `outer`: (n,) 0…1, of two (n,) arrays of valid polygons."""
    return np.clip(1 - geodesic_km2(shapely.intersection(inner, outer)) / geodesic_km2(inner), 0, 1)


def overlapping_pairs(geometry: Shapes, share: float) -> list[tuple[int, int, float]]:
    """Pairs (i, j, overlap ÷ the smaller of the two), i < j, that overlap by more than `share` of the smaller."""
    first, second = shapely.STRtree(geometry).query(geometry, predicate="intersects")
    first, second = first[first < second], second[first < second]
    size = geodesic_km2(geometry)
    of_smaller = _common_km2(geometry[first], geometry[second]) / np.minimum(size[first], size[second])
    pairs = zip(first.tolist(), second.tolist(), of_smaller.tolist(), strict=True)
    return sorted(pair for pair in pairs if pair[2] > share)


def largest_overlap(geometry: Shapes, candidates: Shapes) -> npt.NDArray[np.int64]:
    """Index of the candidate that covers most of each geometry, the first of equals; -1 where none does: (n,) int."""
    index = np.full(len(geometry), -1)
    inner, outer = shapely.STRtree(candidates).query(geometry, predicate="intersects")
    common = _common_km2(geometry[inner], candidates[outer])
    for k in np.lexsort((-outer, common)):  # the last one written is the largest
        if common[k] > 0:
            index[inner[k]] = outer[k]
    return index


def _common_km2(first: Shapes, second: Shapes) -> Floats:
    """Geodesic area of the ground that each pair shares."""
    return geodesic_km2(shapely.intersection(first, second))
