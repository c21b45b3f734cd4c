"""Does an implementer plant more of a species than the campaign allows?"""

from collections import defaultdict

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import GROUPS, Asked, CampaignClaims, ClaimRule
from tracker.rule_limits import DOUBT, RuleLimits


def ask(claims: CampaignClaims, limits: RuleLimits) -> Asked:
    """Planting and farm forestry are counted each on its own."""
    stems: dict[tuple[str, str], float] = defaultdict(float)
    of_species: dict[tuple[str, str, str], float] = defaultdict(float)
    told = [k for k in range(len(claims.id)) if claims.implementer[k] and claims.stems[k] > 0 and claims.species[k]]
    for k in told:
        whose = claims.implementer[k], GROUPS.get(claims.kind[k], "planting")
        stems[whose] += claims.stems[k]
        for name, share in claims.species[k]:
            of_species[(*whose, _capped(name, claims.caps))] += share * claims.stems[k]
    rows, species, shares, caps = [], [], [], []
    for k in told:
        whose = claims.implementer[k], GROUPS.get(claims.kind[k], "planting")
        for capped in sorted({_capped(name, claims.caps) for name, _share in claims.species[k]} - {""}):
            share = of_species[(*whose, capped)] / stems[whose]
            if share > claims.caps[capped]:
                rows.append(k)
                species.append(capped)
                shares.append(share)
                caps.append(claims.caps[capped])
    numbers = {"species": np.array(species, dtype=object), "share": np.array(shares), "cap": np.array(caps)}
    return Asked(np.array(rows, dtype=int), np.full(len(rows), DOUBT), numbers)


def _capped(name: str, caps: dict[str, float]) -> str:
    """The species of the table that a name means: itself, or its genus; empty: it has no cap."""
    words = name.lower()
    return words if words in caps else words.split(" ")[0] if words.split(" ")[0] in caps else ""


RULE = ClaimRule(
    name="species_mix",
    question=_l("Does an implementer plant more of a species than is allowed?"),
    limits=RuleLimits(),
    ask=ask,
    message=_l("{share:.0%} of this implementer's stems are {species}; up to {cap:.0%} may be"),
    advice=_l("It stands on each of the implementer's claims with that species. What is planted next can mend it."),
    over_the_campaign=True,
)
