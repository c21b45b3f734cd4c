"""Was this household already counted, with other numbers?"""

from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import WARN, Asked, RoundEvidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    within_m: float = 20.0  # our choice: doors are farther apart, phones are off by less
    apart_s: float = 900.0  # our choice: below that it is the neighbour's door


def ask(visits: RoundEvidence, limits: Limits) -> Asked:
    """Neighbours are looked for over all teams before the rules run."""
    return where(visits.beside_other_household)


RULE = Rule(
    name="repeated_household",
    question=_l("Was this household already counted, with other numbers?"),
    severity=WARN,
    limits=Limits(),
    over_the_round=True,
    ask=ask,
    message=_l("another first visit within {within_m} m has other numbers, by another team or on another day"),
    explanation=_l("A household counted twice hides another that was not counted at all."),
    honest_causes=_l("Two families share a wall, or the second visit should have been marked as a revisit."),
)
