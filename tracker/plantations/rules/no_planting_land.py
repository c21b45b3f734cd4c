"""Is the ground such that trees can be planted on it?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, graded
from tracker.rule_limits import RuleLimits


class Limits(RuleLimits):
    warn_above: float = 0.02  # share on a layer; our choice, and the next two
    doubt_above: float = 0.10
    reject_above: float = 0.50


def ask(claims: Claims, limits: Limits) -> Asked:
    land = claims.on_land
    severity = graded(
        land.share,
        warn_above=limits.warn_above,
        doubt_above=limits.doubt_above,
        reject_above=limits.reject_above,
    )
    on_fields = np.array([claims.kind[row] == "farm_forestry" for row in land.claim], dtype=bool)
    severity[(land.kind == "cropland") & on_fields] = 0
    found = np.flatnonzero(severity)
    numbers = {"land": land.kind[found], "share": land.share[found]}
    return Asked(land.claim[found], severity[found], numbers, land.shows[found])


RULE = ClaimRule(
    name="no_planting_land",
    question=_l("Can trees be planted on this ground?"),
    limits=Limits(),
    ask=ask,
    message=_l("{share:.1%} of it lies on {land}"),
    advice=_l("Rivers move and maps grow old: look at a recent image before you decide."),
)
