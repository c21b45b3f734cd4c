"""Is the claim greener than its like, and as much as the claimed trees would make it?

There is one treated unit; its neighbours share soil, grazing and haze. A bootstrap over pixels or dates cries wolf on
41–95 % of untouched land, because its noise is land, not sensor. The interval here comes from placebos: each control
block is treated as if it were the claim (Conley and Taber 2011, doi:10.1162/REST_a_00049; Ferman and Pinto 2019).
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtr, stdtrit

from geo.evidence.growth import expected_gain
from geo.evidence.ordered import medians, medians_of_others
from geo.evidence.parameters import DEFAULTS, Parameters
from geo.evidence.periods import YEAR_DAYS, Periods
from geo.evidence.series import Claimed
from geo.evidence.verdict import Verdict, cannot_tell, contradicts, supports

Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]
Whether = npt.NDArray[np.bool_]
Expected = Callable[[float, float], float | None]  # age in years, NDVI before → gain

TOO_SMALL = "too small"
NO_LIKE = "no comparable land"
TOO_FEW = "too few dates"
DIVERGING = "already diverging before planting"
GREENER = "greener than its like; cause unknown"
GAINED = "gain as the claimed trees would give"
NO_TREND = "no clear gain, and nothing says what to expect"
BELOW = "gain below half of what the claimed trees would give"
TOO_YOUNG = "too young"  # for satellites to see; send someone
TOO_NOISY = "too noisy"
IMPLAUSIBLE_FACTOR, IMPLAUSIBLE_MARGIN = 3.0, 0.10


@dataclass(frozen=True)
class Estimate:
    """A difference in differences with its placebo interval; NDVI units, age in years."""

    delta: float
    s: float
    nu: int
    interval: tuple[float, float]
    mde: float  # gain that would be found four times in five
    controls: int
    age: float
    ndvi_before: float
    expected_gain: float | None
    p_supports: float | None
    p_contradicts: float | None
    diverging: bool
    pre_dates: int
    post_dates: int

    @property
    def implausible(self) -> bool:
        gain = self.expected_gain
        return gain is not None and self.delta > IMPLAUSIBLE_FACTOR * gain + IMPLAUSIBLE_MARGIN

    def numbers(self) -> dict[str, Any]:
        return asdict(self) | {"implausible": self.implausible}


def control_median(blocks: Floats, parameters: Parameters = DEFAULTS) -> Floats:
    """(t,) median over the (t, k) blocks present, NaN where fewer than `blocks_at_a_date` are."""
    enough = np.isfinite(blocks).sum(1) >= parameters.blocks_at_a_date
    out = np.full(len(blocks), np.nan)
    if enough.any():
        out[enough] = medians(blocks[enough].T)
    return out


def estimate(
    claim: Floats, blocks: Floats, days: Days, when: Periods, planted: float, expected: Expected,
    parameters: Parameters = DEFAULTS,
) -> Estimate | tuple[int, int]:  # fmt: skip
    """Gain of the claim against the blocks.

    claim : (t,) NDVI, NaN where a date does not count.   blocks : (t, k).   days : (t,) ordinals.   planted : ordinal
    returns : the estimate, or how many dates there are before and after when those are too few
    """
    control = control_median(blocks, parameters)
    here = np.isfinite(control) & np.isfinite(claim)
    pre, post = when.pre & here, when.post & here
    if pre.sum() < parameters.pre_dates or post.sum() < parameters.post_dates:
        return int(pre.sum()), int(post.sum())
    apart, placebos = (claim - control)[:, None], np.full(blocks.shape, np.nan)
    placebos[here] = blocks[here] - medians_of_others(blocks[here])
    delta, s = float(_change(apart, pre, post)[0]), _spread(_change(placebos, pre, post), parameters)
    nu = max(3, math.floor(0.4 * (blocks.shape[1] - 1)))
    q, q80 = float(stdtrit(nu, 0.975)), float(stdtrit(nu, 0.80))
    age, before = (float(np.median(days[post])) - planted) / YEAR_DAYS, float(np.median(claim[pre]))
    mde, gain = (q + q80) * s, expected(age, before)
    return Estimate(
        delta, s, nu, (delta - q * s, delta + q * s), mde, blocks.shape[1], age, before, gain,
        p_supports=float(stdtr(nu, -delta / s)) if gain is not None and gain >= mde / 2 else None,
        p_contradicts=float(stdtr(nu, (delta - gain / 2) / s)) if gain is not None and mde <= gain else None,
        diverging=_diverging(apart, placebos, days, pre, q, parameters),
        pre_dates=int(pre.sum()), post_dates=int(post.sum()),
    )  # fmt: skip


def _change(apart: Floats, early: Whether, late: Whether) -> Floats:
    """Of each column: median of the late dates less that of the early ones."""
    return medians(apart[late]) - medians(apart[early])


def _spread(changes: Floats, parameters: Parameters) -> float:
    there = changes[np.isfinite(changes)]
    return max(parameters.least_spread, 1.4826 * float(np.median(np.abs(there - np.median(there)))))


def _diverging(apart: Floats, placebos: Floats, days: Days, pre: Whether, q: float, parameters: Parameters) -> bool:
    """Whether the claim left its like already in the second half of the time before planting."""
    middle = np.median(days[pre])
    early, late = pre & (days <= middle), pre & (days > middle)
    if min(early.sum(), late.sum()) < parameters.half_dates:
        return False
    return abs(float(_change(apart, early, late)[0])) > q * _spread(_change(placebos, early, late), parameters)


def expectation(claimed: Claimed) -> Expected:
    """What gain the claimed trees would give, by age and by how green it was before."""
    c = claimed
    return lambda age, before: expected_gain(c.kind, c.species, c.stems, c.measured_ha, age, before)


def judge_gain(found: Estimate, claimed: Claimed, parameters: Parameters = DEFAULTS) -> Verdict:
    """The verdict, the first that fits."""
    numbers, gain, (low, high) = found.numbers(), found.expected_gain, found.interval
    if found.diverging:
        return cannot_tell(DIVERGING, **numbers)
    if gain is None:
        greener = low > 0 and found.delta >= parameters.least_gain_unexplained and found.age >= 1
        return supports(GREENER, **numbers) if greener else cannot_tell(NO_TREND, **numbers)
    if found.mde <= gain and high < gain / 2:
        return contradicts(BELOW, **numbers)
    if low > 0 and found.delta >= max(parameters.least_gain, gain / 2) and gain >= found.mde / 2:
        return supports(GAINED, **numbers)
    if gain < found.mde / 2:
        return cannot_tell(TOO_YOUNG, **numbers, look_again_on=look_again(found, claimed))
    return cannot_tell(TOO_NOISY, **numbers)


LOOK_AHEAD_YEARS, LOOK_STEP_YEARS = 40, 0.25


def look_again(found: Estimate, claimed: Claimed) -> str | None:
    """The first day on which the claimed trees would stand out from noise such as today's; None: not in 40 years."""
    expected = expectation(claimed)
    for step in range(round(LOOK_AHEAD_YEARS / LOOK_STEP_YEARS)):
        age = step * LOOK_STEP_YEARS
        if (expected(age, found.ndvi_before) or 0.0) >= found.mde / 2:
            return date.fromordinal(claimed.planted + round(age * YEAR_DAYS)).isoformat()
    return None
