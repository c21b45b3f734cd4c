"""Was it planted at a time at which this campaign plants?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import DOUBT, REJECT, WARN, RuleLimits

PLANTING_MONTHS = (2, 3, 7, 8, 9)  # spring and monsoon planting


class Limits(RuleLimits):
    years_before: int = 2  # the campaign's start; as restoration platforms check
    years_after: int = 3


def ask(claims: Claims, limits: Limits) -> Asked:
    planted, starts = claims.planted_on, np.datetime64(claims.starts_on)
    months = planted.astype("datetime64[M]")
    with np.errstate(invalid="ignore"):
        month = np.where(np.isnat(planted), 2, months.astype(int) % 12 + 1)
    severity = np.where(np.isin(month, PLANTING_MONTHS), 0, WARN)
    too_early = planted < _years_later(starts, -limits.years_before)
    severity[too_early | (planted > _years_later(starts, limits.years_after))] = DOUBT
    severity[planted > np.datetime64(claims.as_of)] = REJECT
    return where(severity, planted_on=np.datetime_as_string(planted).astype(object))


def _years_later(day: np.datetime64, years: int) -> np.datetime64:
    """The same day of another year; 29 February becomes 1 March."""
    month = day.astype("datetime64[M]")
    return np.datetime64((month + 12 * years).astype("datetime64[D]") + (day - month.astype("datetime64[D]")))


RULE = ClaimRule(
    name="planting_date",
    question=_l("Was it planted at a time at which this campaign plants?"),
    limits=Limits(),
    ask=ask,
    message=_l("Planted on {planted_on}: in the future, long before or after the campaign began, or out of season"),
    advice=_l("Day and month exchanged do this. Late planting seldom survives its first dry season."),
)
