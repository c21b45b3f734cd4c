"""The abstract tests of OGC API Features Part 1 and 2 and of Tiles, each as one test with its own name.

Annexes A of OGC 17-069r4 (core, geojson, oas30), 18-058r1 (crs) and 20-057 (tiles). Asked by a coordinator of one
district.
"""

from datetime import datetime

import pyproj
import pytest

from tests.builders import IN_PESHAWAR
from tests.coverage.vector_tiles import features_in
from tests.read_only_round import a_told_round
from tracker.exports.lists import LISTS
from tracker.ogc.crs import CODES, CRS84
from tracker.ogc.documents import CONFORMS_TO

COLLECTIONS = ("settlements_BOTH", "areas_BOTH", "visits_BOTH")
DOCUMENTS = ("", "/conformance", "/collections", *(f"/collections/{c}" for c in COLLECTIONS), "/tileMatrixSets")
PESHAWAR_BOX = "71.3,33.8,71.8,34.2"


@pytest.fixture(scope="module")
def told(cluster, template):
    with a_told_round(cluster, template) as round_:
        yield round_


@pytest.fixture
def ask(told):
    def asked(path: str, who: str = "Amina", status: int = 200):
        answer = told.client.get(f"/oapi{path}", headers=told.headers[who])
        assert answer.status_code == status, (path, answer.status_code, answer.text[:300])
        return answer

    return asked


def links(document, rel: str) -> list[dict]:
    return [link for link in document["links"] if link["rel"] == rel]


def codes(answer) -> set[str]:
    return {f["properties"].get("code") or f["properties"].get("instance_id") for f in answer.json["features"]}


# who is let in


@pytest.mark.parametrize("path", [*DOCUMENTS, *(f"/collections/{c}/items" for c in COLLECTIONS)])
def test_nobody_gets_in_without_a_token(told, path):
    answer = told.client.get(f"/oapi{path}")

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_what_lies_elsewhere_does_not_exist_for_dawar(ask, collection):
    own = ask(f"/collections/{collection}/items", "Dawar").text
    ask(f"/collections/{collection.replace('BOTH', 'PESHAWAR')}", "Dawar", 404)
    ask(f"/collections/{collection}/items?within=PK201", "Dawar", 404)

    assert not any(code in own for code in ("KILI", "BANDA", '"PK201"', "PK20101"))


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_a_feature_from_elsewhere_is_not_found(ask, collection):
    ids = [f["id"] for f in ask(f"/collections/{collection}/items").json["features"]]
    own = {f["id"] for f in ask(f"/collections/{collection}/items", "Dawar").json["features"]}

    refused = {id_: ask(f"/collections/{collection}/items/{id_}", "Dawar", 404).status_code for id_ in set(ids) - own}
    assert refused
    assert set(refused.values()) == {404}


def test_an_observer_has_no_visits(ask):
    offered = {c["id"] for c in ask("/collections", "Farid").json["collections"]}

    assert "visits_BOTH" not in offered
    ask("/collections/visits_BOTH/items", "Farid", 403)


# Features, core


def test_core_landing_page(ask):
    document = ask("/").json

    for rel in ("self", "service-desc", "conformance", "data"):
        assert links(document, rel), rel
    assert ask("").json["title"] == "Rasai"


def test_core_api_definition(ask):
    answer = ask("/api")

    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert answer.json["openapi"].startswith("3.0")
    for collection in COLLECTIONS:
        assert f"/collections/{collection}/items" in answer.json["paths"]


def test_core_conformance(ask):
    said = ask("/conformance").json["conformsTo"]

    assert said == list(CONFORMS_TO)
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in said


