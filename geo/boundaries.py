"""Are these outlines sound, how large are they, and how do they lie to each other?

All geometries are shapely, EPSG:4326. Areas are geodesic on WGS 84; shares are ratios of plane areas in degrees, whose distortion
cancels between two shapes of one place.
"""
import numpy as np
import pyproj
import shapely

WGS84 = pyproj.Geod(ellps="WGS84")


def repaired(geometry: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Valid multipolygons out of polygons as drawn, and which of them had to be changed.

    geometry : (n,) shapely or None.   returns : (n,) multipolygon, None where nothing polygonal is left; (n,) bool changed
    Crossing rings become the parts that they enclose; lines and points that repairing leaves behind are dropped.
    """
    out = np.full(len(geometry), None, dtype=object)
    polygonal = np.isin(shapely.get_type_id(geometry), (3, 6))
    usable = polygonal & ~shapely.is_empty(geometry) & _finite(geometry)
    broken = usable & ~shapely.is_valid(geometry)
    fixed = geometry.copy()
    fixed[broken] = shapely.make_valid(geometry[broken])
    out[usable] = [_multipolygon(g) for g in fixed[usable]]
    return out, broken


def _finite(geometry: np.ndarray) -> np.ndarray:
    """Coordinates are numbers, not NaN or infinity; None counts as not finite."""
    bounds = shapely.bounds(geometry)
    finite: np.ndarray = np.isfinite(bounds).all(axis=1)
    coordinates, index = shapely.get_coordinates(geometry, return_index=True)
    finite[np.unique(index[~np.isfinite(coordinates).all(axis=1)])] = False
    return finite


def _multipolygon(geometry: shapely.Geometry) -> shapely.Geometry | None:
    parts = [p for p in shapely.get_parts(geometry) if shapely.get_type_id(p) in (3, 6)]
    polygons = [q for p in parts for q in shapely.get_parts(p) if shapely.area(q) > 0]
    return shapely.MultiPolygon(polygons) if polygons else None


def geodesic_km2(geometry: np.ndarray) -> np.ndarray:
    """Area in km² on the WGS 84 ellipsoid, holes subtracted; (n,) float, 0 for None.

    source : Karney 2013, doi:10.1007/s00190-012-0578-z, through pyproj.Geod
    """
    return np.array([0.0 if g is None else _signed_free_area(g) / 1e6 for g in geometry])


def _signed_free_area(geometry: shapely.Geometry) -> float:
    """Square metres whatever way the rings run."""
    return abs(float(WGS84.geometry_area_perimeter(shapely.normalize(geometry))[0]))


def share_outside(inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Share of each `inner` that lies outside its `outer`: (n,) 0…1, of two (n,) arrays of valid polygons."""
    within = shapely.area(shapely.intersection(inner, outer))
    return 1 - within / shapely.area(inner)


def overlapping_pairs(geometry: np.ndarray, share: float) -> list[tuple[int, int, float]]:
    """Pairs (i < j, overlap ÷ the smaller) that overlap by more than `share` of the smaller of the two."""
    tree = shapely.STRtree(geometry)
    first, second = tree.query(geometry, predicate="intersects")
    keep = first < second
    first, second = first[keep], second[keep]
    common = shapely.area(shapely.intersection(geometry[first], geometry[second]))
    of_smaller = common / np.minimum(shapely.area(geometry[first]), shapely.area(geometry[second]))
    return [(int(i), int(j), float(s)) for i, j, s in zip(first, second, of_smaller, strict=True) if s > share]


def largest_overlap(geometry: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Index of the candidate that covers most of each geometry; -1 where none touches it: (n,) int."""
    best, index = np.zeros(len(geometry)), np.full(len(geometry), -1)
    inner, outer = shapely.STRtree(candidates).query(geometry, predicate="intersects")
    common = shapely.area(shapely.intersection(geometry[inner], candidates[outer]))
    for i, j, size in zip(inner, outer, common, strict=True):
        if size > best[i]:
            best[i], index[i] = size, j
    return index
