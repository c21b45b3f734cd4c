"""Which settlements, teams and microplan does one block of the demonstration have?

A block is 2,000 settlements and 300 teams at full size; larger demonstrations are made of several, one at a time, so
that
memory stays the same. Everything is drawn from a generator seeded by (seed, block).
"""

from dataclasses import dataclass

import numpy as np
import shapely
from scipy.spatial import cKDTree

from tracker.demo.ground import Ground
from tracker.demo.names import SEATS, settlement_name

SETTLEMENTS, TEAMS, HOUSEHOLDS = 2000, 300, 60_000  # of a full block; about 60,000 visits come of it
POST_SHARE = 0.04  # of the teams stand still: half fixed, half transit
RADIUS_M = {"urban": 500.0, "small": 200.0, "hamlet": 100.0}
METRES_PER_DEGREE = 111_200.0  # good to 0.3 %: places are laid out with it, never measured
DAYS = 3


@dataclass
class Block:
    """Settlements as arrays of one length; households as arrays of one length, in walking order."""

    code: np.ndarray  # text
    name: np.ndarray
    name_ur: np.ndarray
    type: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    radius_m: np.ndarray
    outlined: np.ndarray  # bool: has an outline of its own, not a round extent
    tehsil: np.ndarray  # index into ground.tehsils
    high_risk: np.ndarray
    house_settlement: np.ndarray
    house_lon: np.ndarray
    house_lat: np.ndarray
    house_children: np.ndarray
    house_team: np.ndarray  # mobile team, 0…
    house_day: np.ndarray  # 0…2
    mobile_teams: int
    posts: int
    number: int  # of the block

    @property
    def under_five(self) -> np.ndarray:
        return np.bincount(self.house_settlement, self.house_children, len(self.code)).astype(int)

    def team_code(self, team: np.ndarray | int) -> np.ndarray:
        return np.char.add(
            f"T{self.number}" if self.number else "T", np.char.zfill(np.asarray(team + 1).astype(str), 3)
        )

    def outline(self, k: int) -> shapely.Geometry:
        """A settlement as point or outline, EPSG:4326; outlines hold the disc of 0.8 × radius."""
        if not self.outlined[k]:
            return shapely.Point(round(self.lon[k], 6), round(self.lat[k], 6))
        rng = np.random.default_rng([self.number, k])
        turn = (np.arange(16) + rng.uniform(0, 0.5, 16)) * 2 * np.pi / 16
        reach = self.radius_m[k] * rng.uniform(0.85, 1.2, 16)
        return shapely.Polygon(
            np.round(np.column_stack(_degrees(reach * np.cos(turn), reach * np.sin(turn), self.lon[k], self.lat[k])), 7)
        )


