"""Was the visit made where the team was to work that day?"""

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.places import metres_to_extent
from tracker.visits.rules.rule import WARN, Asked, Evidence, Plan, Rule, RuleLimits, team_day_key


class Limits(RuleLimits):
    beyond_m: float = 100.0  # metres beyond accuracy from the nearest settlement of the day's plan; our choice


def ask(visits: Evidence, limits: Limits) -> Asked:
    """Only team-days that have a plan; the distance is to the nearest of that day's settlements.

    Most visits are cleared by the settlement where they count, when it is one of them.
    """
    allowed_m = limits.beyond_m + visits.slack_m
    entry = _entry(visits)
    at_home = _is_planned(visits.plan, entry, visits.place) & (visits.away_m <= allowed_m)
    rows = np.flatnonzero((entry >= 0) & visits.usable & ~at_home)
    away_m = _metres_to_nearest(visits, rows, entry[rows])
    far = away_m > allowed_m[rows]
    return Asked(rows[far], {"away_m": np.round(away_m[far])})


def _entry(visits: Evidence) -> np.ndarray:
    """Number of each visit's team-day in the plan; -1 where it has none: (n,)."""
    known, key = visits.plan.team_day, team_day_key(visits.team, visits.day)
    if not len(known):
        return np.full(len(key), -1)
    entry = np.minimum(np.searchsorted(known, key), len(known) - 1)
    return np.where(known[entry] == key, entry, -1)


def _is_planned(plan: Plan, entry: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Whether each place is one of those of its team-day: (n,) bool."""
    some = np.flatnonzero((entry >= 0) & (place >= 0))
    found = np.zeros(len(entry), bool)
    if len(some):
        lane = int(max(plan.place.max(), place.max())) + 1
        stops = np.repeat(np.arange(len(plan.team_day)), np.diff(plan.start)) * lane + plan.place
        wanted = entry[some] * lane + place[some]
        found[some] = stops[np.minimum(np.searchsorted(stops, wanted), len(stops) - 1)] == wanted
    return found


def _metres_to_nearest(visits: Evidence, rows: np.ndarray, entry: np.ndarray) -> np.ndarray:
    """From the positions of these visits to the nearest settlement of their team-day's plan."""
    if not len(rows):
        return np.empty(0)
    plan, size = visits.plan, np.diff(visits.plan.start)[entry]
    first = np.cumsum(size) - size
    visit = np.repeat(rows, size)
    place = plan.place[np.arange(len(visit)) - np.repeat(first - plan.start[entry], size)]
    away_m = metres_to_extent(visits.places, place, visits.lon[visit], visits.lat[visit])
    return np.asarray(np.minimum.reduceat(away_m, first))


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
