"""OGC API Features (Parts 1 and 2) and Tiles at /oapi: what QGIS and ogr2ogr read live, with a token."""

from datetime import UTC, datetime
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.identity import SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import Scope, reading
from tracker.areas.models import LEVELS
from tracker.coverage.etags import tagged
from tracker.coverage.tile_layers import areas_in, settlements_in, visits_in
from tracker.database import transaction
from tracker.errors import NotFound
from tracker.exports.shapes import shapes_of
from tracker.exports.text_files import properties
from tracker.ogc import documents
from tracker.ogc.asking import WrongParameter, read_asking, refuse_unknown
from tracker.ogc.crs import drawn_in
from tracker.ogc.documents import GEOJSON, JSON, MVT, OPENAPI, QUAD, link
from tracker.ogc.feature_collections import (
    KINDS,
    FeatureCollection,
    collections_of,
    extent,
    features,
    find_collection,
)
from tracker.paging import read_cursor, write_cursor

api = APIBlueprint("ogc_api", __name__, url_prefix="/oapi", enable_openapi=False)


def _address(endpoint: str, **values: Any) -> str:
    return url_for(f"ogc_api.{endpoint}", _external=True, **values)


def _said(document: dict[str, Any], mimetype: str = JSON) -> Response:
    return Response(orjson.dumps(document), mimetype=mimetype)


@api.get("/", strict_slashes=False)
@may(SEE_NUMBERS)
def landing() -> Response:
    refuse_unknown(request.args, ())
    return _said(documents.landing(_address))


@api.get("/conformance")
@may(SEE_NUMBERS)
def conformance() -> Response:
    refuse_unknown(request.args, ())
    return _said(documents.conformance())


@api.get("/api")
@may(SEE_NUMBERS)
def description() -> Response:
    scope = signed_in().scope
    with reading(scope) as session:
        document = documents.description(collections_of(session, scope), _address("landing").rstrip("/"))
    answer = _said(document)
    answer.headers["Content-Type"] = OPENAPI
    return answer


@api.get("/collections")
@may(SEE_NUMBERS)
def collections() -> Response:
    refuse_unknown(request.args, ())
    scope = signed_in().scope
    with reading(scope) as session:
        found = [_described(session, scope, one) for one in collections_of(session, scope)]
    return _said({"links": [link(_address("collections"), "self")], "collections": found})


@api.get("/collections/<name>")
@may(SEE_NUMBERS)
def collection(name: str) -> Response:
    refuse_unknown(request.args, ())
    scope = signed_in().scope
    with reading(scope) as session:
        return _said(_described(session, scope, find_collection(session, scope, name)))


def _described(session: Session, scope: Scope, one: FeatureCollection) -> dict[str, Any]:
    return documents.collection(one, extent(session, scope, one.campaign), _address)


