"""Can trees stand there at all, or is it water, rock or town? Built-up land comes from a layer only: bare soil and
roofs look alike."""

import numpy as np
import numpy.typing as npt

from geo.evidence.ordered import quantiles
from geo.evidence.parameters import DEFAULTS, Parameters
from geo.evidence.series import Series
from geo.evidence.verdict import Verdict, cannot_tell, contradicts, supports

Floats = npt.NDArray[np.float64]


def judge_plantable(
    series: Series, built_share: float | None, age_years: float, parameters: Parameters = DEFAULTS
) -> Verdict:
    """From all dates of the series.

    built_share : of the claim's area, by a layer; None: none is loaded.   age_years : from planting to the day asked
    about
    """
    water, barren = water_share(series, parameters), barren_share(series, parameters)
    numbers = {"water_share": water, "barren_share": barren, "built_share": built_share}
    too_much = parameters.unplantable_share
    if water is not None and water >= too_much:
        return contradicts("open water", **numbers)
    if built_share is not None and built_share >= too_much:
        return contradicts("built-up land", **numbers)
    if barren is not None and barren >= parameters.barren_share and age_years >= parameters.barren_age_years:
        return contradicts("nothing has grown here in any season", **numbers)
    shares = (water, barren, built_share)
    if all(share is not None and share <= parameters.plantable_share for share in shares):
        return supports("neither water nor built-up nor barren", **numbers)
    if water is None or barren is None:
        return cannot_tell("too few dates", **numbers)
    if built_share is None:
        return cannot_tell("no layer of built-up land is loaded", **numbers)
    return cannot_tell("partly water, built-up or barren", **numbers)


def water_share(series: Series, parameters: Parameters = DEFAULTS) -> float | None:
    """Share of weight that was open water on at least half of its usable dates; None: too few dates or bands."""
    seen = series.wet >= 0
    enough = seen.sum(0) >= parameters.wet_dates
    if not _known(series.share, enough, parameters):
        return None
    wet = (series.wet == 1)[:, enough].sum(0) * 2 >= seen[:, enough].sum(0)
    return float(series.share[enough][wet].sum() / series.share[enough].sum())


def barren_share(series: Series, parameters: Parameters = DEFAULTS) -> float | None:
    """Share of weight whose greenest tenth of dates is hardly green; None: too few dates, or within a year."""
    seen = np.isfinite(series.ndvi)
    days = series.days[:, None].astype(np.float64)
    with np.errstate(invalid="ignore"):
        span = np.where(seen, days, -np.inf).max(0, initial=-np.inf) - np.where(seen, days, np.inf).min(
            0, initial=np.inf
        )
    enough = (seen.sum(0) >= parameters.barren_dates) & (span >= parameters.barren_days)
    if not _known(series.share, enough, parameters):
        return None
    greenest = quantiles(series.ndvi[:, enough], 0.9)
    barren = greenest < parameters.barren_ndvi
    return float(series.share[enough][barren].sum() / series.share[enough].sum())


def _known(share: Floats, enough: npt.NDArray[np.bool_], parameters: Parameters) -> bool:
    return bool(share.sum() > 0 and share[enough].sum() >= parameters.known_weight * share.sum())
