"""Vector tiles of the map: GET /tiles/{campaign}/{areas|settlements|visits}/{z}/{x}/{y}.mvt"""

from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import Response, request

from tracker.accounts.identity import SEE_NUMBERS, SEE_VISITS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.coverage.api import day_of
from tracker.coverage.etags import tagged
from tracker.coverage.tile_layers import areas_in, settlements_in, visits_in

tiles = APIBlueprint("coverage_tiles", __name__, enable_openapi=False)

MVT = "application/vnd.mapbox-vector-tile"
ADDRESS = "/<int:z>/<int:x>/<int:y>.mvt"


@tiles.get("/tiles/<code>/areas" + ADDRESS)
@may(SEE_NUMBERS)
def areas(code: str, z: int, x: int, y: int) -> Response:
    scope = signed_in().scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        level = request.args.get("level", "district")
        return tagged(
            campaign, scope, datetime.now(UTC), lambda: areas_in(session, campaign, level, (z, x, y)), MVT,
            has_numbers=False,
        )  # fmt: skip


@tiles.get("/tiles/<code>/settlements" + ADDRESS)
@may(SEE_NUMBERS)
def settlements(code: str, z: int, x: int, y: int) -> Response:
    scope, now, until = signed_in().scope, datetime.now(UTC), day_of("until")
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return tagged(
            campaign, scope, now,
            lambda: settlements_in(session, campaign, scope, (z, x, y), now=now, until=until), MVT,
        )  # fmt: skip


@tiles.get("/tiles/<code>/visits" + ADDRESS)
@may(SEE_VISITS)
def visits(code: str, z: int, x: int, y: int) -> Response:
    scope, until = signed_in().scope, day_of("until")
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return tagged(
            campaign, scope, datetime.now(UTC),
            lambda: visits_in(session, campaign, scope, (z, x, y), until=until), MVT,
        )  # fmt: skip
