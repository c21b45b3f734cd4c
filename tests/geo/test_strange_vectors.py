"""Files of outlines as they come: read alike whatever their kind; what is wrong is refused, or its row named."""

import csv
import json
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from geo.vector_files import FileNotReadable, read_features

SQUARE = shapely.box(71, 34, 71.1, 34.1)
WKT = SQUARE.wkt
KML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def placemark(name: str = "A", ring: str = "71,34,0 71.1,34,0 71.1,34.1,0 71,34.1,0 71,34,0", data: str = "") -> str:
    return (
        f"<Placemark><name>{name}</name>{data}<Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates>"
        "</LinearRing></outerBoundaryIs></Polygon></Placemark>"
    )


def kml(*marks: str, head: str = KML_HEAD) -> str:
    return f'{head}<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(marks)}</Document></kml>'


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def archive(folder: Path, name: str, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as packed:
        for inner, content in members.items():
            packed.writestr(inner, content)
    return folder / name


def table(*rows: str, head: str = "claim,wkt") -> str:
    return "\n".join([head, *rows]) + "\n"


def shapefile(folder: Path) -> dict[str, bytes]:
    pyogrio.raw.write(
        folder / "claims.shp", geometry=np.array([shapely.to_wkb(SQUARE)], dtype=object), crs="EPSG:4326",
        field_data=[np.array(["A"], dtype=object)], fields=["claim"], driver="ESRI Shapefile", geometry_type="Polygon",
    )  # fmt: skip
    return {p.name: p.read_bytes() for p in folder.glob("claims.*")}


def test_kml_kmz_and_tables_are_read_like_the_others(tmp_path):
    data = '<ExtendedData><Data name="kind"><value>block</value></Data></ExtendedData>'
    files = [
        write(tmp_path, "a.kml", kml(placemark(data=data))),
        archive(tmp_path, "a.kmz", {"files/pic.png": b"x", "doc.kml": kml(placemark(data=data))}),
        write(tmp_path, "a.csv", table(f'A,block,"{WKT}"', head="name,kind,wkt")),
        write(tmp_path, "b.csv", table(f"A;block;{WKT}", head="name;kind;shape")),
    ]

    for file in files:
        read = read_features(file, outlines={"wkt": "shape"} if file.name == "b.csv" else {})

        assert shapely.equals(read.geometry[0], SQUARE), file
        assert (read.attributes["name"][0], read.attributes["kind"][0]) == ("A", "block"), file


def test_a_point_and_a_radius_are_a_circle_of_that_size(tmp_path):
    read = read_features(write(tmp_path, "a.csv", table("A,71.5,34,100", head="claim,lon,lat,radius_m")), outlines={})

    from geo.boundaries import geodesic_km2

    assert geodesic_km2(read.geometry)[0] * 100 == pytest.approx(np.pi, rel=0.002)


def test_holes_and_several_polygons_of_one_placemark(tmp_path):
    hole = "71.02,34.02 71.04,34.02 71.04,34.04 71.02,34.02"
    inner = f"<innerBoundaryIs><LinearRing><coordinates>{hole}</coordinates></LinearRing></innerBoundaryIs>"
    one = placemark().replace("</outerBoundaryIs>", f"</outerBoundaryIs>{inner}", 1)
    two = placemark("B").replace("<Polygon>", "<MultiGeometry><Polygon>").replace(
        "</Polygon>", "</Polygon><Polygon><outerBoundaryIs><LinearRing><coordinates>72,34 72.1,34 72.1,34.1"
        "</coordinates></LinearRing></outerBoundaryIs></Polygon></MultiGeometry>",
    )  # fmt: skip

    read = read_features(write(tmp_path, "a.kml", kml(one, two)), outlines={})

    assert len(read.geometry[0].interiors) == 1
    assert read.geometry[1].geom_type == "MultiPolygon"
    assert read.closed.tolist() == [False, True]


def test_without_being_asked_for_outlines_neither_is_taken(tmp_path):
    for file in (write(tmp_path, "a.kml", kml(placemark())), write(tmp_path, "a.csv", table(f'A,"{WKT}"'))):
        with pytest.raises(FileNotReadable):
            read_features(file)


def entity(target: str) -> str:
    head = f'{KML_HEAD}<!DOCTYPE kml [<!ENTITY x SYSTEM "{target}">]>'
    return kml(placemark("&x;"), head=head)


def laughs() -> str:
    many = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    return kml(placemark("&i;"), head=f'{KML_HEAD}<!DOCTYPE kml [<!ENTITY a "ha">{many}]>')


def strange(folder: Path) -> dict[str, Path]:
    """Files that are refused whole, by what is wrong with them."""
    canary = write(folder, "canary.csv", table(f'CANARY,"{WKT}"'))
    parts = shapefile(folder)
    feature = {"type": "Feature", "properties": {"claim": "A"}, "geometry": json.loads(shapely.to_geojson(SQUARE))}
    linked = {
        "type": "FeatureCollection", "features": [feature],
        "crs": {"type": "link", "properties": {"href": "http://127.0.0.1:9/x", "type": "ogcwkt"}},
    }  # fmt: skip
    source = f"<SrcDataSource>{canary}</SrcDataSource>"
    vrt = f'<OGRVRTDataSource><OGRVRTLayer name="c">{source}</OGRVRTLayer></OGRVRTDataSource>'
    made: dict[str, str | bytes] = {
        "entity of a file.kml": entity(f"file://{canary}"),
        "entity of an address.kml": entity("http://127.0.0.1:9/x"),
        "thousand million laughs.kml": laughs(),
        "only a link.kml": kml("<NetworkLink><Link><href>http://127.0.0.1:9/x.kml</href></Link></NetworkLink>"),
        "no kml.kml": f"{KML_HEAD}<gpx></gpx>",
        "cut.kml": kml(placemark())[:-40],
        "latin.kml": kml(placemark("é")).encode("latin-1"),
        "too deep.kml": KML_HEAD + "<kml>" + "<Folder>" * 100 + "</Folder>" * 100 + "</kml>",
        "vrt in disguise.kml": vrt.replace("OGRVRTDataSource", "kml"),
        "vrt.geojson": vrt,
        "crs by link.geojson": json.dumps(linked),
        "cut.geojson": json.dumps({"type": "FeatureCollection", "features": [feature]})[:-30],
        "latin.csv": table(f'é,"{WKT}"').encode("cp1252"),
        "empty.csv": b"",
        "no outline.csv": table("A,block", head="claim,kind"),
        "two of a name.csv": table(f'A,B,"{WKT}"', head="claim,claim,wkt"),
        "endless cell.csv": table(f'A,"{"x" * 2_100_000}"'),
        "page.html": "<!doctype html><p>hello",
        "noise.gpkg": b"\x00\x01" * 3_000,
    }
    files = {name: write(folder, name, content) for name, content in made.items()}
    no_crs = {name: content for name, content in parts.items() if not name.endswith(".prj")}
    more = {
        "no kml.kmz": archive(folder, "no kml.kmz", {"readme.txt": "x"}),
        "climbs out.zip": archive(folder, "climbs out.zip", {**parts, "../../climbed.txt": "x"}),
        "from the root.zip": archive(folder, "from the root.zip", {**parts, "/climbed.txt": "x"}),
        "with a drive.zip": archive(folder, "with a drive.zip", {**parts, "C:\\climbed.txt": "x"}),
        "bomb.zip": archive(folder, "bomb.zip", {**parts, "more.dbf": bytes(60_000_000)}),
        "no crs.zip": archive(folder, "no crs.zip", no_crs),
        "half a shapefile.zip": archive(folder, "half.zip", {"claims.shp": parts["claims.shp"][:90]}),
        "nowhere.csv": folder / "nowhere.csv",
        "a folder": folder,
    }
    return files | more


def test_every_strange_file_is_refused_in_one_sentence_and_touches_nothing(tmp_path):
    files = strange(tmp_path)

    for name, file in files.items():
        with pytest.raises(FileNotReadable) as refusal:
            read_features(file, outlines={})

        words = str(refusal.value)
        assert "\n" not in words, name
        assert len(words) < 400, name
    assert len(files) >= 25
    assert not list(tmp_path.parent.rglob("climbed.txt"))


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (f'A,"{WKT[:30]}"', "not_wkt"), ('A,"POLYGON ((71 34, nan 34, 71.1 34.1, 71 34))"', "not_finite"),
        ("A,hello", "not_wkt"), (f'A,"{WKT}",beyond', "too_many_cells"),
    ],
)  # fmt: skip
def test_a_row_that_is_no_outline_is_named_and_the_others_are_read(tmp_path, cells, problem):
    read = read_features(write(tmp_path, "a.csv", table(cells, f'B,"{WKT}"')), outlines={})

    assert read.problems == {0: problem}
    assert [shape is None for shape in read.geometry] == [True, False]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ("A,71,34,", "no_radius"), ("A,71,34,x", "no_radius"), ("A,east,34,5", "not_a_number"),
        ("A,71,95,5", "coordinates"), ("A,71,34,-5", "not_finite"), ("A,71,nan,5", "not_finite"),
        ("A,71,34,1e9", "not_finite"),
    ],
)  # fmt: skip
def test_a_circle_that_is_none_is_named(tmp_path, cells, problem):
    read = read_features(write(tmp_path, "a.csv", table(cells, head="claim,lon,lat,radius_m")), outlines={})

    assert read.problems == {0: problem}


def test_a_placemark_of_three_positions_or_none_has_no_outline(tmp_path):
    marks = [
        placemark(ring="71,34 71.1,34 71,34"),
        placemark(ring=""),
        placemark(ring="71,x 72,34 73,34 71,35"),
        "<Placemark/>",
    ]

    read = read_features(write(tmp_path, "a.kml", kml(*marks)), outlines={})

    assert [shape is None for shape in read.geometry] == [True, True, True, True]


def test_the_limit_of_cells_is_that_of_others_again(tmp_path):
    before = csv.field_size_limit()
    read_features(write(tmp_path, "a.csv", table(f'A,"{WKT}"')), outlines={})

    assert csv.field_size_limit() == before
