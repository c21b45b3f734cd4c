"""Plantation claims over HTTP: sending and reading."""

import json
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from flask_babel import gettext as _
from werkzeug.exceptions import UnsupportedMediaType

from tracker.accounts.identity import REGISTER_CLAIMS, SEE_CLAIMS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.database import transaction
from tracker.errors import RowsRefused, WrongRequest
from tracker.paging import page_limit, read_cursor, write_cursor
from tracker.plantations.check_queue import check_soon
from tracker.plantations.listing import ClaimFilter, list_claims
from tracker.plantations.one_claim import OneClaim, one_claim
from tracker.plantations.registering import RegisterSummary, check_takes_claims, register_claims
from tracker.plantations.sent import raw_of, read_geojson

api = APIBlueprint("plantations_api", __name__, tag="Plantations")

JSON, GEOJSON = "application/json", "application/geo+json"
STATUS = {"created": 201, "updated": 200, "unchanged": 200}
LISTED = ("claim", "kind", "implementer", "claimed_ha", "measured_ha", "stems", "planted_on", "risk", "decision",
          "worst", "rules", "gain")  # fmt: skip
FACTS = ("code", "version", "kind", "implementer", "tenure", "claimed_ha", "measured_ha", "stems", "planted_on",
         "species", "species_share", "altitude_m", "registered_at", "checked_at", "risk", "risk_parts",
         "decision")  # fmt: skip


@api.post("/campaigns/<code>/claims")
@api.doc(
    summary="Register claims",
    description="A GeoJSON Feature in WGS 84 whose properties are the fields of a claim: 201 created, 200 updated (a"
    " new version) or unchanged, 422 refused. A FeatureCollection of at most 1,000: 200 with one result a row.",
)
@may(REGISTER_CLAIMS)
def post_claims(code: str) -> Response:
    scope = signed_in().scope
    with reading(scope) as session:
        check_takes_claims(campaign_in_scope(session, code, scope))
    if request.mimetype not in (JSON, GEOJSON):
        raise UnsupportedMediaType
    body = request.get_data(cache=False)
    incoming = read_geojson(body)
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        summary = register_claims(session, campaign, incoming, raw_of(body, request.mimetype, "api"), scope)
        if summary.created or summary.updated:
            check_soon(session, campaign)
    is_one = body.lstrip()[:1] == b"{" and json.loads(body)["type"] == "Feature"
    return _one(summary) if is_one else _many(summary)


def _one(summary: RegisterSummary) -> Response:
    if summary.errors:
        raise RowsRefused(summary.errors)
    status = summary.status[1]
    return Response(orjson.dumps({"status": status}), STATUS[status], mimetype=JSON)


def _many(summary: RegisterSummary) -> Response:
    errors: dict[int, list[dict[str, Any]]] = {}
    for error in summary.errors:
        errors.setdefault(error.row, []).append(error.as_dict())
    results = [
        {"row": row, "status": summary.status.get(row, "rejected"), "errors": errors.get(row, [])}
        for row in range(1, summary.read + 1)
    ]
    counts = {name: getattr(summary, name) for name in ("created", "updated", "unchanged", "rejected")}
    return Response(orjson.dumps({**counts, "results": results}), 200, mimetype=JSON)


@api.get("/campaigns/<code>/claims")
@api.doc(
    summary="Claims, riskiest first",
    description="Filters: kind, rule (a finding's name), gain (its verdict), q (in code or implementer). In pages of"
    " `limit`; `next` is the cursor of the next one.",
)
@may(SEE_CLAIMS)
def get_claims(code: str) -> Response:
    scope, query = signed_in().scope, request.args
    limit = page_limit(query, 100) or 100
    wish = ClaimFilter(*(query.get(name) or None for name in ("kind", "rule", "gain", "q")))
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        rows, last = list_claims(session, campaign, scope, wish, limit=limit, after=place_of(read_cursor(query, "")))
    told = [{name: row[name] for name in LISTED} for row in rows]
    body = {"rows": told, "next": write_cursor(f"{last[0]} {last[1]}") if last else None}
    return Response(orjson.dumps(body), mimetype=JSON)


def place_of(words: str) -> tuple[int, str] | None:
    """Where a page of claims begins, out of its cursor."""
    if not words:
        return None
    risk, _space, code = words.partition(" ")
    try:
        return int(risk), code
    except ValueError:  # a cursor of another list
        raise WrongRequest(field="cursor", why=_("this is no place in the list. Begin without it.")) from None


@api.get("/campaigns/<code>/claims/<claim>")
@api.doc(summary="One claim with its outline, findings and evidence", description="A GeoJSON Feature.")
@may(SEE_CLAIMS)
def get_claim(code: str, claim: str) -> Response:
    scope = signed_in().scope
    with reading(scope) as session:
        found = one_claim(session, campaign_in_scope(session, code, scope), scope, claim)
    return Response(orjson.dumps(_feature(found), option=orjson.OPT_NON_STR_KEYS), mimetype=GEOJSON)


def _feature(claim: OneClaim) -> dict[str, Any]:
    facts = {("claim" if name == "code" else name): claim.facts[name] for name in FACTS}
    return {
        "type": "Feature",
        "geometry": claim.outline.__geo_interface__,
        "properties": {
            **facts,
            "findings": claim.findings,
            "verdicts": (claim.record or {}).get("questions", {}),
            "versions": claim.versions,
            "evidence": claim.record,
        },
    }
