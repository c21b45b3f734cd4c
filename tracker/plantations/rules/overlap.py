"""Does the claim share ground with another one?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, graded
from tracker.rule_limits import RuleLimits


class Limits(RuleLimits):
    above_ha: float = 0.01  # a strip along the border from two careful walks; our choice
    warn_above: float = 0.01  # overlap ÷ the smaller of the two; our choice, and the next two
    doubt_above: float = 0.05
    reject_from: float = 0.50


def ask(claims: Claims, limits: Limits) -> Asked:
    pairs = claims.pairs
    severity = graded(
        pairs.of_smaller,
        warn_above=limits.warn_above,
        doubt_above=limits.doubt_above,
        reject_from=limits.reject_from,
    )
    severity[pairs.overlap_ha <= limits.above_ha] = 0
    found = np.flatnonzero(severity)
    numbers = {"overlap_ha": pairs.overlap_ha[found], "share": pairs.of_smaller[found]}
    return Asked(pairs.claim[found], severity[found], numbers, pairs.shows[found], pairs.other_id[found])


RULE = ClaimRule(
    name="overlap",
    question=_l("Does the claim share ground with another one?"),
    limits=Limits(),
    ask=ask,
    message=_l("It shares {overlap_ha} ha with {other}, {share:.1%} of the smaller of the two"),
    advice=_l("Neighbours may have been measured carelessly; a large overlap is ground that would be paid for twice."),
)
