"""What do the scenes say of these claims? Reads claims, layers and scenes; `measure_claims` writes nothing,
`keep_evidence` keeps what it found.

A claim's evidence is one document: which scenes it rests on, the numbers of each, an answer to each of five questions,
all parameters and the version of the code. The same inputs give the same bytes; evidence whose inputs have not changed
is not computed again.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

import numpy as np
import shapely
from flask_babel import lazy_gettext as _l
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from geo.evidence.parameters import DEFAULTS, Parameters
from geo.evidence.questions import Layers
from geo.hilbert import hilbert_index
from tracker.errors import NotFound, RasaiError
from tracker.imagery.catalogue import usable_scenes
from tracker.imagery.place import scenes_dir
from tracker.plantations.ground import ClaimGround
from tracker.plantations.measuring import Chunk
from tracker.plantations.spreading import Work, documents_of
from tracker.plantations.tree_cover import tree_shares

CHUNK_CLAIMS = 48
CHUNK_HECTARES = 300.0  # with its pixels on all dates a chunk stays within some 100 MB
CHUNK_SPAN_DEGREES = 0.1  # claims further apart than this share no window, and no chunk
METRES_PER_DEGREE = 111_000.0
AWAY_M = 200.0  # beside the outermost candidate block


class EvidenceMissing(RasaiError):
    message = _l("Claim {claim} has not been measured in its newest version. Run: flask plantations check")
    status = 404


class ClaimInSeveralCampaigns(RasaiError):
    message = _l("Several campaigns have a claim {claim}. Say which one with --campaign.")
    exit_code = 2


@dataclass(frozen=True)
class Measured:
    """What came of one claim."""

    claim: ClaimGround
    as_of: date
    key: bytes  # of everything that went in
    record: str  # the document, byte for byte as it is kept and printed

    @property
    def document(self) -> dict[str, Any]:
        """{"claim","inputs","scenes","questions","parameters","code_version", …}"""
        found: dict[str, Any] = json.loads(self.record)
        return found

    @property
    def questions(self) -> dict[str, dict[str, Any]]:
        """Each of the five: {"verdict","reason", …numbers}."""
        found: dict[str, dict[str, Any]] = self.document["questions"]
        return found


CLAIMS = text("""
    SELECT c.id, c.campaign_id, c.version, c.code, ST_AsBinary(c.boundary) AS outline, c.measured_ha, c.planted_on,
           c.kind, c.species, c.species_share, c.stems
    FROM claim c
    WHERE (CAST(:campaign_id AS int) IS NULL OR c.campaign_id = :campaign_id)
      AND (CAST(:claim_ids AS int[]) IS NULL OR c.id = ANY(:claim_ids))
    ORDER BY c.id""")


def claims_to_measure(
    session: Session, *, campaign_id: int | None = None, claim_ids: Sequence[int] | None = None
) -> list[ClaimGround]:
    """The claims of a campaign, or these."""
    values = {"campaign_id": campaign_id, "claim_ids": None if claim_ids is None else list(claim_ids)}
    return [
        ClaimGround(
            row.id, row.campaign_id, row.version, row.code, shapely.from_wkb(bytes(row.outline)), row.measured_ha,
            row.planted_on, row.kind, tuple(zip(row.species, row.species_share, strict=True)), row.stems,
        )
        for row in session.execute(CLAIMS, values)
    ]  # fmt: skip


def measure_claims(
    session: Session,
    claims: Sequence[ClaimGround],
    as_of: date,
    *,
    scheduler: str | None = None,
    parameters: Parameters = DEFAULTS,
    anew: bool = False,
) -> Iterator[list[Measured]]:
    """Evidence of all claims, chunk by chunk (neighbours together), as of a day; later scenes are not looked at.

    scheduler : address of a dask scheduler, or "local" for worker processes of this machine; None: in this process.
    anew : also where nothing has changed since it was kept
    """
    works = (_work(session, part, as_of, parameters, anew) for part in parts_of(claims))
    for work, documents in documents_of(works, scheduler, scenes_dir()):
        new = dict(zip((claim.claim_id for claim in work.chunk.claims), map(written, documents), strict=True))
        yield [
            Measured(claim, as_of, key, new.get(claim.claim_id) or work.kept[claim.claim_id])
            for claim, key in zip(work.claims, work.keys, strict=True)
        ]


def written(document: dict[str, Any]) -> str:
    """A document as it is kept and printed."""
    return json.dumps(document, ensure_ascii=False)


def parts_of(claims: Sequence[ClaimGround]) -> Iterator[list[ClaimGround]]:
    """Claims in chunks of neighbours, along a Hilbert curve; the same chunks for the same claims."""
    if not claims:
        return
    west, south, east, north = shapely.bounds(np.array([claim.outline for claim in claims], object)).T
    x, y = np.nan_to_num((west + east) / 2), np.nan_to_num((south + north) / 2)
    along = hilbert_index(x, y)
    order = sorted(range(len(claims)), key=lambda k: (along[k], claims[k].code, claims[k].claim_id))
    start, part, hectares = order[0], list[ClaimGround](), 0.0
    for at in order:
        far = max(abs(x[at] - x[start]), abs(y[at] - y[start])) > CHUNK_SPAN_DEGREES
        hectares += claims[at].measured_ha
        if part and (far or len(part) == CHUNK_CLAIMS or hectares > CHUNK_HECTARES):
            yield part
            start, part, hectares = at, [], claims[at].measured_ha
        part.append(claims[at])
    yield part


def _work(session: Session, claims: list[ClaimGround], as_of: date, parameters: Parameters, anew: bool) -> Work:
    """What goes into the evidence of these claims, and which of it is kept already."""
    whole = _chunk(session, claims, as_of, parameters)
    keys = whole.keys()
    ids = [claim.claim_id for claim in claims]
    kept = {} if anew else {row.claim_id: row.record for row in session.execute(KEPT, {"ids": ids, "keys": keys})}
    return Work(claims, keys, kept, whole.only([k for k, number in enumerate(ids) if number not in kept]))


KEPT = text("""
    SELECT e.claim_id, e.record FROM unnest(CAST(:ids AS int[]), CAST(:keys AS bytea[])) AS asked (claim_id, key)
    JOIN evidence e ON e.claim_id = asked.claim_id AND e.key = asked.key""")


def _chunk(session: Session, claims: list[ClaimGround], as_of: date, parameters: Parameters) -> Chunk:
    boxes = [_surroundings(claim.outline, parameters) for claim in claims]
    asked = {
        "ids": [claim.claim_id for claim in claims],
        **{side: [box[k] for box in boxes] for k, side in enumerate(("west", "south", "east", "north"))},
    }
    near = _by_claim(session.execute(OTHERS, asked))
    land, trees = _land(session, claims, asked), tree_shares(session, claims, parameters)
    return Chunk(
        claims=tuple(claims),
        others=tuple(tuple(near.get(claim.claim_id, ())) for claim in claims),
        layers=tuple(land[claim.claim_id][0] for claim in claims),
        told=tuple(_layers(trees.get(claim.claim_id), land[claim.claim_id][1]) for claim in claims),
        scenes=tuple(usable_scenes(session, [claim.outline for claim in claims], as_of)),
        as_of=as_of,
        parameters=parameters,
    )


def _layers(trees: tuple[float, str] | None, built_share: float | None) -> Layers:
    share, name = trees or (None, None)
    return Layers(share, name, built_share)


def _surroundings(outline: shapely.Geometry, parameters: Parameters) -> tuple[float, float, float, float]:
    """Degrees around a claim within which its candidate blocks lie, and what might keep them away."""
    west, south, east, north = outline.bounds
    per_degree = METRES_PER_DEGREE * max(0.05, np.cos(np.radians((south + north) / 2)))
    x = parameters.shifts * ((east - west) + AWAY_M / per_degree)
    y = parameters.shifts * ((north - south) + AWAY_M / METRES_PER_DEGREE)
    return float(west - x), float(south - y), float(east + x), float(north + y)


ASKED = """
    WITH asked AS (     -- the ground around each claim
        SELECT id, ST_MakeEnvelope(west, south, east, north, 4326) AS box
        FROM unnest(CAST(:ids AS int[]), CAST(:west AS float8[]), CAST(:south AS float8[]), CAST(:east AS float8[]),
                    CAST(:north AS float8[])) AS a (id, west, south, east, north))"""
# claims of every year, campaign and decision
OTHERS = text(f"""{ASKED}
    SELECT a.id, ST_AsBinary(c.boundary) AS outline
    FROM asked a JOIN claim c ON c.boundary && a.box AND c.id <> a.id ORDER BY a.id, c.id""")
LAND = text(f"""{ASKED}
    SELECT a.id, l.kind, ST_AsBinary(p.piece) AS outline
    FROM asked a JOIN land_piece p ON p.piece && a.box JOIN land_layer l ON l.id = p.layer_id ORDER BY a.id, p.id""")
BUILT_UP_IS_KNOWN = text("SELECT EXISTS (SELECT FROM land_layer WHERE kind = 'built_up')")


def _by_claim(rows: Iterable[Any]) -> dict[int, list[shapely.Geometry]]:
    found: dict[int, list[shapely.Geometry]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(shapely.from_wkb(bytes(row.outline)))
    return found


def _land(
    session: Session, claims: list[ClaimGround], asked: dict[str, Any]
) -> dict[int, tuple[shapely.Geometry | None, float | None]]:
    """Of each claim: the land around it where nothing is planted, and its share that is built up (None: not known)."""
    rows = session.execute(LAND, asked).all()
    known = bool(session.scalar(BUILT_UP_IS_KNOWN))
    out: dict[int, tuple[shapely.Geometry | None, float | None]] = {}
    for claim in claims:
        its = [row for row in rows if row.id == claim.claim_id]
        barred = [row for row in its if row.kind != "cropland" or claim.kind != "farm_forestry"]
        built = _union([row for row in its if row.kind == "built_up"])
        share = float(shapely.intersection(claim.outline, built).area / claim.outline.area) if built else 0.0
        out[claim.claim_id] = _union(barred), share if known else None
    return out


def _union(rows: list[Any]) -> shapely.Geometry | None:
    return shapely.union_all(shapely.from_wkb([bytes(row.outline) for row in rows])) if rows else None


STAGE = text("""
    CREATE TEMPORARY TABLE IF NOT EXISTS evidence_staging (LIKE evidence INCLUDING DEFAULTS)
    ON COMMIT DELETE ROWS""")
COPY = """
    COPY evidence_staging (claim_id, campaign_id, claim_version, as_of, key, record, questions)
    FROM STDIN (FORMAT csv)"""
UPSERT = text("""
    INSERT INTO evidence (claim_id, campaign_id, claim_version, as_of, key, record, questions, computed_at)
    SELECT s.claim_id, s.campaign_id, s.claim_version, s.as_of, s.key, s.record, s.questions, now()
    FROM evidence_staging s JOIN claim c ON c.id = s.claim_id AND c.version = s.claim_version  -- not if corrected since
    ON CONFLICT (claim_id) DO UPDATE SET (campaign_id, claim_version, as_of, key, record, questions, computed_at)
        = (excluded.campaign_id, excluded.claim_version, excluded.as_of, excluded.key, excluded.record,
           excluded.questions, now())
    WHERE evidence.key <> excluded.key OR evidence.record <> excluded.record""")


def keep_evidence(session: Session, measured: Sequence[Measured]) -> int:
    """Keep what was measured, one row per claim; how many rows are new or different."""
    session.execute(STAGE)
    rows = io.StringIO()
    writer = csv.writer(rows)
    for one in measured:
        writer.writerow(
            (one.claim.claim_id, one.claim.campaign_id, one.claim.version, one.as_of, f"\\x{one.key.hex()}", one.record,
             json.dumps(one.questions, ensure_ascii=False))
        )  # fmt: skip
    rows.seek(0)
    cursor: Cursor = session.connection().connection.cursor()
    cursor.execute("TRUNCATE evidence_staging")
    cursor.copy_expert(COPY, rows)
    return cast(CursorResult[Any], session.execute(UPSERT)).rowcount


def evidence_of(session: Session, code: str, campaign: str | None = None) -> str:
    """The record of a claim as it is kept. Raises NotFound, EvidenceMissing, ClaimInSeveralCampaigns."""
    row = _claim_named(session, code, campaign)
    if row.record is None:
        raise EvidenceMissing(claim=code)
    return str(row.record)


def recompute(session: Session, code: str, campaign: str | None = None) -> str:
    """The record of a claim made anew from scenes, claims and layers as they are now, as of the same day."""
    row = _claim_named(session, code, campaign)
    if row.record is None:
        raise EvidenceMissing(claim=code)
    neighbours = claims_to_measure(session, claim_ids=[row.id])
    measured = [one for part in measure_claims(session, neighbours, row.as_of, anew=True) for one in part]
    return measured[0].record


NAMED = text("""
    SELECT c.id, e.record, e.as_of FROM claim c JOIN campaign k ON k.id = c.campaign_id
    LEFT JOIN evidence e ON e.claim_id = c.id AND e.claim_version = c.version
    WHERE c.code = :code AND (CAST(:campaign AS text) IS NULL OR k.code = :campaign) ORDER BY c.id""")


def _claim_named(session: Session, code: str, campaign: str | None) -> Any:
    found = session.execute(NAMED, {"code": code, "campaign": campaign}).all()
    if not found:
        raise NotFound
    if len(found) > 1:
        raise ClaimInSeveralCampaigns(claim=code)
    return found[0]
