"""What do the scenes say of these claims? Reads claims, layers and scenes; `measure_claims` writes nothing,
`keep_evidence` keeps what it found.

A claim's evidence is one document: which scenes it rests on, the numbers of each, an answer to each of five questions,
all parameters and the version of the code. The same inputs give the same bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import shapely
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class ClaimGround:
    """What of a claim matters to its evidence."""

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


@dataclass(frozen=True)
class Measured:
    """What came of one claim."""

    claim: ClaimGround
    as_of: date
    key: bytes  # of everything that went in
    document: dict[str, Any]  # {"claim","inputs","scenes","questions","parameters","code_version", …}
    findings: list[dict[str, Any]] = field(default_factory=list)  # {"rule","severity","numbers"}

    @property
    def questions(self) -> dict[str, dict[str, Any]]:
        """Each of the five: {"verdict","reason", …numbers}."""
        found: dict[str, dict[str, Any]] = self.document["questions"]
        return found


def measure_claims(
    session: Session, claims: Sequence[ClaimGround], as_of: date, *, scheduler: str | None = None
) -> Iterator[list[Measured]]:
    """Evidence of all claims, chunk by chunk (neighbours together), as of a day; later scenes are not looked at.

    scheduler : address of a dask scheduler, or "local" for worker processes of this machine; None: in this process.
    """
    raise NotImplementedError


def keep_evidence(session: Session, measured: Sequence[Measured]) -> int:
    """Keep what was measured, one row per claim; how many rows are new or different."""
    raise NotImplementedError
