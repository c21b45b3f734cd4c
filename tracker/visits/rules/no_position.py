"""Does the visit say where it was made?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import DOUBT, Asked, Evidence, Rule, RuleLimits, where


def ask(visits: Evidence, limits: RuleLimits) -> Asked:
    return where(np.isnan(visits.lon))


RULE = Rule(
    name="no_position",
    question=_l("Does the visit say where it was made?"),
    severity=DOUBT,
    limits=RuleLimits(),
    ask=ask,
    message=_l("no position was recorded"),
    explanation=_l("Without a position nobody can tell whether the place was reached."),
    honest_causes=_l("Deep valleys, thick walls, or a phone whose location was switched off to save its battery."),
)
