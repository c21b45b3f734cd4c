"""Indices of reflectance: one number per pixel, computed per pixel and averaged afterwards.

N near infrared, R red, G green, S1 1.6 µm, S2 2.2 µm, all in reflectance. Sources: NDVI Rouse et al. 1974; NDMI Gao
1996; NBR Key and Benson 2006; MNDWI Xu 2006, doi:10.1080/01431160600589179 (the same formula as NDSI, Hall et al.
1995); NDWI McFeeters 1996; BSI Rikimaru et al. 2002.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bands = Mapping[str, Floats]

TINY = 1e-6  # a denominator below it says nothing


@dataclass(frozen=True)
class Index:
    name: str
    bands: tuple[str, ...]  # all must be there
    formula: Callable[[Bands], Floats]

    @property
    def reads_swir(self) -> bool:
        return any(band.startswith("swir") for band in self.bands)


def normalised(a: Floats, b: Floats) -> Floats:
    """(a − b) ÷ (a + b); NaN where |a + b| < TINY or one of them is NaN."""
    total = a + b
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(np.abs(total) < TINY, np.nan, (a - b) / total)


INDICES = {
    index.name: index
    for index in (
        Index("ndvi", ("red", "nir"), lambda b: normalised(b["nir"], b["red"])),  # green plants
        Index("ndwi", ("green", "nir"), lambda b: normalised(b["green"], b["nir"])),  # open water, without SWIR
        Index("nbr", ("nir", "swir2"), lambda b: normalised(b["nir"], b["swir2"])),  # falls where it burnt
        Index("ndmi", ("nir", "swir1"), lambda b: normalised(b["nir"], b["swir1"])),  # water in leaves
        Index("mndwi", ("green", "swir1"), lambda b: normalised(b["green"], b["swir1"])),  # open water; snow
        Index(
            "bsi",  # bare soil
            ("blue", "red", "nir", "swir1"),
            lambda b: normalised(b["swir1"] + b["red"], b["nir"] + b["blue"]),
        ),
    )
}


def available(bands: frozenset[str]) -> list[Index]:
    """The indices that these bands allow; near infrared may be the narrow band of the short-wave grid."""
    return [index for index in INDICES.values() if bands.issuperset(index.bands)]
