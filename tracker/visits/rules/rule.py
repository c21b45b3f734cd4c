"""What a rule is, and what it may look at.

A rule asks one question of many visits at once. Its limits are a small dataclass: each field says its unit and why the default is
what it is; a campaign may override any of them. Its words serve the flag, the help page and the supervisor's screen.
"""
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from geo.places import Ground, Places

WARN, DOUBT, REJECT = 1, 2, 3
SEVERITY_NAMES = {WARN: "warn", DOUBT: "doubt", REJECT: "reject"}
NO_ROWS = np.empty(0, int)


@dataclass(frozen=True)
class Evidence:
    """Visits of whole teams, sorted by (team, time, id), without replaced ones, and what they are measured against.

    Arrays have one length n. `lon`, `lat`: degrees, NaN without position. `slack_m`: accuracy, at most 100; unknown counts as 0.
    """

    team: np.ndarray
    at_s: np.ndarray                # seconds since the epoch, as the device's clock said
    received_s: np.ndarray          # receipt at the server; NaN where the visit came by file
    lon: np.ndarray
    lat: np.ndarray
    accuracy_m: np.ndarray          # NaN: not told
    slack_m: np.ndarray
    usable: np.ndarray              # there is a position, and it is good enough to serve other checks
    counts: dict[str, np.ndarray]   # the eight counts by name
    first: np.ndarray               # not a revisit
    mock: np.ndarray
    post: np.ndarray                # of a fixed or transit team: children come to it
    declared: np.ndarray            # row in `places` of the settlement that the team named; -1: none
    day: np.ndarray                 # datetime64[D] in the campaign's zone
    clock_s: np.ndarray             # seconds since midnight there
    days: np.ndarray                # datetime64[D]: the campaign's days, catch-up included
    places: Places
    compound: np.ndarray            # of places: many households behind one door
    ground: Ground                  # the campaign's areas
    inside_m: np.ndarray            # of places: how far the centre lies inside the campaign's areas; 0: not known to be inside
    plan: dict[tuple[int, np.datetime64], np.ndarray]   # (team, day): rows of places that it is to do
    unlike_real_work: np.ndarray    # of a team-day that stands out from the round
    beside_other_household: Callable[[float, float], np.ndarray]    # (within_m, apart_s): see repeated_household

    def household(self) -> np.ndarray:
        """The five numbers of a household: (n, 5)."""
        return np.column_stack([self.counts[c] for c in ("children_eligible", "vaccinated", "absent", "refused", "other_missed")])


@dataclass(frozen=True)
class Asked:
    """About which visits a rule asks. `severity`: one per row where it differs from the rule's own; `numbers`: arrays like `rows`."""

    rows: np.ndarray
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    severity: np.ndarray | None = None


@dataclass(frozen=True)
class Rule:
    name: str                       # a contract: it stands in exports
    question: Any
    severity: int
    limits: Any                     # a frozen dataclass with the defaults
    ask: Callable[[Evidence, Any], Asked]
    message: Any                    # one sentence about one visit, with {numbers} and {limits}
    explanation: Any                # why it matters
    honest_causes: Any              # what may stand behind it although the work was done


@dataclass(frozen=True)
class NoLimits:
    """The rule has nothing to set."""


def where(mask: np.ndarray, **numbers: np.ndarray) -> Asked:
    """Ask about the visits of a mask, with the numbers of those visits."""
    rows = np.flatnonzero(mask)
    return Asked(rows, {name: values[rows] for name, values in numbers.items()})
