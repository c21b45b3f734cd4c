"""What of a claim matters to its evidence."""

from dataclasses import dataclass
from datetime import date

import shapely


@dataclass(frozen=True)
class ClaimGround:
    """One claim in its newest version."""

    claim_id: int
    campaign_id: int
    version: int
    code: str
    outline: shapely.Geometry  # polygon or multipolygon, EPSG:4326
    measured_ha: float  # geodesic
    planted_on: date | None = None
    kind: str | None = None  # block, enclosure, farm_forestry, linear, nursery
    species: tuple[tuple[str, float], ...] = ()  # name and share of the stems; shares add up to 1
    stems: int | None = None