def test_core_collections(ask):
    document = ask("/collections").json

    assert links(document, "self")
    assert {c["id"] for c in document["collections"]} >= set(COLLECTIONS)
    for collection in document["collections"]:
        assert links(collection, "items")[0]["type"] == "application/geo+json"
        (box,) = collection["extent"]["spatial"]["bbox"]
        assert len(box) == 4


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_core_collection_is_as_in_the_list(ask, collection):
    listed = next(c for c in ask("/collections").json["collections"] if c["id"] == collection)

    assert ask(f"/collections/{collection}").json == listed


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_core_features(ask, collection):
    answer = ask(f"/collections/{collection}/items")
    document = answer.json

    assert answer.mimetype == "application/geo+json"
    assert document["type"] == "FeatureCollection"
    assert links(document, "self")
    assert document["numberReturned"] == len(document["features"]) == document["numberMatched"] > 0
    assert datetime.fromisoformat(document["timeStamp"])
    for feature in document["features"]:
        assert set(feature) == {"type", "id", "geometry", "properties"}


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_core_limit_and_next(ask, told, collection):
    everything = codes(ask(f"/collections/{collection}/items"))
    seen, pages, path = [], 0, f"/collections/{collection}/items?limit=1"
    while path:
        document = ask(path).json
        assert document["numberReturned"] <= 1
        assert ("numberMatched" in document) == (pages == 0)
        seen += [f["properties"].get("code") or f["properties"]["instance_id"] for f in document["features"]]
        onward = links(document, "next")
        path, pages = onward and onward[0]["href"].partition("/oapi")[2], pages + 1

    assert sorted(seen) == sorted(everything)  # each once
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=-1", "limit=x", "bbox=1,2,3", "bbox=a,b,c,d", "bbox=1,5,2,4", "bbox=nan,1,2,3",
        "datetime=yesterday", "datetime=../..", "datetime=2026-01-02/2026-01-01", "datetime=2026-13-01",
        "datetime=2026-01-01T00:00:00", "colour=red", "crs=EPSG:4327", "bbox-crs=none&bbox=1,2,3,4", "cursor=x",
        "f=html", "offset=10",
    ],
)  # fmt: skip
def test_core_wrong_or_unknown_parameters_are_400_or_a_refused_cursor(ask, told, collection, query):
    answer = told.client.get(f"/oapi/collections/{collection}/items?{query}", headers=told.headers["Amina"])

    assert answer.status_code == (422 if query == "cursor=x" else 400)
    assert answer.json["errors"][0]["field"] == query.partition("=")[0]


def test_core_a_limit_beyond_the_largest_is_cut(ask):
    assert ask("/collections/settlements_BOTH/items?limit=999999").json["numberReturned"] == 2


@pytest.mark.parametrize("collection", COLLECTIONS)
@pytest.mark.parametrize(
    ("box", "inside"),
    [
        (PESHAWAR_BOX, True), ("0,0,1,1", False), ("170,-10,-170,10", False),
        ("71.3,33.8,0,71.8,34.2,9", True),
    ],
)  # fmt: skip
def test_core_bbox(ask, collection, box, inside):
    found = ask(f"/collections/{collection}/items?bbox={box}").json["features"]

    assert bool(found) == inside


def test_core_bbox_touches_its_edge(ask):
    lon, lat = IN_PESHAWAR
    on_the_edge = ask(f"/collections/settlements_BOTH/items?bbox={lon - 1},{lat - 1},{lon},{lat}")

    assert codes(on_the_edge) == {"KILI"}


@pytest.mark.parametrize(
    ("words", "visits"),
    [
        ("2025-11-10", 2), ("2025-11-10/2025-11-10", 2), ("2025-11-11", 0), ("2025-11-10T04:00:00Z", 2),
        ("2025-11-10T04:00:01Z/..", 0),
        ("../2025-11-10T04:00:00Z", 2), ("../2025-11-10T03:59:59Z", 0), ("2025-11-10/", 2),
    ],
)  # fmt: skip
def test_core_datetime_of_visits(ask, words, visits):
    assert ask(f"/collections/visits_BOTH/items?datetime={words}").json["numberMatched"] == visits


@pytest.mark.parametrize(("words", "settlements"), [("2025-11-12/..", 2), ("../2025-11-09", 0), ("2026-01-01/..", 0)])
def test_core_datetime_of_settlements_meets_their_planned_days(ask, words, settlements):
    assert ask(f"/collections/settlements_BOTH/items?datetime={words}").json["numberMatched"] == settlements


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_core_feature(ask, collection):
    for listed in ask(f"/collections/{collection}/items").json["features"]:
        answer = ask(f"/collections/{collection}/items/{listed['id']}")

        assert answer.mimetype == "application/geo+json"
        assert {key: answer.json[key] for key in listed} == listed
        assert links(answer.json, "self")
        assert links(answer.json, "collection")


