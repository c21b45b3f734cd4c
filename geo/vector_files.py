"""Read boundary and settlement files safely: what is in this file, row by row, in EPSG:4326?

GDAL decides by content which driver opens a file, and some drivers fetch other files or addresses (VRT, web services).
So the content is recognised here first, only four drivers are ever registered, archives are unpacked by us, and what is
not on the list is refused. Nothing is written except to a temporary folder.
"""

import codecs
import csv
import lzma
import os
import re
import shutil
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyproj
import shapely

from geo import kml, outline_tables
from geo.features import Features, Shapes

ALLOWED = {"GPKG", "ESRI Shapefile", "GeoJSON", "OpenFileGDB", "MEM"}
SKIPPED = (  # every other driver of pyogrio's GDAL; a test compares the two lists with what is registered
    "PCIDSK,PDS4,VICAR,PDF,MBTiles,EEDA,OGCAPI,GDALG,MapInfo File,LVBAG,S57,DGN,OGR_VRT,CSV,GML,GPX,LIBKML,KML,"
    "GeoJSONSeq,ESRIJSON,TopoJSON,OGR_GMT,SQLite,WAsP,DXF,FlatGeobuf,GeoRSS,VFK,PGDUMP,OSM,GPSBabel,OGR_PDS,WFS,OAPIF,"
    "EDIGEO,Idrisi,ODS,XLSX,Elasticsearch,Carto,AmigoCloud,SXF,Selafin,JML,PLSCENES,CSW,VDV,MVT,NGW,MapML,GTFS,PMTiles,"
    "JSONFG,MiraMonVector,ADBC,AVCBin,AVCE00,AIVector,HTTP"
)
os.environ["GDAL_SKIP"] = SKIPPED  # read once, when pyogrio registers its drivers
import pyogrio  # noqa: E402

del os.environ["GDAL_SKIP"]  # other users of GDAL in this process bring their own copy and need their drivers
pyogrio.set_gdal_config_options({"CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none"})

UNPACKED_LIMIT_BYTES = 2_000_000_000
UNPACKED_LIMIT_FILES = 500
BOMB_FROM_BYTES, BOMB_RATIO = 50_000_000, 150  # real layers pack to a tenth, hardly ever to a hundredth
LINKED_CRS = re.compile(
    rb'"crs"\s*:\s*\{[^{}]{0,400}"type"\s*:\s*"link"|"crs"\s*:\s*\{[^{}]{0,200}\{[^{}]{0,1000}"href"'
)
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
KNOWN = "GeoPackage, Shapefile (also zipped), GeoJSON, File Geodatabase"
UNREADABLE = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError, ValueError)


class FileNotReadable(ValueError):
    """The file cannot be read; the sentence says why and what to do."""


@dataclass(frozen=True)
class Position:
    """Which columns of a CSV file hold the position, in degrees WGS 84."""

    lon: str = "lon"
    lat: str = "lat"


def read_features(
    path: Path,
    layer: str | None = None,
    position: Position | None = None,
    outlines: dict[str, str] | None = None,
) -> Features:
    """All rows of a layer, positions in EPSG:4326 (lon, lat), third coordinates dropped.

    layer : its name; may be left out when only one layer has geometry.   position : given, a CSV file is taken too
    outlines : given, KML, KMZ and tables of outlines are taken too; names their columns, see geo.outline_tables
    Raises FileNotReadable for anything but the known formats, a missing layer or coordinate system, or broken content.
    """
    if other := set(pyogrio.list_drivers()) - ALLOWED:
        raise RuntimeError(f"pyogrio was imported before geo.vector_files and may read {', '.join(sorted(other))}")
    if not path.exists():
        raise FileNotReadable(f"{path.name} does not exist.")
    if position and _is_text(path):
        return _read_csv(path, position)
    if outlines is not None and _is_kml(path):
        return _read_placemarks(path)
    if outlines is not None and _is_text(path):
        return _read_table(path, outlines)
    with _opened(path, layer) as dataset, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # measures dropped, odd layer types: what matters is refused by name below
        return _read_layer(dataset, _layer_of(dataset, layer, path.name), path.name)


def layers_of(path: Path) -> list[str]:
    """Names of the layers that have geometry. Raises FileNotReadable for what is no known map."""
    with _opened(path, None) as dataset:
        try:
            return [str(name) for name, kind in pyogrio.list_layers(dataset) if kind]
        except UNREADABLE as error:
            raise FileNotReadable(f"{path.name} cannot be opened ({_first_words(error)}).") from None


def in_degrees(geometry: Shapes, crs: str | None, file_name: str) -> Shapes:
    """Geometries of any coordinate system as EPSG:4326, lon before lat. None stays None; what cannot be converted
    becomes infinite."""
    if not crs:
        raise FileNotReadable(f"{file_name} does not say its coordinate system. Save it with one (as .prj, or inside).")
    try:
        source = pyproj.CRS.from_user_input(crs)
        if source.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
            return geometry
        change = pyproj.Transformer.from_crs(source, 4326, always_xy=True)
    except pyproj.exceptions.ProjError:
        raise FileNotReadable(f"{file_name}: its coordinate system cannot be converted to degrees.") from None
    return np.array(shapely.transform(geometry, change.transform, interleaved=False), dtype=object)


