"""Is a team's day unlike real work? Figures of team-days, and how unlikely they are beside the round's other days.

A test of significance, never proof. Three signs, each with its own p-value: the last digits of positions, gaps between visits that are
too regular, and not one missed child where the neighbours miss some. Combined by Bonferroni, judged over the round by
Benjamini–Hochberg.
"""
from dataclasses import dataclass

import numpy as np
from scipy import stats

DIGITS = 10
FEW_DAYS = 20               # with fewer team-days their own spread says little
USUAL_LOG_VARIATION = (np.log(0.6), 0.35)   # centre and spread of log(CV) of gaps then (our choice, cautious)


@dataclass(frozen=True)
class TeamDays:
    """One entry per team-day of a round."""

    visits: np.ndarray          # first visits
    digits: np.ndarray          # (n, 20): how often 0…9 is the 5th decimal of lon, then of lat
    gap_variation: np.ndarray   # coefficient of variation of the gaps between visits; NaN: too few
    eligible: np.ndarray        # children
    missed: np.ndarray
    neighbourhood: np.ndarray   # days with the same number are neighbours


def fifth_decimals(lon: np.ndarray, lat: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """How often each digit is the 5th decimal, per group: (groups, 20) whole numbers; NaN positions count nowhere."""
    counts = np.zeros((groups, 2 * DIGITS), np.int64)
    for offset, values in ((0, lon), (DIGITS, lat)):
        there = ~np.isnan(values)
        digit = np.floor(np.round(np.abs(values[there]) * 1e7) / 100).astype(np.int64) % 10
        np.add.at(counts, (group[there], offset + digit), 1)
    return counts


def gap_variation(at_s: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Standard deviation ÷ mean of the gaps between successive visits of each group; NaN below 10 gaps. Sorted by group, then time."""
    same = group[1:] == group[:-1]
    gap, of = np.diff(at_s)[same], group[1:][same]
    n = np.bincount(of, minlength=groups).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(of, gap, groups) / n
        variance = np.bincount(of, gap**2, groups) / n - mean**2
        variation = np.sqrt(np.maximum(variance, 0)) / mean
    return np.where((n >= 10) & (mean > 0), variation, np.nan)


def p_values(days: TeamDays, miss_rate_above: float) -> np.ndarray:
    """How unlikely each day is in real work: (n,) 0…1, the smallest of three p-values times three."""
    signs = np.column_stack([_p_of_digits(days.digits), _p_of_regular_gaps(days.gap_variation), _p_of_nobody_missed(days, miss_rate_above)])
    return np.minimum(1.0, 3 * np.nanmin(np.column_stack([signs, np.ones(len(signs))]), axis=1))


def significant(p: np.ndarray, level: float) -> np.ndarray:
    """Benjamini–Hochberg: which p-values stand when the expected share of false ones among them is at most `level`.

    source : Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289–300
    """
    if not len(p):
        return np.zeros(0, bool)
    order = np.sort(p)
    passing = np.flatnonzero(order <= level * np.arange(1, len(p) + 1) / len(p))
    return p <= order[passing[-1]] if len(passing) else np.zeros(len(p), bool)


def _p_of_digits(digits: np.ndarray) -> np.ndarray:
    """χ² of the digits against equal shares, both axes together: 18 degrees of freedom."""
    total, freedom = np.zeros(len(digits)), np.zeros(len(digits))
    for part in (digits[:, :DIGITS], digits[:, DIGITS:]):
        n = part.sum(axis=1)
        expected = np.maximum(n, 1)[:, None] / DIGITS
        total += np.where(n > 0, ((part - expected) ** 2 / expected).sum(axis=1), 0)
        freedom += np.where(n > 0, DIGITS - 1, 0)
    return np.where(freedom > 0, stats.chi2.sf(total, np.maximum(freedom, 1)), np.nan)


def _p_of_regular_gaps(variation: np.ndarray) -> np.ndarray:
    """How far below the round's usual spread of gaps, on a log scale, against median and median absolute deviation."""
    log = np.log(np.maximum(variation, 1e-6))
    known = log[~np.isnan(log)]
    if len(known) >= FEW_DAYS:
        centre = np.median(known)
        spread = max(0.15, 1.4826 * np.median(np.abs(known - centre)))
    else:
        centre, spread = USUAL_LOG_VARIATION
    return np.asarray(stats.norm.cdf((log - centre) / spread))


def _p_of_nobody_missed(days: TeamDays, miss_rate_above: float) -> np.ndarray:
    """Chance of missing nobody at the rate of the neighbours' days; only where they miss more than `miss_rate_above`."""
    _, place = np.unique(days.neighbourhood, return_inverse=True)
    eligible = np.bincount(place, days.eligible)[place] - days.eligible
    missed = np.bincount(place, days.missed)[place] - days.missed
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = missed / eligible
    applies = (days.missed == 0) & (rate > miss_rate_above) & (eligible >= 100)
    return np.where(applies, (1 - np.where(applies, rate, 0)) ** days.eligible, np.nan)
