"""Did trees stand here, by a map of land cover of the years before planting? Reads the catalogue and the maps."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyproj
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.evidence.parameters import Parameters
from geo.evidence.zonal import weights_of
from geo.scenes.scene import Scene
from geo.scenes.sensors import COVERS
from tracker.imagery.catalogue import scene_of
from tracker.imagery.models import SceneRow
from tracker.imagery.opening import Reader
from tracker.plantations.ground import ClaimGround

EVERY_SHARE = 1e-6


def tree_shares(
    session: Session, claims: Sequence[ClaimGround], parameters: Parameters
) -> dict[int, tuple[float, str]]:
    """By claim: the share of it that the newest map of the years before planting calls trees, and that map's name.

    Claims that no such map covers are left out.
    """
    near = shapely.union_all([shapely.box(*claim.outline.bounds) for claim in claims])
    query = select(SceneRow).where(
        SceneRow.sensor.in_(list(COVERS)), SceneRow.footprint.intersects(from_shape(near, srid=4326))
    )
    rows = session.scalars(query.order_by(SceneRow.taken_on.desc(), SceneRow.name))
    maps, found = [scene_of(row) for row in rows], dict[int, tuple[float, str]]()
    if not maps:
        return found
    with Reader() as read:
        for claim in claims:
            for cover in maps:
                if claim.planted_on is None or not _in_time(cover.day, claim.planted_on, parameters):
                    continue
                share = _share(cover, claim.outline, read)
                if share is not None:
                    found[claim.claim_id] = share, cover.name
                    break
    return found


def _in_time(day: date, planted_on: date, parameters: Parameters) -> bool:
    return 0 <= (planted_on - day).days <= parameters.cover_years * 366


def _share(cover: Scene, outline: shapely.Geometry, read: Reader) -> float | None:
    """Weighted share of known pixels that are trees; None where the map does not hold the whole claim or knows none."""
    band = cover.bands["cover"]
    grid = band.grid
    change = pyproj.Transformer.from_crs(4326, grid.epsg, always_xy=True).transform
    here = shapely.transform(outline, change, interleaved=False)
    west, south, east, north = here.bounds
    if west < grid.bounds[0] or south < grid.bounds[1] or east > grid.bounds[2] or north > grid.bounds[3]:
        return None
    part = grid.within(here.bounds, grid.size_m)
    if part is None:
        return None
    whole = shapely.buffer(here, grid.size_m / 2, quad_segs=16)  # weights are of what is left when that is taken away
    weights = weights_of(np.array([whole], object), part, Parameters(least_weight=EVERY_SHARE))[0]
    values = read(band, part)[weights.rows, weights.columns].astype(np.float64)
    known = np.isfinite(values) & ~np.isin(values, band.nodata)
    trees = np.logical_or.reduce([(values >= low) & (values <= high) for low, high in cover.made_by.trees])
    total = float(weights.share[known].sum())
    return float(weights.share[known & trees].sum()) / total if total > 0 else None
