"""Were several households really visited on one and the same spot?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.visits import stacked
from tracker.visits.rules.rule import DOUBT, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    more_than: int = 6  # first visits; our choice: a courtyard of brothers holds that many doors
    within_m: float = 15.0  # our choice: about what a phone can tell apart
    within_s: float = 7200.0  # our choice


def ask(visits: Evidence, limits: Limits) -> Asked:
    counted = visits.first & visits.usable & ~visits.post
    placed = np.flatnonzero(visits.place >= 0)
    counted[placed[visits.compound[visits.place[placed]]]] = False
    return where(
        stacked(
            visits.team,
            visits.at_us,
            visits.lon,
            visits.lat,
            counted,
            limits.more_than,
            limits.within_m,
            limits.within_s,
        )
    )


RULE = Rule(
    name="stacked",
    question=_l("Were several households really visited on one and the same spot?"),
    severity=DOUBT,
    limits=Limits(),
    ask=ask,
    message=_l("one of more than {more_than} first visits within {within_m} m and two hours"),
    explanation=_l("Forms filled in one after the other under one tree look like this."),
    honest_causes=_l(
        "A large compound or a block of flats: mark the place as a compound. Or families came to the team."
    ),
)
