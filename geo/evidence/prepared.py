"""Was the ground worked for planting? Terraces and ploughing turn it bare for weeks; pits leave no mark at 10 m, so
that this question is never answered with no."""

from datetime import date

import numpy as np
import numpy.typing as npt

from geo.evidence.gain import control_median
from geo.evidence.parameters import DEFAULTS, Parameters
from geo.evidence.series import Series, noise
from geo.evidence.verdict import Verdict, cannot_tell, supports

Floats = npt.NDArray[np.float64]
Whether = npt.NDArray[np.bool_]


def judge_prepared(
    series: Series, kept: npt.NDArray[np.intp], pre: Whether, planted: int, parameters: Parameters = DEFAULTS
) -> Verdict:
    """From NDVI (and bare soil where there is SWIR) against the control blocks around the day of planting.

    kept : columns of the control blocks.   pre : (t,) bool.   planted : ordinal day
    """
    apart = _apart(series, "ndvi", kept, parameters)
    before = pre & np.isfinite(apart)
    if before.sum() < parameters.pre_dates:
        return cannot_tell("too few dates before planting")
    usual, spread = float(np.median(apart[before])), noise(apart[before], parameters.least_noise)
    near = np.isfinite(apart) & (np.abs(series.days - planted) <= parameters.prepared_days)
    low = apart <= usual - max(parameters.least_fall, 2 * spread)
    if series.has_swir and "bsi" in series.means:
        with np.errstate(invalid="ignore"):
            low &= _apart(series, "bsi", kept, parameters) >= parameters.bare_rise
    dates = np.flatnonzero(near)
    both = low[dates[:-1]] & low[dates[1:]]
    numbers = {"usual_difference": usual, "noise": spread, "dates": len(dates)}
    if both.any():
        first = date.fromordinal(int(series.days[dates[:-1][both][0]])).isoformat()
        return supports("bare against the land around, around the day of planting", **numbers, first_day=first)
    why = (
        "no bare ground seen around planting; pits leave no mark"
        if len(dates) >= 2
        else "too few dates around planting"
    )
    return cannot_tell(why, **numbers)


def _apart(series: Series, index: str, kept: npt.NDArray[np.intp], parameters: Parameters) -> Floats:
    """(t,) claim less control, NaN where too little of either is seen."""
    means = series.means[index]
    claim = np.where(means.clear >= parameters.clear_share, means.claim, np.nan)
    return np.asarray(claim - control_median(means.blocks[:, kept], parameters))
