"""The documents of the standard: landing page, conformance, collections, tile matrix set, description of the API.

Each is a dict, made of links that the door gives.
"""

from collections.abc import Callable, Iterable
from typing import Any

from tracker.exports import columns as kinds
from tracker.ogc.asking import FEATURES_A_PAGE, LARGEST_PAGE
from tracker.ogc.crs import CODES, CRS84
from tracker.ogc.feature_collections import KINDS, FeatureCollection

Document = dict[str, Any]
Address = Callable[..., str]  # address("items", name="…"): absolute

JSON, GEOJSON, MVT = "application/json", "application/geo+json", "application/vnd.mapbox-vector-tile"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
SPEC = "http://www.opengis.net/spec"
CONFORMS_TO = (
    *(f"{SPEC}/ogcapi-common-1/1.0/conf/{c}" for c in ("core", "json", "oas30")),
    *(f"{SPEC}/ogcapi-features-1/1.0/conf/{c}" for c in ("core", "oas30", "geojson")),
    f"{SPEC}/ogcapi-features-2/1.0/conf/crs",
    *(f"{SPEC}/ogcapi-tiles-1/1.0/conf/{c}" for c in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")),
    f"{SPEC}/tms/2.0/conf/json-tilematrixset",
)
QUAD = "WebMercatorQuad"
QUAD_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{QUAD}"
ZOOMS = 25
SCALE_0, CELL_0, CORNER_M = 559_082_264.0287178, 156_543.03392804097, 20_037_508.342789244
RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"


def link(href: str, rel: str, type: str = JSON, title: str | None = None, **more: Any) -> Document:
    return {"href": href, "rel": rel, "type": type, **({"title": title} if title else {}), **more}


def landing(address: Address) -> Document:
    return {
        "title": "Rasai",
        "description": "Settlements, areas and visits of campaigns, live, as far as the person of the token may see.",
        "links": [
            link(address("landing"), "self", title="This document"),
            link(address("description"), "service-desc", OPENAPI, "How this API is asked"),
            link(address("conformance"), "conformance", title="What of the standards it keeps"),
            link(address("collections"), "data", title="Collections"),
            link(address("tile_matrix_sets"), f"{RELATION}tiling-schemes", title="Tile matrix sets"),
        ],
    }


def conformance() -> Document:
    return {"conformsTo": list(CONFORMS_TO)}


def collection(of: FeatureCollection, box: Iterable[float], address: Address) -> Document:
    begins, ends = (at.isoformat() for at in of.interval)
    here = address("collection", name=of.id)
    return {
        "id": of.id, "title": f"{of.campaign.name}: {of.words}", "itemType": "feature",
        "extent": {
            "spatial": {"bbox": [[round(n, 6) for n in box]], "crs": CRS84},
            "temporal": {"interval": [[begins, ends]], "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"},
        },
        "crs": list(CODES), "storageCrs": CRS84,
        "links": [
            link(here, "self"), link(address("items", name=of.id), "items", GEOJSON, of.words),
            link(address("tilesets", name=of.id), f"{RELATION}tilesets-vector", title="Vector tiles"),
        ],
    }  # fmt: skip


def tile_matrix_sets(address: Address) -> Document:
    here = link(address("tile_matrix_set", name=QUAD), "self")
    return {"tileMatrixSets": [{"id": QUAD, "title": QUAD, "uri": QUAD_URI, "links": [here]}]}


def tile_matrix_set() -> Document:
    return {
        "id": QUAD, "title": QUAD, "uri": QUAD_URI, "orderedAxes": ["X", "Y"],
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857", "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [
            {
                "id": str(z), "scaleDenominator": SCALE_0 / 2**z, "cellSize": CELL_0 / 2**z,
                "pointOfOrigin": [-CORNER_M, CORNER_M], "tileWidth": 256, "tileHeight": 256, "matrixWidth": 2**z,
                "matrixHeight": 2**z,
            }
            for z in range(ZOOMS)
        ],
    }  # fmt: skip


def tileset(of: FeatureCollection, address: Address) -> Document:
    here = address("tileset", name=of.id, tms=QUAD)
    template = address("tilesets", name=of.id) + f"/{QUAD}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    return {
        "title": of.words, "dataType": "vector", "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": QUAD_URI,
        "links": [
            link(here, "self"), link(template, "item", MVT, templated=True),
            link(address("tile_matrix_set", name=QUAD), f"{RELATION}tiling-scheme"),
        ],
    }  # fmt: skip


# the description of the API

