"""Where do refusals crowd together? Worked out from what the person sees, and kept for some minutes.

A cluster is told from the rows of one's own areas alone, against the usual share of refusals there: nobody learns of a
neighbour's. Random rounds take a while, so the answer to one question is kept until counts have changed and it is old.
"""

import time
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy.orm import Session

from geo.clusters import crowded_places
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign

KEPT_S = 300.0
ANSWERS_KEPT = 64

Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cluster:
    """Settlements in which more children are refused than usual."""

    settlements: tuple[int, ...]  # ids, the middle first
    refused: int
    expected: float  # if refusals were spread evenly over the children seen
    p: float
    lon: float  # of the middle
    lat: float
    radius_m: float


_KEPT: dict[tuple[object, ...], tuple[float, datetime | None, list[Cluster]]] = {}


def refusal_clusters(
    session: Session, campaign: Campaign, scope: Scope, question: str, seen: dict[str, Whole]
) -> list[Cluster]:
    """`seen`: id, eligible, refused, lon_e6, lat_e6 of the settlements; `question` names which they are."""
    database = str(session.connection().engine.url)
    key = (
        database,
        campaign.id,
        campaign.revision,
        scope.areas,
        scope.settlement_ids,
        scope.role == "observer",
        question,
    )
    kept = _KEPT.get(key)
    if kept and (kept[1] == campaign.counted_at or time.monotonic() - kept[0] < KEPT_S):
        return kept[2]
    found = _found(seen)
    while len(_KEPT) >= ANSWERS_KEPT:
        _KEPT.pop(next(iter(_KEPT)), None)
    _KEPT[key] = time.monotonic(), campaign.counted_at, found
    return found


def _found(seen: dict[str, Whole]) -> list[Cluster]:
    lon, lat = seen["lon_e6"] / 1e6, seen["lat_e6"] / 1e6
    clusters = crowded_places(lon, lat, seen["refused"], seen["eligible"])
    return [
        Cluster(
            tuple(int(i) for i in seen["id"][c.places]), c.cases, c.expected, c.p,
            float(lon[c.places[0]]), float(lat[c.places[0]]), _radius_m(lon[c.places], lat[c.places]),
        )
        for c in clusters
    ]  # fmt: skip


ROOM_M = 250.0  # about the outermost settlement, so that the line does not run through it
METRES_PER_DEGREE = 111_195.0


def _radius_m(lon: npt.NDArray[np.float64], lat: npt.NDArray[np.float64]) -> float:
    east = (lon - lon[0]) * METRES_PER_DEGREE * np.cos(np.radians(lat[0]))
    north = (lat - lat[0]) * METRES_PER_DEGREE
    return float(np.hypot(east, north).max()) + ROOM_M
