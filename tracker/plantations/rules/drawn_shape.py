"""Was the outline walked, or drawn at a desk?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.claims.shapes import roundness, share_of_rectangle, share_on_lattice
from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import WARN, RuleLimits


class Limits(RuleLimits):
    corners_from: int = 12  # of a circle; our choice, as all here: none fires on 186 walked plots
    roundness_below: float = 0.03  # variation of the distance from the centroid
    rectangle_above: float = 0.98  # area ÷ smallest rectangle around it
    lattice_from: float = 0.90  # share of the corners
    lattice_deg: float = 0.001
    lattice_m: float = 10.0


LATTICE_WITHIN = {"deg": 1e-9, "m": 0.01}


def ask(claims: Claims, limits: Limits) -> Asked:
    round_shape = roundness(claims.metres, limits.corners_from)
    rectangle = share_of_rectangle(claims.metres)
    lattice = np.fmax(
        share_on_lattice(claims.degrees, limits.lattice_deg, LATTICE_WITHIN["deg"]),
        np.fmax(
            share_on_lattice(claims.metres, limits.lattice_m, LATTICE_WITHIN["m"]),
            share_on_lattice(claims.in_own_crs, limits.lattice_m, LATTICE_WITHIN["m"]),
        ),
    )
    with np.errstate(invalid="ignore"):
        drawn = (round_shape < limits.roundness_below) | (rectangle > limits.rectangle_above)
        drawn |= lattice >= limits.lattice_from
    numbers = {"roundness": round_shape, "of_rectangle": rectangle, "on_lattice": lattice}
    return where(np.where(drawn, WARN, 0), shows=claims.degrees, **numbers)


RULE = ClaimRule(
    name="drawn_shape",
    question=_l("Was the outline walked, or drawn at a desk?"),
    limits=Limits(),
    ask=ask,
    message=_l("It is a circle, a rectangle, or lies on a grid, as ground seldom does"),
    advice=_l("A field with straight edges may be so. A circle about a point says that nobody walked around it."),
)
