"""Does the claim lie in the campaign's areas?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, graded
from tracker.rule_limits import RuleLimits


class Limits(RuleLimits):
    warn_above: float = 0.01  # share outside; our choice
    reject_above: float = 0.25  # restoration platforms ask for 75 % inside


def ask(claims: Claims, limits: Limits) -> Asked:
    outside = claims.outside
    severity = graded(outside.share, warn_above=limits.warn_above, reject_above=limits.reject_above)
    found = np.flatnonzero(severity)
    return Asked(outside.claim[found], severity[found], {"share": outside.share[found]}, outside.shows[found])


RULE = ClaimRule(
    name="outside_area",
    question=_l("Does the claim lie in the campaign's areas?"),
    limits=Limits(),
    ask=ask,
    message=_l("{share:.1%} of it lies outside the campaign's areas"),
    advice=_l("Boundaries on maps are uncertain by some metres; more than that belongs to another campaign."),
)