def _read_layer(dataset: Path, layer: str, file_name: str) -> Features:
    try:
        meta, _, wkb, columns = pyogrio.raw.read(dataset, layer=layer, force_2d=True)
    except UnicodeDecodeError:
        raise FileNotReadable(
            f"{file_name}: its texts are not in the encoding that it names. Save it as UTF-8."
        ) from None
    except UNREADABLE as error:
        raise FileNotReadable(f"{file_name}: its rows cannot be read ({_first_words(error)}).") from None
    if wkb is None:
        raise FileNotReadable(f"{file_name}: layer {layer} has no geometry.")
    geometry = np.array(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    closed = np.array([g is None and w is not None for g, w in zip(geometry, wkb, strict=True)], dtype=bool)
    geometry[closed] = shapely.from_wkb(wkb[closed], on_invalid="fix")
    attributes = {str(field): values for field, values in zip(meta["fields"], columns, strict=True)}
    degrees = in_degrees(geometry, meta["crs"], file_name)
    return Features(attributes, degrees, closed & ~shapely.is_missing(geometry), crs=_code_of(meta["crs"]))


def _code_of(crs: str) -> str:
    """EPSG:32642 and the like; empty where the coordinate system has no code."""
    authority = pyproj.CRS.from_user_input(crs).to_authority(min_confidence=70)
    return ":".join(authority) if authority else ""


def _layer_of(dataset: Path, wanted: str | None, file_name: str) -> str:
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(dataset) if kind]
    except UNREADABLE as error:
        raise FileNotReadable(f"{file_name} cannot be opened ({_first_words(error)}).") from None
    if wanted is None and len(layers) == 1:
        return layers[0]
    if wanted in layers:
        return str(wanted)
    which = "name one of its layers with --layer" if wanted is None else f"there is no layer {wanted}"
    raise FileNotReadable(f"{file_name}: {which}: {', '.join(layers) or 'none with geometry is there'}.")


def _first_words(error: Exception) -> str:
    """What GDAL says, without the path of our temporary copy and without advice on its own options."""
    return str(error).splitlines()[0].split("; It might help")[0].split("' ")[-1][:200].strip(" .;")


@contextmanager
def _opened(path: Path, layer: str | None) -> Iterator[Path]:
    """The file as an absolute path that GDAL may open, recognised by content."""
    path = path.absolute()
    if path.is_dir():
        if not (path / "a00000001.gdbtable").exists():
            raise FileNotReadable(f"{path.name} is a folder and no File Geodatabase. Known: {KNOWN}.")
        with _named(path, ".gdb") as folder:
            yield folder
        return
    start = _first_bytes(path)
    if start.startswith(b"SQLite format 3\0") and (
        start[68:72] in (b"GPKG", b"GP10", b"GP11") or path.suffix == ".gpkg"
    ):
        ending = ".gpkg"
    elif start.startswith(b"\x00\x00\x27\x0a"):
        ending = ".shp"
        if path.suffix.lower() != ".shp":
            raise FileNotReadable(f"{path.name} is part of a Shapefile. Name its .shp file, or zip all its parts.")
    elif start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        ending = ".geojson"
        _check_utf8(path)
        _check_no_link(path)
    elif start.startswith(b"PK\x03\x04"):
        with tempfile.TemporaryDirectory() as folder_name:
            yield _unpacked(path, Path(folder_name), layer)
        return
    else:
        raise FileNotReadable(f"{path.name} is of no known format. Known: {KNOWN}.")
    with _named(path, ending) as named:
        yield named


def _first_bytes(path: Path) -> bytes:
    if not path.is_file():
        raise FileNotReadable(f"{path.name} is no file.")
    try:
        with path.open("rb") as file:
            return file.read(4096)
    except OSError as error:
        raise FileNotReadable(f"{path.name} cannot be read ({error.strerror}).") from None


@contextmanager
def _named(path: Path, ending: str) -> Iterator[Path]:
    """The same file under a name with the ending that its content has: drivers look at names too."""
    if path.suffix.lower() == ending:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / f"file{ending}"
        link.symlink_to(path)
        yield link


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise FileNotReadable(f"{path.name} is not UTF-8. Save it as UTF-8.") from None


def _check_no_link(path: Path) -> None:
    """A GeoJSON may name a coordinate system by an address; such a file is refused, nothing is fetched."""
    tail = b""
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            if LINKED_CRS.search(tail + chunk):
                raise FileNotReadable(
                    f"{path.name} names its coordinate system (crs) by a link, which is not followed. Save it anew."
                )
            tail = chunk[-2_000:]


