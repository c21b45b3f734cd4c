"""Is the claim of a size that one plantation can have?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import DOUBT, RuleLimits


class Limits(RuleLimits):
    from_ha: float = 0.05  # our choice: below it, an outline says little
    up_to_ha: float = 1_000.0  # as restoration platforms check


def ask(claims: Claims, limits: Limits) -> Asked:
    odd = (claims.measured_ha < limits.from_ha) | (claims.measured_ha > limits.up_to_ha)
    return where(np.where(odd, DOUBT, 0), shows=claims.degrees, measured_ha=claims.measured_ha)


RULE = ClaimRule(
    name="size",
    question=_l("Is the claim of a size that one plantation can have?"),
    limits=Limits(),
    ask=ask,
    message=_l("It measures {measured_ha} ha; {from_ha} to {up_to_ha} ha are usual"),
    advice=_l("Large work is claimed site by site, so that each can be checked; a tiny outline may be a slip."),
)
