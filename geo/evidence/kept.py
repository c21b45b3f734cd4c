"""Has it been kept free of fire and clearing since planting?

Burnt dry ground looks like bare dry ground in NDVI: of 20 simulated fires NBR found 20, NDVI 5. Clearing a plantation
younger than about five years is not seen here; `gain` shows it later. Memory and persistence as in EWMA charts.
"""

from datetime import date

import numpy as np
import numpy.typing as npt

from geo.evidence.gain import control_median
from geo.evidence.parameters import DEFAULTS, Parameters
from geo.evidence.series import Series, noise
from geo.evidence.verdict import Verdict, cannot_tell, contradicts, supports

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]


def judge_kept(
    series: Series, kept: npt.NDArray[np.intp], planted: int, as_of: int, parameters: Parameters = DEFAULTS
) -> Verdict:
    """From NBR (NDVI only without SWIR) against the control blocks, all seasons, without snow.

    kept : columns of the control blocks.   planted, as_of : ordinal days
    """
    index = "nbr" if series.has_swir else "ndvi"
    days, apart = difference(series, index, kept, parameters)
    loss = first_loss(days, apart, planted, parameters)
    recent = days[(days > as_of - parameters.recent_days) & (days <= as_of)]
    gap = int(np.diff([as_of - parameters.recent_days, *recent, as_of]).max())
    numbers = {"index": index, "recent_dates": len(recent), "longest_gap_days": gap}
    if loss is not None:
        at, fall = loss
        return contradicts(
            "a sudden loss of green since planting",
            **numbers,
            first_day=date.fromordinal(int(days[at])).isoformat(),
            fall=fall,
        )
    numbers |= {"first_day": None, "fall": None}
    if not series.has_swir:
        return cannot_tell("no short-wave infrared: fire on dry ground would not be seen", **numbers)
    if len(recent) >= parameters.recent_dates and gap <= parameters.longest_gap_days:
        return supports("no fire seen, no clearing above 0.10", **numbers)
    return cannot_tell("too few dates in the last year", **numbers)


def difference(series: Series, index: str, kept: npt.NDArray[np.intp], parameters: Parameters) -> tuple[Days, Floats]:
    """Usable days, and how far the claim lies from its control on each."""
    means = series.means[index]
    apart = means.claim - control_median(means.blocks[:, kept], parameters)
    clear = (means.clear >= parameters.clear_share) & series.snow_free(parameters) & np.isfinite(apart)
    return series.days[clear], apart[clear]


def first_loss(days: Days, apart: Floats, planted: int, parameters: Parameters) -> tuple[int, float] | None:
    """Where two dates in a row after planting fall below what the 400 days before each had; and by how much.

    days : (n,) in order.   apart : (n,) claim less control
    """
    fallen = np.full(len(days), np.nan)
    for at in np.flatnonzero(days > planted):
        memory = apart[(days >= days[at] - parameters.memory_days) & (days < days[at])]
        if len(memory) >= parameters.memory_dates:
            fall = apart[at] - np.median(memory)
            if fall <= -max(parameters.least_loss, 3 * noise(memory, parameters.least_noise)):
                fallen[at] = fall
    lost = np.flatnonzero(np.isfinite(fallen[:-1]) & np.isfinite(fallen[1:]))
    return (int(lost[0]), float(fallen[lost[0]])) if len(lost) else None
