"""Are the coordinates written finely enough to find the ground again?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.claims.shapes import decimals_told
from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import DOUBT, WARN, RuleLimits


class Limits(RuleLimits):
    warn_below: int = 5  # decimals of a degree, about a metre; our choice (six are asked for in European law)
    doubt_up_to: int = 3  # about 100 m; our choice


def ask(claims: Claims, limits: Limits) -> Asked:
    as_it_came = np.array(
        [d if d is not None else b for d, b in zip(claims.drawn, claims.degrees, strict=True)] + [None]
    )
    decimals = np.where(claims.in_metric_crs, np.nan, decimals_told(as_it_came[:-1]))
    severity = np.where(decimals <= limits.doubt_up_to, DOUBT, np.where(decimals < limits.warn_below, WARN, 0))
    return where(severity, shows=claims.degrees, decimals=decimals)


RULE = ClaimRule(
    name="precision",
    question=_l("Are the coordinates written finely enough to find the ground again?"),
    limits=Limits(),
    ask=ask,
    message=_l("Its corners are written with {decimals} decimals of a degree; {warn_below} or more are usual"),
    advice=_l("A spreadsheet may have rounded them. Send the outline as the device recorded it."),
)
