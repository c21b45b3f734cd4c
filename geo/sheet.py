"""Places on a sheet of paper: degrees to positions in a drawing, true to shape over a few kilometres."""

from dataclasses import dataclass
from math import cos, floor, log10, radians

METRES_PER_DEGREE = 111_195.0  # of latitude, on the mean sphere
STEPS = (5, 2, 1)


@dataclass(frozen=True)
class Sheet:
    """A drawing of `width` × `height` units that shows a box of degrees, north up."""

    west: float
    north: float
    units_per_m: float
    narrowing: float  # metres per degree of longitude ÷ metres per degree of latitude
    left: float
    top: float
    width: float
    height: float

    def x(self, lon: float) -> float:
        return round(self.left + (lon - self.west) * METRES_PER_DEGREE * self.narrowing * self.units_per_m, 1)

    def y(self, lat: float) -> float:
        return round(self.top + (self.north - lat) * METRES_PER_DEGREE * self.units_per_m, 1)

    def length(self, metres: float) -> float:
        return round(metres * self.units_per_m, 1)

    @property
    def scale_bar_m(self) -> int:
        """A round length of at most a quarter of the sheet."""
        longest = self.width / self.units_per_m / 4
        power = 10 ** floor(log10(longest))
        return int(next(step * power for step in STEPS if step * power <= longest)) or 1


def sheet_for(
    box: tuple[float, float, float, float], width: float, height: float, margin: float, least_m: float = 300.0
) -> Sheet:
    """A sheet that shows all of the box (west, south, east, north; degrees) and at least `least_m` across."""
    west, south, east, north = box
    narrowing = max(0.01, cos(radians((south + north) / 2)))
    across_m = max(least_m, (east - west) * METRES_PER_DEGREE * narrowing)
    down_m = max(least_m * height / width, (north - south) * METRES_PER_DEGREE)
    units_per_m = min((width - 2 * margin) / across_m, (height - 2 * margin) / down_m)
    left = (width - (east - west) * METRES_PER_DEGREE * narrowing * units_per_m) / 2
    top = (height - (north - south) * METRES_PER_DEGREE * units_per_m) / 2
    return Sheet(west, north, units_per_m, narrowing, left, top, width, height)
