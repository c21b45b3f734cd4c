"""Made-up land as a satellite would see it: for demonstrations and tests, and labelled synthetic wherever it is shown.

Grass and soil with patches of many sizes, seasons and years, clouds that a mask mostly finds, and trees that grow as
`geo.evidence.growth` says. Its noise is made like that of real grass and forest: a block's date-to-date spread hardly
falls with its size. A generator whose noise falls with the number of pixels makes every method look good.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import shapely
from scipy import ndimage

from geo.evidence.growth import FAST, SLOW, Growth, cover
from geo.evidence.parameters import Parameters
from geo.evidence.zonal import weights_of
from geo.scenes.grid import Grid

Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.uint16]
Classes = npt.NDArray[np.uint8]

BANDS = ("B02", "B03", "B04", "B08", "B11", "B12")
SPECTRA = {  # reflectance of what is whole
    "soil": (0.10, 0.14, 0.19, 0.27, 0.36, 0.32),
    "dry": (0.08, 0.11, 0.15, 0.26, 0.34, 0.26),
    "green": (0.04, 0.08, 0.05, 0.36, 0.24, 0.13),
    "fast": (0.03, 0.05, 0.045, 0.26, 0.15, 0.07),
    "slow": (0.03, 0.045, 0.05, 0.20, 0.12, 0.06),
    "water": (0.05, 0.05, 0.03, 0.02, 0.01, 0.01),
    "roofs": (0.14, 0.16, 0.18, 0.22, 0.25, 0.23),
    "rock": (0.16, 0.18, 0.20, 0.22, 0.25, 0.24),
    "burnt": (0.04, 0.05, 0.06, 0.09, 0.17, 0.18),
}
SEASON = (  # fraction of the year, factor of green: spring rain, dry May and June, monsoon, dry autumn
    (0.0, 0.10, 0.20, 0.30, 0.40, 0.47, 0.55, 0.68, 0.78, 0.96, 1.0),
    (0.45, 0.55, 0.70, 0.50, 0.35, 0.35, 0.90, 1.0, 0.75, 0.42, 0.45),
)
GREEN_OF_NDVI = 1.6  # noise told in NDVI moves the share of green grass by so much
CLOUD_LIMITS, CLOUD_SHARES = (9.0, 2.2, 1.3, 0.6), (0.5, 0.2, 0.2, 0.1)
FIRE_DAYS, RECOVERY_DAYS, BURNT_SHARE = 60, 120, 0.8
FENCED_GREEN = 0.06
FOREST_COVER = 0.85
BASELINES = (("03.01", 0), ("05.09", 1000))  # and what each adds to digital numbers
STEP_DN = 10  # reflectance in thousandths: real sensors resolve no finer, and files shrink by half
SCL_WATER, SCL_GREEN, SCL_BARE, SCL_SHADOW, SCL_CLOUD = 6, 4, 5, 3, 9
KINDS = ("fast", "slow", "mixed", "never", "fenced", "forest", "water", "roofs", "rock", "burnt", "cleared", "half")


@dataclass(frozen=True)
class Plot:
    """What truly stands on a piece of ground.

    outline : polygon in the grid's coordinates.   kind : one of KINDS; "burnt" and "cleared" grow as fast trees until
    `event_on`, "half" is planted in its western half only.   survival, vigour : of the stems; factor of the height
    """

    outline: shapely.Geometry
    kind: str
    planted_on: date
    stems_per_ha: float = 1075.0
    survival: float = 0.7
    vigour: float = 1.0
    event_on: date | None = None


@dataclass(frozen=True)
class MadeScene:
    """One day: digital numbers by band, 10 m (B11, B12: 20 m), and the scene classification at 20 m."""

    day: date
    fine: Mapping[str, Whole]
    coarse: Mapping[str, Whole]
    scl: Classes
    baseline: str


@dataclass
class Land:
    """Land that can be looked at on any day; the same seed gives the same land and the same scenes."""

    grid: Grid  # 10 m; rows and columns even
    plots: Sequence[Plot]
    seed: int
    shares: list[tuple[slice, slice, Floats]] = field(init=False)
    green: Floats = field(init=False)
    soil: Floats = field(init=False)
    swing: Floats = field(init=False)
    years: dict[int, tuple[float, Floats]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        rng = self._random("land")
        size = self.grid.rows, self.grid.columns
        patches = 0.34 + 0.10 * patchy(size, 15, rng) + 0.05 * patchy(size, 3, rng)
        self.green = np.clip(patches, 0.02, 0.9)
        self.soil = np.clip(0.45 + 0.12 * patchy(size, 20, rng), 0.05, 0.9)
        self.swing = 1 + 0.15 * patchy(size, 20, rng)
        self.shares = [_shares(plot, self.grid) for plot in self.plots]

    def on(self, day: date) -> MadeScene:
        """The scene of one day."""
        rng = self._random(day.isoformat())
        rho, is_water, is_green = self._ground(day, rng)
        rho = _seen_by_a_camera(rho, rng)
        rho, scl = _under_clouds(rho, np.where(is_water, SCL_WATER, np.where(is_green, SCL_GREEN, SCL_BARE)), rng)
        baseline, added = BASELINES[day.toordinal() % 2]
        dn = np.clip(np.round(rho * (10_000 / STEP_DN)) * STEP_DN + added, 1, 65_535).astype(np.uint16)
        by_band = dict(zip(BANDS, dn, strict=True))
        coarse = {band: _halved(by_band.pop(band)) for band in ("B11", "B12")}
        return MadeScene(day, by_band, coarse, _halved_classes(scl), baseline)

    def _random(self, what: str) -> np.random.Generator:
        seed = hashlib.sha256(f"{self.seed}|{what}".encode()).digest()[:8]
        return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))

    def _year(self, year: int) -> tuple[float, Floats]:
        """How a year differs, everywhere and in patches; half of it stays for the next."""
        if year not in self.years:
            rng, size = self._random(f"year {year}"), (self.grid.rows, self.grid.columns)
            own = 0.020 * patchy(size, 12, rng) + 0.011 * patchy(size, 60, rng)
            before = self._random(f"year {year - 1}")
            last = 0.020 * patchy(size, 12, before) + 0.011 * patchy(size, 60, before)
            patches = np.asarray(0.5 * last + math.sqrt(0.75) * own, np.float32)
            self.years[year] = 0.03 * float(rng.standard_normal()), patches
        return self.years[year]

    def _ground(
        self, day: date, rng: np.random.Generator
    ) -> tuple[Floats, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Reflectance (bands, rows, columns), where water is, where it is green."""
        size = self.grid.rows, self.grid.columns
        common, patches = self._year(day.year)
        noise = common + patches + 0.03 * float(rng.standard_normal())
        noise = noise + 0.020 * patchy(size, 10, rng) + 0.011 * patchy(size, 60, rng)
        green = self.green * season(day) * self.swing + GREEN_OF_NDVI * noise
        covers = {name: np.zeros(size, np.float32) for name in ("fast", "slow", "water", "roofs", "rock", "burnt")}
        for plot, (rows, columns, share) in zip(self.plots, self.shares, strict=True):
            for name, of_it in stands_on(plot, day).items():
                part = share * _western_half(share) if plot.kind == "half" else share
                if name == "fence":
                    green[rows, columns] += part * of_it
                else:
                    covers[name][rows, columns] += part * of_it
        green = np.clip(green, 0, 0.95)
        soil = self.soil * (1 - green)
        rest = np.clip(1 - sum(covers.values()), 0, 1)
        parts = {"green": green * rest, "soil": soil * rest, "dry": (1 - green - soil) * rest, **covers}
        rho = np.zeros((len(BANDS), *size), np.float32)
        for name, share in parts.items():
            if share.any():
                rho += np.array(SPECTRA[name], np.float32)[:, None, None] * share
        return rho, covers["water"] > 0.5, green > 0.45


