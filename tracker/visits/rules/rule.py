"""What a rule is, and what it may look at.

A rule asks one question of many visits at once. Its limits are a small typed model: each field says its unit and why
the default is what it is; a campaign may override any of them. Its words serve the flag, the help page and the
supervisor's screen.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from geo.places import Ground, Places
from tracker.rule_limits import DOUBT, REJECT, SEVERITY_NAMES, WARN, RuleLimits

SLACK_LIMIT_M = 100.0  # of a position's accuracy, no more is allowed for

__all__ = ["DOUBT", "REJECT", "SEVERITY_NAMES", "WARN", "RuleLimits"]  # the words of every rule file


@dataclass(frozen=True)
class Plan:
    """Which settlements each team is to do on each day: those of team-day k are `place[start[k]:start[k + 1]]`."""

    team_day: np.ndarray  # sorted keys, see team_day_key
    start: np.ndarray
    place: np.ndarray  # rows in places, sorted within a team-day


@dataclass(frozen=True)
class Evidence:
    """Visits of whole teams, sorted by (team, time, id), without replaced ones, and what they are measured against.

    Arrays have one length n. `lon`, `lat`: degrees, NaN without position. `slack_m`: accuracy, at most 100; unknown
    counts as 0.
    """

    team: np.ndarray
    at_us: np.ndarray  # microseconds since 1970, as the device's clock said
    received_us: np.ndarray  # receipt at the server; NEVER where the visit came by file
    lon: np.ndarray
    lat: np.ndarray
    accuracy_m: np.ndarray  # NaN: not told
    slack_m: np.ndarray
    usable: np.ndarray  # there is a position, and it is good enough to serve other checks
    counts: dict[str, np.ndarray]  # the eight counts by name
    first: np.ndarray  # not a revisit
    mock: np.ndarray
    post: np.ndarray  # of a fixed or transit team: children come to it
    declared: np.ndarray  # row in `places` of the settlement that the team named; -1: none
    place: np.ndarray  # row of the settlement where it counts; -1: none
    from_centre_m: np.ndarray  # of that settlement; NaN: none, or no usable position
    away_m: np.ndarray  # … from its extent, 0 inside
    day: np.ndarray  # int, days since 1970 in the campaign's zone
    clock_s: np.ndarray  # whole seconds since midnight there
    days: np.ndarray  # int, sorted: the campaign's days, catch-up included
    places: Places
    compound: np.ndarray  # of places: many households behind one door
    ground: Ground  # the campaign's areas
    inside_m: np.ndarray  # of places: how far the centre lies inside the campaign's areas; 0: not known to be inside
    plan: Plan


@dataclass(frozen=True)
class RoundEvidence:
    """What only the whole round can tell of the same visits: (n,) arrays."""

    beside_other_household: np.ndarray  # see geo.visits.repeated_households
    unlike_real_work: np.ndarray  # of a team-day that stands out
    team_day: dict[
        str, np.ndarray
    ]  # figures of the visit's team-day: visits, digit_chi2, gap_variation, eligible, missed


@dataclass(frozen=True)
class Asked:
    """About which visits a rule asks. `severity`: one per row where it differs from the rule's own; `numbers`: arrays
    like `rows`."""

    rows: np.ndarray
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    severity: np.ndarray | None = None


@dataclass(frozen=True)
class Rule:
    """One question to visits. `ask` sees Evidence, or RoundEvidence where the answer needs the whole round."""

    name: str  # a contract: it stands in exports
    question: Any
    severity: int
    limits: Any  # a RuleLimits with the defaults
    ask: Callable[[Any, Any], Asked]
    message: Any  # one sentence about one visit, with {numbers} and {limits}
    explanation: Any  # why it matters
    honest_causes: Any  # what may stand behind it although the work was done
    over_the_round: bool = False


def team_day_key(team: np.ndarray, day: np.ndarray) -> np.ndarray:
    """One sortable number per team and day: (n,) int64."""
    return np.asarray(team, np.int64) * 1_000_000 + np.asarray(day, np.int64)


def where(mask: np.ndarray, **numbers: np.ndarray) -> Asked:
    """Ask about the visits of a mask, with the numbers of those visits."""
    rows = np.flatnonzero(mask)
    return Asked(rows, {name: values[rows] for name, values in numbers.items()})
