"""What is known of one scene: which band lies where, how its numbers are read, when it was taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from geo.scenes.grid import Grid
from geo.scenes.sensors import COVERS, SENSORS, Sensor


@dataclass(frozen=True)
class Band:
    """One band of one file; reflectance = DN × scale + offset."""

    file: str  # below the folder of scenes
    index: int  # from 1
    grid: Grid
    nodata: tuple[float, ...] = ()
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True)
class Scene:
    """`bands` by our own names (blue … swir2, nir_narrow). `sha256` of the files as they were given, in their order."""

    key: int
    name: str
    day: date
    sensor: str
    sha256: tuple[str, ...]
    bands: Mapping[str, Band]
    mask: Band | None
    mask_kind: str  # one of geo.scenes.masks.READERS
    saturated: Band | None = None  # Landsat's QA_RADSAT: 0 where no band is saturated

    @property
    def made_by(self) -> Sensor:
        return (SENSORS | COVERS)[self.sensor]

    @property
    def grid(self) -> Grid:
        """That of the indices without short-wave bands: the finest of red and near infrared."""
        return min((self.bands[name].grid for name in ("red", "nir")), key=lambda grid: grid.size_m)

    @property
    def swir_factor(self) -> int:
        """How many pixels of `grid` one pixel of the short-wave indices is long."""
        coarse = self.made_by.swir_m
        return 1 if coarse is None else max(1, round(coarse / self.grid.size_m))

    @property
    def series(self) -> tuple[str, str, tuple[int, float, float, float]]:
        """Scenes are put beside each other only when they share this."""
        return self.made_by.family, self.made_by.level, self.grid.lattice