def make_block(ground: Ground, seed: int, number: int, share: float, settlements: int = SETTLEMENTS) -> Block:
    """One block; `share` ≤ 1 makes a smaller one with the same texture, fewer `settlements` make larger ones."""
    rng = np.random.default_rng([seed, 2, number])
    count, teams = max(40, round(settlements * share)), max(12, round(TEAMS * share))
    posts = max(2, round(teams * POST_SHARE))
    real = ground.places if number == 0 else []  # the first block stands on the real places, its largest settlements
    houses = np.maximum(3, np.round(_sizes(count, rng) * HOUSEHOLDS * share)).astype(int)
    houses = np.concatenate([-np.sort(-houses)[: len(real)], rng.permutation(-np.sort(-houses)[len(real) :])])
    kind = np.where(houses > 100, "urban", np.where(houses >= 20, "small", "hamlet"))
    radius = np.array([RADIUS_M[k] for k in kind])
    lon, lat, tehsil = _spots(ground, real, radius, rng)
    kind = np.where((kind == "small") & (rng.random(count) < 0.03), "camp", kind)
    order = np.lexsort((np.where((lat // 0.08) % 2 == 0, lon, -lon), lat // 0.08, tehsil))  # as a team would go on
    drawn = [settlement_name(number * SETTLEMENTS + n) for n in rng.permutation(count)]
    names = [_real_name(lon[k], lat[k], real) or drawn[k] for k in order]
    lon, lat, tehsil, kind, houses, radius = (a[order] for a in (lon, lat, tehsil, kind, houses, radius))
    codes = [f"{ground.tehsils[t].code}-{number:02}{n:04}" for n, t in enumerate(tehsil, 1)]
    where, house_lon, house_lat = _houses(houses, lon, lat, radius, rng)
    slot = np.arange(len(where)) * ((teams - posts) * DAYS) // len(where)  # equal pieces of the walk: team-days
    return Block(
        code=np.array(codes),
        name=np.array([n[0] for n in names]),
        name_ur=np.array([n[1] for n in names]),
        type=kind,
        lon=lon,
        lat=lat,
        radius_m=radius,
        outlined=rng.random(count) < 0.1,
        tehsil=tehsil,
        high_risk=rng.random(count) < 0.06,
        house_settlement=where,
        house_lon=house_lon,
        house_lat=house_lat,
        house_children=np.minimum(1 + rng.poisson(0.55, len(where)), 8),
        house_team=slot // DAYS,
        house_day=slot % DAYS,
        mobile_teams=teams - posts,
        posts=posts,
        number=number,
    )


def _sizes(count: int, rng: np.random.Generator) -> np.ndarray:
    """Shares of all households; few large places, many small ones."""
    weight = np.minimum(rng.lognormal(0, 1.1, count), 18)
    shares: np.ndarray = weight / weight.sum()
    return shares


def _real_name(lon: float, lat: float, real: list[tuple[str, float, float, int]]) -> tuple[str, str] | None:
    """Name of the real place that stands exactly here."""
    found = next((p[0] for p in real if p[1] == lon and p[2] == lat), None)
    return (found, SEATS.get(found, (found,))[0]) if found else None


def _spots(
    ground: Ground, real: list[tuple[str, float, float, int]], radius: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions well inside one tehsil each and apart from each other: two of three near a real place, the rest
    anywhere."""
    shapes = [t.shape for t in ground.tehsils]
    tree = shapely.STRtree([shapely.buffer(s, -0.009) for s in shapes])
    places = np.array([(p[1], p[2]) for p in ground.places])
    west, south, east, north = ground.province.shape.bounds
    first = np.array([(p[1], p[2]) for p in real]).reshape(-1, 2)
    point, area = tree.query(shapely.points(first), predicate="within")
    lon, lat, tehsil = first[point, 0], first[point, 1], area
    while len(lon) < len(radius):
        n = 4 * len(radius)
        near = places[rng.integers(len(places), size=n)] + rng.normal(0, 0.11, (n, 2))
        xy = np.where(rng.random((n, 1)) < 0.66, near, rng.uniform((west, south), (east, north), (n, 2)))
        point, area = tree.query(shapely.points(xy), predicate="within")
        lon, lat = np.append(lon, xy[point, 0]), np.append(lat, xy[point, 1])
        tehsil = np.append(tehsil, area)
        keep = _apart(lon, lat, 1250 / METRES_PER_DEGREE)
        lon, lat, tehsil = lon[keep], lat[keep], tehsil[keep]
    return lon[: len(radius)], lat[: len(radius)], tehsil[: len(radius)]


def _apart(lon: np.ndarray, lat: np.ndarray, degrees: float) -> np.ndarray:
    """Which points stay when of two that are too near the later one goes."""
    pairs = cKDTree(np.column_stack([lon * np.cos(np.radians(34)), lat])).query_pairs(degrees, output_type="ndarray")
    keep = np.ones(len(lon), bool)
    for first, second in pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]:
        if keep[first]:
            keep[second] = False
    return keep


def _houses(
    count: np.ndarray, lon: np.ndarray, lat: np.ndarray, radius: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Doors spread evenly over each disc (an additive recurrence), walked lane by lane: (settlement, lon, lat)."""
    where = np.repeat(np.arange(len(count)), count)
    k = np.arange(len(where)) - np.repeat(np.cumsum(count) - count, count)
    u = (0.5 + k * 0.7548776662466927 + rng.random(len(count))[where]) % 1
    turn = 2 * np.pi * ((0.5 + k * 0.5698402909980532 + rng.random(len(count))[where]) % 1)
    reach = 0.96 * radius[where] * np.sqrt(u)
    x, y = reach * np.cos(turn), reach * np.sin(turn)
    lane = np.floor(y / 60)
    walk = np.lexsort((np.where(lane % 2 == 0, x, -x), lane, where))
    house_lon, house_lat = _degrees(x, y, lon[where], lat[where])
    return where[walk], house_lon[walk], house_lat[walk]


def _degrees(x: np.ndarray, y: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Metres east and north of a place, in degrees."""
    return lon + x / (METRES_PER_DEGREE * np.cos(np.radians(lat))), lat + y / METRES_PER_DEGREE
