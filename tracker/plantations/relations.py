"""How do claims lie to other claims, to the campaign's areas, to ground without trees, and to the walk around them?

Set-based, along spatial indexes: one statement per question for a portion of claims. Reads `claim`, `area`,
`land_piece`, `claim_track`; writes only temporary tables. Areas and shares are geodesic.
"""

from typing import Any

import numpy as np
import shapely
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.plantations.rules.rule import Pairs, Parts
from tracker.plantations.rules.track_mismatch import NEAR_M

# the campaign's areas as one ground in small pieces: most claims lie whole in one of them
GROUND = text("""
    CREATE TEMP TABLE campaign_ground ON COMMIT DROP AS
    SELECT ST_Subdivide(ST_UnaryUnion(ST_Collect(a.boundary)), 128) AS piece
    FROM campaign_area k JOIN area a ON a.id = k.area_id WHERE k.campaign_id = :campaign""")
GROUND_INDEX = text("CREATE INDEX ON campaign_ground USING gist (piece); ANALYZE campaign_ground")

PAIRS = text("""
    WITH mine AS (
        SELECT c.id, c.boundary, c.measured_ha FROM claim c WHERE c.id = ANY(:ids)
    ), met AS (             -- of claims that share more than their border
        SELECT m.id, o.id AS other_id, m.measured_ha, o.measured_ha AS other_ha,
               ST_CollectionExtract(ST_Intersection(m.boundary, o.boundary), 3) AS shared
        FROM mine m JOIN claim o ON o.boundary && m.boundary AND o.id <> m.id
                                AND ST_Intersects(o.boundary, m.boundary)
    ), measured AS (
        SELECT *, ST_Area(shared::geography) / 10000 AS overlap_ha FROM met WHERE NOT ST_IsEmpty(shared)
    )
    SELECT id, other_id, overlap_ha, overlap_ha / least(measured_ha, other_ha) AS of_smaller,
           overlap_ha / nullif(measured_ha + other_ha - overlap_ha, 0) AS of_union, ST_AsBinary(shared) AS shows
    FROM measured WHERE overlap_ha / least(measured_ha, other_ha) > :share_above
    ORDER BY id, other_id""")

OUTSIDE = text("""
    WITH beyond AS (        -- claims that no single piece covers
        SELECT c.id, c.boundary, c.measured_ha FROM claim c
        WHERE c.id = ANY(:ids)
          AND NOT EXISTS (SELECT FROM campaign_ground g WHERE g.piece && c.boundary AND ST_Covers(g.piece, c.boundary))
    ), rest AS (
        SELECT b.id, b.measured_ha, coalesce(ST_Difference(b.boundary, near.ground), b.boundary) AS outside
        FROM beyond b LEFT JOIN LATERAL (
            SELECT ST_Union(g.piece) AS ground FROM campaign_ground g WHERE g.piece && b.boundary
        ) near ON true
    )
    SELECT id, '' AS kind, least(1, ST_Area(outside::geography) / 10000 / measured_ha) AS share,
           ST_AsBinary(outside) AS shows
    FROM rest WHERE NOT ST_IsEmpty(outside) ORDER BY id""")

ON_LAND = text("""
    WITH met AS (
        SELECT c.id, c.measured_ha, l.kind,
               ST_CollectionExtract(ST_Union(ST_Intersection(p.piece, c.boundary)), 3) AS shared
        FROM claim c JOIN land_piece p ON p.piece && c.boundary AND ST_Intersects(p.piece, c.boundary)
        JOIN land_layer l ON l.id = p.layer_id
        WHERE c.id = ANY(:ids) GROUP BY c.id, l.kind
    )
    SELECT id, kind, least(1, ST_Area(shared::geography) / 10000 / measured_ha) AS share, ST_AsBinary(shared) AS shows
    FROM met WHERE NOT ST_IsEmpty(shared) ORDER BY id, kind""")

