"""Was the position measured, or written down by hand?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    decimals: int = 3  # both coordinates end there: 100 m; our choice


def ask(visits: Evidence, limits: Limits) -> Asked:
    ends = _ends_at(visits.lon, limits.decimals) & _ends_at(visits.lat, limits.decimals)
    return where(visits.usable & ends)


def _ends_at(degrees: np.ndarray, decimals: int) -> np.ndarray:
    """Whether each number is the one nearest to some decimal number of so few places, as if read from such a text."""
    steps = 10.0**decimals
    return np.asarray(np.rint(degrees * steps) / steps == degrees)


RULE = Rule(
    name="rounded_position",
    question=_l("Was the position measured, or written down by hand?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("both coordinates end at {decimals} decimals or fewer"),
    explanation=_l("Phones give seven decimals; three are a village, not a door."),
    honest_causes=_l("A privacy setting of the phone, or a spreadsheet that cut the numbers."),
)
