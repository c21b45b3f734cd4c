"""Does the outline run out and back somewhere, as after a lost position?"""

import numpy as np
import shapely
from flask_babel import lazy_gettext as _l

from geo.claims.outlines import to_degrees
from geo.claims.shapes import spikes
from tracker.plantations.rules.rule import Asked, ClaimRule, Claims
from tracker.rule_limits import WARN, RuleLimits


class Limits(RuleLimits):
    angle_below_deg: float = 10.0  # as restoration platforms check
    side_from_m: float = 10.0  # our choice: theirs is 50 m, for larger plots
    sides_over_base: float = 5.0  # as restoration platforms check


def ask(claims: Claims, limits: Limits) -> Asked:
    found = spikes(
        claims.metres,
        angle_below_deg=limits.angle_below_deg,
        side_from_m=limits.side_from_m,
        sides_over_base=limits.sides_over_base,
    )
    rows, first, count = np.unique(found.outline, return_index=True, return_counts=True)
    lines = shapely.linestrings(np.stack([found.before, found.tip, found.after], axis=1)) if len(rows) else found.tip
    together = [shapely.multilinestrings(lines[a : a + n]) for a, n in zip(first, count, strict=True)]
    shows = np.full(len(rows), None, dtype=object)
    shows[:] = together
    numbers = {
        "spikes": count,
        "angle_deg": np.array([found.angle_deg[a : a + n].min() for a, n in zip(first, count, strict=True)]),
        "length_m": np.array([found.length_m[a : a + n].max() for a, n in zip(first, count, strict=True)]),
    }
    return Asked(rows, np.full(len(rows), WARN), numbers, to_degrees(shows, claims.utm_epsg[rows]))


RULE = ClaimRule(
    name="spike",
    question=_l("Does the outline run out and back, as after a lost position?"),
    limits=Limits(),
    ask=ask,
    message=_l("It runs {length_m} m out and back at an angle of {angle_deg}°"),
    advice=_l("A position without satellites jumps like this. Take the point out of the outline."),
)
