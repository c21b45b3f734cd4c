"""From scenes and claims to evidence: what is seen, what cannot be told, the same bytes every time."""

import json
from datetime import date

import numpy as np
import pytest
import shapely
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from tests.conftest import a_database
from tests.imagery.raster_files import write_raster
from tests.plantations.measured_land import (
    AS_OF,
    GROUND,
    a_campaign_of_claims,
    a_claim,
    add_scenes,
    in_degrees,
    outline,
)
from tracker.database import engine_for
from tracker.errors import NotFound
from tracker.imagery.adding import add_scene
from tracker.imagery.models import SceneRow
from tracker.imagery.opening import rasterio
from tracker.imagery.wish import Wish
from tracker.plantations.evidence import (
    EvidenceMissing,
    claims_to_measure,
    evidence_of,
    keep_evidence,
    measure_claims,
    parts_of,
    recompute,
)
from tracker.plantations.models import Claim, Evidence
from tracker.plantations.reasons import REASONS


@pytest.fixture(scope="module")
def measured_world(cluster, template, tmp_path_factory):
    """Claims, scenes and their evidence in a database of their own; tests roll back what they change."""
    with pytest.MonkeyPatch.context() as patch, a_database(cluster, template, "world") as url:
        patch.setenv("RASAI_LOCAL_DIR", str(tmp_path_factory.mktemp("local")))
        with Session(engine_for(url), expire_on_commit=False) as session, session.begin():
            a_campaign_of_claims(session)
            add_scenes(session)
            for part in measure_claims(session, claims_to_measure(session), AS_OF):
                keep_evidence(session, part)
        yield url


@pytest.fixture
def world(measured_world):
    with engine_for(measured_world).connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as opened:
            yield opened
        outer.rollback()


def questions(session, code):
    return json.loads(evidence_of(session, code))["questions"]


def measured(session, as_of=AS_OF, codes=None, **more):
    claims = [c for c in claims_to_measure(session) if codes is None or c.code in codes]
    return {one.claim.code: one for part in measure_claims(session, claims, as_of, **more) for one in part}


def test_what_truly_stands_there_is_seen(world):
    assert questions(world, "GROWN")["gain"]["verdict"] == "supports"
    assert questions(world, "NEVER")["gain"]["verdict"] != "supports"
    assert questions(world, "LAKE")["plantable"]["verdict"] == "contradicts"
    assert questions(world, "FOREST")["open_before"]["verdict"] == "contradicts"
    assert questions(world, "BURNT")["kept"]["verdict"] == "contradicts"
    assert "2022-08" <= questions(world, "BURNT")["kept"]["first_day"] <= "2022-10"
    assert questions(world, "GROWN")["kept"]["verdict"] == "supports"


def test_what_is_not_there_is_not_seen(world):
    for code in GROUND:
        asked = questions(world, code)
        assert (asked["plantable"]["verdict"] == "contradicts") == (code == "LAKE")
        assert (asked["open_before"]["verdict"] == "contradicts") == (code == "FOREST")
        assert (asked["kept"]["verdict"] == "contradicts") == (code == "BURNT")


def test_of_an_enclosure_no_gain_is_expected(world):
    gain = questions(world, "FENCED")["gain"]

    assert gain["expected_gain"] is None
    assert gain["p_supports"] is gain["p_contradicts"] is None


def test_every_reason_has_words_for_people(world):
    for code in GROUND:
        for asked in questions(world, code).values():
            assert asked["reason"] in REASONS


def test_a_record_names_its_scenes_parameters_and_code(world):
    record = json.loads(evidence_of(world, "GROWN"))

    names = [scene["scene"] for scene in record["scenes"]]
    assert names == [one["scene"] for one in record["inputs"]]
    assert [scene["date"] for scene in record["scenes"]] == sorted(scene["date"] for scene in record["scenes"])
    assert all(len(sha) == 64 for one in record["inputs"] for sha in one["sha256"])
    assert all(name.startswith("synthetic") for name in names)
    assert record["parameters"]["blocks"] == 30
    assert record["code_version"].startswith("evidence-")
    assert len(record["control"]["shifts"]) == record["questions"]["gain"]["controls"]


def test_made_again_it_is_the_same_to_the_byte(world):
    for code in ("GROWN", "BURNT"):
        assert recompute(world, code) == evidence_of(world, code)


def test_claims_measured_alone_or_together_give_the_same(world):
    assert measured(world, codes=["GROWN"], anew=True)["GROWN"].record == evidence_of(world, "GROWN")


def test_dask_workers_give_the_same_bytes(world):
    found = measured(world, scheduler="local", anew=True)

    assert {code: one.record for code, one in found.items()} == {code: evidence_of(world, code) for code in GROUND}


def test_unchanged_evidence_is_not_computed_again(world):
    world.execute(text("UPDATE scene SET folder = 'gone'"))  # no file could be read

    assert measured(world)["GROWN"].record == evidence_of(world, "GROWN")


