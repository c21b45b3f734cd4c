"""Could the team have come here from its last visit in that time?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.visits import impossible_speed
from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, RuleLimits


class Limits(RuleLimits):
    over_m: float = 500.0  # metres beyond both accuracies; our choice: below that a jump is the phone's
    over_kmh: float = 60.0  # our choice: faster than a motorcycle on these roads


def ask(visits: Evidence, limits: Limits) -> Asked:
    asked, metres, kmh = impossible_speed(
        visits.team,
        visits.at_us,
        visits.lon,
        visits.lat,
        visits.slack_m,
        visits.usable,
        limits.over_m,
        limits.over_kmh,
    )
    rows = np.flatnonzero(asked)
    return Asked(rows, {"away_m": np.round(metres[rows]), "kmh": np.minimum(np.round(kmh[rows]), 99_999)})


RULE = Rule(
    name="impossible_speed",
    question=_l("Could the team have come here from its last visit in that time?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("{away_m} m from the visit before at {kmh} km/h; up to {over_kmh} km/h is possible"),
    explanation=_l(
        "A team cannot be in two places; one of the two positions or times is not where the visit was made."
    ),
    honest_causes=_l("Two phones share one team code, or one position is old. Look at the visits before and after."),
)
