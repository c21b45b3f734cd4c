"""Was the position measured, or written down by hand?"""
from dataclasses import dataclass

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, where


@dataclass(frozen=True)
class Limits:
    decimals: int = 3               # both coordinates end there: 100 m; our choice


def ask(visits: Evidence, limits: Limits) -> Asked:
    round_lon = np.round(visits.lon, limits.decimals) == visits.lon
    return where(visits.usable & round_lon & (np.round(visits.lat, limits.decimals) == visits.lat))


RULE = Rule(
    name="rounded_position",
    question=_l("Was the position measured, or written down by hand?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("both coordinates end at {decimals} decimals or fewer"),
    explanation=_l("Phones give seven decimals; three are a village, not a door."),
    honest_causes=_l("A privacy setting of the phone, or a spreadsheet that cut the numbers."),
)
