"""Plantation claims of the demonstration: invented plots on invented land, and the faults hidden among them.

Each claim knows what truly stands on its ground, so that made-up scenes can show it, and which rule or which question
to the scenes should find its fault. All positions are metres in the UTM zone of `Country.epsg`.
"""

import math
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import numpy as np
import pyproj
import shapely
from shapely import affinity

from geo.cells import utm_zone
from geo.scenes.grid import Grid
from geo.scenes.synthetic import Plot

PIXEL_M, SIDE_PIXELS = 10, 960
CELLS = 20  # in a row: one claim in each
CLAIMS = 400
PLANTING = ((2, 10), (3, 5), (7, 20), (8, 10))  # month and day of the planting seasons
FAST, SLOW = ("poplar", "robinia", "Acacia nilotica"), ("chir pine", "deodar", "Acacia modesta", "wild olive")
IMPLEMENTERS = tuple(
    f"Forest range {name}" for name in ("Azakhel", "Badaber", "Chamkani", "Daudzai", "Matani", "Nahaqi")
)

# fault: how many claims have it, and what should find it: a rule, or a question to the scenes
FAULTS: dict[str, tuple[int, str]] = {
    "forest before": (22, "open_before"),
    "on water": (12, "plantable"),
    "never planted": (44, "gain"),
    "only fenced": (22, "gain"),
    "burnt": (14, "kept"),
    "cleared": (12, "kept"),
    "half planted": (12, "gain"),
    "double claim": (12, "overlap"),
    "same ground twice": (6, "duplicate_geometry"),
    "inflated hectares": (22, "area_mismatch"),
    "drawn at a desk": (10, "drawn_shape"),
    "spike": (8, "spike"),
    "rounded corners": (6, "precision"),
    "too many stems": (8, "density"),
    "out of season": (8, "planting_date"),
    "facts missing": (8, "data_missing"),
    "outside the district": (5, "outside_area"),
}
QUESTIONS = ("gain", "open_before", "plantable", "kept")
KIND_OF_GROUND = {
    "forest before": "forest", "on water": "water", "never planted": "never", "only fenced": "fenced",
    "burnt": "burnt", "cleared": "cleared", "half planted": "half",
}  # fmt: skip


@dataclass(frozen=True)
class Country:
    """A square of land, seen by the made-up scenes."""

    epsg: int
    left_m: float
    top_m: float

    @property
    def grid(self) -> Grid:
        return Grid(self.epsg, self.left_m, self.top_m, float(PIXEL_M), SIDE_PIXELS, SIDE_PIXELS)

    @property
    def outline(self) -> shapely.Geometry:
        side = SIDE_PIXELS * PIXEL_M
        return shapely.box(self.left_m, self.top_m - side, self.left_m + side, self.top_m)


@dataclass(frozen=True)
class MadeClaim:
    """One claim and the truth of it."""

    code: str
    outline: shapely.Geometry  # as claimed
    ground: shapely.Geometry  # what was worked on, where that is something else
    claimed_ha: float
    kind: str | None
    species: str | None
    stems: int | None
    planted_on: date | None
    implementer: str | None
    fault: str  # empty: honest
    truly_on: date
    stands: str  # kind of a made-up plot
    survival: float
    vigour: float
    event_on: date | None = None
    decimals: int = 7  # with which its corners are written

    @property
    def plot(self) -> Plot:
        return Plot(
            self.ground, self.stands, self.truly_on, 1075.0, self.survival, self.vigour, self.event_on
        )  # fmt: skip


@dataclass(frozen=True)
class MadeCampaign:
    country: Country
    claims: list[MadeClaim]
    water: list[shapely.Geometry] = field(default_factory=list)  # ponds, as a layer of land would tell them


