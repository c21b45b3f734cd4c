"""Does the phone's clock agree with the server's?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.visits import NEVER, SECOND_US
from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    ahead_s: float = 600.0  # seconds that a visit may lie after its receipt; our choice
    late_days: float = 14.0  # days between visit and receipt; our choice: longer than any valley is without signal


def ask(visits: Evidence, limits: Limits) -> Asked:
    late_s = (visits.received_us - visits.at_us) / SECOND_US
    odd = (late_s < -limits.ahead_s) | (late_s > limits.late_days * 86400)
    return where((visits.received_us != NEVER) & odd, hours_late=np.round(late_s / 3600, 1))


RULE = Rule(
    name="clock",
    question=_l("Does the phone's clock agree with the server's?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("received {hours_late} hours after the time it says; between 0 hours and {late_days} days is normal"),
    explanation=_l("With a wrong clock a visit may count on the wrong day, and its order among the others is unknown."),
    honest_causes=_l(
        "The battery ran empty and the clock started anew, or the phone was away from any signal for weeks."
    ),
)
