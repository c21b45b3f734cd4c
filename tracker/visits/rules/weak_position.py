"""Is the position exact enough to say anything?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import DOUBT, WARN, Asked, Evidence, Rule, RuleLimits


class Limits(RuleLimits):
    warn_above_m: float = 50.0  # accuracy in metres; our choice: the next house is nearer than that
    doubt_above_m: float = 500.0  # then the position serves no other check; our choice: a phone mast's guess


def ask(visits: Evidence, limits: Limits) -> Asked:
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero(visits.accuracy_m > limits.warn_above_m)
    severity = np.where(visits.accuracy_m[rows] > limits.doubt_above_m, DOUBT, WARN)
    return Asked(rows, {"accuracy_m": np.round(visits.accuracy_m[rows])}, severity)


RULE = Rule(
    name="weak_position",
    question=_l("Is the position exact enough to say anything?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("the position is only good to {accuracy_m} m; up to {warn_above_m} m is normal"),
    explanation=_l(
        "A position that is wrong by hundreds of metres fits every house of the village and the next one too."
    ),
    honest_causes=_l("The phone was just switched on, or stood indoors. A minute outside would have helped."),
)
