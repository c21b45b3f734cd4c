"""Files as they come: the known formats are read alike, everything else is refused in one sentence."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely

from geo.vector_files import ALLOWED, FileNotReadable, Position, read_features

SQUARE = shapely.box(71, 34, 71.1, 34.1)


def write(path: Path, shapes, crs="EPSG:4326", driver="GPKG", kind="Polygon", **columns) -> Path:
    columns = columns or {"code": [f"A{i}" for i in range(len(shapes))], "name": ["پشاور"] * len(shapes)}
    shapes = np.array([None if s is None else shapely.to_wkb(s) for s in shapes], dtype=object)
    values = [np.array(column, dtype=object) for column in columns.values()]
    pyogrio.raw.write(
        path, geometry=shapes, field_data=values, fields=list(columns), crs=crs, driver=driver, geometry_type=kind
    )
    return path


def feature(geometry: str, properties: str = '{"code": "A"}') -> str:
    return f'{{"type": "Feature", "properties": {properties}, "geometry": {geometry}}}'


def collection(path: Path, *features: str) -> Path:
    path.write_text(f'{{"type": "FeatureCollection", "features": [{", ".join(features)}]}}', encoding="utf-8")
    return path


def zipped(path: Path, members: dict[str, Path]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in members.items():
            archive.write(file, name)
    return path


@pytest.fixture
def shapefile(tmp_path) -> Path:
    return write(tmp_path / "areas.shp", [SQUARE], driver="ESRI Shapefile")


@pytest.fixture
def geodatabase(tmp_path) -> Path:
    return write(tmp_path / "areas.gdb", [SQUARE], driver="OpenFileGDB", kind="MultiPolygon")


def test_only_the_four_formats_can_ever_be_opened():
    assert set(pyogrio.list_drivers()) <= ALLOWED


def test_all_known_formats_are_read_alike(tmp_path, shapefile, geodatabase):
    parts = {f"Deep/FOLDER/Areas{p.suffix.upper()}": p for p in tmp_path.glob("areas.*") if p.is_file()}
    files = [
        write(tmp_path / "areas.gpkg", [SQUARE]),
        write(tmp_path / "areas.geojson", [SQUARE], driver="GeoJSON"),
        shapefile,
        geodatabase,
        zipped(tmp_path / "shapefile.zip", parts),
        zipped(tmp_path / "gdb.zip", {f"top/areas.gdb/{p.name}": p for p in geodatabase.iterdir()}),
        shutil.copy(tmp_path / "areas.gpkg", tmp_path / "wrongly named.csv"),
        shutil.copytree(geodatabase, tmp_path / "a folder"),
    ]

    for file in files:
        read = read_features(Path(file))

        assert len(read) == 1, file
        assert shapely.equals_exact(shapely.normalize(read.geometry[0]).geoms[0] if read.geometry[0].geom_type ==
                                    "MultiPolygon" else shapely.normalize(read.geometry[0]),
                                    shapely.normalize(SQUARE), 1e-9), file  # fmt: skip
        assert list(read.attributes["name"]) == ["پشاور"], file


@pytest.mark.parametrize("epsg", [3857, 32642, 4269, 24313])
def test_any_coordinate_system_becomes_degrees(tmp_path, epsg):
    import pyproj

    change = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    there = shapely.transform(SQUARE, change.transform, interleaved=False)

    read = read_features(write(tmp_path / "areas.gpkg", [there], crs=f"EPSG:{epsg}"))

    assert shapely.hausdorff_distance(read.geometry[0], SQUARE) < 1e-6


def test_heights_are_dropped_and_nothing_stays_nothing(tmp_path):
    read = read_features(write(tmp_path / "areas.gpkg", [shapely.force_3d(SQUARE, 900), None], kind="Polygon Z"))

    assert not shapely.has_z(read.geometry[0])
    assert read.geometry[1] is None


def test_an_open_ring_is_closed_and_said_so(tmp_path):
    open_ring = '{"type": "Polygon", "coordinates": [[[71, 34], [72, 34], [72, 35], [71, 35]]]}'
    two_corners = '{"type": "Polygon", "coordinates": [[[71, 34]]]}'

    read = read_features(collection(tmp_path / "a.geojson", feature(open_ring), feature(two_corners)))

    assert list(read.closed) == [True, False]
    assert shapely.area(read.geometry[0]) == pytest.approx(1)


def test_one_layer_with_geometry_needs_no_name_several_do(tmp_path):
    file = write(tmp_path / "areas.gpkg", [SQUARE])
    pyogrio.raw.write(
        file, geometry=None, field_data=[np.array(["x"], dtype=object)], fields=["note"], layer="notes", driver="GPKG",
        append=True, crs=None, geometry_type=None,
    )  # fmt: skip
    assert len(read_features(file)) == 1

    pyogrio.raw.write(
        file, geometry=np.array([shapely.to_wkb(shapely.Point(71, 34))], dtype=object), fields=["code"], layer="points",
        field_data=[np.array(["P"], dtype=object)], driver="GPKG", append=True, crs="EPSG:4326", geometry_type="Point",
    )  # fmt: skip
    with pytest.raises(FileNotReadable, match="--layer: areas, points"):
        read_features(file)
    with pytest.raises(FileNotReadable, match="there is no layer districts: areas, points"):
        read_features(file, "districts")
    assert read_features(file, "points").attributes["code"][0] == "P"


def test_a_virtual_file_cannot_make_us_read_another(tmp_path):
    secret = write(tmp_path / "secret.gpkg", [SQUARE])
    vrt = (
        '<OGRVRTDataSource><OGRVRTLayer name="secret">'
        f"<SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"
    )
    (tmp_path / "virtual.gpkg").write_text(vrt)
    (tmp_path / "virtual.geojson").write_text(json.dumps({"a": vrt, "type": "FeatureCollection", "features": []}))
    (tmp_path / "virtual.shp").write_bytes(b"\x00\x00\x27\x0a" + vrt.encode())

    for name in ("virtual.gpkg", "virtual.shp"):
        with pytest.raises(FileNotReadable):
            read_features(tmp_path / name)
    assert len(read_features(tmp_path / "virtual.geojson")) == 0


def refused_files(tmp_path: Path) -> dict[str, Path]:
    """Files that nobody can read, by what is wrong with them."""
    good = write(tmp_path / "good.gpkg", [SQUARE])
    shp = write(tmp_path / "good.shp", [SQUARE], driver="ESRI Shapefile", code=["A"], name=["x"])
    made: dict[str, bytes] = {
        "empty.gpkg": b"",
        "noise.gpkg": b"\x9c\x01noise" * 500,
        "cut.gpkg": good.read_bytes()[:20_000],
        "empty.sqlite.gpkg": b"SQLite format 3\0" + bytes(4000),
        "cut.zip": zipped(tmp_path / "whole.zip", {"a.shp": shp}).read_bytes()[:-40],
        "page.html": b"<!DOCTYPE html><html></html>",
        "kml.kml": b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"></kml>',
        "topology.json": b'{"type": "Topology", "objects": {}, "arcs": []}',
        "cut.geojson": b'{"type": "FeatureCollection", "features": [{"type": "Feature", "geome',
        "deep.geojson": b'{"type": "FeatureCollection", "features": ' + b"[" * 100_000,
        "latin.geojson": '{"type": "FeatureCollection", "features": [], "name": "é"}'.encode("latin-1"),
        "infinite.geojson": b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, '
        b'"geometry": {"type": "Point", "coordinates": [1e400, 34]}}]}',
        "lonely.shp": shp.read_bytes(),
    }
    files = {name: tmp_path / name for name in made}
    for name, content in made.items():
        files[name].write_bytes(content)
    for ending in ("shp", "shx", "prj"):
        shutil.copy(tmp_path / f"good.{ending}", tmp_path / f"latin.{ending}")
    (tmp_path / "latin.dbf").write_bytes((tmp_path / "good.dbf").read_bytes().replace(b"x  ", b"\xe9\xff "))
    (tmp_path / "latin.cpg").write_text("UTF-8")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.gpkg")
    (tmp_path / "lost.gpkg").symlink_to(tmp_path / "nowhere")
    with zipfile.ZipFile(tmp_path / "climbing.zip", "w") as archive:
        archive.writestr("../../climbed.shp", shp.read_bytes())
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for k in range(30):
            archive.writestr(f"{k}.shp", bytes(1 << 20))
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for k in range(501):
            archive.writestr(f"{k}.txt", "x")
    no_crs = write(tmp_path / "nowhere.gpkg", [SQUARE], crs=None)
    more = ("latin.shp", "folder", "pipe.gpkg", "lost.gpkg", "climbing.zip", "bomb.zip", "many.zip")
    return {**files, **{name: tmp_path / name for name in more}, "no crs": no_crs, "absent": tmp_path / "absent.gpkg"}


@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path, monkeypatch):
    files = refused_files(tmp_path)
    monkeypatch.setattr("geo.vector_files.UNPACKED_LIMIT_BYTES", 20 << 20)

    for name, file in files.items():
        with pytest.raises(FileNotReadable) as refusal:
            read_features(file)

        words = str(refusal.value)
        assert "\n" not in words, name
        assert len(words) < 350, name
        assert file.name in words, name
    assert not (tmp_path.parent.parent / "climbed.shp").exists()


def test_a_table_with_positions(tmp_path):
    table = tmp_path / "settlements.csv"
    table.write_text(
        '\ufeffcode,name,lon,lat\nA,"کلی, ""one""",71.5,34\nB,empty,,\nC,words,east,34\nD,nan,nan,34\nE,short\n',
        encoding="utf-8",
    )

    read = read_features(table, position=Position())

    assert [None if g is None else g.wkt for g in read.geometry] == ["POINT (71.5 34)", None, None, None, None]
    assert read.attributes["name"][0] == 'کلی, "one"'
    with pytest.raises(FileNotReadable, match="no column x and y; it has code, name, lon, lat"):
        read_features(table, position=Position("x", "y"))
    with pytest.raises(FileNotReadable, match="no known format"):
        read_features(table)


@pytest.mark.parametrize("content", [b"code,lon,lat\n\xff\xfe,1,2\n", b"", b"code,lon,lat\n" + b'"' + b"x" * 200_000])
def test_a_table_that_is_none(tmp_path, content):
    table = tmp_path / "settlements.csv"
    table.write_bytes(content)

    with pytest.raises(FileNotReadable, match=r"settlements\.csv"):
        read_features(table, position=Position())
