"""Areas over HTTP: names and outlines, no secret to anyone signed in."""

from datetime import date

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from flask_babel import gettext as _

from tracker.accounts.identity import SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import reading
from tracker.areas.models import LEVELS
from tracker.areas.reading import area_features
from tracker.errors import WrongRequest
from tracker.paging import page_limit, read_cursor, write_cursor

api = APIBlueprint("areas_api", __name__, tag="Areas")
LARGEST_TOLERANCE_M = 20_000


@api.get("/areas")
@api.doc(
    summary="Areas of one boundary vintage, GeoJSON, in pages",
    description="`level`, `parent` (a code), `vintage` (a day; default: newest), `tolerance_m` (simplified outlines).",
)
@may(SEE_NUMBERS)
def get_areas() -> Response:
    limit = page_limit(request.args, 100) or 100
    after = int(read_cursor(request.args, "0"))
    level, vintage, tolerance_m = _level(), _vintage(), _tolerance_m()
    with reading(signed_in().scope) as session:
        features, last = area_features(
            session, level, request.args.get("parent"), vintage, tolerance_m=tolerance_m, after=after, limit=limit
        )
    following = write_cursor(str(last)) if last is not None else None
    answer = {"type": "FeatureCollection", "features": features, "next": following}
    return Response(orjson.dumps(answer), mimetype="application/geo+json")


def _level() -> str | None:
    level = request.args.get("level") or None
    if level and level not in LEVELS:
        raise WrongRequest(field="level", why=_("one of {levels}.").format(levels=", ".join(LEVELS)))
    return level


def _vintage() -> date | None:
    words = request.args.get("vintage")
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        raise WrongRequest(
            field="vintage", why=_("{words} is no day such as 2026-10-12.").format(words=words)
        ) from None


def _tolerance_m() -> float:
    words = request.args.get("tolerance_m", "0")
    try:
        metres = float(words)
    except ValueError:
        metres = float("nan")
    if not 0 <= metres <= LARGEST_TOLERANCE_M:
        raise WrongRequest(field="tolerance_m", why=_("metres from 0 to {most}.").format(most=LARGEST_TOLERANCE_M))
    return metres
