"""Are there as many trees as so much ground can hold?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import REJECT, WARN, RuleLimits


class Limits(RuleLimits):
    warn_below: float = 200.0  # stems per measured hectare; our choice: the norm is 1,075
    warn_above: float = 2_500.0  # our choice: 2 × 2 m
    reject_above: float = 10_000.0  # our choice: 1 × 1 m


def ask(claims: Claims, limits: Limits) -> Asked:
    with np.errstate(invalid="ignore"):
        per_ha = claims.stems / claims.measured_ha
        severity = np.where((per_ha < limits.warn_below) | (per_ha > limits.warn_above), WARN, 0)
        severity[per_ha > limits.reject_above] = REJECT
    return where(severity, shows=claims.degrees, stems=claims.stems, per_ha=per_ha)


RULE = ClaimRule(
    name="density",
    question=_l("Are there as many trees as so much ground can hold?"),
    limits=Limits(),
    ask=ask,
    message=_l("{stems} stems are {per_ha} a hectare; {warn_below} to {warn_above} are usual"),
    advice=_l("Nurseries stand denser and scattered fruit trees thinner; else the area or the number is wrong."),
)
