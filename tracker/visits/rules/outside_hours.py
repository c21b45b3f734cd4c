"""Was the visit made on a day and at an hour when teams work?"""

from typing import Self

import numpy as np
from flask_babel import lazy_gettext as _l
from pydantic import model_validator

from tracker.visits.rules.rule import REJECT, WARN, Asked, Evidence, Rule, RuleLimits


class Limits(RuleLimits):
    from_hour: float = 7.0  # hour of the day in the campaign's zone; our choice: families rise, light
    to_hour: float = 19.0  # our choice: teams are home by dark
    days_away: int = 1  # more days than this from every campaign day cannot belong to the round; our choice

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_hour >= self.to_hour:
            raise ValueError("from_hour must lie before to_hour")
        return self


def ask(visits: Evidence, limits: Limits) -> Asked:
    days_away = _days_away(visits.day, visits.days)
    odd_hour = (visits.clock_s < limits.from_hour * 3600) | (visits.clock_s > limits.to_hour * 3600)
    rows = np.flatnonzero(odd_hour | (days_away > 0))
    severity = np.where(days_away[rows] > limits.days_away, REJECT, WARN)
    return Asked(rows, {"hour": np.floor(visits.clock_s[rows] / 3600), "days_away": days_away[rows]}, severity)


def _days_away(day: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Days to the nearest of the campaign's days, which are sorted: (n,)."""
    after = np.searchsorted(days, day)
    before, after = days[np.maximum(after - 1, 0)], days[np.minimum(after, len(days) - 1)]
    return np.asarray(np.minimum(np.abs(day - before), np.abs(after - day)))


RULE = Rule(
    name="outside_hours",
    question=_l("Was the visit made on a day and at an hour when teams work?"),
    severity=WARN,
    limits=Limits(),
    ask=ask,
    message=_l(
        "made in hour {hour} of the day, {days_away} days from the round's days; teams work from {from_hour} to "
        "{to_hour} on them"
    ),
    explanation=_l("Forms filled in at night or on other days were often not filled in at the door."),
    honest_causes=_l(
        "The phone's clock is wrong, the day was moved for this union council, or a family asked the team to come "
        "after dark."
    ),
)
