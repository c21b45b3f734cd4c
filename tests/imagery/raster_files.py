"""Rasters for tests: a good scene, and everything that may be wrong with one."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from tracker.imagery.opening import OPTIONS, rasterio

LEFT, TOP, SIDE = 690_000.0, 3_780_000.0, 96
BANDS = (("B02", 1), ("B04", 2), ("B08", 3))


def digital_numbers(count: int = 3) -> np.ndarray:
    """Plain ground: blue 0.06, red 0.09, near infrared 0.20, a little brighter to the east."""
    levels = np.array([600, 900, 2000, 2400])[:count, None, None]
    return (levels + np.zeros((count, SIDE, SIDE)) + np.arange(SIDE)).astype(np.uint16)


def write_raster(path: Path, values: np.ndarray | None = None, **changes: Any) -> Path:
    """A GeoTIFF as it should be, but for the changes."""
    values = digital_numbers() if values is None else values
    facts = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": values.dtype,
        "crs": "EPSG:32642",
        "transform": rasterio.Affine(10, 0, LEFT, 0, -10, TOP),
        "nodata": 0,
    } | changes
    with rasterio.Env(**OPTIONS), rasterio.open(path, "w", **facts) as out:
        out.write(values)
    return path


def mask_file(path: Path, classes: int | np.ndarray = 4, left: float = LEFT) -> Path:
    """A scene classification at 20 m."""
    values = np.broadcast_to(np.asarray(classes, np.uint8), (1, SIDE // 2, SIDE // 2))
    return write_raster(path, values, transform=rasterio.Affine(20, 0, left, 0, -20, TOP))


def with_header_side(source: Path, path: Path, side: int) -> Path:
    """The same file, whose header claims so many pixels a side."""
    data = bytearray(source.read_bytes())
    start = struct.unpack("<I", data[4:8])[0]
    for k in range(struct.unpack("<H", data[start : start + 2])[0]):
        at = start + 2 + 12 * k
        if struct.unpack("<H", data[at : at + 2])[0] in (256, 257):  # width and height
            data[at + 2 : at + 12] = struct.pack("<HII", 4, 1, side)
    path.write_bytes(bytes(data))
    return path


def vrt(source: str) -> str:
    """A virtual raster that fetches its pixels from elsewhere."""
    bands = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{band}"><SimpleSource><SourceFilename relativeToVRT="0">{source}'
        f"</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in (1, 2, 3)
    )
    place = f"<SRS>EPSG:32642</SRS><GeoTransform>{LEFT},10,0,{TOP},0,-10</GeoTransform>"
    return f'<VRTDataset rasterXSize="64" rasterYSize="64">{place}{bands}</VRTDataset>'
