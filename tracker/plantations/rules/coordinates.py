"""Do the coordinates point to a place that can be meant?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.boundaries import WGS84
from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import REJECT, RuleLimits


class Limits(RuleLimits):
    from_zero_m: float = 1_000.0  # so near to 0, 0 nobody plants: it is where lost coordinates land; our choice


def ask(claims: Claims, limits: Limits) -> Asked:
    _there, _back, from_zero_m = WGS84.inv(np.zeros(len(claims.id)), np.zeros(len(claims.id)), claims.lon, claims.lat)
    wrong = (np.asarray(from_zero_m) <= limits.from_zero_m) | claims.swapped_fits
    return where(np.where(wrong, REJECT, 0), shows=claims.degrees, lon=claims.lon, lat=claims.lat)


RULE = ClaimRule(
    name="coordinates",
    question=_l("Do the coordinates point to a place that can be meant?"),
    limits=Limits(),
    ask=ask,
    message=_l("It lies at longitude {lon}, latitude {lat}: the two were exchanged, or lost"),
    advice=_l("Ask for the outline once more; a file that exchanges lon and lat does so for every claim in it."),
)