def country_in(district: shapely.Geometry) -> Country:
    """A square well inside a district (EPSG:4326), its corner on whole 60 m: as near its middle as one fits."""
    middle = district.representative_point()
    epsg = int(utm_zone(np.array(middle.x), np.array(middle.y)))
    change = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    ground = shapely.transform(district, change.transform, interleaved=False)
    side = SIDE_PIXELS * PIXEL_M
    west, south, east, north = ground.bounds
    x, y = np.meshgrid(np.arange(west, east - side, 600), np.arange(south, north - side, 600))
    squares = shapely.box(x.ravel(), y.ravel(), x.ravel() + side, y.ravel() + side)
    shapely.prepare(ground)
    inside = shapely.contains(ground, squares)
    best = int(np.argmax(np.where(inside, 1, shapely.area(shapely.intersection(ground, squares)) / side**2 - 1)))
    left, bottom, _right, _top = squares[best].bounds
    return Country(epsg, round(left / 60) * 60.0, round((bottom + side) / 60) * 60.0)


def make_campaign(district: shapely.Geometry, as_of: date, seed: int) -> MadeCampaign:
    """The same claims for the same seed and day."""
    rng = np.random.default_rng([seed, 7])
    country = country_in(district)
    faults = [fault for fault, (count, _finder) in FAULTS.items() for _ in range(count)]
    faults += [""] * (CLAIMS - len(faults))
    cells = _cells(country, rng)
    made: list[MadeClaim] = []
    for number, fault in enumerate(rng.permutation(np.array(faults, dtype=object)), 1):
        made.append(_claim(number, str(fault), cells.pop(), as_of, rng))
    made = [_with_neighbour(claim, made, rng) for claim in made]
    ponds = [shapely.buffer(claim.ground, 25) for claim in made if claim.fault == "on water"]
    return MadeCampaign(country, [_outside(c, country, rng) for c in made], ponds)


