"""The five questions about one claim, asked of the series that shows it best."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from geo.evidence.blocks import matching
from geo.evidence.gain import NO_LIKE, TOO_FEW, TOO_SMALL, control_median, estimate, expectation, judge_gain
from geo.evidence.kept import judge_kept
from geo.evidence.looking import ClaimFrames
from geo.evidence.open_before import judge_open_before
from geo.evidence.parameters import Parameters
from geo.evidence.periods import YEAR_DAYS, Periods, periods, seasons_for
from geo.evidence.plantable import judge_plantable
from geo.evidence.prepared import judge_prepared
from geo.evidence.series import Claimed, Series
from geo.evidence.verdict import QUESTIONS, Verdict, cannot_tell

Floats = npt.NDArray[np.float64]

GAIN_NUMBERS = ("delta", "s", "interval", "mde", "expected_gain", "controls", "age", "p_supports", "p_contradicts")
NOT_TOLD = dict.fromkeys(GAIN_NUMBERS)  # when it cannot be computed
NO_DATE = "no planting date is claimed"
NO_SCENES = "too few dates: no usable scene shows the whole of it"


@dataclass(frozen=True)
class Layers:
    """What loaded layers say of the claim's ground; None: no such layer is loaded."""

    tree_share: float | None = None  # weighted share under trees, dated within the years before planting
    tree_layer: str | None = None  # the map that says so
    built_share: float | None = None


@dataclass(frozen=True)
class Answers:
    """Verdicts by question, and what a page draws beside them."""

    verdicts: dict[str, Verdict]
    kept_blocks: npt.NDArray[np.intp]  # columns of the series' candidates; empty: none
    when: Periods


def ask_all(
    series: Series, frames: ClaimFrames, claimed: Claimed, as_of: date, layers: Layers, parameters: Parameters
) -> Answers:
    """Every question; the same answers for the same series, whatever machine asks."""
    seasons = seasons_for([name for name, _ in claimed.species], parameters)
    counts = series.counting(parameters) & series.snow_free(parameters)
    when = periods(series.days, counts, claimed.planted_on, as_of, seasons, parameters)
    age = (as_of - claimed.planted_on).days / YEAR_DAYS
    small = _too_small(frames, parameters)
    if small is not None:
        return Answers(dict.fromkeys(QUESTIONS, small) | {"gain": _untold(small)}, np.empty(0, np.intp), when)
    ndvi = series.means["ndvi"]
    claim = np.where(counts, ndvi.claim, np.nan)
    kept = matching(claim, ndvi.blocks, series.shifts, when, parameters)
    told = layers.tree_share
    verdicts = {
        "open_before": judge_open_before(series, when.pre, claimed.planted, seasons, told, parameters),
        "plantable": judge_plantable(series, layers.built_share, age, parameters),
    }
    alone = _nothing_like_it(kept, when, parameters)
    if alone is not None:
        against = {"gain": _untold(alone), "prepared": alone, "kept": alone}
        return Answers(verdicts | against, kept[:0], when)
    against = {
        "gain": _gain(series, claim, kept, when, claimed, parameters),
        "prepared": judge_prepared(series, kept, when.pre, claimed.planted, parameters),
        "kept": judge_kept(series, kept, claimed.planted, as_of.toordinal(), parameters),
    }
    return Answers(verdicts | against, kept, when)


def ask_without_scenes(why: str, layers: Layers, parameters: Parameters) -> dict[str, Verdict]:
    """The answers when nothing can be seen; a land-cover layer may still speak."""
    verdicts = dict.fromkeys(QUESTIONS, cannot_tell(why)) | {"gain": _untold(cannot_tell(why))}
    if layers.tree_share is not None:
        verdicts["open_before"] = judge_open_before(None, np.empty(0, bool), 0, (), layers.tree_share, parameters)
    return verdicts


def _too_small(frames: ClaimFrames, parameters: Parameters) -> Verdict | None:
    if frames.fine is None:
        return cannot_tell(TOO_SMALL, full_pixels=0, lost_share=1.0)
    weights = frames.fine.weights
    if not weights.too_small(parameters):
        return None
    return cannot_tell(TOO_SMALL, full_pixels=weights.full, lost_share=weights.lost)


def _nothing_like_it(kept: npt.NDArray[np.intp], when: Periods, parameters: Parameters) -> Verdict | None:
    """Why there is no control land; None: there is."""
    if len(kept) >= parameters.blocks_needed:
        return None
    pre, post = int(when.pre.sum()), int(when.post.sum())
    few = pre < parameters.pre_dates or post < parameters.post_dates
    return cannot_tell(TOO_FEW if few else NO_LIKE, controls=len(kept), pre_dates=pre, post_dates=post)


def _gain(
    series: Series, claim: Floats, kept: npt.NDArray[np.intp], when: Periods, claimed: Claimed, parameters: Parameters
) -> Verdict:
    blocks = series.means["ndvi"].blocks[:, kept]
    found = estimate(claim, blocks, series.days, when, claimed.planted, expectation(claimed), parameters)
    if isinstance(found, tuple):
        return _untold(cannot_tell(TOO_FEW, controls=len(kept), pre_dates=found[0], post_dates=found[1]))
    return judge_gain(found, claimed, parameters)


def _untold(verdict: Verdict) -> Verdict:
    """With all numbers of `gain`, None where there is none."""
    return Verdict(verdict.verdict, verdict.reason, NOT_TOLD | verdict.numbers)


def control_of(series: Series, index: str, kept: npt.NDArray[np.intp], parameters: Parameters) -> Floats:
    """(t,) what the control land showed; NaN where too few blocks are seen, or none were kept."""
    if not len(kept) or index not in series.means:
        return np.full(len(series.days), np.nan)
    return control_median(series.means[index].blocks[:, kept], parameters)
