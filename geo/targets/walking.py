"""How far is it, and how long does it take on foot?

Metres are straight lines on the WGS 84 ellipsoid; minutes of walking carry the detour and the campaign's speed.
"""

import numpy as np
import numpy.typing as npt
import pyproj

from geo.targets.rules import Rules

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

WGS84 = pyproj.Geod(ellps="WGS84")
EARTH_M = 6_371_008.8
LONG_TOUR = 0.7124  # length of a tour through n random points of an area A: this × √(n·A); Beardwood et al. 1959
SLOWEST_KMH = 0.5
SLOPE_STEP_M = 50.0


def earth_centred(lon: Floats, lat: Floats) -> Floats:
    """(n, 3) metres from the earth's middle. Chords between neighbours are geodesics to a millimetre in 20 km."""
    major, flattening = WGS84.a, WGS84.f
    eccentricity = flattening * (2 - flattening)
    east, north = np.radians(lon), np.radians(lat)
    normal = major / np.sqrt(1 - eccentricity * np.sin(north) ** 2)
    level = normal * np.cos(north)
    return np.column_stack([level * np.cos(east), level * np.sin(east), normal * (1 - eccentricity) * np.sin(north)])


def metres_between(lon: Floats, lat: Floats) -> Floats:
    """(n, n) metres between all pairs of places."""
    at = earth_centred(lon, lat)
    chord = np.sqrt(np.maximum(((at[:, None, :] - at[None, :, :]) ** 2).sum(axis=2), 0.0))
    return np.asarray(2 * EARTH_M * np.arcsin(np.minimum(chord / (2 * EARTH_M), 1.0)), float)


def metres_along(lon: Floats, lat: Floats) -> Floats:
    """(n-1,) metres from each place to the next."""
    if len(lon) < 2:
        return np.zeros(0)
    return np.asarray(WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2], float)


def minutes_within(households: Floats, extent_m2: Floats, rules: Rules) -> Floats:
    """(n,) minutes of work in each unit: at the doors, and walking from door to door.

    households : (n,) of the unit.   extent_m2 : (n,) ground that they are spread over
    """
    metres = LONG_TOUR * np.sqrt(np.maximum(extent_m2 * households, 0.0))
    return households * rules.minutes_a_household + metres * rules.minutes_a_metre


def slope_speed_kmh(slope: Floats, level_kmh: float) -> Floats:
    """Walking speed on a slope (rise ÷ run, uphill positive), scaled so that level ground gives `level_kmh`.

    source : Tobler 1993; at 3.5: level 3.5, +10 % 2.5, +20 % 1.7, -5 % 4.2 km/h. Never under 0.5
    """
    return np.maximum(level_kmh * np.exp(-3.5 * (np.abs(slope + 0.05) - 0.05)), SLOWEST_KMH)


def minutes_on_slopes(metres: Floats, heights: Floats, rules: Rules) -> Floats:
    """(n,) minutes along lines of which heights are known at even steps.

    metres : (n,) length of each line.   heights : (n, k ≥ 2) metres above the sea, from start to end
    """
    run = metres / (heights.shape[1] - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(run[:, None] > 0, np.diff(heights, axis=1) / run[:, None], 0.0)
    speed = slope_speed_kmh(slope, rules.speed_kmh)
    return np.asarray((run[:, None] * rules.detour * 60 / (speed * 1000)).sum(axis=1), float)
