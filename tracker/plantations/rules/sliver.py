"""Is the claim wide enough to be a plantation?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.claims.shapes import compactness, mean_width_m
from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import DOUBT, RuleLimits


class Limits(RuleLimits):
    width_below_m: float = 5.0  # our choice: of 186 walked plots the 5th percentile is 19 m
    compactness_below: float = 0.05  # our choice: of 186 walked plots the 1st percentile is 0.17


def ask(claims: Claims, limits: Limits) -> Asked:
    width, compact = mean_width_m(claims.metres), compactness(claims.metres)
    thin = (width < limits.width_below_m) | (compact < limits.compactness_below)
    return where(np.where(thin, DOUBT, 0), shows=claims.degrees, width_m=width, compactness=compact)


RULE = ClaimRule(
    name="sliver",
    question=_l("Is the claim wide enough to be a plantation?"),
    limits=Limits(),
    ask=ask,
    message=_l("It is {width_m} m wide on average"),
    advice=_l("A row of trees along a road is a claim of the kind linear; otherwise the outline is a left-over piece."),
)
