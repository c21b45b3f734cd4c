"""From the rows of a file or a request to claims that can be kept: facts read, outlines mended and measured."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from flask_babel import gettext as _

from geo import boundaries
from geo.cells import utm_zone
from geo.features import Features
from tracker.errors import RowError, WrongRequest
from tracker.plantations.claim_row import FIELDS, OUTLINE_COLUMNS, ClaimFacts, read_facts, refusal

MOST_CORNERS = 50_000
AREA_KINDS = (boundaries.POLYGON, boundaries.MULTIPOLYGON)


@dataclass(frozen=True)
class IncomingClaim:
    """A claim that can be kept. `boundary`: valid multipolygon, EPSG:4326; `drawn`: as it came where that is not
    valid."""

    row: int
    facts: ClaimFacts
    boundary: shapely.Geometry
    drawn: shapely.Geometry | None
    ring_was_open: bool
    crs: str
    measured_ha: float
    utm_epsg: int

    @property
    def digest(self) -> bytes:
        """Of all that is claimed: the same again is no new version."""
        facts = self.facts
        told = (
            facts.code, facts.claimed_ha, facts.kind, facts.species, facts.stems, str(facts.planted_on),
            facts.implementer, facts.tenure, self.ring_was_open, self.crs,
        )  # fmt: skip
        shape = shapely.to_wkb(self.drawn if self.drawn is not None else self.boundary, byte_order=1)
        return hashlib.sha256(json.dumps(told).encode() + shape).digest()


@dataclass
class Incoming:
    """What was read: the claims that can be kept, and why the others cannot."""

    read: int = 0
    claims: list[IncomingClaim] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


def field_names(features: Features, named: Mapping[str, str]) -> dict[str, str]:
    """Which column holds which of our fields: as `named`, else by our own name. Raises WrongRequest."""
    for ours, theirs in named.items():
        if ours not in (*FIELDS, *OUTLINE_COLUMNS):
            why = _("there is no field {ours}. Known: {known}.").format(ours=ours, known=", ".join(FIELDS))
            raise WrongRequest(field="field", why=why)
        if ours in FIELDS and theirs not in features.attributes:
            there = ", ".join(features.attributes)
            raise WrongRequest(field=theirs, why=_("the file has no such field; it has {names}.").format(names=there))
    columns = {ours: named.get(ours, ours) for ours in FIELDS}
    if columns["claim"] not in features.attributes and "name" in features.attributes:
        columns["claim"] = "name"  # a placemark's
    return {ours: theirs for ours, theirs in columns.items() if theirs in features.attributes}


def read_claims(features: Features, named: Mapping[str, str]) -> Incoming:
    """The claims of a file; `named` says which of its columns holds which of our fields."""
    columns = field_names(features, named)
    rows = ({ours: features.attributes[theirs][k] for ours, theirs in columns.items()} for k in range(len(features)))
    return claims_of(rows, features)


def claims_of(rows: Iterable[Mapping[str, Any]], features: Features) -> Incoming:
    """Facts and outlines of the same rows, in one order."""
    incoming = Incoming(read=len(features))
    outlines = _Outlines(features)
    taken: set[str] = set()
    for k, values in enumerate(rows):
        facts, errors = read_facts(k + 1, values)
        if facts and facts.code in taken:
            errors.append(refusal(k + 1, "claim", "duplicate_code", facts.code))
        if facts:
            taken.add(facts.code)
        if problem := outlines.problem(k):
            errors.append(problem)
        if errors or facts is None:
            incoming.errors += errors
        else:
            incoming.claims.append(outlines.claim(k, facts))
    return incoming


class _Outlines:
    """The outlines of all rows, mended and measured at once."""

    def __init__(self, features: Features) -> None:
        self.features = features
        self.given = np.array(shapely.force_2d(features.geometry), dtype=object)
        self.type = shapely.get_type_id(self.given)
        self.corners = shapely.get_num_coordinates(self.given)
        self.on_earth = _on_earth(self.given)
        usable = np.isin(self.type, AREA_KINDS) & (self.corners <= MOST_CORNERS) & self.on_earth
        shapes = self.given.copy()
        shapes[~usable] = None
        self.boundary, self.mended = boundaries.repaired(shapes, twice_is_ground=False)
        self.hectares = boundaries.geodesic_km2(self.boundary) * 100
        centre = shapely.get_coordinates(shapely.centroid(self.boundary))
        self.zone = np.zeros(len(shapes), dtype=int)
        self.zone[~shapely.is_missing(self.boundary)] = utm_zone(centre[:, 0], centre[:, 1])

    def problem(self, k: int) -> RowError | None:
        """Why the outline of a row cannot be taken."""
        row, shape = k + 1, self.given[k]
        if k in self.features.problems:
            return refusal(row, "geometry", self.features.problems[k])
        if shape is None or shapely.is_empty(shape):
            return refusal(row, "geometry", "no_outline")
        if self.type[k] not in AREA_KINDS:
            return refusal(row, "geometry", "not_an_outline", shape.geom_type)
        if self.corners[k] > MOST_CORNERS:
            return refusal(row, "geometry", "too_many_corners", f"{self.corners[k]:,}", most=f"{MOST_CORNERS:,}")
        if not self.on_earth[k]:
            return refusal(row, "geometry", "coordinates")
        if self.boundary[k] is None or not self.hectares[k] > 0:
            return refusal(row, "geometry", "encloses_nothing")
        return None

    def claim(self, k: int, facts: ClaimFacts) -> IncomingClaim:
        return IncomingClaim(
            row=k + 1,
            facts=facts,
            boundary=self.boundary[k],
            drawn=self.given[k] if self.mended[k] else None,
            ring_was_open=bool(self.features.closed[k]),
            crs=self.features.crs,
            measured_ha=float(self.hectares[k]),
            utm_epsg=int(self.zone[k]),
        )


def _on_earth(shapes: np.ndarray) -> np.ndarray:
    """Whether all positions lie within ±180/±90 and are numbers: (n,) bool."""
    at, index = shapely.get_coordinates(shapes, return_index=True)
    good = np.ones(len(shapes), dtype=bool)
    good[index[~((np.abs(at) <= (180, 90)).all(axis=1))]] = False
    return good
