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

SETTLEMENTS_A_PAGE = 1000
GEOJSON = "application/geo+json"


@api.get("/campaigns/<code>/coverage")
@api.doc(
    summary="Numbers of one level",
    description="`level` (district unless told), `area`, `until`. Rows of one level add up to the total; the keys are"
    " those of `flask coverage report`.",
)
@may(SEE_NUMBERS)
def get_coverage(code: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    level, area, until = request.args.get("level", "district"), request.args.get("area"), day_of("until")
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)

        def made() -> str:
            return as_json(coverage_report(session, campaign, scope, level, now=now, area=area, until=until))

        return tagged(campaign, scope, now, made)


@api.get("/campaigns/<code>/gaps")
@api.doc(summary="Settlements by children not reached", description="`area`; `limit`, 1 to 5,000: all unless told.")
@may(SEE_NUMBERS)
def get_gaps(code: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    area, limit = request.args.get("area"), page_limit(request.args, None)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)

        def made() -> str:
            rows = rank_gaps(session, campaign, scope, now=now, area=area, limit=limit)
            return as_json({"campaign": campaign.code, "rows": rows})

        return tagged(campaign, scope, now, made)


@api.get("/campaigns/<code>/settlements")
@api.doc(summary="Settlements of the campaign, in pages", description="GeoJSON points; `area`, `limit`, `cursor`.")
@may(SEE_NUMBERS)
def get_settlements(code: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    area, limit = request.args.get("area"), page_limit(request.args, SETTLEMENTS_A_PAGE) or SETTLEMENTS_A_PAGE
    after = _after()
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)

        def made() -> str:
            features, last = settlement_features(session, campaign, scope, now=now, area=area, after=after, limit=limit)
            page_after = None if last is None else write_cursor(str(last))
            return as_json({"type": "FeatureCollection", "features": features, "next": page_after})

        return tagged(campaign, scope, now, made, GEOJSON)


def _after() -> int:
    """The settlement after which the page begins; another list's cursor is no place in this one."""
    words = read_cursor(request.args, "0")
    if not words.isdigit():
        raise WrongRequest(field="cursor", why=_("this is no place in the list. Begin without it."))
    return int(words)


def day_of(name: str) -> date | None:
    """A day out of the query; WrongRequest when it is none."""
    words = request.args.get(name)
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        raise WrongRequest(field=name, why=_("{words} is no day such as 2026-10-12.").format(words=words)) from None


def as_json(answer: dict[str, Any]) -> str:
    return json.dumps(answer, ensure_ascii=False, default=str)
