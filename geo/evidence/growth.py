"""How much greener would land be had the claimed trees grown?

Heights by Chapman–Richards, h = hmax·(1 − e^(−k·a))^p, fitted to heights measured in Khyber Pakhtunkhwa: eucalyptus
1.0 m at 12 months, 2.9 at 24, 2.6–2.8 at 27; chir pine 0.98 m at 27; Acacia modesta 0.4 m at 15.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Growth:
    hmax_m: float
    rate_per_year: float
    shape: float
    ndvi: float  # of closed canopy


FAST = Growth(15.0, 0.15, 1.4, 0.70)
SLOW = Growth(20.0, 0.05, 1.35, 0.60)  # pines, deodar, oak, olive, walnut, Acacia modesta, and whatever is not known
FAST_SPECIES = ("eucalyptus", "poplar", "populus", "acacia nilotica", "vachellia nilotica", "robinia", "shisham",
                "dalbergia sissoo", "leucaena")  # fmt: skip
SURVIVAL = 0.7
CROWN_OF_HEIGHT = 0.35  # crown diameter ÷ height
BRIGHTNESS = 0.7  # of canopy against the ground between, which counts for less than its area in a mean of light
MOST_COVER = 0.9
MOST_STEMS_PER_HA = 2500.0
EXPECTS_NOTHING = ("enclosure", "nursery", "linear")


def growth_of(species: str) -> Growth:
    return FAST if any(name in species.casefold() for name in FAST_SPECIES) else SLOW


def is_fast(species: Sequence[tuple[str, float]]) -> bool:
    """Whether fast growing species are at least half of the stems."""
    return sum(share for name, share in species if growth_of(name) is FAST) >= 0.5


def height_m(growth: Growth, age_years: float) -> float:
    return float(growth.hmax_m * (1 - math.exp(-growth.rate_per_year * max(age_years, 0.0))) ** growth.shape)


def cover(growth: Growth, age_years: float, stems_per_ha: float, survival: float = SURVIVAL) -> float:
    """Share of the ground under crowns, at most MOST_COVER."""
    crown_m2 = math.pi / 4 * (CROWN_OF_HEIGHT * height_m(growth, age_years)) ** 2
    return min(MOST_COVER, min(stems_per_ha, MOST_STEMS_PER_HA) * survival * crown_m2 / 10_000)


def expected_gain(
    kind: str | None,
    species: Sequence[tuple[str, float]],
    stems: int | None,
    measured_ha: float,
    age_years: float,
    ndvi_before: float,
) -> float | None:
    """Gain of NDVI that the claimed trees would have brought by this age; None: nothing is to be expected.

    species : names and shares of the stems.   ndvi_before : median over the claim before planting
    """
    if kind in EXPECTS_NOTHING or not stems or measured_ha <= 0:
        return None
    stems_per_ha = stems / measured_ha
    named = species or (("unknown", 1.0),)
    return sum(share * gain_of(growth_of(name), age_years, stems_per_ha, ndvi_before) for name, share in named)


def gain_of(growth: Growth, age_years: float, stems_per_ha: float, ndvi_before: float) -> float:
    """The same for one kind of trees."""
    covered = cover(growth, age_years, stems_per_ha)
    share_of_light = BRIGHTNESS * covered / (BRIGHTNESS * covered + 1 - covered)
    return share_of_light * max(0.0, growth.ndvi - ndvi_before)
