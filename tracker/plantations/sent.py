"""Claims as requests send them: GeoJSON from programs, and from the form fields with a drawing, a text or a file."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import shapely
from flask_babel import lazy_gettext as _l

from geo.features import Features
from geo.outline_tables import outline_from_wkt
from tracker.errors import RowError, RowsRefused
from tracker.plantations.claim_row import FIELDS, refusal
from tracker.plantations.incoming import Incoming, claims_of
from tracker.plantations.registering import Raw

MOST_CLAIMS = 1_000
NOT_JSON = _l("This is no JSON.")
NOT_GEOJSON = _l("Send a GeoJSON Feature, or a FeatureCollection.")
TOO_MANY = _l("At most {most} claims are taken at once. Send them in parts.")
PAIR = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*[,;\s]\s*(-?\d+(?:\.\d+)?)\s*$")


def read_geojson(body: bytes) -> Incoming:
    """A Feature, or a FeatureCollection of at most 1,000, in WGS 84. Raises RowsRefused where it is neither."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise RowsRefused([RowError(0, "body", "not_json", str(NOT_JSON))]) from None
    features = _features(document)
    if len(features) > MOST_CLAIMS:
        raise RowsRefused([RowError(0, "body", "too_many", str(TOO_MANY).format(most=f"{MOST_CLAIMS:,}"))])
    properties = [_properties(feature) for feature in features]
    read = [_outline(feature) for feature in features]
    shapes = np.full(len(read), None, dtype=object)
    shapes[:] = [shape for shape, _problem in read]
    problems = {k: problem for k, (_shape, problem) in enumerate(read) if problem}
    incoming = claims_of(properties, Features({}, shapes, np.zeros(len(read), dtype=bool), problems))
    unknown = [
        refusal(k + 1, name, "unknown_field", known=", ".join(FIELDS))
        for k, row in enumerate(properties)
        for name in row
        if name not in FIELDS
    ]
    refused = {error.row for error in unknown}
    incoming.claims = [claim for claim in incoming.claims if claim.row not in refused]
    incoming.errors += unknown
    return incoming


def _features(document: Any) -> list[Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Feature":
        return [document]
    if kind == "FeatureCollection" and isinstance(document.get("features"), list):
        return list(document["features"])
    raise RowsRefused([RowError(0, "body", "not_geojson", str(NOT_GEOJSON))])


def _properties(feature: Any) -> Mapping[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _outline(feature: Any) -> tuple[shapely.Geometry | None, str | None]:
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if geometry is None:
        return None, None
    try:
        shape = shapely.from_geojson(json.dumps(geometry, allow_nan=False))
    except (shapely.errors.GEOSException, ValueError, RecursionError):
        return None, "not_geometry"
    return shape, None if np.isfinite(shapely.get_coordinates(shape)).all() else "not_finite"


def read_form(fields: Mapping[str, str]) -> Incoming:
    """One claim out of a form's fields; its outline stands in `outline`: WKT, GeoJSON, or a corner in each line."""
    shape, closed, problem = outline_from_words(fields.get("outline", ""))
    shapes = np.full(1, None, dtype=object)
    shapes[0] = shape
    features = Features({}, shapes, np.array([closed]), {0: problem} if problem else {})
    return claims_of([{name: fields.get(name) for name in FIELDS}], features)


def outline_from_words(words: str) -> tuple[shapely.Geometry | None, bool, str | None]:
    """(geometry, whether a ring was closed, what is wrong) of a pasted text: WKT, GeoJSON, or lines of "lon, lat"."""
    words = words.strip()
    if not words:
        return None, False, None
    if words.startswith("{"):
        try:
            document = json.loads(words)
        except (ValueError, RecursionError):
            return None, False, "not_geometry"
        geometry = document.get("geometry", document) if isinstance(document, dict) else None
        shape, problem = _outline({"geometry": geometry})
        return shape, False, problem
    pairs = [PAIR.match(line) for line in words.splitlines() if line.strip()]
    if len(pairs) >= 3 and all(pairs):
        ring = [(float(pair[1]), float(pair[2])) for pair in pairs if pair]
        return shapely.Polygon(ring), False, None
    return outline_from_wkt(words)


def raw_of(body: bytes, media_type: str, channel: str) -> Raw:
    return Raw(channel, hashlib.sha256(body).digest(), media_type, body=body)