TYPES = {
    kinds.TEXT: {"type": "string"}, kinds.WHOLE: {"type": "integer"}, kinds.NUMBER: {"type": "number"},
    kinds.YES_NO: {"type": "boolean"}, kinds.MOMENT: {"type": "string", "format": "date-time"},
    kinds.DAY: {"type": "string", "format": "date"},
}  # fmt: skip


def _query(name: str, words: str, **schema: Any) -> Document:
    return {"name": name, "in": "query", "required": False, "description": words, "schema": schema,
            **({"style": "form", "explode": False} if schema.get("type") == "array" else {})}  # fmt: skip


LIMIT = _query("limit", "Features in a page.", type="integer", minimum=1, maximum=LARGEST_PAGE, default=FEATURES_A_PAGE)
BBOX = _query(
    "bbox", "West, south, east, north.", type="array", minItems=4, maxItems=6, items={"type": "number"}
)  # fmt: skip
BBOX_CRS = _query("bbox-crs", "System of bbox.", type="string", format="uri", enum=list(CODES), default=CRS84)
CRS = _query("crs", "System of the answer.", type="string", format="uri", enum=list(CODES), default=CRS84)
DATETIME = _query("datetime", "A moment, a day, or an interval with .. for an open end.", type="string")
OWN = {
    "within": "Code of an area: only what lies in it.", "status": "Status of the settlement.", "team": "Code.",
    "type": "Type of the settlement.", "level": "Level of the area.", "standing": "Standing of the visit.",
}  # fmt: skip
JSON_ANSWER = {"200": {"description": "As asked.", "content": {JSON: {"schema": {"type": "object"}}}}}
FEATURES_ANSWER = {"200": {"description": "As asked.", "content": {GEOJSON: {"schema": {"type": "object"}}}}}
REFUSALS = {
    "400": {"description": "A parameter is unknown or wrong."}, "401": {"description": "No valid token."},
    "404": {"description": "Not found, or not in your areas."},
}  # fmt: skip


def description(found: Iterable[FeatureCollection], server: str) -> Document:
    """OpenAPI 3.0: every collection by its name."""
    plain = {"/": "Landing page", "/conformance": "Conformance", "/collections": "Collections",
             "/tileMatrixSets": "Tile matrix sets", f"/tileMatrixSets/{QUAD}": QUAD}  # fmt: skip
    paths: Document = {path: {"get": {"summary": words, "responses": JSON_ANSWER | REFUSALS}}
                       for path, words in plain.items()}  # fmt: skip
    for of in found:
        paths |= _paths(of)
    return {
        "openapi": "3.0.3", "info": {"title": "Rasai: OGC API", "version": "1"}, "servers": [{"url": server}],
        "security": [{"bearer": []}],
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}}, "paths": paths,
    }  # fmt: skip


def _paths(of: FeatureCollection) -> Document:
    base = f"/collections/{of.id}"
    asked = [LIMIT, BBOX, BBOX_CRS, CRS, DATETIME, *(_query(n, OWN[n], type="string") for n in KINDS[of.kind])]
    attributes = {c.name: {**TYPES[c.kind], "nullable": True, "description": str(c.words)} for c in of.columns}
    feature = {"type": "object", "properties": {"properties": {"type": "object", "properties": attributes}}}
    listed = {"200": {"description": of.words, "content": {GEOJSON: {"schema": {
        "type": "object", "properties": {"features": {"type": "array", "items": feature}}}}}}}  # fmt: skip
    feature_id = {"name": "featureId", "in": "path", "required": True, "schema": {"type": "string"}}
    place = [{"name": n, "in": "path", "required": True, "schema": {"type": "integer"}}
             for n in ("tileMatrix", "tileRow", "tileCol")]  # fmt: skip
    tile = {"200": {"description": "The tile.", "content": {MVT: {}}}, "204": {"description": "Nothing is there."}}
    return {
        base: {"get": {"summary": of.words, "responses": JSON_ANSWER | REFUSALS}},
        f"{base}/items": {"get": {"summary": of.words, "parameters": asked, "responses": listed | REFUSALS}},
        f"{base}/items/{{featureId}}": {"get": {
            "summary": "One feature", "parameters": [feature_id, CRS], "responses": FEATURES_ANSWER | REFUSALS}},
        f"{base}/tiles": {"get": {"summary": "Tilesets", "responses": JSON_ANSWER | REFUSALS}},
        f"{base}/tiles/{QUAD}": {"get": {"summary": "A tileset", "responses": JSON_ANSWER | REFUSALS}},
        f"{base}/tiles/{QUAD}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": {"get": {
            "summary": "A tile", "parameters": place, "responses": tile | REFUSALS}},
    }  # fmt: skip
