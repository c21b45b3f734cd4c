"""Ground on which nothing can be planted, or nothing new, as layers: water, built-up, glaciers, cliffs, cropland.

A layer that is loaded again under its code is replaced whole. Writes `land_layer` and `land_piece`.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import shapely
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import boundaries
from geo.features import Features
from tracker.errors import WrongRequest
from tracker.plantations.models import LAND_KINDS, LandLayer

MOST_CORNERS = 128  # of a piece

ADD_PIECES = text(f"""
    INSERT INTO land_piece (layer_id, piece)
    SELECT :layer, piece.geom
    FROM unnest(CAST(:shapes AS bytea[])) AS given (shape),
         ST_Subdivide(ST_GeomFromWKB(given.shape, 4326), {MOST_CORNERS}) AS part (shape), ST_Dump(part.shape) AS piece
    WHERE GeometryType(piece.geom) = 'POLYGON'""")


@dataclass(frozen=True)
class LayerFacts:
    """What is told of a layer."""

    code: str
    kind: str
    source: str
    dated: date | None
    sha256: bytes


def load_layer(session: Session, features: Features, facts: LayerFacts) -> int:
    """Load a layer, in place of the one of that code; how many outlines it holds. Raises WrongRequest."""
    if facts.kind not in LAND_KINDS:
        known = ", ".join(LAND_KINDS)
        raise WrongRequest(field="kind", why=_("{kind} is none of {known}.").format(kind=facts.kind, known=known))
    shapes, _mended = boundaries.repaired(np.array(shapely.force_2d(features.geometry), dtype=object))
    usable = shapes[~shapely.is_missing(shapes)]
    if not len(usable):
        raise WrongRequest(field="file", why=_("it holds no polygon."))
    session.query(LandLayer).filter_by(code=facts.code).delete()
    layer = LandLayer(code=facts.code, kind=facts.kind, source=facts.source, dated=facts.dated, sha256=facts.sha256)
    session.add(layer)
    session.flush()
    session.execute(ADD_PIECES, {"layer": layer.id, "shapes": [bytes(w) for w in shapely.to_wkb(usable)]})
    return len(usable)
