"""Is there time at the door for so many visits an hour?"""

from flask_babel import lazy_gettext as _l

from geo.visits import crowded_hour
from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    more_than: int = 25  # first visits of a mobile team; our choice: 144 seconds from door to door
    within_s: float = 3600.0


def ask(visits: Evidence, limits: Limits) -> Asked:
    counted = visits.first & ~visits.post
    return where(crowded_hour(visits.team, visits.at_us, counted, limits.more_than, limits.within_s))


RULE = Rule(
    name="pace",
    question=_l("Is there time at the door for so many visits an hour?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("one of more than {more_than} first visits within an hour"),
    explanation=_l(
        "Greeting, asking, giving drops, marking and writing take their time; visits much faster than that were "
        "perhaps not made."
    ),
    honest_causes=_l("The team wrote on paper and typed it in later, or two pairs share one phone."),
)
