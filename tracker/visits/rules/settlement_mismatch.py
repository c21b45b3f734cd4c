"""Was the visit made in the settlement that the team named?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import DOUBT, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    beyond_m: float = 150.0  # metres beyond accuracy from the extent; our choice: villages outgrow their drawn extent


def ask(visits: Evidence, limits: Limits) -> Asked:
    """A visit that names a settlement counts there, wherever it was made."""
    far = (visits.declared >= 0) & (visits.away_m > limits.beyond_m + visits.slack_m)
    return where(far, away_m=np.round(visits.away_m))


RULE = Rule(
    name="settlement_mismatch",
    question=_l("Was the visit made in the settlement that the team named?"),
    severity=DOUBT,
    limits=Limits(),
    ask=ask,
    message=_l("{away_m} m outside the settlement named; up to {beyond_m} m plus the phone's accuracy is normal"),
    explanation=_l("A form filled in elsewhere counts children in a place that nobody may have reached."),
    honest_causes=_l("The village has outgrown its drawn extent, or the neighbour in the list was tapped. Ask first."),
)
