"""Which pixels may be used? Masks as their makers define them, and clouds grown over their blurred edges."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Whether = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.generic]

GROW_M = 60.0
SCL_USABLE = (4, 5, 6, 7)  # vegetation, bare, water, unclassified; 2 (dark, cast shadow) is not used in mountains
SCL_CLOUDY = (3, 8, 9, 10)  # cloud shadow, cloud of medium and high probability, cirrus
SCL_LAND = (4, 5)
SCL_SNOW = 11


@dataclass(frozen=True)
class Judged:
    """Of each pixel of a mask: whether it may not be used; is cloud, shadow or cirrus (to be grown); is snow."""

    unusable: Whether
    cloudy: Whether
    snow: Whether


def judge_mask(mask: Numbers, kind: str) -> Judged:
    """Read a mask band.

    kind : SCL (Sentinel-2 L2A), QA_PIXEL (Landsat Collection 2), BQA and PIXEL_QA (Landsat Collection 1), PLAIN (0 is
    clear)
    """
    return READERS[kind](mask)


def grown(cloudy: Whether, pixel_m: float, reach_m: float = GROW_M) -> Whether:
    """Every pixel whose centre lies at most `reach_m` from the centre of a cloudy one."""
    if reach_m < pixel_m or not cloudy.any():
        return cloudy
    away_px = ndimage.distance_transform_edt(~cloudy)
    return np.asarray(away_px <= reach_m / pixel_m + 1e-9)


def nearest(mask: Numbers, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Numbers:
    """The mask's pixels at these rows and columns: nearest neighbour, once the places have been looked up."""
    return mask[np.ix_(rows, columns)]


def places(start_m: float, size_m: float, count: int, mask_start_m: float, mask_size_m: float) -> npt.NDArray[np.intp]:
    """Along one axis: in which pixel of the mask does the centre of each pixel lie? May lie outside (< 0 or beyond)."""
    centres = start_m + (np.arange(count) + 0.5) * size_m
    return np.asarray(np.floor((centres - mask_start_m) / mask_size_m + 1e-9), np.intp)


def _scl(mask: Numbers) -> Judged:
    return Judged(~np.isin(mask, SCL_USABLE), np.isin(mask, SCL_CLOUDY), mask == SCL_SNOW)


def _qa_pixel(mask: Numbers) -> Judged:
    """Bits 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 cloud shadow, 5 snow."""
    bits = mask.astype(np.int64)
    return Judged(bits & 0b111111 != 0, bits & 0b011100 != 0, bits & 0b100000 != 0)


def _bqa(mask: Numbers) -> Judged:
    """Bits 0 fill, 4 cloud; confidences of two bits (3: high) at 5 cloud, 7 shadow, 9 snow, 11 cirrus."""
    bits = mask.astype(np.int64)
    high = {name: bits >> at & 3 == 3 for name, at in (("cloud", 5), ("shadow", 7), ("snow", 9), ("cirrus", 11))}
    cloudy = (bits & 0b10000 != 0) | high["cloud"] | high["shadow"] | high["cirrus"]
    return Judged((bits & 1 != 0) | cloudy | high["snow"], cloudy, high["snow"])


def _pixel_qa(mask: Numbers) -> Judged:
    """Collection 1 surface reflectance: bit 1 clear, 3 shadow, 4 snow, 5 cloud; confidences at 6 cloud, 8 cirrus."""
    bits = mask.astype(np.int64)
    cloudy = (bits & 0b101000 != 0) | (bits >> 6 & 3 == 3) | (bits >> 8 & 3 == 3)
    return Judged((bits & 0b10 == 0) | cloudy, cloudy, bits & 0b10000 != 0)


def _plain(mask: Numbers) -> Judged:
    """0 is clear, everything else is cloud."""
    cloudy = mask != 0
    return Judged(cloudy, cloudy, np.zeros(mask.shape, bool))


READERS = {"SCL": _scl, "QA_PIXEL": _qa_pixel, "BQA": _bqa, "PIXEL_QA": _pixel_qa, "PLAIN": _plain}
MASKED_SHARE_NEEDED = 0.9  # a mask of another place does not judge this one


def covers(part: tuple[float, float, float, float], whole: tuple[float, float, float, float]) -> bool:
    """Whether a mask with bounds `part` lies over at least MASKED_SHARE_NEEDED of the scene's bounds `whole`."""
    width = min(part[2], whole[2]) - max(part[0], whole[0])
    height = min(part[3], whole[3]) - max(part[1], whole[1])
    area = (whole[2] - whole[0]) * (whole[3] - whole[1])
    return not math.isclose(area, 0) and max(0.0, width) * max(0.0, height) >= MASKED_SHARE_NEEDED * area