@api.get("/collections/<name>/items")
@may(SEE_NUMBERS)
def items(name: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        found = find_collection(session, scope, name)
        asking = read_asking(request.args, KINDS[found.kind], found.zone)
        cursor = _cursor()
        page = features(session, scope, found, asking, cursor, now)
    if found.kind == "visits" and cursor is None:
        _note_reading(scope, found)
    here = [link(_address("items", name=name, **request.args), "self", GEOJSON),
            link(_address("collection", name=name), "collection")]  # fmt: skip
    if page.next:
        onward = {**request.args, "cursor": write_cursor(f"{name} {page.next}")}
        here.append(link(_address("items", name=name, **onward), "next", GEOJSON))
    told = {
        "type": "FeatureCollection", "timeStamp": now.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "numberReturned": len(page.rows), "links": here, "features": _drawn(found, page.rows, asking.crs),
    }  # fmt: skip
    if page.matched is not None:
        told["numberMatched"] = page.matched
    return _in_system(_said(told, GEOJSON), asking.crs)


@api.get("/collections/<name>/items/<feature>")
@may(SEE_NUMBERS)
def item(name: str, feature: str) -> Response:
    scope, now = signed_in().scope, datetime.now(UTC)
    refuse_unknown(request.args, ("crs",))
    with reading(scope) as session:
        found = find_collection(session, scope, name)
        asking = read_asking(request.args, (), found.zone)
        page = features(session, scope, found, asking, None, now, only=feature)
    if not page.rows:
        raise NotFound
    told = _drawn(found, page.rows, asking.crs)[0]
    told["links"] = [link(_address("item", name=name, feature=feature), "self", GEOJSON),
                     link(_address("collection", name=name), "collection")]  # fmt: skip
    return _in_system(_said(told, GEOJSON), asking.crs)


def _cursor() -> str | None:
    """Where to go on, as the link of the page before had it."""
    words = read_cursor(request.args, "")
    of, _space, place = words.partition(" ")
    if words and of != (request.view_args or {})["name"]:
        raise WrongParameter(field="cursor", why=_("this is no place in the list. Begin without it."))
    return place or None


def _note_reading(scope: Scope, found: FeatureCollection) -> None:
    """Rows of visits leave: who took them stands in the trail, as for a file."""
    with transaction() as session:
        audit.record(session, scope, "take out", "list", f"{found.campaign.code}/visits", {"format": "oapi"})


def _drawn(found: FeatureCollection, rows: list[tuple[Any, dict[str, Any]]], crs: str) -> list[dict[str, Any]]:
    shapes = shapes_of([row for _id, row in rows], found.geometry)
    drawn = drawn_in(shapes, crs) if len(rows) else []
    return [
        {
            "type": "Feature", "id": id_, "geometry": orjson.Fragment(shape) if shape else None,
            "properties": properties(row, found.columns),
        }
        for (id_, row), shape in zip(rows, drawn, strict=True)
    ]  # fmt: skip


def _in_system(answer: Response, crs: str) -> Response:
    answer.headers["Content-Crs"] = f"<{crs}>"
    return answer


# tiles


@api.get("/tileMatrixSets")
@may(SEE_NUMBERS)
def tile_matrix_sets() -> Response:
    return _said(documents.tile_matrix_sets(_address))


@api.get("/tileMatrixSets/<name>")
@may(SEE_NUMBERS)
def tile_matrix_set(name: str) -> Response:
    if name != QUAD:
        raise NotFound
    return _said(documents.tile_matrix_set())


@api.get("/collections/<name>/tiles")
@may(SEE_NUMBERS)
def tilesets(name: str) -> Response:
    scope = signed_in().scope
    with reading(scope) as session:
        found = find_collection(session, scope, name)
    here = link(_address("tilesets", name=name), "self")
    return _said({"links": [here], "tilesets": [documents.tileset(found, _address)]})


@api.get("/collections/<name>/tiles/<tms>")
@may(SEE_NUMBERS)
def tileset(name: str, tms: str) -> Response:
    scope = signed_in().scope
    with reading(scope) as session:
        found = find_collection(session, scope, name)
    if tms != QUAD:
        raise NotFound
    return _said(documents.tileset(found, _address))


@api.get(f"/collections/<name>/tiles/{QUAD}/<int:z>/<int:row>/<int:col>")
@may(SEE_NUMBERS)
def tile(name: str, z: int, row: int, col: int) -> Response:
    """The map's own tiles. Areas: `level`, district unless told."""
    refuse_unknown(request.args, ("level",))
    scope, now = signed_in().scope, datetime.now(UTC)
    level = request.args.get("level", "district")
    if level not in LEVELS:
        raise WrongParameter(field="level", why=", ".join(LEVELS))
    with reading(scope) as session:
        found = find_collection(session, scope, name)
        campaign, place = found.campaign, (z, col, row)

        def made() -> bytes:
            if found.kind == "areas":
                return areas_in(session, campaign, level, place)
            if found.kind == "visits":
                return visits_in(session, campaign, scope, place)
            return settlements_in(session, campaign, scope, place, now=now)

        return tagged(campaign, scope, now, made, MVT, has_numbers=found.kind != "areas")
