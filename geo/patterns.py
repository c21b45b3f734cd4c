"""Is a team's day unlike real work? Figures of team-days, and how unlikely they are beside the round's other days.

A test of significance, never proof. Three signs, each with its own p-value: the last digits of positions, gaps
between visits that are too regular, and not one missed child where the neighbours miss some. Combined by Bonferroni,
judged over the round by Benjamini–Hochberg.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.integer]
Whether = npt.NDArray[np.bool_]

SIGNS = 3
DIGITS = 10
DIGITS_FREEDOM = 2 * (DIGITS - 1)
LEAST_POSITIONS = 20  # fewer leave under two for each digit, where χ² says little
LEAST_GAPS = 10
LEAST_DAYS = 20  # with fewer team-days in the round their own spread says little
USUAL_LOG_VARIATION = (float(np.log(0.6)), 0.35)  # centre and spread of log(CV) of gaps then (our choice, cautious)
LEAST_SPREAD = 0.15  # of log(CV): a round whose days are all alike is no proof that real days are
USUAL_LIKENESS = (
    0.1  # of missed children within a team-day, where the round is too small to tell (our choice, cautious)
)
LEAST_CHILDREN = 100  # of the neighbours, for their share of missed children to say something


@dataclass(frozen=True)
class TeamDays:
    """One entry per team-day of a round: its own figures, which depend on no other day."""

    visits: Whole  # first visits
    digit_chi2: Floats  # χ² of the 5th decimals of lon and lat, 18 degrees of freedom; NaN: too few positions
    gap_variation: Floats  # coefficient of variation of the gaps between visits; NaN: too few
    eligible: Whole  # children
    missed: Whole


def digit_chi2(lon: Floats, lat: Floats, group: Whole, groups: int) -> Floats:
    """χ² of the 5th decimals against equal shares of the ten digits, both axes together, per group: (groups,).

    NaN positions count nowhere; NaN below LEAST_POSITIONS. Equal to what is printed with 7 decimals, as phones do.
    """
    there = ~np.isnan(lon)
    of, total = group[there], np.zeros(groups)
    n = np.bincount(of, minlength=groups)
    for values in (lon[there], lat[there]):
        digit = np.rint(np.abs(values) * 1e7).astype(np.int64) // 100 % 10
        seen = np.bincount(of * DIGITS + digit, minlength=groups * DIGITS).reshape(groups, DIGITS)
        total += (seen.astype(float) ** 2).sum(axis=1) * DIGITS / np.maximum(n, 1) - n
    return np.where(n >= LEAST_POSITIONS, total, np.nan)


def gap_variation(at_us: Whole, group: Whole, groups: int) -> Floats:
    """Standard deviation ÷ mean of the gaps between successive visits of each group: (groups,).

    Visits sorted by group, then time. NaN below LEAST_GAPS gaps, or when no time passes.
    """
    same = group[1:] == group[:-1]
    gap_s, of = np.diff(at_us)[same] / 1e6, group[1:][same]
    n = np.bincount(of, minlength=groups).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(of, gap_s, groups) / n
        spread = np.sqrt(np.bincount(of, (gap_s - mean[of]) ** 2, groups) / n)
        variation = spread / mean
    return np.where((n >= LEAST_GAPS) & (mean > 0), variation, np.nan)


def p_values(days: TeamDays, neighbours_eligible: Whole, neighbours_missed: Whole, miss_rate_above: float) -> Floats:
    """How unlikely each day is in real work: (n,) 0…1, the smallest of the three p-values times three.

    neighbours_eligible, neighbours_missed : (n,) children of the neighbouring teams' days, all of the round
    """
    signs = [
        _p_of_digits(days.digit_chi2),
        _p_of_regular_gaps(days.gap_variation),
        _p_of_nobody_missed(days, neighbours_eligible, neighbours_missed, miss_rate_above),
    ]
    return np.asarray(np.minimum(1.0, SIGNS * np.fmin.reduce(signs, initial=1.0)))


def significant(p: Floats, level: float) -> Whether:
    """Benjamini–Hochberg: which p-values stand when the expected share of false ones among them is to be below `level`.

    source : Benjamini & Hochberg 1995, J. R. Stat. Soc. B 57, 289–300
    """
    order = np.sort(p)
    passing = np.flatnonzero(order < level * np.arange(1, len(p) + 1) / max(len(p), 1))
    return p <= order[passing[-1]] if len(passing) else np.zeros(len(p), bool)


def _p_of_digits(chi2: Floats) -> Floats:
    return np.asarray(special.chdtrc(DIGITS_FREEDOM, chi2))


def _p_of_regular_gaps(variation: Floats) -> Floats:
    """How far below the round's usual spread of gaps, on a log scale, against median and median absolute deviation."""
    log = np.log(np.maximum(variation, 1e-6))
    known = log[~np.isnan(log)]
    centre, spread = USUAL_LOG_VARIATION
    if len(known) >= LEAST_DAYS:
        centre = float(np.median(known))
        spread = max(LEAST_SPREAD, 1.4826 * float(np.median(np.abs(known - centre))))
    return np.asarray(special.ndtr((log - centre) / spread))


def _p_of_nobody_missed(days: TeamDays, eligible: Whole, missed: Whole, miss_rate_above: float) -> Floats:
    """Chance that nobody is missed among so many at the neighbours' rate; only where they miss more than
    `miss_rate_above`.

    Missed children come together (a refusing street, a closed school), so that whole days without one are less rare
    than for lone children: beta-binomial, with the likeness of children of one day as the round shows it.
    """
    rate = missed / np.maximum(eligible, 1)
    applies = (days.missed == 0) & (days.eligible > 0) & (eligible >= LEAST_CHILDREN) & (rate > miss_rate_above)
    p = np.full(len(rate), np.nan)
    together = 1 / _likeness(days.eligible, days.missed) - 1
    a, b, n = rate[applies] * together, (1 - rate[applies]) * together, days.eligible[applies]
    p[applies] = np.exp(special.betaln(a, b + n) - special.betaln(a, b))
    return p


def _likeness(eligible: Whole, missed: Whole) -> float:
    """Correlation of being missed between two children of one team-day, by the analysis of variance over the round.

    source : Ridout, Demétrio & Firth 1999, Biometrics 55, 137–148 (the ANOVA estimator)
    """
    some = eligible > 0
    n, x = eligible[some].astype(float), missed[some].astype(float)
    days, children = len(n), n.sum()
    if days < LEAST_DAYS or children <= days:
        return USUAL_LIKENESS
    within = (x - x**2 / n).sum() / (children - days)
    between = ((x**2 / n).sum() - x.sum() ** 2 / children) / (days - 1)
    size = (children - (n**2).sum() / children) / (days - 1)
    if between + (size - 1) * within <= 0:
        return USUAL_LIKENESS
    return float(np.clip((between - within) / (between + (size - 1) * within), 0.005, 0.5))