def season(day: date) -> float:
    return float(np.interp((day.timetuple().tm_yday - 1) / 365.25, *SEASON))


def stands_on(plot: Plot, day: date) -> dict[str, float]:
    """Shares of the plot's ground, by what covers it; "fence" is what grass gains behind one."""
    age = (day - plot.planted_on).days / 365.25
    if plot.kind in ("water", "roofs", "rock"):
        return {plot.kind: 1.0}
    if plot.kind == "forest":
        return {"slow": FOREST_COVER}
    if age <= 0 or plot.kind == "never":
        return {}
    if plot.kind == "fenced":
        return {"fence": FENCED_GREEN}
    if plot.kind == "mixed":
        return {"fast": 0.6 * crowns(plot, FAST, age), "slow": 0.4 * crowns(plot, SLOW, age)}
    if plot.kind == "slow":
        return {"slow": crowns(plot, SLOW, age)}
    return _after_event(plot, day, crowns(plot, FAST, age))


def _after_event(plot: Plot, day: date, trees: float) -> dict[str, float]:
    """Fast trees, until they burn (black for two months, green again four months later) or are cleared."""
    since = (day - plot.event_on).days if plot.event_on else -1
    if since < 0 or plot.kind not in ("burnt", "cleared"):
        return {"fast": trees}
    if plot.kind == "cleared":
        return {}
    left = BURNT_SHARE * float(np.clip(1 - (since - FIRE_DAYS) / RECOVERY_DAYS, 0, 1))
    return {"burnt": left, "fast": trees * (1 - left)}


def crowns(plot: Plot, growth: Growth, age_years: float) -> float:
    """Share of the ground under crowns, with the plot's own survival and vigour."""
    taller = Growth(growth.hmax_m * plot.vigour, growth.rate_per_year, growth.shape, growth.ndvi)
    return cover(taller, age_years, plot.stems_per_ha, plot.survival)


