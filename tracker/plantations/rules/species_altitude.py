"""Do these species grow at this height?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, CampaignClaims, ClaimRule
from tracker.rule_limits import WARN, RuleLimits


class Limits(RuleLimits):
    beyond_m: float = 200.0  # of the species' range; our choice: valleys are warmer than slopes


def ask(claims: CampaignClaims, limits: Limits) -> Asked:
    rows, species, altitude, low, high = [], [], [], [], []
    for row in np.flatnonzero(~np.isnan(claims.altitude_m)):
        for name, _share in claims.species[row]:
            lowest, highest = claims.ranges_m.get(name.lower(), (-np.inf, np.inf))
            here = claims.altitude_m[row]
            if not lowest - limits.beyond_m <= here <= highest + limits.beyond_m:
                rows.append(row)
                species.append(name)
                altitude.append(here)
                low.append(lowest)
                high.append(highest)
    numbers = {
        "species": np.array(species, dtype=object),
        "altitude_m": np.array(altitude, dtype=float),
        "lowest_m": np.array(low, dtype=float),
        "highest_m": np.array(high, dtype=float),
    }
    return Asked(np.array(rows, dtype=int), np.full(len(rows), WARN), numbers)


RULE = ClaimRule(
    name="species_altitude",
    question=_l("Do these species grow at this height?"),
    limits=Limits(),
    ask=ask,
    message=_l("{species} at {altitude_m} m; it grows between {lowest_m} and {highest_m} m"),
    advice=_l("The species may be written wrongly. If it is right, survival is in question."),
    over_the_campaign=True,
)
