"""Does the walk around the claim follow its outline?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import DOUBT, RuleLimits

NEAR_M = 15.0  # how far a track may lie from the outline that it drew; our choice


class Limits(RuleLimits):
    share_from: float = 0.80  # of the boundary's length; our choice


def ask(claims: Claims, limits: Limits) -> Asked:
    with np.errstate(invalid="ignore"):
        severity = np.where(claims.beside_track < limits.share_from, DOUBT, 0)
    return where(severity, shows=claims.off_track, share=claims.beside_track)


RULE = ClaimRule(
    name="track_mismatch",
    question=_l("Does the walk around the claim follow its outline?"),
    limits=Limits(),
    ask=ask,
    message=_l("Only {share:.0%} of the outline lies beside the walk that was recorded"),
    advice=_l("The track may be of another plot, or was broken off. Ask for the walk that belongs to this claim."),
)
