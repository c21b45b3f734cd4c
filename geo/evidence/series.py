"""What the scenes of one series show of one claim, of the land around it, and of shifted copies of the claim."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from geo.evidence.parameters import Parameters

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
Whether = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Claimed:
    """What was claimed, as far as scenes can speak of it."""

    planted_on: date
    kind: str | None
    species: tuple[tuple[str, float], ...]  # names and shares of the stems
    stems: int | None
    measured_ha: float

    @property
    def planted(self) -> int:
        return self.planted_on.toordinal()


@dataclass(frozen=True)
class Means:
    """One index over the claim and over its candidate blocks.

    claim : (t,) weighted means, NaN where no pixel is usable.   clear : (t,) share of the weight that is usable
    blocks : (t, c), NaN where less than `clear_share` of a block is usable or it lies outside the scene
    """

    claim: Floats
    clear: Floats
    blocks: Floats


@dataclass(frozen=True)
class Series:
    """Scenes of one sensor family, level and lattice, in order of day; one scene a day."""

    days: Days  # (t,) proleptic ordinals
    box_clear: Floats  # (t,) share of usable pixels in the box of all candidates
    snow: Floats  # (t,) share of the claim's weight under snow
    shifts: npt.NDArray[np.int64]  # (c, 2) of the candidates: steps east and north
    means: dict[str, Means]  # by index; "ndvi" is always there
    share: Floats  # (p,) weight of the claim's pixels
    ndvi: Floats  # (t, p) of them
    wet: npt.NDArray[np.int8]  # (t, p) 1 open water, 0 not, -1 not to be seen

    @property
    def has_swir(self) -> bool:
        return "nbr" in self.means

    def counting(self, parameters: Parameters) -> Whether:
        """Dates on which enough of the claim and of the land around it is seen."""
        clear = self.means["ndvi"].clear >= parameters.clear_share
        return clear & (self.box_clear >= parameters.box_clear_share)

    def snow_free(self, parameters: Parameters) -> Whether:
        return np.asarray(self.snow <= parameters.snow_share)


def noise(values: Floats, least: float) -> float:
    """1.4826 × the median absolute deviation, at least `least`: a standard deviation that outliers do not move."""
    return max(least, 1.4826 * float(np.median(np.abs(values - np.median(values)))))
