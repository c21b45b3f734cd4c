"""Was the visit made where the team was to work that day?"""
from dataclasses import dataclass

import numpy as np
from flask_babel import lazy_gettext as _l

from geo.places import metres_to_extent
from tracker.visits.rules.rule import NO_ROWS, WARN, Asked, Evidence, Rule


@dataclass(frozen=True)
class Limits:
    beyond_m: float = 100.0     # metres beyond accuracy from the nearest settlement of the day's plan; our choice


def ask(visits: Evidence, limits: Limits) -> Asked:
    """Only team-days that have a plan; the distance is to the nearest of that day's settlements."""
    rows, away = [NO_ROWS], [np.empty(0)]
    for members in _team_days(visits):
        planned = visits.plan.get((int(visits.team[members[0]]), visits.day[members[0]]))
        if planned is None:
            continue
        at_home = np.isin(visits.declared[members], planned)
        away_m = np.full(len(members), np.inf)
        away_m[at_home] = metres_to_extent(visits.places, visits.declared[members[at_home]], visits.lon[members[at_home]], visits.lat[members[at_home]])
        open_ = np.flatnonzero(away_m > limits.beyond_m + visits.slack_m[members])
        if len(open_):
            pairs = metres_to_extent(visits.places, np.tile(planned, len(open_)), np.repeat(visits.lon[members[open_]], len(planned)),
                                     np.repeat(visits.lat[members[open_]], len(planned)))
            away_m[open_] = pairs.reshape(len(open_), len(planned)).min(axis=1)
        far = away_m > limits.beyond_m + visits.slack_m[members]
        rows.append(members[far])
        away.append(away_m[far])
    return Asked(np.concatenate(rows), {"away_m": np.round(np.concatenate(away))})


def _team_days(visits: Evidence) -> list[np.ndarray]:
    """Rows with a usable position, one array per team and day; visits are sorted by team and time."""
    rows = np.flatnonzero(visits.usable)
    if not len(rows):
        return []
    new = (np.diff(visits.team[rows]) != 0) | (np.diff(visits.day[rows]) != np.timedelta64(0, "D"))
    return np.split(rows, np.flatnonzero(new) + 1)


RULE = Rule(
    name="outside_team_area",
    question=_l("Was the visit made where the team was to work that day?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l("{away_m} m from the settlements planned for the team that day; up to {beyond_m} m plus the phone's accuracy is normal"),
    explanation=_l("When a team works elsewhere, its own settlements may be left out and others may be done twice."),
    honest_causes=_l("The supervisor moved the team, or helped a neighbouring team out. Ask who decided it."),
)
