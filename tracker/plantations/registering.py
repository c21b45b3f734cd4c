"""Register claims: new ones are added, changed ones get a new version, the same again changes nothing.

What can be read goes in, the rest is named and set aside; one transaction for all rows of a file or request. Reads
areas and the campaign's claims; writes `submission`, `claim`, `claim_version`, and takes away findings of what has
changed.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import shapely
from flask_babel import gettext as _
from psycopg2.extras import execute_values
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import SERVER, Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign
from tracker.errors import CampaignClosed, RowError, WrongRequest
from tracker.plantations.claim_row import refusal
from tracker.plantations.incoming import Incoming, IncomingClaim
from tracker.visits.models import Submission

FACTS = (
    "digest", "claimed_ha", "kind", "species", "species_share", "stems", "planted_on", "implementer", "tenure",
    "boundary", "drawn", "ring_was_open", "crs", "measured_ha", "utm_epsg", "area_id",
)  # fmt: skip
KEPT = tuple(name for name in FACTS if name not in ("ring_was_open", "utm_epsg", "area_id"))  # of older versions

STAGING = text("""
    CREATE TEMP TABLE incoming_claim (
        row_no integer, code text, digest bytea, claimed_ha float8, kind text, species text[], species_share float8[],
        stems bigint, planted_on date, implementer text, tenure text, boundary geometry, drawn geometry,
        ring_was_open boolean, crs text, measured_ha float8, utm_epsg integer,
        area_id integer NOT NULL DEFAULT 0, inside geometry, status text
    ) ON COMMIT DROP""")
STAGE = """
    INSERT INTO incoming_claim (row_no, code, digest, claimed_ha, kind, species, species_share, stems, planted_on,
        implementer, tenure, boundary, drawn, ring_was_open, crs, measured_ha, utm_epsg) VALUES %s"""
STAGED_AS = "(%s, %s, %s, %s, %s, %s::text[], %s::float8[], %s, %s, %s, %s, %s::geometry, %s::geometry, %s, %s, %s, %s)"

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('claims of a campaign'), :campaign)")

# areas outside, claims inside: each area is prepared once
INSIDE = text("UPDATE incoming_claim SET inside = ST_PointOnSurface(boundary)")
PLACE = text("""
    WITH placed AS (
        SELECT DISTINCT ON (n.row_no) n.row_no, a.id
        FROM area a JOIN incoming_claim n ON ST_Covers(a.boundary, n.inside)
        WHERE a.vintage = :vintage
        ORDER BY n.row_no, array_position(CAST(:levels AS text[]), a.level) DESC, a.code COLLATE "C"
    )
    UPDATE incoming_claim n SET area_id = placed.id FROM placed WHERE placed.row_no = n.row_no""")

# whoever sees only some areas registers only there, and changes only what lies there
TOLD_APART = text("""
    UPDATE incoming_claim n SET status = CASE
        WHEN NOT :everywhere AND NOT in_areas(n.area_id, :areas) THEN 'outside_your_areas'
        WHEN c.id IS NULL THEN 'created'
        WHEN NOT :everywhere AND NOT in_areas(c.area_id, :areas) THEN 'code_taken'
        WHEN c.digest = n.digest THEN 'unchanged'
        ELSE 'updated' END
    FROM incoming_claim i LEFT JOIN claim c ON c.campaign_id = :campaign AND c.code = i.code
    WHERE i.row_no = n.row_no""")

ADD = text(f"""
    INSERT INTO claim (campaign_id, code, submission_id, row_no, {", ".join(FACTS)})
    SELECT :campaign, code, :submission, row_no, {", ".join(FACTS)} FROM incoming_claim WHERE status = 'created'""")

KEEP_OLD = text(f"""
    INSERT INTO claim_version (claim_id, version, submission_id, row_no, registered_at, {", ".join(KEPT)})
    SELECT c.id, c.version, c.submission_id, c.row_no, c.registered_at, {", ".join(f"c.{name}" for name in KEPT)}
    FROM incoming_claim n JOIN claim c ON c.campaign_id = :campaign AND c.code = n.code WHERE n.status = 'updated'""")
CHANGE = text(f"""
    UPDATE claim c SET version = c.version + 1, submission_id = :submission, row_no = n.row_no, registered_at = now(),
        risk = NULL, risk_parts = NULL, checked_at = NULL, altitude_m = NULL, decision = NULL, decided_at = NULL,
        {", ".join(f"{name} = n.{name}" for name in FACTS)}
    FROM incoming_claim n WHERE n.status = 'updated' AND c.campaign_id = :campaign AND c.code = n.code""")
FORGET_FINDINGS = text("""
    DELETE FROM finding f USING incoming_claim n, claim c
    WHERE n.status = 'updated' AND c.campaign_id = :campaign AND c.code = n.code
      AND (f.claim_id = c.id OR f.other_claim_id = c.id)""")

TEAM_AREAS = text("""
    SELECT coalesce(range_agg(int4range(w.area_id, w.area_id, '[]')), '{}')::text
    FROM team t JOIN area_within w ON w.ancestor_id = t.area_id WHERE t.id = :team""")

STATUSES = text("SELECT row_no, code, status FROM incoming_claim ORDER BY row_no")


@dataclass
class RegisterSummary:
    """What became of the rows of a file or request."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    seconds: float = 0.0
    errors: list[RowError] = field(default_factory=list)
    status: dict[int, str] = field(default_factory=dict)  # by row: created, updated, unchanged

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if key not in ("errors", "status")}


