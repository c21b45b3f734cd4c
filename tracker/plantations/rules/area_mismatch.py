"""Is the area as large as was claimed?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import DOUBT, REJECT, WARN, RuleLimits


class Limits(RuleLimits):
    warn_below: float = 0.90  # claimed ÷ measured; our choice
    warn_above: float = 1.10  # our choice
    doubt_below: float = 0.75  # ± 25 % is what payments by result allow
    doubt_above: float = 1.25
    reject_from: float = 2.0  # our choice


def ask(claims: Claims, limits: Limits) -> Asked:
    with np.errstate(invalid="ignore"):
        ratio = claims.claimed_ha / claims.measured_ha
        severity = np.where((ratio < limits.warn_below) | (ratio > limits.warn_above), WARN, 0)
        severity[(ratio < limits.doubt_below) | (ratio > limits.doubt_above)] = DOUBT
        severity[ratio >= limits.reject_from] = REJECT
    numbers = {"claimed_ha": claims.claimed_ha, "measured_ha": claims.measured_ha, "ratio": ratio}
    return where(severity, shows=claims.degrees, **numbers)


RULE = ClaimRule(
    name="area_mismatch",
    question=_l("Is the area as large as was claimed?"),
    limits=Limits(),
    ask=ask,
    message=_l("Claimed are {claimed_ha} ha, the outline measures {measured_ha} ha"),
    advice=_l("Slopes, unplanted gaps and another unit (1 acre is 0.40 ha) explain some; payment follows the measure."),
)
