"""Everything that is known of one claim: facts, versions, findings with their ground, evidence, neighbours."""

import json
from dataclasses import dataclass
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.errors import NotFound
from tracker.plantations.reading import OF_SCOPE, findings_of, scope_binds

CLAIM = text(f"""
    SELECT c.*, ST_AsBinary(c.boundary) AS outline, e.record, e.as_of, e.questions
    FROM claim c LEFT JOIN evidence e ON e.claim_id = c.id AND e.claim_version = c.version
    WHERE c.campaign_id = :campaign AND c.code = :code AND {OF_SCOPE}""")
VERSIONS = text("""
    SELECT version, registered_at, superseded_at, claimed_ha, measured_ha, stems, planted_on FROM claim_version
    WHERE claim_id = :id ORDER BY version DESC""")
SHOWN = text("""
    SELECT rule, severity, ST_AsBinary(shows) AS shows FROM finding
    WHERE claim_id = :id AND shows IS NOT NULL ORDER BY id""")
NEIGHBOURS = text(f"""
    SELECT c.code, ST_AsBinary(c.boundary) AS outline, k.code AS campaign
    FROM claim c JOIN campaign k ON k.id = c.campaign_id
    WHERE c.id <> :id AND {OF_SCOPE}
      AND c.boundary && ST_MakeEnvelope(:west, :south, :east, :north, 4326) ORDER BY c.id LIMIT 300""")
AROUND_DEGREES = 0.02  # some 2 km beside the claim's box: the map may show as much


@dataclass(frozen=True)
class OneClaim:
    """A claim with everything around it; shapes are EPSG:4326."""

    facts: dict[str, Any]
    outline: shapely.Geometry
    versions: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    shown: list[tuple[str, str, shapely.Geometry]]  # rule, severity, ground
    neighbours: list[tuple[str, str, shapely.Geometry]]  # code, campaign, outline
    record: dict[str, Any] | None  # evidence; None: not measured in this version


def one_claim(session: Session, campaign: Campaign, scope: Scope, code: str) -> OneClaim:
    """Raises NotFound for what does not exist or lies outside the scope."""
    its = {"campaign": campaign.id, "code": code, **scope_binds(scope)}
    row = session.execute(CLAIM, its).mappings().one_or_none()
    if row is None:
        raise NotFound
    outline = shapely.from_wkb(bytes(row["outline"]))
    west, south, east, north = shapely.buffer(outline, AROUND_DEGREES).bounds
    box = {"west": west, "south": south, "east": east, "north": north}
    near = session.execute(NEIGHBOURS, {"id": row["id"], **box, **scope_binds(scope)})
    shown = session.execute(SHOWN, {"id": row["id"]})
    return OneClaim(
        facts=dict(row),
        outline=outline,
        versions=[dict(v) for v in session.execute(VERSIONS, {"id": row["id"]}).mappings()],
        findings=findings_of(session, campaign, scope, row["id"]),
        shown=[(r.rule, r.severity, shapely.from_wkb(bytes(r.shows))) for r in shown],
        neighbours=[(r.code, r.campaign, shapely.from_wkb(bytes(r.outline))) for r in near],
        record=json.loads(row["record"]) if row["record"] else None,
    )
