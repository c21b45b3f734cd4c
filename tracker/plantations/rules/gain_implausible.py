"""Did the ground turn greener than the claimed trees can make it?"""

from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import ClaimRule
from tracker.rule_limits import RuleLimits

RULE = ClaimRule(
    name="gain_implausible",
    question=_l("Did the ground turn greener than these trees can make it?"),
    limits=RuleLimits(),
    ask=None,
    message=_l("The gain in greenness, {delta}, is far above the {expected_gain} that such trees would give"),
    advice=_l("A field that is now watered looks like this, and so do trees that stood there before."),
)