def patchy(size: tuple[int, int], reach_px: float, rng: np.random.Generator) -> Floats:
    """White noise smoothed by a Gaussian of standard deviation reach ÷ 2 pixels, scaled to standard deviation 1.

    Long reaches are made on a coarser grid and stretched: the same patches at a fraction of the cost.
    """
    step = max(1, int(reach_px // 5))
    small = tuple(-(-side // step) + 2 for side in size)
    rough = ndimage.gaussian_filter(rng.standard_normal(small, np.float32), reach_px / 2 / step, mode="wrap")
    if step > 1:
        rows, columns = (np.arange(side) / step for side in size)
        rough = _stretched(rough, rows, columns)
    found: Floats = (rough[: size[0], : size[1]] / rough.std()).astype(np.float32)
    return found


def _stretched(values: Floats, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> Floats:
    """Between the rows and columns of a coarser array, linearly."""
    at, left = rows.astype(int), columns.astype(int)
    down, right = (rows - at)[:, None].astype(np.float32), (columns - left)[None].astype(np.float32)
    by_row = values[at] * (1 - down) + values[at + 1] * down
    return np.asarray(by_row[:, left] * (1 - right) + by_row[:, left + 1] * right, np.float32)


def _shares(plot: Plot, grid: Grid) -> tuple[slice, slice, Floats]:
    """Where a plot lies, and the share of each pixel that it covers."""
    # as it is, not eroded: the ground, not what is measured of it
    wide = shapely.buffer(plot.outline, grid.size_m / 2, quad_segs=16)
    weights = weights_of(np.array([wide], object), grid, Parameters(least_weight=1e-6))[0]
    if not len(weights.share):
        return slice(0, 0), slice(0, 0), np.empty((0, 0), np.float32)
    row, column, shares = weights.box()
    rows, columns = slice(row, row + shares.shape[0]), slice(column, column + shares.shape[1])
    return rows, columns, shares.astype(np.float32)


def _western_half(share: Floats) -> Floats:
    western = np.arange(share.shape[1]) < share.shape[1] / 2
    return np.asarray(western[None], np.float32)


def _seen_by_a_camera(rho: Floats, rng: np.random.Generator) -> Floats:
    """Blurred, a little beside its place, each band with its own gain and noise."""
    shift = rng.normal(0, 0.3, 2)
    blurred = (ndimage.gaussian_filter(band, 0.5, truncate=3) for band in rho)
    moved = np.stack([ndimage.shift(band, shift, order=1, mode="nearest") for band in blurred])
    gain = 1 + 0.02 * rng.standard_normal((len(rho), 1, 1), np.float32)
    return np.asarray(moved * gain + 0.004 * rng.standard_normal(rho.shape, np.float32), np.float32)


def _under_clouds(rho: Floats, classes: npt.NDArray[np.int_], rng: np.random.Generator) -> tuple[Floats, Classes]:
    """Clouds with haze around and shadows 300 m beside; on one day in twenty the mask misses the shadows."""
    limit = float(rng.choice(CLOUD_LIMITS, p=CLOUD_SHARES))
    misses = bool(rng.random() < 0.05)
    if limit >= max(CLOUD_LIMITS):
        return np.clip(rho, 1e-3, 1.2), classes.astype(np.uint8)
    cloud = patchy(rho.shape[1:], 25, rng) > limit
    haze = ndimage.gaussian_filter(cloud.astype(np.float32), 5, truncate=3) * 0.15
    shadow = np.roll(cloud, (-28, 10), (0, 1)) & ~cloud  # 300 m to the north-north-east, away from the sun
    hazy = rho * (1 - haze) + haze * 0.5
    hazy = np.where(cloud, 0.6, np.where(shadow, hazy * 0.35, hazy))
    found = np.where(cloud, SCL_CLOUD, classes if misses else np.where(shadow, SCL_SHADOW, classes))
    return np.clip(hazy, 1e-3, 1.2), found.astype(np.uint8)


def _halved(dn: Whole) -> Whole:
    """Means of 2 × 2 pixels."""
    rows, columns = dn.shape
    means = dn.reshape(rows // 2, 2, columns // 2, 2).mean((1, 3))
    return np.asarray(np.round(means / STEP_DN) * STEP_DN, np.uint16)


def _halved_classes(scl: Classes) -> Classes:
    """Cloud or shadow where any of the four pixels is, else the first."""
    four = np.stack([scl[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    plain = np.where((four == SCL_SHADOW).any(0), SCL_SHADOW, four[0])
    return np.where((four == SCL_CLOUD).any(0), SCL_CLOUD, plain).astype(np.uint8)


WINDOWS = ((276, 347), (107, 170))  # days of the year within the two seasons of the evidence


def scene_days(first: date, last: date, in_season: int, outside: int, seed: int) -> list[date]:
    """Days of scenes: per year so many in each of the two seasons and so many outside, in order, each once."""
    rng = np.random.Generator(np.random.PCG64(seed))
    days: set[date] = set()
    for year in range(first.year, last.year + 1):
        spans = [(*window, in_season) for window in WINDOWS] + [
            (1, 100, outside // 2),
            (175, 270, outside - outside // 2),
        ]
        for start, end, count in spans:
            for k in range(count):
                at = start + (end - start) * (k + float(rng.random())) / count
                days.add(date(year, 1, 1) + timedelta(days=int(at)))
    return sorted(day for day in days if first <= day <= last)
