"""Does the team's day look like real work?"""

from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import DOUBT, Asked, RoundEvidence, Rule, RuleLimits, where


class Limits(RuleLimits):
    least_visits: int = 20  # first visits of a team-day; our choice: fewer say nothing
    miss_rate_above: float = 0.03  # the neighbours' share of missed children, for "nobody missed" to be odd; our choice
    level: float = 0.001  # after Benjamini–Hochberg over the round's team-days; our choice: one in a thousand is honest


def ask(visits: RoundEvidence, limits: Limits) -> Asked:
    """The round's team-days are compared before the rules run; all visits of a day that stands out are asked about."""
    return where(visits.unlike_real_work, **visits.team_day)


RULE = Rule(
    name="team_pattern",
    question=_l("Does the team's day look like real work?"),
    severity=DOUBT,
    limits=Limits(),
    over_the_round=True,
    ask=ask,
    message=_l(
        "the day's positions, gaps or results are more regular than real work gives, below {level} by chance over "
        "the round"
    ),
    explanation=_l("People who invent a day choose last digits, even gaps and full success; real days are uneven."),
    honest_causes=_l(
        "The day was written on paper and typed in at one go, or the phone cuts decimals. Walk three doors again "
        "together."
    ),
)