BESIDE_TRACK = text("""
    WITH walked AS (
        SELECT c.id, ST_Boundary(ST_Transform(c.boundary, c.utm_epsg)) AS edge,
               ST_Buffer(ST_Transform(t.path, c.utm_epsg), :near_m) AS beside
        FROM claim c JOIN claim_track t ON t.claim_id = c.id WHERE c.id = ANY(:ids)
    )
    SELECT id, ST_Length(ST_Intersection(edge, beside)) / ST_Length(edge) AS share,
           ST_AsBinary(ST_Transform(ST_Difference(edge, beside), 4326)) AS shows
    FROM walked ORDER BY id""")

SWAPPED = text("""
    SELECT n.id FROM unnest(CAST(:ids AS integer[]), CAST(:lon AS float8[]), CAST(:lat AS float8[])) AS n (id, lon, lat)
    WHERE abs(n.lon) <= 90
      AND EXISTS (SELECT FROM campaign_ground g WHERE ST_Intersects(g.piece, ST_Point(n.lat, n.lon, 4326)))
      AND NOT EXISTS (SELECT FROM campaign_ground g WHERE ST_Intersects(g.piece, ST_Point(n.lon, n.lat, 4326)))""")


def prepare_ground(session: Session, campaign: Campaign) -> None:
    """Cut the campaign's areas into pieces, for this transaction."""
    session.execute(text("DROP TABLE IF EXISTS campaign_ground"))
    session.execute(GROUND, {"campaign": campaign.id})
    session.execute(GROUND_INDEX)


def pairs_of(session: Session, ids: np.ndarray, share_above: float) -> Pairs:
    """Ground that these claims share with any claim, where it is more than `share_above` of the smaller of the two."""
    rows = session.execute(PAIRS, {"ids": ids.tolist(), "share_above": share_above}).all()
    return Pairs(
        claim=_row_of(ids, rows),
        other_id=np.array([r.other_id for r in rows], dtype=int),
        overlap_ha=np.array([r.overlap_ha for r in rows], dtype=float),
        of_smaller=np.array([r.of_smaller for r in rows], dtype=float),
        of_union=np.array([r.of_union if r.of_union is not None else 1.0 for r in rows], dtype=float),
        shows=_shapes(rows),
    )


def parts_outside(session: Session, ids: np.ndarray) -> Parts:
    """What of these claims lies outside the campaign's ground (see `prepare_ground`)."""
    return _parts(session, OUTSIDE, ids)


def parts_on_land(session: Session, ids: np.ndarray) -> Parts:
    """What of these claims lies on each kind of ground where nothing can be planted."""
    return _parts(session, ON_LAND, ids)


def beside_track(session: Session, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each claim the share of its boundary near its track (NaN: there is none), and the rest of it."""
    rows = session.execute(BESIDE_TRACK, {"ids": ids.tolist(), "near_m": NEAR_M}).all()
    share, off = np.full(len(ids), np.nan), np.full(len(ids), None, dtype=object)
    at = _row_of(ids, rows)
    share[at] = [r.share for r in rows]
    off[at] = _shapes(rows)
    return share, off


def only_swapped_inside(session: Session, ids: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Whether a position lies in the campaign's ground only when lon and lat are exchanged: (n,) bool."""
    values = {"ids": ids.tolist(), "lon": lon.tolist(), "lat": lat.tolist()}
    return np.isin(ids, list(session.scalars(SWAPPED, values)))


def _parts(session: Session, statement: TextClause, ids: np.ndarray) -> Parts:
    rows = session.execute(statement, {"ids": ids.tolist()}).all()
    return Parts(
        claim=_row_of(ids, rows),
        kind=np.array([r.kind for r in rows], dtype=object),
        share=np.array([r.share for r in rows], dtype=float),
        shows=_shapes(rows),
    )


def _row_of(ids: np.ndarray, rows: Any) -> np.ndarray:
    return np.searchsorted(ids, np.array([r.id for r in rows], dtype=int))


def _shapes(rows: Any) -> np.ndarray:
    shapes = np.full(len(rows), None, dtype=object)
    shapes[:] = [shapely.from_wkb(bytes(r.shows)) for r in rows]
    return shapes
