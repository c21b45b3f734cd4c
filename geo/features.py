"""Rows with geometry, as they come from a file or a request: attributes beside shapes in EPSG:4326."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.generic]
Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Features:
    """The rows of one layer.

    attributes : one (n,) array per column.   geometry : (n,) shapely, EPSG:4326, None where missing or unreadable
    closed : (n,) bool, True where a ring was left open in the file and has been closed
    problems : {index: why a row of a table has no geometry}.   crs : in which the file keeps them, by its code or ""
    """

    attributes: dict[str, Column]
    geometry: Shapes
    closed: npt.NDArray[np.bool_]
    problems: dict[int, str] = field(default_factory=dict)
    crs: str = "EPSG:4326"

    def __len__(self) -> int:
        return len(self.geometry)
