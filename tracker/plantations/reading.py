"""What is known of claims, for those who may see them: the campaign's report, the list, one claim with everything.

Reads `claim`, `finding`, `evidence` within a scope; writes nothing. Natural regeneration, planting and farm forestry
are never added together: sums are given for each group; the totals of a report are what the file contract asks for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.false_discoveries import q_values
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.plantations.models import ACCEPTED, REJECTED
from tracker.plantations.rules import BY_NAME, RULES
from tracker.plantations.rules.rule import GROUPS
from tracker.plantations.thresholds import claim_limits_of

SHOWN_DECIMALS = 4  # of hectares in reports
OF_SCOPE = "(:everything OR (in_areas(c.area_id, :areas)))"

REPORTED = text(f"""
    SELECT c.id, c.code AS claim, c.kind, c.claimed_ha, c.measured_ha, c.stems, c.planted_on, c.implementer, c.risk,
           c.risk_parts, c.decision, e.questions, ST_AsGeoJSON(c.boundary, 7) AS geometry
    FROM claim c LEFT JOIN evidence e ON e.claim_id = c.id AND e.claim_version = c.version
    WHERE c.campaign_id = :campaign AND {OF_SCOPE} ORDER BY c.code COLLATE "C" """)
FOUND = text(f"""
    SELECT f.claim_id, f.rule, f.severity, f.numbers, f.other_claim_id, other.code AS other
    FROM finding f JOIN claim c ON c.id = f.claim_id
    LEFT JOIN claim other ON other.id = f.other_claim_id AND (:everything OR in_areas(other.area_id, :areas))
    WHERE c.campaign_id = :campaign AND {OF_SCOPE} AND (CAST(:claim AS integer) IS NULL OR c.id = :claim)
    ORDER BY f.claim_id, array_position(CAST(:rules AS text[]), f.rule), other.code COLLATE "C", f.id""")


def scope_binds(scope: Scope) -> dict[str, Any]:
    return {"everything": scope.everything, "areas": scope.areas}


def campaign_report(session: Session, campaign: Campaign, scope: Scope) -> dict[str, Any]:
    """Every claim with its findings, verdicts, risk and decision; hectares in total and by group."""
    its = {"campaign": campaign.id, **scope_binds(scope)}
    findings = _findings(session, campaign, its)
    rows = session.execute(REPORTED, its).mappings().all()
    q = _q_values([row["questions"] or {} for row in rows])
    claims = [
        {
            "claim": row["claim"],
            "kind": row["kind"],
            "claimed_ha": row["claimed_ha"],
            "measured_ha": row["measured_ha"],
            "findings": findings.get(row["id"], []),
            "verdicts": _verdicts(row["questions"] or {}, *q[k]),
            "risk": row["risk"],
            "risk_parts": row["risk_parts"],
            "decision": row["decision"],
            "geometry": row["geometry"],
        }
        for k, row in enumerate(rows)
    ]
    return {
        "campaign": campaign.code,
        "totals": hectares(rows),
        "groups": {
            group: hectares([row for row in rows if GROUPS.get(row["kind"], "kind_not_told") == group])
            for group in ("planting", "regeneration", "farm_forestry", "kind_not_told")
        },
        "claims": claims,
    }


def hectares(claims: Iterable[Any]) -> dict[str, Any]:
    """Sums over claims: how many, claimed, measured, and measured by what was decided."""
    rows = list(claims)

    def measured(decision: str | None) -> float:
        return round(float(sum(row["measured_ha"] for row in rows if row["decision"] == decision)), SHOWN_DECIMALS)

    return {
        "claims": len(rows),
        "claimed_ha": round(sum(row["claimed_ha"] or 0 for row in rows), SHOWN_DECIMALS),
        "measured_ha": round(sum(row["measured_ha"] for row in rows), SHOWN_DECIMALS),
        "accepted_ha": measured(ACCEPTED),
        "rejected_ha": measured(REJECTED),
        "undecided_ha": measured(None),
    }


def findings_of(session: Session, campaign: Campaign, scope: Scope, claim_id: int) -> list[dict[str, Any]]:
    """What the rules found in one claim: {"rule","severity","message","numbers"}, in the rules' order."""
    its = {"campaign": campaign.id, **scope_binds(scope)}
    return _findings(session, campaign, its, claim_id).get(claim_id, [])


def _findings(
    session: Session, campaign: Campaign, its: dict[str, Any], claim_id: int | None = None
) -> dict[int, list[dict[str, Any]]]:
    limits = claim_limits_of(campaign)
    by_claim: dict[int, list[dict[str, Any]]] = {}
    for row in session.execute(FOUND, {**its, "claim": claim_id, "rules": [rule.name for rule in RULES]}):
        numbers = dict(row.numbers)
        if row.other_claim_id is not None:
            numbers["other"] = row.other  # None: a claim outside one's areas
        finding = {
            "rule": row.rule,
            "severity": row.severity,
            "message": message_of(row.rule, numbers, limits[row.rule]),
            "numbers": numbers,
        }
        by_claim.setdefault(row.claim_id, []).append(finding)
    return by_claim


class Told(dict[str, Any]):
    """Numbers for a sentence: rounded as people read them, and a dash for what is not known."""

    def __missing__(self, key: str) -> str:
        return "–"


class _Number(float):
    """A number that is written as people read it, also where a format asks for a percentage."""

    def __format__(self, how: str) -> str:
        if how:
            return float(self).__format__(how).replace("%", " %")
        digits = 0 if abs(self) >= 100 else 1 if abs(self) >= 10 else 3 if abs(self) >= 0.01 else 5
        return f"{round(float(self), digits):,.{digits}f}".rstrip("0").rstrip(".") if digits else f"{self:,.0f}"


def message_of(rule: str, numbers: Mapping[str, Any], limits: Any) -> str:
    """The sentence of a finding, in the language of whoever asks."""
    shown = Told({**limits.model_dump(), **numbers})
    if "other" in shown and shown["other"] is None:
        shown["other"] = _("a claim outside your areas")
    for name, value in shown.items():
        if value is None:
            shown[name] = "–"
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            shown[name] = _Number(value)
    try:
        return str(BY_NAME[rule].message).format_map(shown)
    except ValueError:  # a share that is not known has no percentage
        return str(BY_NAME[rule].question)


def _q_values(questions: list[dict[str, Any]]) -> list[tuple[float | None, float | None]]:
    """q_supports and q_contradicts of each claim's gain, over the claims of this report."""
    gains = [q.get("gain", {}) for q in questions]
    supports = q_values([g.get("p_supports") for g in gains])
    contradicts = q_values([g.get("p_contradicts") for g in gains])
    return list(zip(supports, contradicts, strict=True))


def _verdicts(
    questions: dict[str, Any], q_supports: float | None, q_contradicts: float | None
) -> dict[str, dict[str, Any]]:
    told = {question: dict(answer) for question, answer in questions.items()}
    if "gain" in told:
        told["gain"]["q_supports"] = None if q_supports is None else round(q_supports, 6)
        told["gain"]["q_contradicts"] = None if q_contradicts is None else round(q_contradicts, 6)
    return told
