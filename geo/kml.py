"""Read placemarks of KML safely: names, data and outlines, as they stand in the file.

The document is read piece by piece with expat. A document type, and with it every entity, is refused; links to other
files are never followed. Positions are EPSG:4326, lon before lat; heights are dropped.
"""

import re
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.parsers import expat

import numpy as np
import shapely

KML_LIMIT_BYTES = 500_000_000
KML_ELEMENT = re.compile(rb"<(\w+:)?kml[\s>]")
DEEPEST = 60  # elements within elements; folders in folders are all that is deep in KML
LONGEST_TEXT = 60_000_000  # letters of one element: coordinates of some two million corners


class KmlNotReadable(ValueError):
    """Why this is no KML that can be read: a sentence without its subject."""


@dataclass
class Placemark:
    """One placemark. `rings`: per polygon the outer ring and its holes, each (k, 2) degrees."""

    data: dict[str, str] = field(default_factory=dict)
    polygons: list[list[np.ndarray]] = field(default_factory=list)
    others: int = 0  # points, lines and models: they enclose nothing
    broken: bool = False  # coordinates that are no numbers


def read_kml(path: Path) -> list[Placemark]:
    """All placemarks of a .kml, or of the .kml in a .kmz, in the order of the document; raises KmlNotReadable."""
    try:
        with path.open("rb") as file:
            if file.read(4) == b"PK\x03\x04":
                return _read_kmz(path)
            file.seek(0)
            return _read(file)
    except OSError as error:
        raise KmlNotReadable(f"cannot be read ({error.strerror or error})") from None


def _read_kmz(path: Path) -> list[Placemark]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [m for m in archive.infolist() if m.filename.lower().endswith(".kml")]
            if not names:
                raise KmlNotReadable("holds no .kml")
            first = next((m for m in names if m.filename.lower() == "doc.kml"), names[0])
            with archive.open(first) as packed:
                return _read(packed)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise KmlNotReadable(f"is a damaged or protected archive ({error})") from None


def _read(file: IO[bytes]) -> list[Placemark]:
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=None)
    parser.StartDoctypeDeclHandler = reader.refuse_document_type
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.buffer_text = True
    size = 0
    try:
        while chunk := file.read(1 << 20):
            size += len(chunk)
            if size > KML_LIMIT_BYTES:
                raise KmlNotReadable(f"is larger than {KML_LIMIT_BYTES // 1_000_000} MB. Send it in parts")
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise KmlNotReadable(f"is no sound KML ({error})") from None
    if not reader.placemarks:
        links = ". Links to other files are not followed: save the placemarks themselves" if reader.links else ""
        raise KmlNotReadable(f"holds no placemark{links}")
    return reader.placemarks


class _Reader:
    """Follows the elements of one document."""

    def __init__(self) -> None:
        self.placemarks: list[Placemark] = []
        self.links = 0
        self._path: list[str] = []
        self._words: list[str] = []
        self._length = 0
        self._mark: Placemark | None = None
        self._name = ""
        self._rings: list[np.ndarray] = []

    def refuse_document_type(self, *_facts: object) -> None:
        raise KmlNotReadable("has a document type, which may name other files. Save it again without")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition(":")[2]
        if not self._path and name != "kml":
            raise KmlNotReadable("is XML, but no KML")
        if len(self._path) > DEEPEST:
            raise KmlNotReadable("is nested too deeply")
        self._path.append(name)
        self._words, self._length = [], 0
        if name == "Placemark":
            self._mark = Placemark()
        elif name in ("Data", "SimpleData"):
            self._name = attributes.get("name", "")
        elif name == "NetworkLink":
            self.links += 1
        elif name == "Polygon":
            self._rings = []

    def text(self, words: str) -> None:
        self._length += len(words)
        if self._length > LONGEST_TEXT:
            raise KmlNotReadable("holds an outline with too many corners. Simplify it")
        self._words.append(words)

    def end(self, name: str) -> None:
        name = self._path.pop()
        words = "".join(self._words).strip()
        self._words, self._length = [], 0
        mark = self._mark
        if mark is None:
            return
        parent = self._path[-1] if self._path else ""
        if step := _STEPS.get(name):
            step(self, mark, parent, words)

    def _end_name(self, mark: Placemark, parent: str, words: str) -> None:
        if parent == "Placemark":
            mark.data.setdefault("name", words)

    def _end_value(self, mark: Placemark, parent: str, words: str) -> None:
        if parent == "Data":
            mark.data[self._name] = words

    def _end_simple(self, mark: Placemark, _parent: str, words: str) -> None:
        mark.data[self._name] = words

    def _end_coordinates(self, mark: Placemark, parent: str, words: str) -> None:
        if parent == "LinearRing" and "Polygon" in self._path:
            ring = _positions(words)
            mark.broken |= ring is None
            if ring is not None:
                self._rings.append(ring)
        else:
            mark.others += 1

    def _end_polygon(self, mark: Placemark, _parent: str, _words: str) -> None:
        mark.polygons.append(self._rings)

    def _end_placemark(self, mark: Placemark, _parent: str, _words: str) -> None:
        self.placemarks.append(mark)
        self._mark = None


_STEPS: dict[str, Callable[[_Reader, Placemark, str, str], None]] = {
    "name": _Reader._end_name,
    "value": _Reader._end_value,
    "SimpleData": _Reader._end_simple,
    "coordinates": _Reader._end_coordinates,
    "Polygon": _Reader._end_polygon,
    "Placemark": _Reader._end_placemark,
}


def _positions(words: str) -> np.ndarray | None:
    """(k, 2) lon, lat of "lon,lat[,height] …"; None where something is no number."""
    try:
        pairs = [position.split(",")[:2] for position in words.split()]
        return np.array(pairs, dtype=float).reshape(-1, 2)
    except ValueError:
        return None


def outline_of(mark: Placemark) -> tuple[shapely.Geometry | None, bool]:
    """The polygons of a placemark as one geometry, and whether a ring had to be closed; None where there is none."""
    closed, polygons = False, []
    for rings in mark.polygons:
        whole = []
        for ring in rings:
            is_open = len(ring) > 0 and bool((ring[0] != ring[-1]).any())
            closed |= is_open
            ring = np.vstack([ring, ring[:1]]) if is_open else ring
            if len(ring) < 4 or not np.isfinite(ring).all():
                return None, closed
            whole.append(ring)
        if not whole:
            return None, closed
        polygons.append(shapely.Polygon(whole[0], whole[1:]))
    if not polygons or mark.broken:
        return None, closed
    return (polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)), closed


def is_kml(start: bytes) -> bool:
    """Whether a file that begins so may be KML: XML with an element called kml."""
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") and KML_ELEMENT.search(start) is not None
