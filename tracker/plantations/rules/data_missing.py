"""Is everything told that others need to check the claim?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import WARN, RuleLimits


def ask(claims: Claims, limits: RuleLimits) -> Asked:
    absent = {
        "species": np.array([not names for names in claims.species], dtype=bool),
        "stems": np.isnan(claims.stems),
        "planted_on": np.isnat(claims.planted_on),
        "implementer": np.array([name is None for name in claims.implementer], dtype=bool),
        "kind": np.array([kind is None for kind in claims.kind], dtype=bool),
    }
    missing = np.full(len(claims.id), "", dtype=object)
    for name, lacks in absent.items():
        missing[lacks] += f"{name}, "
    severity = np.where(np.any(list(absent.values()), axis=0), WARN, 0)
    return where(severity, missing=np.array([words[:-2] for words in missing] + [""], dtype=object)[:-1])


RULE = ClaimRule(
    name="data_missing",
    question=_l("Is everything told that others need to check the claim?"),
    limits=RuleLimits(),
    ask=ask,
    message=_l("Not told: {missing}"),
    advice=_l("Without it satellites and sample plots can say less. Ask whoever planted."),
)
