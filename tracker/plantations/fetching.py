"""The claims of a campaign as arrays, for the rules: portion by portion with their ground, and once without."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.claims.outlines import in_crs, to_metres
from tracker.campaigns.models import Campaign
from tracker.plantations import relations
from tracker.plantations.rules.rule import CampaignClaims, Claims
from tracker.plantations.species import DEFAULT_CAPS, DEFAULT_RANGES_M

CLAIMS_AT_ONCE = 5_000
LEAST_SHARED = 0.0001  # of the smaller claim: less is the border of neighbours

IDS = text("SELECT id FROM claim WHERE campaign_id = :campaign ORDER BY id")

CLAIMS = text("""
    SELECT id, claimed_ha, measured_ha, kind, species, stems, planted_on, implementer, ring_was_open, crs, utm_epsg,
           altitude_m, ST_AsBinary(boundary) AS boundary, ST_AsBinary(drawn) AS drawn
    FROM claim WHERE id = ANY(:ids) ORDER BY id""")

FACTS = text("""
    SELECT id, kind, species, species_share, stems, planted_on, implementer, altitude_m
    FROM claim WHERE campaign_id = :campaign ORDER BY id""")
SPECIES = text("SELECT species, lowest_m, highest_m, cap_share FROM species_limit WHERE campaign_id = :campaign")
ISSUED = text("SELECT issued_on, stems FROM nursery_stock WHERE campaign_id = :campaign ORDER BY issued_on, id")
SURVEYS = text("""
    SELECT s.claim_id, s.surveyed_on, s.survival, s.replanted
    FROM survival_survey s JOIN claim c ON c.id = s.claim_id WHERE c.campaign_id = :campaign
    ORDER BY s.claim_id, s.surveyed_on""")


def claim_ids(session: Session, campaign: Campaign) -> np.ndarray:
    return np.array(list(session.scalars(IDS, {"campaign": campaign.id})), dtype=int)


def portions(ids: np.ndarray) -> Iterator[np.ndarray]:
    for at in range(0, len(ids), CLAIMS_AT_ONCE):
        yield ids[at : at + CLAIMS_AT_ONCE]


def fetch_claims(session: Session, campaign: Campaign, ids: np.ndarray, as_of: date) -> Claims:
    """These claims (ids sorted) with all that lies around them; after relations.prepare_ground."""
    rows = session.execute(CLAIMS, {"ids": ids.tolist()}).all()
    degrees, drawn = _shapes(r.boundary for r in rows), _shapes(r.drawn for r in rows)
    zone = np.array([r.utm_epsg for r in rows], dtype=int)
    in_own_crs, is_metric = in_crs(degrees, _objects(r.crs for r in rows))
    inside = shapely.get_coordinates(shapely.point_on_surface(degrees))
    share, off_track = relations.beside_track(session, ids)
    return Claims(
        id=ids,
        claimed_ha=_numbers(r.claimed_ha for r in rows),
        measured_ha=_numbers(r.measured_ha for r in rows),
        kind=_objects(r.kind for r in rows),
        species=_objects(tuple(r.species) for r in rows),
        stems=_numbers(r.stems for r in rows),
        planted_on=np.array([r.planted_on for r in rows], dtype="datetime64[D]"),
        implementer=_objects(r.implementer for r in rows),
        degrees=degrees,
        metres=to_metres(degrees, zone),
        utm_epsg=zone,
        drawn=drawn,
        ring_was_open=np.array([r.ring_was_open for r in rows], dtype=bool),
        in_metric_crs=is_metric,
        in_own_crs=in_own_crs,
        lon=inside[:, 0],
        lat=inside[:, 1],
        altitude_m=_numbers(r.altitude_m for r in rows),
        pairs=relations.pairs_of(session, ids, LEAST_SHARED),
        outside=relations.parts_outside(session, ids),
        on_land=relations.parts_on_land(session, ids),
        swapped_fits=relations.only_swapped_inside(session, ids, inside[:, 0], inside[:, 1]),
        beside_track=share,
        off_track=off_track,
        starts_on=campaign.starts_on,
        as_of=as_of,
    )


def fetch_campaign(session: Session, campaign: Campaign) -> CampaignClaims:
    """All claims of a campaign without their ground."""
    its = {"campaign": campaign.id}
    rows = session.execute(FACTS, its).all()
    limits = session.execute(SPECIES, its).all()
    row_of = {r.id: k for k, r in enumerate(rows)}
    return CampaignClaims(
        id=np.array([r.id for r in rows], dtype=int),
        kind=_objects(r.kind for r in rows),
        species=_objects(tuple(zip(r.species, r.species_share, strict=True)) for r in rows),
        stems=_numbers(r.stems for r in rows),
        planted_on=np.array([r.planted_on for r in rows], dtype="datetime64[D]"),
        implementer=_objects(r.implementer for r in rows),
        altitude_m=_numbers(r.altitude_m for r in rows),
        caps=DEFAULT_CAPS | {r.species: r.cap_share for r in limits if r.cap_share is not None},
        ranges_m=DEFAULT_RANGES_M
        | {
            r.species: (
                -np.inf if r.lowest_m is None else r.lowest_m,
                np.inf if r.highest_m is None else r.highest_m,
            )
            for r in limits
            if r.lowest_m is not None or r.highest_m is not None
        },
        issued=[(r.issued_on, int(r.stems)) for r in session.execute(ISSUED, its)],
        surveys=[
            (row_of[r.claim_id], r.surveyed_on, float(r.survival), bool(r.replanted))
            for r in session.execute(SURVEYS, its)
        ],
    )


def _numbers(values: Any) -> np.ndarray:
    return np.array([np.nan if v is None else v for v in values], dtype=float)


def _objects(values: Any) -> np.ndarray:
    given = list(values)
    out = np.full(len(given), None, dtype=object)
    for k, value in enumerate(given):
        out[k] = value
    return out


def _shapes(values: Any) -> np.ndarray:
    return _objects(None if v is None else shapely.from_wkb(bytes(v)) for v in values)
