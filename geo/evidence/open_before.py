"""Was it open land before planting? Standards ask for no forest for ten years; scenes rarely reach back so far.

By mixing of light, an NDVI of 0.45 in the brown season means a canopy of at least 57 % (eucalyptus) or 69 % (pine):
open woodland passes unseen.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from geo.evidence.ordered import medians
from geo.evidence.parameters import DEFAULTS, Parameters, Season
from geo.evidence.periods import YEAR_DAYS, in_season
from geo.evidence.series import Series
from geo.evidence.verdict import Verdict, cannot_tell, contradicts, supports

Floats = npt.NDArray[np.float64]
Whether = npt.NDArray[np.bool_]


def judge_open_before(
    series: Series | None,
    pre: Whether,
    planted: int,
    seasons: Sequence[Season],
    layer_share: float | None,
    parameters: Parameters = DEFAULTS,
) -> Verdict:
    """From the series' dates before planting and from a land-cover layer.

    pre : (t,) bool.   planted : ordinal day.   layer_share : weighted share of the claim that a layer of the last years
    before planting calls trees; None: no such layer
    """
    seen = forest_share(series, pre, seasons, parameters) if series is not None else None
    years = float(planted - series.days[pre].min()) / YEAR_DAYS if series is not None and pre.any() else 0.0
    numbers = {"layer_share": layer_share, "forest_share": seen, "years_seen": years}
    shares = [(layer_share, parameters.open_layer_share), (seen, parameters.open_share)]
    had = [(share, low) for share, low in shares if share is not None]
    forest = [share >= parameters.forest_share for share, _ in had]
    is_open = [share <= low for share, low in had]
    if not had:
        return cannot_tell("too few dates before planting in each season, and no land-cover layer", **numbers)
    if any(forest) and any(is_open):
        return cannot_tell("the land-cover layer and the scenes contradict each other", **numbers)
    if any(forest):
        return contradicts("trees stood here before planting", **numbers)
    if all(is_open):
        return supports("open land in all the years before planting that are covered", **numbers)
    return cannot_tell("partly trees before planting", **numbers)


def forest_share(
    series: Series, pre: Whether, seasons: Sequence[Season], parameters: Parameters = DEFAULTS
) -> float | None:
    """Share of the claim's weight that was green in the brown season; None: too few dates, or no season is brown."""
    if not pre.any() or not _has_brown_season(series, pre, parameters):
        return None
    values = series.ndvi[pre]
    seen = np.isfinite(values)
    enough = np.ones(values.shape[1], bool)
    for season in seasons:
        enough &= seen[in_season(series.days[pre], season)].sum(0) >= parameters.forest_dates
    if series.share[enough].sum() < parameters.known_weight * series.share.sum():
        return None
    known = values[:, enough]
    second_lowest = np.sort(known, axis=0)[1]  # NaN sort last
    green = (medians(known) >= parameters.forest_median) & (second_lowest >= parameters.forest_second_lowest)
    return float(series.share[enough][green].sum() / series.share[enough].sum())


def _has_brown_season(series: Series, pre: Whether, parameters: Parameters) -> bool:
    """Whether the brownest tenth of claim and candidates is brown in season before planting."""
    ndvi = series.means["ndvi"]
    around = np.column_stack([ndvi.claim, ndvi.blocks])[pre]
    around = around[:, np.isfinite(around).any(0)]
    if not around.shape[1]:
        return False
    return float(np.percentile(medians(around), 10)) < parameters.brown_season