def _cells(country: Country, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Middles of the cells, in no order; land is left around the edge for the blocks they are compared with."""
    side = SIDE_PIXELS * PIXEL_M
    margin, step = 0.05 * side, 0.9 * side / CELLS
    middles = [
        (country.left_m + margin + (i + 0.5) * step, country.top_m - margin - (j + 0.5) * step)
        for i in range(CELLS)
        for j in range(CELLS)
    ]
    return [middles[k] for k in rng.permutation(len(middles))]


def _walked(hectares: float, rng: np.random.Generator) -> shapely.Geometry:
    """An irregular plot about 0, 0, as somebody walks around it."""
    while True:
        n = int(rng.integers(9, 15))
        turn = (np.arange(n) + rng.uniform(-0.25, 0.25, n)) * 2 * np.pi / n
        reach = rng.uniform(0.72, 1.18, n)
        shape = shapely.Polygon(np.column_stack([reach * np.cos(turn), reach * np.sin(turn) * rng.uniform(0.7, 1)]))
        if shape.is_valid and shape.area / shape.minimum_rotated_rectangle.area < 0.93:
            return affinity.scale(shape, *[math.sqrt(hectares * 1e4 / shape.area)] * 2, origin=(0, 0))


def _claim(number: int, fault: str, at: tuple[float, float], as_of: date, rng: np.random.Generator) -> MadeClaim:
    hectares = float(np.exp(rng.uniform(math.log(0.25), math.log(6))))
    ground = affinity.translate(_walked(hectares, rng), *at)
    outline = _drawn(ground, fault, at, rng)
    is_fast = bool(rng.random() < 0.6) or fault in ("burnt", "cleared", "half planted")
    planted = _planting_day(as_of, rng)
    claim = MadeClaim(
        code=f"PL-{number:04d}",
        outline=outline,
        ground=ground,
        claimed_ha=round(outline.area / 1e4 * rng.uniform(0.95, 1.05), 2),
        kind="farm_forestry" if rng.random() < 0.25 else "block",
        species=str(rng.choice(FAST if is_fast else SLOW)),
        stems=int(outline.area / 1e4 * rng.uniform(950, 1200)) + 1,
        planted_on=planted,
        implementer=str(rng.choice(IMPLEMENTERS)),
        fault=fault,
        truly_on=planted,
        stands=KIND_OF_GROUND.get(fault, "fast" if is_fast else "slow"),
        survival=float(rng.uniform(0.5, 0.9)),
        vigour=float(np.clip(rng.normal(1, 0.2), 0.4, 1.6)),
        event_on=planted + (as_of - planted) * float(rng.uniform(0.5, 0.9)) if fault in ("burnt", "cleared") else None,
    )
    return _with_wrong_facts(claim, rng)


def _planting_day(as_of: date, rng: np.random.Generator) -> date:
    """In a planting season, one to eight years ago."""
    while True:
        month, day = PLANTING[int(rng.integers(len(PLANTING)))]
        planted = date(as_of.year - int(rng.integers(1, 9)), month, day) + timedelta(days=int(rng.integers(0, 20)))
        if 370 < (as_of - planted).days < 8 * 365:
            return planted


def _drawn(ground: shapely.Geometry, fault: str, at: tuple[float, float], rng: np.random.Generator) -> shapely.Geometry:
    """The outline as it was claimed."""
    if fault == "drawn at a desk":
        turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
        radius = math.sqrt(ground.area / math.pi)
        return shapely.Polygon(np.column_stack([np.cos(turn), np.sin(turn)]) * radius + at)
    if fault == "spike":
        return _with_spike(ground)
    return ground


def _with_spike(ground: shapely.Geometry) -> shapely.Geometry:
    """A position without satellites in the middle of the longest edge: out and back."""
    xy = shapely.get_coordinates(ground)[:-1]
    edges = np.roll(xy, -1, 0) - xy
    k = int(np.argmax(np.hypot(*edges.T)))
    along = edges[k] / np.hypot(*edges[k])
    across = np.array([along[1], -along[0]]) * (1 if ground.exterior.is_ccw else -1)
    start = xy[k] + edges[k] / 2
    spike = [start - 1.5 * along, start + 70 * across, start + 1.5 * along]
    return shapely.Polygon(np.vstack([xy[: k + 1], spike, xy[k + 1 :]]))


def _with_wrong_facts(claim: MadeClaim, rng: np.random.Generator) -> MadeClaim:
    if claim.fault == "inflated hectares":
        return replace(claim, claimed_ha=round(claim.claimed_ha * float(rng.uniform(1.35, 2.4)), 2))
    if claim.fault == "too many stems":
        return replace(claim, stems=int(claim.claimed_ha * float(rng.uniform(3_000, 14_000))))
    if claim.fault == "out of season" and claim.planted_on:
        return replace(claim, planted_on=claim.planted_on.replace(month=int(rng.choice([5, 12])), day=14))
    if claim.fault == "facts missing":
        name = str(rng.choice(["species", "stems", "implementer", "kind"]))
        return replace(claim, **{name: None})  # type: ignore[arg-type]
    if claim.fault == "rounded corners":
        return replace(claim, decimals=4)
    return claim


def _with_neighbour(claim: MadeClaim, others: list[MadeClaim], rng: np.random.Generator) -> MadeClaim:
    """A double claim takes the ground of an honest one, whole or in part; nothing was planted for it."""
    if claim.fault not in ("double claim", "same ground twice"):
        return claim
    honest = [other for other in others if not other.fault]
    whose = honest[int(rng.integers(len(honest)))]
    size = math.sqrt(whose.outline.area)
    away = (0.3, 0.2) if claim.fault == "same ground twice" else (size * float(rng.uniform(0.15, 0.55)), 5.0)
    outline = affinity.translate(whose.outline, *away)
    return replace(
        claim, outline=outline, claimed_ha=round(outline.area / 1e4, 2), stems=int(outline.area / 1e4 * 1075) + 1
    )


def _outside(claim: MadeClaim, country: Country, rng: np.random.Generator) -> MadeClaim:
    """Far from the district: another province."""
    if claim.fault != "outside the district":
        return claim
    away = affinity.translate(claim.outline, 250_000, -120_000)
    return replace(claim, outline=away)
