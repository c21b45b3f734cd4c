"""Where the rows of a batch lie: outlines from WKB, points from their columns."""

from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

Shapes = npt.NDArray[np.object_]


def shapes_of(batch: list[dict[str, Any]], geometry: str | None) -> Shapes:
    """(n,) shapely in EPSG:4326, None where a row has no place."""
    shapes = np.full(len(batch), None, dtype=object)
    if geometry is None or not batch:
        return shapes
    if geometry != "Point":
        shapes[:] = shapely.from_wkb([row.get("geometry") for row in batch])
        return shapes
    lon = np.array([np.nan if row["lon"] is None else row["lon"] for row in batch], float)
    lat = np.array([np.nan if row["lat"] is None else row["lat"] for row in batch], float)
    placed = np.isfinite(lon) & np.isfinite(lat)
    shapes[placed] = shapely.points(lon[placed], lat[placed])
    return shapes
