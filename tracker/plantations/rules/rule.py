"""What a rule about claims is, and what it may look at.

A rule asks one question of many claims at once and gives, with each finding, the numbers compared and the ground that
shows it. Its limits are a small typed model that a campaign may override; its words serve the report and the page.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from tracker.rule_limits import DOUBT, REJECT, WARN


@dataclass(frozen=True)
class Pairs:
    """Ground that a claim shares with another one, of any campaign and year; every pair stands on both its claims."""

    claim: np.ndarray  # (k,) rows of the claims
    other_id: np.ndarray
    overlap_ha: np.ndarray
    of_smaller: np.ndarray  # overlap ÷ the smaller of the two
    of_union: np.ndarray  # overlap ÷ the ground of both together
    shows: np.ndarray  # the ground shared, EPSG:4326


@dataclass(frozen=True)
class Parts:
    """Parts of claims that lie on some ground: one length."""

    claim: np.ndarray  # (k,) rows of the claims
    kind: np.ndarray  # of ground; empty: there is only one
    share: np.ndarray  # of the claim's area
    shows: np.ndarray


@dataclass(frozen=True)
class Claims:
    """Claims as arrays of one length n, sorted by id."""

    id: np.ndarray
    claimed_ha: np.ndarray  # NaN: not told; so for all numbers
    measured_ha: np.ndarray
    kind: np.ndarray  # object; None: not told
    species: np.ndarray  # object: tuples of names
    stems: np.ndarray
    planted_on: np.ndarray  # datetime64[D]; NaT: not told
    implementer: np.ndarray  # object; None: not told
    degrees: np.ndarray  # valid outlines, EPSG:4326
    metres: np.ndarray  # the same in the UTM zone of their centroid
    utm_epsg: np.ndarray
    drawn: np.ndarray  # as they came where they had to be repaired; else None
    ring_was_open: np.ndarray
    in_metric_crs: np.ndarray  # they came in a projected coordinate system
    in_own_crs: np.ndarray  # outlines in the coordinate system in which they came
    lon: np.ndarray  # of a point inside
    lat: np.ndarray
    altitude_m: np.ndarray  # NaN: not known
    pairs: Pairs
    outside: Parts  # of the campaign's areas
    on_land: Parts  # where nothing (new) can be planted
    swapped_fits: np.ndarray  # bool: with lon and lat exchanged, and only so, it lies in the campaign's areas
    beside_track: np.ndarray  # share of the boundary near the perimeter track; NaN: there is none
    off_track: np.ndarray  # the rest of the boundary; None
    starts_on: date  # of the campaign
    as_of: date


@dataclass(frozen=True)
class CampaignClaims:
    """All claims of a campaign, without their ground, and what their sums are compared with."""

    id: np.ndarray
    kind: np.ndarray
    species: np.ndarray  # object: tuples of (name, share)
    stems: np.ndarray
    planted_on: np.ndarray
    implementer: np.ndarray
    altitude_m: np.ndarray
    caps: dict[str, float]  # species in lower case: most that it may be of an implementer's stems, 0…1
    ranges_m: dict[str, tuple[float, float]]  # species in lower case: altitudes where it grows
    issued: list[tuple[date, int]]  # plants given out by nurseries, by day; empty: none is known
    surveys: list[tuple[int, date, float, bool]]  # row, day, survival, replanted since the one before; by row and day


@dataclass(frozen=True)
class Asked:
    """What a rule found. `rows`: of the claims, one may stand there several times; the others are arrays like it."""

    rows: np.ndarray
    severity: np.ndarray
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    shows: np.ndarray | None = None  # EPSG:4326
    other_id: np.ndarray | None = None


@dataclass(frozen=True)
class ClaimRule:
    """One question to claims. `ask` sees Claims, or CampaignClaims where the answer needs the whole campaign."""

    name: str  # a contract: it stands in reports
    question: Any
    limits: Any  # a RuleLimits with the defaults
    ask: Callable[[Any, Any], Asked] | None  # None: measuring scenes finds it
    message: Any  # one sentence about one claim, with {numbers} and {limits}
    advice: Any  # what may stand behind it, and what to do
    over_the_campaign: bool = False


def graded(
    values: np.ndarray,
    *,
    warn_above: float | None = None,
    doubt_above: float | None = None,
    reject_above: float | None = None,
    reject_from: float | None = None,
) -> np.ndarray:
    """How grave each value is: 0 where it is below all limits, or NaN."""
    severity = np.zeros(len(values), dtype=int)
    with np.errstate(invalid="ignore"):
        for limit, grade in ((warn_above, WARN), (doubt_above, DOUBT), (reject_above, REJECT)):
            if limit is not None:
                severity[values > limit] = grade
        if reject_from is not None:
            severity[values >= reject_from] = REJECT
    return severity


def where(severity: np.ndarray, shows: np.ndarray | None = None, **numbers: np.ndarray) -> Asked:
    """Findings for the claims whose severity is not 0."""
    rows = np.flatnonzero(severity)
    return Asked(
        rows,
        severity[rows],
        {name: values[rows] for name, values in numbers.items()},
        None if shows is None else shows[rows],
    )


EACH = ("block", "linear", "nursery")  # planted stand by stand; regeneration and farm forestry are counted apart
GROUPS = {"enclosure": "regeneration", "farm_forestry": "farm_forestry", **dict.fromkeys(EACH, "planting")}
