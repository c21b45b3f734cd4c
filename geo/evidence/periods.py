"""Which dates count for a claim: in season, before planting, after it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from geo.evidence.parameters import Parameters, Season

Days = npt.NDArray[np.int64]
Whether = npt.NDArray[np.bool_]

YEAR_DAYS = 365.25


@dataclass(frozen=True)
class Periods:
    """(n,) bool each, of the dates of a series."""

    pre: Whether
    post: Whether


def in_season(days: Days, season: Season) -> Whether:
    """Whether each day (proleptic ordinal) lies between two (month, day), both of them included."""
    month_days = [(d.month, d.day) for d in map(date.fromordinal, map(int, days))]
    return np.array([season[0] <= at <= season[1] for at in month_days], bool)


def seasons_for(species: Sequence[str], parameters: Parameters) -> tuple[Season, ...]:
    """The seasons in which these trees can be told from grass: of deciduous ones the second alone."""
    bare = any(known in name.casefold() for name in species for known in parameters.deciduous)
    return parameters.seasons[1:] if bare else parameters.seasons


def periods(
    days: Days, counts: Whether, planted_on: date, as_of: date, seasons: Sequence[Season], parameters: Parameters
) -> Periods:
    """Dates before planting and long after it, in season.

    days : (n,) proleptic ordinals.   counts : (n,) bool, whether enough of claim and surroundings is seen, without snow
    """
    planted, end = planted_on.toordinal(), as_of.toordinal()
    seasonal = counts & np.logical_or.reduce([in_season(days, season) for season in seasons])
    first_post = max(planted + parameters.post_after_days, end - parameters.post_days)
    return Periods(
        pre=seasonal & (days >= planted - parameters.pre_days) & (days < planted - parameters.pre_ends_days),
        post=seasonal & (days >= first_post) & (days <= end),
    )