def _unpacked(path: Path, folder: Path, layer: str | None) -> Path:
    """A zipped Shapefile or File Geodatabase, unpacked below `folder`; names never lead out of it, size is limited."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
            size = sum(m.file_size for m in members)  # reading stops there, whatever the archive holds in truth
            packed = sum(m.compress_size for m in members)
            is_bomb = size > BOMB_FROM_BYTES and size > BOMB_RATIO * packed
            if len(members) > UNPACKED_LIMIT_FILES or size > UNPACKED_LIMIT_BYTES or is_bomb:
                raise FileNotReadable(f"{path.name} unpacks to too much. Send one layer alone.")
            if climbing := [m.filename for m in members if _leads_out(m.filename)]:
                raise FileNotReadable(f"{path.name} holds a name that leads out of it ({climbing[0][:80]}).")
            for member in members:
                _unpack_member(archive, member, folder)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError) as error:
        raise FileNotReadable(f"{path.name} is a damaged or protected archive ({error}).") from None
    except OSError as error:
        raise FileNotReadable(f"{path.name} cannot be unpacked ({error.strerror or error}).") from None
    found = [f for f in sorted(folder.iterdir()) if f.suffix == ".shp" or f.is_dir()]
    chosen = [f for f in found if f.stem == layer] or found
    if len(chosen) == 1:
        return chosen[0]
    names = ", ".join(f.name for f in found) or "neither"
    raise FileNotReadable(
        f"{path.name} must hold one Shapefile or File Geodatabase (or name it with --layer): {names}."
    )


def _leads_out(name: str) -> bool:
    """Whether a name in an archive would be written outside the folder it is unpacked to."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or parts[0][1:2] == ":"


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """One file of an archive, under its own name or its geodatabase's; what belongs to neither format stays packed."""
    name = Path(member.filename)
    geodatabase = next((p for p in name.parts if p.lower().endswith(".gdb")), None)
    if geodatabase:
        target = folder / geodatabase / name.name
        target.parent.mkdir(exist_ok=True)
    elif name.suffix.lower() in SHAPEFILE_PARTS:
        target = folder / f"{name.stem}{name.suffix.lower()}"
    else:
        return
    with archive.open(member) as packed, target.open("wb") as file:
        shutil.copyfileobj(packed, file, 1 << 20)


def _is_text(path: Path) -> bool:
    """Whether a file may be CSV: text that is not JSON."""
    return path.is_file() and not any(
        _first_bytes(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(m)
        for m in (b"{", b"[", b"<", b"PK", b"SQLite", b"\0")
    )


def _is_kml(path: Path) -> bool:
    """KML, or an archive that holds one and no Shapefile."""
    start = _first_bytes(path) if path.is_file() else b""
    if not start.startswith(b"PK\x03\x04"):
        return kml.is_kml(start)
    try:
        with zipfile.ZipFile(path) as archive:
            endings = {Path(name).suffix.lower() for name in archive.namelist()}
    except zipfile.BadZipFile:
        return False
    return ".kml" in endings and ".shp" not in endings


def _read_placemarks(path: Path) -> Features:
    try:
        marks = kml.read_kml(path)
    except kml.KmlNotReadable as error:
        raise FileNotReadable(f"{path.name} {error}.") from None
    names = list(dict.fromkeys(name for mark in marks for name in mark.data))
    attributes = {name: np.array([mark.data.get(name) for mark in marks], dtype=object) for name in names}
    outlines = [kml.outline_of(mark) for mark in marks]
    geometry = np.full(len(marks), None, dtype=object)
    geometry[:] = [shape for shape, _closed in outlines]
    closed = np.array([was_open and shape is not None for shape, was_open in outlines], dtype=bool)
    return Features(attributes, geometry, closed)


def _read_table(path: Path, columns: dict[str, str]) -> Features:
    try:
        table = outline_tables.read_outline_table(path, columns)
    except outline_tables.TableNotReadable as error:
        raise FileNotReadable(f"{path.name} {error}.") from None
    attributes = {name: np.array([row.get(name) or None for row in table.rows], dtype=object) for name in table.columns}
    return Features(attributes, table.geometry, table.closed, table.problems)


def _read_csv(path: Path, position: Position) -> Features:
    """A table with a position in two columns; empty cells are None, a position that is no number is no geometry."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            rows, names = list(reader), list(reader.fieldnames or [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileNotReadable(f"{path.name} is no CSV in UTF-8 ({error}).") from None
    if missing := [name for name in (position.lon, position.lat) if name not in names]:
        raise FileNotReadable(f"{path.name} has no column {' and '.join(missing)}; it has {', '.join(names)}.")
    attributes = {name: np.array([row[name] or None for row in rows], dtype=object) for name in names}
    lon, lat = (np.array([_number(row[name]) for row in rows]) for name in (position.lon, position.lat))
    geometry = np.full(len(rows), None, dtype=object)
    placed = np.isfinite(lon) & np.isfinite(lat)
    geometry[placed] = shapely.points(lon[placed], lat[placed])
    return Features(attributes, geometry, np.zeros(len(rows), dtype=bool))


def _number(words: str) -> float:
    try:
        return float(words)
    except ValueError:
        return float("nan")