@dataclass(frozen=True)
class Raw:
    """What was sent, as it is kept: a body, or a file whose bytes lie under their hash."""

    channel: str
    sha256: bytes
    media_type: str
    body: bytes | None = None
    file_name: str | None = None


def register_claims(
    session: Session, campaign: Campaign, incoming: Incoming, raw: Raw, scope: Scope = SERVER
) -> RegisterSummary:
    """Keep the claims that were read; the caller commits.

    Raises CampaignClosed, and WrongRequest for a campaign that is not about plantations.
    """
    check_takes_claims(campaign)
    session.execute(ONE_AT_A_TIME, {"campaign": campaign.id})
    summary = RegisterSummary(read=incoming.read, errors=list(incoming.errors))
    if incoming.claims:
        _stage(session, incoming.claims)
        session.execute(INSIDE)
        session.execute(PLACE, {"vintage": campaign.vintage, "levels": list(LEVELS)})
        may = {"everywhere": scope.everything, "areas": areas_to_register_in(session, scope)}
        session.execute(TOLD_APART, {"campaign": campaign.id, **may})
        _tell(session, summary)
        if summary.created or summary.updated:
            _write(session, campaign, raw, scope)
        session.execute(text("DROP TABLE incoming_claim"))
    summary.errors.sort(key=lambda error: error.row)
    summary.rejected = len({error.row for error in summary.errors})
    return summary


def areas_to_register_in(session: Session, scope: Scope) -> str:
    """Where a person may register: their areas; a team in its own area and below. An int4multirange."""
    if scope.team_id is None:
        return scope.areas
    return str(session.scalar(TEAM_AREAS, {"team": scope.team_id}))


def check_takes_claims(campaign: Campaign) -> None:
    """Raises CampaignClosed, or WrongRequest."""
    if campaign.kind != "plantation":
        why = _("{code} is no plantation campaign and takes no claims.").format(code=campaign.code)
        raise WrongRequest(field="campaign", why=why)
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)


def _stage(session: Session, claims: list[IncomingClaim]) -> None:
    session.execute(STAGING)
    cursor = session.connection().connection.cursor()
    execute_values(cursor, STAGE, map(_staged, claims), template=STAGED_AS, page_size=500)
    session.execute(text("ANALYZE incoming_claim"))


def _staged(claim: IncomingClaim) -> tuple[Any, ...]:
    facts = claim.facts
    return (
        claim.row, facts.code, claim.digest, facts.claimed_ha, facts.kind, [name for name, _share in facts.species],
        [share for _name, share in facts.species], facts.stems, facts.planted_on, facts.implementer, facts.tenure,
        _ewkb(claim.boundary), _ewkb(claim.drawn), claim.ring_was_open, claim.crs, claim.measured_ha, claim.utm_epsg,
    )  # fmt: skip


def _ewkb(shape: shapely.Geometry | None) -> str | None:
    if shape is None:
        return None
    return str(shapely.to_wkb(shapely.set_srid(shape, 4326), hex=True, byte_order=1, include_srid=True))


def _tell(session: Session, summary: RegisterSummary) -> None:
    """Count what becomes of each row; what the sender may not do is refused."""
    for row, code, status in session.execute(STATUSES):
        if status in ("outside_your_areas", "code_taken"):
            summary.errors.append(refusal(row, "geometry" if status[0] == "o" else "claim", status, code))
            continue
        summary.status[row] = status
        setattr(summary, status, getattr(summary, status) + 1)


def _write(session: Session, campaign: Campaign, raw: Raw, scope: Scope) -> None:
    submission = Submission(
        campaign_id=campaign.id, channel=raw.channel, sha256=raw.sha256, media_type=raw.media_type, body=raw.body,
        file_name=raw.file_name, submitter_id=scope.person_id,
    )  # fmt: skip
    session.add(submission)
    session.flush()
    values = {"campaign": campaign.id, "submission": submission.id}
    session.execute(KEEP_OLD, values)
    session.execute(FORGET_FINDINGS, values)
    session.execute(CHANGE, values)
    session.execute(ADD, values)