def test_a_neighbour_or_a_corrected_date_makes_it_anew(world):
    before = evidence_of(world, "GROWN")
    claim = world.scalar(select(Claim).where(Claim.code == "GROWN"))
    claim.planted_on = date(2018, 4, 1)
    world.flush()

    assert measured(world)["GROWN"].record != before


def test_control_land_keeps_away_from_every_claim_of_any_campaign(world):
    shifts = json.loads(evidence_of(world, "GROWN"))["control"]["shifts"]
    campaign = world.get_one(Claim, claims_to_measure(world)[0].claim_id).campaign_id
    step = 240.0  # 130 m wide
    first = shifts[0]
    other = shapely.affinity.translate(outline(0), first[0] * step, first[1] * step)
    a_claim(world, type("Of", (), {"id": campaign}), "OTHER", other)
    world.flush()

    again = measured(world, codes=["GROWN"])["GROWN"].document["control"]["shifts"]

    assert first not in again


def test_a_suspect_scene_is_used_by_nothing(world):
    name = world.scalars(select(SceneRow.name).order_by(SceneRow.taken_on)).first()
    world.execute(text("UPDATE scene SET status = 'suspect' WHERE name = :name"), {"name": name})

    assert name not in [scene["scene"] for scene in measured(world)["GROWN"].document["scenes"]]


def test_later_scenes_are_not_looked_at(world):
    early = measured(world, as_of=date(2017, 12, 31), codes=["GROWN"])["GROWN"]

    assert max(scene["date"] for scene in early.document["scenes"]) <= "2017-12-31"
    assert early.questions["gain"]["reason"] == "too few dates"


def test_a_claim_without_scenes_date_or_ground_cannot_be_told(world):
    campaign = type("Of", (), {"id": claims_to_measure(world)[0].campaign_id})
    far = shapely.affinity.translate(outline(0), 90_000, 0)
    a_claim(world, campaign, "FAR", far)
    a_claim(world, campaign, "UNDATED", shapely.affinity.translate(outline(0), 0, 260), planted_on=None)
    a_claim(world, campaign, "TINY", shapely.box(*outline(0).bounds[:2], *[v + 25 for v in outline(0).bounds[:2]]))
    world.flush()

    found = measured(world, codes=["FAR", "UNDATED", "TINY"])

    assert {code: one.questions["gain"]["reason"] for code, one in found.items()} == {
        "FAR": "too few dates: no usable scene shows the whole of it",
        "UNDATED": "no planting date is claimed",
        "TINY": "too small",
    }
    assert all(q["verdict"] == "cannot tell" for one in found.values() for q in one.questions.values())


def test_what_is_kept_is_one_row_of_the_version_that_was_measured(world):
    claims = [c for c in claims_to_measure(world) if c.code == "GROWN"]
    part = next(iter(measure_claims(world, claims, AS_OF, anew=True)))

    assert keep_evidence(world, part) == 0  # nothing new
    world.execute(text("UPDATE claim SET version = 2 WHERE code = 'GROWN'"))
    world.execute(text("UPDATE evidence SET record = '{}' WHERE claim_id = :id"), {"id": claims[0].claim_id})
    assert keep_evidence(world, part) == 0  # corrected since
    assert len(world.scalars(select(Evidence)).all()) == len(GROUND)
    with pytest.raises(EvidenceMissing):
        evidence_of(world, "GROWN")
    with pytest.raises(NotFound):
        evidence_of(world, "NOBODY")


@pytest.mark.parametrize(
    ("kind", "day", "value", "verdict"),
    [
        ("worldcover", date(2017, 12, 31), 10, "cannot tell"),  # trees by the map, none by the scenes
        ("worldcover", date(2017, 12, 31), 30, "supports"),
        ("lc100", date(2017, 12, 31), 126, "cannot tell"),
        ("tree-cover", date(2017, 12, 31), 29, "supports"),
        ("worldcover", date(2014, 12, 31), 10, "supports"),  # too old to count
        ("worldcover", date(2018, 12, 31), 10, "supports"),  # after planting
    ],
)
def test_a_map_of_land_cover_is_asked_where_trees_stood(world, tmp_path, kind, day, value, verdict):
    west, _south, _east, north = in_degrees(outline(0)).bounds
    place = rasterio.Affine(1e-4, 0, west - 0.01, 0, -1e-4, north + 0.01)
    values = np.full((1, 250, 250), value, np.uint8)
    file = write_raster(tmp_path / "map.tif", values, crs="EPSG:4326", transform=place, nodata=None)

    added = add_scene(world, Wish((file,), kind, day, (("cover", 1),)))
    found = measured(world, codes=["GROWN"])["GROWN"]

    assert added.status == "shown"
    assert found.questions["open_before"]["verdict"] == verdict
    in_time = day == date(2017, 12, 31)
    assert found.document["land_cover"] == ("map" if in_time else None)
    assert found.questions["open_before"]["layer_share"] == ((1.0 if value in (10, 126) else 0.0) if in_time else None)


def test_chunks_hold_neighbours_and_every_claim_once(world):
    claims = claims_to_measure(world)

    parts = list(parts_of(claims))

    assert sorted(c.code for part in parts for c in part) == sorted(GROUND)
    assert list(parts_of([])) == []
