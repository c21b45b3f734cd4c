"""Coverage, gaps and settlements over HTTP."""
import json
from datetime import UTC, date, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from flask_babel import gettext as _

from tracker.accounts.identity import SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.coverage.etags import tagged
from tracker.coverage.gaps import rank_gaps
from tracker.coverage.places import settlement_features
from tracker.coverage.report import coverage_report
from tracker.errors import WrongRequest
from tracker.paging import page_limit, read_cursor, write_cursor

api = APIBlueprint("coverage_api", __name__, tag="Coverage")


@api.get("/campaigns/<code>/coverage")
@api.doc(summary="Numbers of one level", description="Rows of one level add up to the total; the keys are those of `flask coverage report`.")
@may(SEE_NUMBERS)
def get_coverage(code: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    level, area, until = request.args.get("level", "district"), request.args.get("area"), day_of("until")
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return tagged(campaign, scope, now, lambda: as_json(coverage_report(session, campaign, scope, level, now=now, area=area, until=until)))


@api.get("/campaigns/<code>/gaps")
@api.doc(summary="Settlements by children not reached")
@may(SEE_NUMBERS)
def get_gaps(code: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return tagged(campaign, scope, now, lambda: as_json({"campaign": campaign.code, "rows": rank_gaps(
            session, campaign, scope, now=now, area=request.args.get("area"), limit=page_limit(request.args, None))}))


@api.get("/campaigns/<code>/settlements")
@api.doc(summary="Settlements of the campaign, GeoJSON, in pages")
@may(SEE_NUMBERS)
def get_settlements(code: str) -> dict[str, Any]:
    scope, limit = signed_in().scope, page_limit(request.args, 1000)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        features, last = settlement_features(session, campaign, scope, now=datetime.now(UTC), area=request.args.get("area"),
                                             after=int(read_cursor(request.args, "0")), limit=limit or 1000)
    return {"type": "FeatureCollection", "features": features, "next": write_cursor(str(last)) if last is not None else None}


def day_of(name: str) -> date | None:
    """A day out of the query; WrongRequest when it is none."""
    words = request.args.get(name)
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        raise WrongRequest(field=name, why=_("{words} is no day such as 2026-10-12.").format(words=words)) from None


def as_json(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, default=str)
