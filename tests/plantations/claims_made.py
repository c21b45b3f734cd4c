"""Claims for tests, taken in the way a file's are: outlines in metres about a place in Peshawar."""

from datetime import date
from typing import Any

import numpy as np
import pyproj
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.features import Features
from tests.builders import IN_PESHAWAR, a_round
from tracker.accounts.scope import SERVER, Scope
from tracker.areas.models import Area
from tracker.campaigns.models import Campaign
from tracker.plantations.asking import ask_about_campaign, ask_about_claims
from tracker.plantations.fetching import claim_ids
from tracker.plantations.incoming import read_claims
from tracker.plantations.registering import Raw, RegisterSummary, register_claims

UTM = 32642
AS_OF = date(2026, 6, 1)
HONEST = {
    "claimed_ha": None, "kind": "block", "species": "poplar", "stems": None, "planted_on": "2024-03-05",
    "implementer": "Forest range Azakhel", "tenure": "community",
}  # fmt: skip
_there = pyproj.Transformer.from_crs(4326, UTM, always_xy=True)
_back = pyproj.Transformer.from_crs(UTM, 4326, always_xy=True)
CORNERS = [(0, 0), (118, -14), (164, 61), (131, 142), (38, 157), (-29, 83)]  # an honest plot of some 2 ha


def trees(session: Session, code: str = "TREES", areas: tuple[Area, ...] = ()) -> Campaign:
    """A plantation campaign that began with 2024."""
    days = {"starts_on": date(2024, 1, 1), "ends_on": date(2026, 12, 31), "catch_up": []}
    return a_round(session, code, areas, kind="plantation", **days)


def ground(corners: list[tuple[float, float]] | shapely.Geometry = CORNERS, east_m: float = 0, north_m: float = 0):
    """An outline given in metres about IN_PESHAWAR, in degrees with seven decimals."""
    shape = corners if isinstance(corners, shapely.Geometry) else shapely.Polygon(corners)
    x, y = _there.transform(*IN_PESHAWAR)
    moved = shapely.transform(shape, lambda xy: xy + np.array([x + east_m, y + north_m]))
    degrees = shapely.transform(moved, _back.transform, interleaved=False)
    return shapely.transform(degrees, lambda xy: np.round(xy, 7))


def claims_file(rows: list[dict[str, Any]], shapes: list[shapely.Geometry | None], **more: Any) -> Features:
    """What reading a file of claims gives."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    attributes = {name: np.array([row.get(name) for row in rows], dtype=object) for name in names}
    geometry = np.full(len(shapes), None, dtype=object)
    geometry[:] = shapes
    return Features(attributes, geometry, np.zeros(len(shapes), dtype=bool), **more)


def register(session: Session, campaign: Campaign, features: Features, scope: Scope = SERVER) -> RegisterSummary:
    return register_claims(session, campaign, read_claims(features, {}), Raw("test", bytes(32), "x", body=b"x"), scope)


def a_claim(session: Session, campaign: Campaign, code: str = "A", shape: Any = None, **facts: Any) -> int:
    """An honest claim but for what is told otherwise; its id."""
    shape = ground() if shape is None else shape
    hectares = float(abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(shape.convex_hull)[0])) / 1e4
    row = {"claim": code, **HONEST, "claimed_ha": round(hectares, 4), "stems": int(hectares * 1075), **facts}
    summary = register(session, campaign, claims_file([row], [shape]))
    assert not summary.errors, summary.errors
    its = {"campaign": campaign.id, "code": code}
    return int(session.scalar(text("SELECT id FROM claim WHERE campaign_id = :campaign AND code = :code"), its))


def found(session: Session, campaign: Campaign, code: str = "A", as_of: date = AS_OF) -> dict[str, str]:
    """{rule: gravest severity} of a claim after every rule was asked about the campaign."""
    ask_about_claims(session, campaign, claim_ids(session, campaign), as_of)
    ask_about_campaign(session, campaign)
    return findings_of(session, campaign, code)


def findings_of(session: Session, campaign: Campaign, code: str) -> dict[str, str]:
    rows = session.execute(
        text("""
            SELECT f.rule, f.severity FROM finding f JOIN claim c ON c.id = f.claim_id
            WHERE c.campaign_id = :campaign AND c.code = :code
            ORDER BY array_position(ARRAY['warn', 'doubt', 'reject'], f.severity)"""),
        {"campaign": campaign.id, "code": code},
    )
    return {row.rule: row.severity for row in rows}
