"""Tile keys: where does a position lie in the web map's tile pyramid, as one sortable number?

The bits of x and y of its tile at zoom 20 are interleaved (Morton order), so that every tile of every lower zoom is one
range.
"""

import numpy as np

ZOOM = 20
LIMIT_LAT = 85.0511287798066  # where the square web map ends


def tile_keys(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Morton code of each position's tile at zoom 20: (n,) int64. Latitudes beyond the map's edge go to its edge."""
    lat = np.radians(np.clip(np.asarray(lat, float), -LIMIT_LAT, LIMIT_LAT))
    side = 1 << ZOOM
    x = np.clip(np.floor((np.asarray(lon, float) + 180) / 360 * side), 0, side - 1).astype(np.int64)
    y = np.clip(np.floor((1 - np.arcsinh(np.tan(lat)) / np.pi) / 2 * side), 0, side - 1).astype(np.int64)
    keys: np.ndarray = _spread(x) | (_spread(y) << 1)
    return keys


def tile_range(z: int, x: int, y: int) -> tuple[int, int]:
    """First and last tile key within tile (z, x, y), z ≤ 20. Raises ValueError for a tile that does not exist."""
    if not (0 <= z <= ZOOM and 0 <= x < 1 << z and 0 <= y < 1 << z):
        raise ValueError(f"there is no tile {z}/{x}/{y}")
    shift = 2 * (ZOOM - z)
    key = int(_spread(np.int64(x)) | (_spread(np.int64(y)) << 1))
    return key << shift, ((key + 1) << shift) - 1


def _spread(bits: np.ndarray | np.int64) -> np.ndarray:
    """Put a zero between all bits of a number below 2^20."""
    spread = np.asarray(bits, np.int64)
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF),
        (8, 0x00FF00FF00FF00FF),
        (4, 0x0F0F0F0F0F0F0F0F),
        (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    ):
        spread = (spread | (spread << shift)) & mask
    return spread
