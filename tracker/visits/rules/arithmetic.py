"""Do the numbers of the household add up?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import REJECT, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    most_eligible: int = 30  # children under five of one household; our choice: more is a list, not a household


def ask(visits: Evidence, limits: Limits) -> Asked:
    c = {name: count.astype(np.int64) for name, count in visits.counts.items()}  # sums of whatever a phone can send
    told = c["vaccinated"] + c["absent"] + c["refused"] + c["other_missed"]
    given = c["vaccinated"] + c["guests_vaccinated"]
    too_many = (c["children_eligible"] > limits.most_eligible) | (c["zero_dose"] > given) | (c["finger_marked"] > given)
    return where(
        (told != c["children_eligible"]) | (too_many & ~visits.post),
        eligible=c["children_eligible"],
        told=told,
        given=given,
    )


RULE = Rule(
    name="arithmetic",
    question=_l("Do the numbers of the household add up?"),
    severity=REJECT,
    limits=Limits(),
    ask=ask,
    message=_l(
        "{eligible} children, {told} accounted for, {given} given drops; the sums must agree and {most_eligible} "
        "is the most for a household"
    ),
    explanation=_l("Numbers that contradict each other cannot be counted, whatever was meant."),
    honest_causes=_l("A slip of the finger. Send a correction; the visit counts as soon as it adds up."),
)