@pytest.mark.parametrize(
    "path", ["x", "0", "999999", "c0ffee00-0000-4000-8000-000000000000", "zzzzzzzz-0000-4000-8000-000000000000"]
)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_core_a_feature_that_is_none(ask, collection, path):
    ask(f"/collections/{collection}/items/{path}", status=404)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_attributes_are_those_of_the_list(ask, collection):
    kind = collection.partition("_")[0]
    names = [column.name for column in LISTS[kind].columns]

    for feature in ask(f"/collections/{collection}/items").json["features"]:
        assert list(feature["properties"]) == names


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("team=T1", set()), ("type=hamlet", {"KILI", "BANDA"}),
        ("within=PK20101", {"KILI", "BANDA"}), ("status=covered", set()),
    ],
)  # fmt: skip
def test_core_parameters_of_the_collection(ask, query, found):
    assert codes(ask(f"/collections/settlements_BOTH/items?{query}")) == found


def test_areas_of_one_level(ask):
    assert codes(ask("/collections/areas_BOTH/items?level=tehsil")) == {"PK20101"}


# Part 2: coordinate systems


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_crs_of_the_collection(ask, collection):
    document = ask(f"/collections/{collection}").json

    assert document["crs"] == list(CODES)
    assert document["storageCrs"] == CRS84


@pytest.mark.parametrize("uri", CODES)
def test_crs_of_the_answer(ask, uri):
    answer = ask(f"/collections/settlements_BOTH/items?crs={uri}&bbox={PESHAWAR_BOX}")
    kili = next(f for f in answer.json["features"] if f["properties"]["code"] == "KILI")
    expected = pyproj.Transformer.from_crs(4326, CODES[uri], always_xy=True).transform(*IN_PESHAWAR)

    assert answer.headers["Content-Crs"] == f"<{uri}>"
    assert kili["geometry"]["coordinates"] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("uri", CODES)
def test_crs_of_the_box(ask, uri):
    change = pyproj.Transformer.from_crs(4326, CODES[uri], always_xy=True)
    x, y = change.transform(*IN_PESHAWAR)
    size = 0.001 if uri == CRS84 else 100
    box = f"{x - size},{y - size},{x + size},{y + size}"

    assert codes(ask(f"/collections/settlements_BOTH/items?bbox={box}&bbox-crs={uri}")) == {"KILI"}


# Tiles


def test_tiles_tile_matrix_set(ask):
    (listed,) = ask("/tileMatrixSets").json["tileMatrixSets"]
    document = ask(f"/tileMatrixSets/{listed['id']}").json

    assert document["uri"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
    assert document["tileMatrices"][1]["matrixWidth"] == 2
    ask("/tileMatrixSets/WorldCRS84Quad", status=404)


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_tiles_tileset(ask, collection):
    (tileset,) = ask(f"/collections/{collection}/tiles").json["tilesets"]

    assert tileset == ask(f"/collections/{collection}/tiles/WebMercatorQuad").json
    assert links(tileset, "item")[0]["href"].endswith("/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}")


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_tiles_tile(ask, collection):
    lon, lat = IN_PESHAWAR
    z, (row, col) = 14, _tile(lon, lat, 14)
    answer = ask(f"/collections/{collection}/tiles/WebMercatorQuad/{z}/{row}/{col}")

    assert answer.mimetype == "application/vnd.mapbox-vector-tile"
    assert [f["layer"] for f in features_in(answer.data)][:1] == [collection.partition("_")[0]]


def test_tiles_beyond_the_matrix_are_not_found(ask):
    ask("/collections/settlements_BOTH/tiles/WebMercatorQuad/1/2/0", status=404)


def _tile(lon: float, lat: float, z: int) -> tuple[int, int]:
    import math

    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z)
    return y, x
