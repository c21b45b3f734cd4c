"""Was each of these visits made, or one of them copied?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.visits import copied_rows
from tracker.visits.rules.rule import REJECT, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    at_least: int = 5  # successive visits; our choice
    within_m: float = 5.0  # from one to the next; our choice: closer than doors are
    beat_s: float = 5.0  # gaps within this of their median; our choice: no household takes as long as the next


def ask(visits: Evidence, limits: Limits) -> Asked:
    counts = np.column_stack(list(visits.counts.values()))
    return where(
        copied_rows(
            visits.team,
            visits.at_us,
            visits.lon,
            visits.lat,
            counts,
            visits.usable,
            limits.at_least,
            limits.within_m,
            limits.beat_s,
        )
    )


RULE = Rule(
    name="copied",
    question=_l("Was each of these visits made, or one of them copied?"),
    severity=REJECT,
    limits=Limits(),
    ask=ask,
    message=_l("one of {at_least} or more visits in a row with the same numbers, on one spot, at an even beat"),
    explanation=_l(
        "Households differ; the same numbers at the same beat on one spot are one form saved again and again."
    ),
    honest_causes=_l(
        "A fault of the app that saved one form several times. Ask the team how many families there were."
    ),
)
