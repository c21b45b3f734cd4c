"""Is the outline drawn so that it encloses one clear piece of ground?"""

import re

import numpy as np
import shapely
from flask_babel import lazy_gettext as _l

from geo.boundaries import geodesic_km2
from tracker.plantations.rules.rule import Asked, ClaimRule, Claims, where
from tracker.rule_limits import REJECT, WARN, RuleLimits

PLACE = re.compile(r"\[(\S+) (\S+)\]")


class Limits(RuleLimits):
    differs_up_to: float = 0.01  # share by which mending may change the area; our choice


def ask(claims: Claims, limits: Limits) -> Asked:
    mended = np.array([drawn is not None for drawn in claims.drawn], dtype=bool)
    drawn_ha = geodesic_km2(claims.drawn) * 100
    differs = np.where(mended, np.abs(drawn_ha / claims.measured_ha - 1), 0.0)
    severity = np.where(mended & (differs > limits.differs_up_to), REJECT, WARN)
    severity[~(mended | claims.ring_was_open)] = 0
    return where(severity, shows=_places(claims, mended), drawn_ha=drawn_ha, measured_ha=claims.measured_ha)


def _places(claims: Claims, mended: np.ndarray) -> np.ndarray:
    """Where it crosses itself, else the outline itself."""
    shows = claims.degrees.copy()
    for k in np.flatnonzero(mended):
        if place := PLACE.search(str(shapely.is_valid_reason(claims.drawn[k]))):
            shows[k] = shapely.Point(float(place[1]), float(place[2]))
    return shows


RULE = ClaimRule(
    name="invalid_geometry",
    question=_l("Does the outline enclose one clear piece of ground?"),
    limits=Limits(),
    ask=ask,
    message=_l("The outline crosses itself or was left open; mended it measures {measured_ha} ha"),
    advice=_l("A point out of order does this. Both outlines are kept; draw it again where they differ."),
)
