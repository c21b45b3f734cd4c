"""Does the phone say that its position is made up?"""

from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import DOUBT, Asked, Evidence, Rule, RuleLimits, where


def ask(visits: Evidence, limits: RuleLimits) -> Asked:
    return where(visits.mock)


RULE = Rule(
    name="mock_location",
    question=_l("Does the phone say that its position is made up?"),
    severity=DOUBT,
    limits=RuleLimits(),
    ask=ask,
    message=_l("the phone says that its position comes from a mock-location app"),
    explanation=_l("An app that sets the position by hand can place a visit anywhere."),
    honest_causes=_l("A game or a repair shop left such an app on the phone. Look at the phone together."),
)
