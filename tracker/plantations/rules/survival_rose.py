"""Did survival rise between two counts, although nothing was planted again?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, CampaignClaims, ClaimRule
from tracker.rule_limits import WARN, RuleLimits


class Limits(RuleLimits):
    rise_above: float = 0.05  # share of the plants; our choice: counting twice differs by less


def ask(claims: CampaignClaims, limits: Limits) -> Asked:
    rises: dict[int, tuple[float, float, float]] = {}  # of each claim the largest
    for first, second in zip(claims.surveys, claims.surveys[1:], strict=False):
        row, _day, before, _replanted = first
        same_row, _later, after, replanted = second
        rise = round(after - before, 9)
        if row == same_row and not replanted and rise > max(limits.rise_above, rises.get(row, (0.0,))[0]):
            rises[row] = (rise, before, after)
    rows = np.array(list(rises), dtype=int)
    numbers = {
        "before": np.array([before for _rise, before, _after in rises.values()]),
        "after": np.array([after for _rise, _before, after in rises.values()]),
    }
    return Asked(rows, np.full(len(rows), WARN), numbers)


RULE = ClaimRule(
    name="survival_rose",
    question=_l("Did survival rise although nothing was planted again?"),
    limits=Limits(),
    ask=ask,
    message=_l("Survival rose from {before:.0%} to {after:.0%} between two counts, without a record of replanting"),
    advice=_l("Dead plants do not come back: plants were added unsaid, or one of the counts is wrong."),
    over_the_campaign=True,
)
