"""Did the phone measure anew at each door?"""

from flask_babel import lazy_gettext as _l

from geo.visits import repeated_positions
from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    at_least: int = 3  # times the same position to 6 decimals for one team; our choice: even a phone at rest wanders


def ask(visits: Evidence, limits: Limits) -> Asked:
    return where(repeated_positions(visits.team, visits.lon, visits.lat, visits.usable, limits.at_least))


RULE = Rule(
    name="repeated_position",
    question=_l("Did the phone measure anew at each door?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("the very same position was recorded {at_least} times or more by this team"),
    explanation=_l("A phone that measures anew never gives the same position to a tenth of a metre."),
    honest_causes=_l("The phone hands out its last known position while it looks for a new one."),
)
