"""Was the same ground claimed twice?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims
from tracker.rule_limits import REJECT, RuleLimits


class Limits(RuleLimits):
    same_from: float = 0.98  # intersection ÷ union; our choice: two walks around one plot differ by more


def ask(claims: Claims, limits: Limits) -> Asked:
    same = np.flatnonzero(claims.pairs.of_union >= limits.same_from)
    pairs = claims.pairs
    numbers = {"of_union": pairs.of_union[same], "overlap_ha": pairs.overlap_ha[same]}
    return Asked(pairs.claim[same], np.full(len(same), REJECT), numbers, pairs.shows[same], pairs.other_id[same])


RULE = ClaimRule(
    name="duplicate_geometry",
    question=_l("Was the same ground claimed twice?"),
    limits=Limits(),
    ask=ask,
    message=_l("It is the same ground as {other}: they share {of_union:.1%}"),
    advice=_l("One of the two should be withdrawn. A replanting is a new version of the claim, not a new claim."),
)
