"""Read boundary and settlement files safely: what is in this file, row by row, in EPSG:4326?

GDAL decides by content which driver opens a file, and some drivers fetch other files or addresses (VRT, web services). So the
content is recognised here first, drivers that reach elsewhere are never registered, archives are unpacked by us, and what is not on
the list is refused. Nothing is written except to a temporary folder.
"""
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# before pyogrio registers its drivers
os.environ["GDAL_SKIP"] = "OGR_VRT,WFS,OAPIF,CSW,GML,KML,LIBKML,GTFS"
os.environ["CPL_VSIL_CURL_ALLOWED_EXTENSIONS"] = ".none"

import numpy as np  # noqa: E402
import pyogrio  # noqa: E402
import pyproj  # noqa: E402
import shapely  # noqa: E402

UNPACKED_LIMIT_BYTES = 4_000_000_000
UNPACKED_LIMIT_FILES = 500
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
KNOWN = "GeoPackage, Shapefile (also zipped), GeoJSON, File Geodatabase"


class FileNotReadable(ValueError):
    """The file cannot be read; the sentence says why and what to do."""


@dataclass(frozen=True)
class Features:
    """The rows of one layer. `attributes`: one array per column; `geometry`: shapely, EPSG:4326, None where missing."""

    attributes: dict[str, np.ndarray]
    geometry: np.ndarray

    def __len__(self) -> int:
        return len(self.geometry)


def read_features(path: Path, layer: str | None = None) -> Features:
    """All rows of a layer, positions in EPSG:4326 (lon, lat), third coordinates dropped.

    Raises FileNotReadable for anything but the known formats, a missing layer or coordinate system, or broken content.
    """
    if not path.exists():
        raise FileNotReadable(f"{path.name} does not exist.")
    with _opened(path) as dataset:
        name = _layer_of(dataset, layer, path)
        try:
            meta, _, wkb, columns = pyogrio.raw.read(dataset, layer=name, force_2d=True)
        except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, UnicodeDecodeError, ValueError) as error:
            raise FileNotReadable(f"{path.name}: its rows cannot be read ({str(error).splitlines()[0][:200]}).") from None
    if wkb is None:
        raise FileNotReadable(f"{path.name}, layer {name}: it has no geometry.")
    geometry = np.array(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    attributes = {str(field): values for field, values in zip(meta["fields"], columns, strict=True)}
    return Features(attributes, in_degrees(geometry, meta["crs"], path.name))


def in_degrees(geometry: np.ndarray, crs: str | None, file_name: str) -> np.ndarray:
    """Geometries of any coordinate system as EPSG:4326, lon before lat. None stays None."""
    if not crs:
        raise FileNotReadable(f"{file_name} does not say its coordinate system. Save it with one (.prj, or in the layer).")
    try:
        source = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise FileNotReadable(f"{file_name}: its coordinate system is not understood.") from None
    if source.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
        return geometry
    change = pyproj.Transformer.from_crs(source, 4326, always_xy=True)
    return np.array(shapely.transform(geometry, change.transform, interleaved=False), dtype=object)


def _layer_of(dataset: Path, wanted: str | None, path: Path) -> str:
    try:
        layers = [str(name) for name, _ in pyogrio.list_layers(dataset)]
    except (pyogrio.errors.DataSourceError, UnicodeDecodeError) as error:
        raise FileNotReadable(f"{path.name} cannot be opened ({str(error).splitlines()[0][:200]}).") from None
    if wanted is None and len(layers) == 1:
        return layers[0]
    if wanted in layers:
        return str(wanted)
    which = "Name one with --layer" if wanted is None else f"There is no layer {wanted}"
    raise FileNotReadable(f"{path.name}: {which}: {', '.join(layers) or 'none is there'}.")


@contextmanager
def _opened(path: Path) -> Iterator[Path]:
    """The file as a path that GDAL may open, recognised by content."""
    if path.is_dir():
        if not (path / "gdb").exists():
            raise FileNotReadable(f"{path.name} is a folder and no File Geodatabase. Known: {KNOWN}.")
        yield path
        return
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(b"SQLite format 3\0") and start[68:72] in (b"GPKG", b"GP10", b"GP11"):
        with _named(path, ".gpkg") as copy:
            yield copy
    elif start[:4] == b"\x00\x00\x27\x0a":
        yield path
    elif start.startswith(b"PK\x03\x04"):
        with tempfile.TemporaryDirectory() as folder:
            yield _unpack(path, Path(folder))
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        _check_geojson(path)
        with _named(path, ".geojson") as copy:
            yield copy
    else:
        raise FileNotReadable(f"{path.name} is of no known format. Known: {KNOWN}.")


@contextmanager
def _named(path: Path, ending: str) -> Iterator[Path]:
    """The same file under a name with the ending its content has: drivers look at names too."""
    if path.suffix.lower() == ending:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"file{ending}"
        link.symlink_to(path.absolute())
        yield link


def _check_geojson(path: Path) -> None:
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        raise FileNotReadable(f"{path.name} is not readable JSON in UTF-8.") from None
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection" or not isinstance(document.get("features"), list):
        raise FileNotReadable(f"{path.name} is JSON but no GeoJSON FeatureCollection.")


def _unpack(path: Path, folder: Path) -> Path:
    """A zipped Shapefile or File Geodatabase, unpacked below `folder`; names never lead out of it, size is limited."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            if len(members) > UNPACKED_LIMIT_FILES or sum(m.file_size for m in members) > UNPACKED_LIMIT_BYTES:
                raise FileNotReadable(f"{path.name} unpacks to too much. Send the layer alone.")
            for member in members:
                _unpack_member(archive, member, folder)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        raise FileNotReadable(f"{path.name} is a damaged or protected archive ({error}).") from None
    found = sorted(folder.glob("*.shp")) or sorted(f for f in folder.glob("*.gdb") if f.is_dir())
    if len(found) != 1:
        raise FileNotReadable(f"{path.name} must hold one Shapefile or one File Geodatabase; it holds {len(found)}.")
    return found[0]


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    name = Path(member.filename)
    geodatabase = next((p for p in name.parts if p.lower().endswith(".gdb")), None)
    if geodatabase:
        target = folder / geodatabase / name.name
    elif name.suffix.lower() in SHAPEFILE_PARTS:
        target = folder / f"{name.stem}{name.suffix.lower()}"
    else:
        return
    target.parent.mkdir(exist_ok=True)
    left = UNPACKED_LIMIT_BYTES
    with archive.open(member) as packed, target.open("wb") as file:
        while chunk := packed.read(1 << 20):        # what the archive says of its sizes is not believed
            left -= len(chunk)
            if left < 0:
                raise FileNotReadable("The archive unpacks to too much. Send the layer alone.")
            file.write(chunk)
