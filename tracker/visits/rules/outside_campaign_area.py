"""Was the visit made within the campaign's areas?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import REJECT, Asked, Evidence, Rule, RuleLimits


class Limits(RuleLimits):
    beyond_m: float = 100.0  # metres beyond accuracy; our choice: drawn borders are rarely better than that


def ask(visits: Evidence, limits: Limits) -> Asked:
    """Most visits are cleared by their settlement, whose distance from the edge is known; the rest is measured
    exactly.
    """
    placed = np.flatnonzero(visits.place >= 0)
    unknown = visits.usable.copy()
    unknown[placed[visits.from_centre_m[placed] < visits.inside_m[visits.place[placed]]]] = False
    open_ = np.flatnonzero(unknown)
    allowed_m = limits.beyond_m + visits.slack_m[open_]
    away_m = visits.ground.metres_outside(visits.lon[open_], visits.lat[open_], allowed_m)
    far = away_m > allowed_m
    return Asked(open_[far], {"away_m": np.round(away_m[far])})


RULE = Rule(
    name="outside_campaign_area",
    question=_l("Was the visit made within the campaign's areas?"),
    severity=REJECT,
    limits=Limits(),
    ask=ask,
    message=_l("{away_m} m outside the campaign's areas; up to {beyond_m} m plus the phone's accuracy is normal"),
    explanation=_l("A position far outside the round's areas cannot belong to a household of this round."),
    honest_causes=_l(
        "The phone kept an old position, or its location was switched on only later. Ask when and where the form "
        "was filled in."
    ),
)
