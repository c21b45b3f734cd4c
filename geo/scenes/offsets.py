"""Which offset do a Sentinel-2 scene's numbers carry, and does the scene look as if it were the wrong one?

From processing baseline 04.00 on, 1,000 is added to every digital number. A constant does not cancel in a ratio:
forgotten, it makes NDVI of dry grass 0.27 instead of 0.43. The date alone never decides, for older scenes were
reprocessed.
"""

import re
from datetime import date

import numpy as np
import numpy.typing as npt

from geo.scenes.sensors import BASELINE_OFFSET_DN, BASELINE_WITH_OFFSET

Floats = npt.NDArray[np.float64]

OFFSET_SINCE = date(2022, 1, 25)  # scenes taken from this day on were first made with it
LAND_PIXELS_NEEDED = 400
DARK, DARK_SHARE = -0.01, 0.05
BRIGHT_BLUE = 0.11


class OffsetUnknown(ValueError):
    """Nothing tells whether the numbers carry an offset."""


def baseline_of(words: str) -> tuple[int, int]:
    """A processing baseline such as "05.09" or "N0509"; ValueError for anything else."""
    found = re.fullmatch(r"[Nn]?(\d{2})\.?(\d{2})|(\d{1,2})\.(\d{1,2})", words.strip())
    if not found:
        raise ValueError(words)
    first, second = (found[1], found[2]) if found[1] else (found[3], found[4])
    return int(first), int(second)


def sentinel_2_offset_dn(told_dn: float | None, baseline: tuple[int, int] | None, day: date) -> float:
    """What to add to the digital numbers, in the order of what can be trusted.

    told_dn : by the person, the product's metadata or its STAC item.   raises : OffsetUnknown
    """
    if told_dn is not None:
        return told_dn
    if baseline is not None:
        return BASELINE_OFFSET_DN if baseline >= BASELINE_WITH_OFFSET else 0.0
    if day >= OFFSET_SINCE:
        raise OffsetUnknown
    return 0.0


def offset_doubt(red: Floats, blue: Floats, land: npt.NDArray[np.bool_]) -> str | None:
    """Whether the reflectances of a scene look as if its offset were wrong; None: no, or too little land shows.

    red, blue : reflectance before any limit, NaN for nodata.   land : usable land pixels (SCL 4, 5)
    Taken twice, 45–90 % of two real alpine scenes fall below DARK; forgotten, the darkest blue of three real scenes
    lies at 0.12–0.20 instead of 0.02–0.10. Bright desert hides the first.
    """
    seen = land & np.isfinite(red) & np.isfinite(blue)
    if seen.sum() < LAND_PIXELS_NEEDED:
        return None
    if float(np.mean((red[seen] < DARK) | (blue[seen] < DARK))) > DARK_SHARE:
        return "offset taken twice"
    if float(np.percentile(blue[seen], 1)) > BRIGHT_BLUE:
        return "offset forgotten"
    return None
