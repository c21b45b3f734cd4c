"""Was the visit made where the team was to work that day?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.places import metres_to_extent
from tracker.visits.rules.rule import WARN, Asked, Evidence, Rule, RuleLimits, team_day_key


class Limits(RuleLimits):
    beyond_m: float = 100.0  # metres beyond accuracy from the nearest settlement of the day's plan; our choice


def ask(visits: Evidence, limits: Limits) -> Asked:
    """Only team-days that have a plan; the distance is to the nearest of that day's settlements."""
    plan, key = visits.plan, team_day_key(visits.team, visits.day)
    entry = np.searchsorted(plan.team_day, key)
    planned = np.zeros(len(key), bool)
    known = entry < len(plan.team_day)
    planned[known] = plan.team_day[entry[known]] == key[known]
    rows = np.flatnonzero(planned & visits.usable)
    size = (plan.start[1:] - plan.start[:-1])[entry[rows]]
    visit = np.repeat(rows, size)
    place = plan.place[np.arange(len(visit)) - np.repeat(np.cumsum(size) - size - plan.start[entry[rows]], size)]
    away_m = metres_to_extent(visits.places, place, visits.lon[visit], visits.lat[visit])
    nearest_m = np.minimum.reduceat(away_m, np.cumsum(size) - size) if len(rows) else np.empty(0)
    far = nearest_m > limits.beyond_m + visits.slack_m[rows]
    return Asked(rows[far], {"away_m": np.round(nearest_m[far])})


RULE = Rule(
    name="outside_team_area",
    question=_l("Was the visit made where the team was to work that day?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l(
        "{away_m} m from the settlements planned for the team that day; up to {beyond_m} m plus the phone's "
        "accuracy is normal"
    ),
    explanation=_l("When a team works elsewhere, its own settlements may be left out and others may be done twice."),
    honest_causes=_l("The supervisor moved the team, or helped a neighbouring team out. Ask who decided it."),
)
