"""How urgently should a person look at a claim? A transparent sum, shown with its parts.

Points are our choice, to be set anew only by what the random tenth of the queue turns out to be. Missing evidence adds,
it never subtracts. Reads findings, evidence and decisions; writes `claim.risk` and `claim.risk_parts`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
from psycopg2.extras import execute_values
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.evidence.growth import is_fast

MOST = 100
OF_SEVERITY = {"reject": 40, "doubt": 15, "warn": 5}
OVERLAP_POINTS = 40  # times the share of the claim that others claim too
CONTRADICTED = {"plantable": 45, "gain": 40, "open_before": 30, "kept": 20}
UNDECIDED_GAIN, UNDECIDED_ALTHOUGH_OLD = 5, 10
OLD_YEARS = {"fast": 5.0, "slow": 12.0}
NO_PHOTO = 10
REJECTED_BEFORE = 20  # times the share of an implementer's decided hectares that was rejected
DECISIONS_FROM = 10


@dataclass(frozen=True)
class Scored:
    """What of a claim goes into its risk. `worst`: {rule: the gravest severity}."""

    claim_id: int
    worst: Mapping[str, str]
    overlapped: float = 0.0  # share of the claim that lies in overlaps, 0…1
    verdicts: Mapping[str, str] = field(default_factory=dict)  # {question: verdict}
    is_old: bool = False  # so old that trees of its kind can be seen
    rejected_share: float | None = None  # of its implementer's decided hectares; None: too few decisions


def risk_of(claim: Scored) -> tuple[int, list[dict[str, Any]]]:
    """Risk 0…100 and its parts, each {"part", "points"}, largest first."""
    parts = {rule: _points(rule, severity, claim.overlapped) for rule, severity in claim.worst.items()}
    for question, points in CONTRADICTED.items():
        if claim.verdicts.get(question) == "contradicts":
            parts[f"{question} contradicts"] = points
    if claim.verdicts.get("gain", "cannot tell") == "cannot tell":
        parts["gain cannot tell"] = UNDECIDED_ALTHOUGH_OLD if claim.is_old else UNDECIDED_GAIN
    parts["no photo"] = NO_PHOTO
    if claim.rejected_share:
        parts["implementer"] = round(REJECTED_BEFORE * claim.rejected_share, 1)
    listed = [{"part": part, "points": points} for part, points in parts.items() if points]
    listed.sort(key=lambda part: (-float(str(part["points"])), str(part["part"])))
    return min(MOST, round(sum(parts.values()))), listed


def _points(rule: str, severity: str, overlapped: float) -> float:
    points = OF_SEVERITY[severity]
    return max(points, round(OVERLAP_POINTS * overlapped, 1)) if rule == "overlap" else points


def is_old(species: Sequence[tuple[str, float]], planted_on: date | None, as_of: date) -> bool:
    """Whether a plantation is so old that its trees can be seen; unknown species count as slow."""
    if planted_on is None:
        return False
    return (as_of - planted_on).days / 365.25 > OLD_YEARS["fast" if is_fast(species) else "slow"]


CLAIMS = text("""
    SELECT c.id, c.species, c.species_share, c.planted_on, c.implementer, c.measured_ha
    FROM claim c WHERE c.id = ANY(:ids)""")
FOUND = text("""
    SELECT f.claim_id, f.rule,
           (array_agg(f.severity ORDER BY array_position(ARRAY['warn','doubt','reject'], f.severity) DESC))[1] AS worst,
           sum(CASE WHEN f.rule = 'overlap' THEN (f.numbers->>'overlap_ha')::float8 ELSE 0 END) AS overlap_ha
    FROM finding f WHERE f.claim_id = ANY(:ids) GROUP BY f.claim_id, f.rule""")
VERDICTS = text("""
    SELECT e.claim_id, q.key AS question, q.value->>'verdict' AS verdict
    FROM evidence e JOIN claim c ON c.id = e.claim_id AND c.version = e.claim_version, jsonb_each(e.questions) q
    WHERE e.claim_id = ANY(:ids)""")
RECORDS = text("""
    SELECT implementer, sum(measured_ha) FILTER (WHERE decision = 'rejected') / sum(measured_ha) AS rejected_share
    FROM claim WHERE decision IS NOT NULL AND implementer IS NOT NULL
      AND decided_at > CAST(:as_of AS date) - interval '2 years' AND decided_at < CAST(:as_of AS date) + 1
    GROUP BY implementer HAVING count(*) >= :decisions_from""")
WRITE = """
    UPDATE claim c SET risk = n.risk, risk_parts = n.parts::jsonb
    FROM (VALUES %s) AS n (id, risk, parts)
    WHERE c.id = n.id AND (c.risk, c.risk_parts) IS DISTINCT FROM (n.risk, n.parts::jsonb)"""


def score_claims(session: Session, ids: np.ndarray, as_of: date) -> None:
    """Write the risk of these claims out of what is known now."""
    its = {"ids": ids.tolist()}
    found: dict[int, dict[str, str]] = {}
    overlap_ha: dict[int, float] = {}
    for row in session.execute(FOUND, its):
        found.setdefault(row.claim_id, {})[row.rule] = row.worst
        overlap_ha[row.claim_id] = overlap_ha.get(row.claim_id, 0.0) + float(row.overlap_ha)
    verdicts: dict[int, dict[str, str]] = {}
    for row in session.execute(VERDICTS, its):
        verdicts.setdefault(row.claim_id, {})[row.question] = row.verdict
    records = {
        row.implementer: float(row.rejected_share or 0)
        for row in session.execute(RECORDS, {"as_of": as_of, "decisions_from": DECISIONS_FROM})
    }
    scored = []
    for c in session.execute(CLAIMS, its):
        species = tuple(zip(c.species, c.species_share, strict=True))
        claim = Scored(
            claim_id=c.id,
            worst=found.get(c.id, {}),
            overlapped=min(1.0, overlap_ha.get(c.id, 0.0) / c.measured_ha),
            verdicts=verdicts.get(c.id, {}),
            is_old=is_old(species, c.planted_on, as_of),
            rejected_share=records.get(c.implementer),
        )
        risk, parts = risk_of(claim)
        scored.append((c.id, risk, json.dumps(parts)))
    if scored:
        execute_values(session.connection().connection.cursor(), WRITE, scored, page_size=1_000)
