"""Boundaries on their way in: what is taken, what is refused and why, and that nothing is half done."""

from datetime import date

import pytest
import shapely
from sqlalchemy import text

from geo.vector_files import read_features
from tests.builders import (
    BANNU,
    IN_PESHAWAR,
    PESHAWAR,
    VINTAGE,
    a_hamlet,
    an_area,
    features,
    the_ground,
)
from tracker.areas.importing import AreaFields, import_areas
from tracker.areas.models import Area, AreaPiece, AreaWithin, SettlementPlace
from tracker.errors import WrongRequest

FIELDS = AreaFields("code", "name", parent="parent")
WEST, EAST = shapely.box(71.0, 33.5, 71.5, 34.5), shapely.box(71.5, 33.5, 72.0, 34.5)  # the halves of Peshawar


def tehsil(code="T", name="Tehsil", parent="PK201", **more):
    return {"code": code, "name": name, "parent": parent, **more}


def take(session, rows, shapes, fields=FIELDS, level="tehsil", vintage=VINTAGE, keep_good=False):
    return import_areas(session, features(rows, shapes), fields, level, vintage, keep_good)


def refusals(summary):
    return [(e.row, e.field, e.rule) for e in summary.errors]


@pytest.fixture
def districts(session):
    """Province and districts, no tehsils yet."""
    province = an_area(session, "PK2", level="province", outline=shapely.union(PESHAWAR, BANNU))
    return an_area(session, "PK201", parent=province), an_area(session, "PK202", outline=BANNU, parent=province)


def test_every_area_knows_all_areas_above_it(session):
    ground = the_ground(session)

    above = session.query(AreaWithin).filter_by(area_id=ground.peshawar_tehsil.id).all()

    assert {a.ancestor_id: a.ancestor_level for a in above} == {
        ground.peshawar_tehsil.id: "tehsil",
        ground.peshawar.id: "district",
        ground.province.id: "province",
    }


def test_pieces_cover_the_area_and_are_small(session, districts):
    round_one = shapely.Point(71.5, 34.0).buffer(0.4, quad_segs=500)

    take(session, [tehsil()], [round_one])

    area = session.query(Area).filter_by(code="T").one()
    pieces = session.execute(
        text(
            "SELECT ST_Area(piece) / 1e6 AS km2, ST_NPoints(piece::geometry) AS n FROM area_piece WHERE area_id = :id"
        ),
        {"id": area.id},
    ).all()
    assert sum(p.km2 for p in pieces) == pytest.approx(area.area_km2, rel=1e-4)
    assert max(p.n for p in pieces) <= 65


def test_names_and_codes_are_kept_as_they_stand(session, districts):
    name, code = '  <script>alert("x")</script> \' نو کلے', 'O\'B; "DROP"'

    take(session, [tehsil(code, name, ur="نو")], [WEST], AreaFields("code", "name", name_ur="ur", parent="parent"))

    area = session.query(Area).filter_by(level="tehsil").one()
    assert (area.code, area.name_en, area.name_ur) == (code, name, "نو")


def test_the_same_file_again_changes_nothing_another_changes_what_differs(session, districts):
    rows = [tehsil("A"), tehsil("B")]
    first = take(session, rows, [WEST, EAST])
    pieces = session.query(AreaPiece).count()

    again = take(session, rows, [WEST, EAST])
    other = take(session, [tehsil("A", "New name"), tehsil("B")], [WEST, EAST])

    assert (first.created, again.unchanged, again.created + again.updated) == (2, 2, 0)
    assert (other.updated, other.unchanged) == (1, 1)
    assert session.query(AreaPiece).count() == pieces


@pytest.mark.parametrize(
    ("row", "shape", "refused"),
    [
        (tehsil(None), EAST, ("code", "code_missing")),
        (tehsil("x" * 101), EAST, ("code", "code_too_long")),
        (tehsil("A"), EAST, ("code", "duplicate_code")),
        (tehsil("PK202"), EAST, ("code", "duplicate_code")),
        (tehsil(name=" "), EAST, ("name", "name_missing")),
        (tehsil(parent=None), EAST, ("parent", "parent_unknown")),
        (tehsil(parent="PK999"), EAST, ("parent", "parent_unknown")),
        (tehsil(), None, ("geometry", "no_outline")),
        (tehsil(), shapely.Polygon(), ("geometry", "no_outline")),
        (tehsil(), shapely.Point(71.6, 34), ("geometry", "no_outline")),
        (tehsil(), shapely.box(5_000_000, 3_000_000, 5_100_000, 3_100_000), ("geometry", "outside_the_earth")),
        (tehsil(), shapely.box(73, 33, 74, 34), ("geometry", "outside_parent")),
    ],
)
def test_a_bad_row_is_refused_by_field_and_rule_and_nothing_is_written(session, districts, row, shape, refused):
    summary = take(session, [tehsil("A"), row], [WEST, shape])

    assert refusals(summary) == [(2, *refused)]
    assert summary.errors[0].message
    assert (summary.read, summary.rejected, summary.created) == (2, 1, 0)
    assert session.query(Area).filter_by(level="tehsil").count() == 0


def test_the_good_rows_may_be_kept(session, districts):
    summary = take(session, [tehsil("A"), tehsil("A"), tehsil("B")], [WEST, EAST, EAST], keep_good=True)

    assert (summary.created, summary.rejected) == (2, 1)
    assert {a.code for a in session.query(Area).filter_by(level="tehsil")} == {"A", "B"}


@pytest.mark.parametrize(("overhang", "taken"), [(0.0049, 1), (0.0055, 0)])
def test_a_child_may_lie_one_per_cent_outside_its_parent(session, districts, overhang, taken):
    half = shapely.box(71.5, 33.5, 72.0 + overhang, 34.5)  # 0.5 degrees wide

    summary = take(session, [tehsil()], [half])

    assert summary.created == taken


@pytest.mark.parametrize(("common", "taken"), [(0.0049, 2), (0.0051, 0)])
def test_siblings_may_share_one_per_cent_of_the_smaller(session, districts, common, taken):
    summary = take(session, [tehsil("A"), tehsil("B")], [WEST, shapely.box(71.5 - common, 33.5, 72.0 - common, 34.5)])

    assert summary.created == taken
    assert refusals(summary) == ([] if taken else [(2, "geometry", "overlaps_sibling")])


def test_a_loaded_sibling_stays_and_the_newcomer_is_refused(session, districts):
    take(session, [tehsil("A")], [WEST])

    summary = take(session, [tehsil("B")], [WEST])

    assert refusals(summary) == [(1, "geometry", "overlaps_sibling")]
    assert "A" in summary.errors[0].message


def test_a_changed_parent_must_still_hold_its_children(session, districts):
    take(session, [tehsil("A")], [WEST])

    summary = take(session, [tehsil("PK201", parent="PK2")], [EAST], level="district")

    assert refusals(summary) == [(1, "geometry", "outside_parent")]
    assert "new vintage" in summary.errors[0].message


def test_without_a_parent_field_the_parent_is_who_covers_most(session, districts):
    fields = AreaFields("code", "name")

    found = take(session, [tehsil("A"), tehsil("B")], [WEST, shapely.box(70.2, 32.7, 70.8, 33.2)], fields)
    lost = take(session, [tehsil("C")], [shapely.box(75, 35, 76, 36)], fields)

    codes = {a.id: a.code for a in session.query(Area)}
    assert {a.code: codes[a.parent_id] for a in session.query(Area).filter_by(level="tehsil")} == {
        "A": "PK201",
        "B": "PK202",
    }
    assert found.created == 2
    assert refusals(lost) == [(1, "geometry", "parent_missing")]


def test_crossing_and_open_rings_are_repaired_and_counted(session, districts):
    bow_tie = shapely.Polygon([(71.1, 33.6), (71.4, 33.9), (71.4, 33.6), (71.1, 33.9)])
    read = features([tehsil("A"), tehsil("B")], [bow_tie, EAST])
    read.closed[1] = True

    summary = import_areas(session, read, FIELDS, "tehsil", VINTAGE)

    assert (summary.created, summary.repaired) == (2, 2)


def test_population_is_kept_with_its_year(session, districts):
    fields = AreaFields("code", "name", parent="parent", population="people", population_year=2017)

    take(session, [tehsil("A", people=1234.0), tehsil("B", people=None)], [WEST, EAST], fields)
    bad = take(session, [tehsil("A", people="many")], [WEST], fields)

    a, b = (session.query(Area).filter_by(code=code).one() for code in "AB")
    assert (a.population, a.population_year, b.population, b.population_year) == (1234, 2017, None, None)
    assert refusals(bad) == [(1, "people", "not_a_count")]


def test_a_field_that_the_file_has_not_is_named_with_those_it_has(session):
    with pytest.raises(WrongRequest, match="P_CODE: the file has no such field; it has code, name, parent"):
        take(session, [tehsil()], [WEST], AreaFields("P_CODE", "name"))


def test_two_vintages_stand_side_by_side(session):
    the_ground(session)
    hamlet = a_hamlet(session)

    later = the_ground(session, date(2030, 1, 1))

    places = session.query(SettlementPlace).filter_by(settlement_id=hamlet.id).order_by(SettlementPlace.vintage).all()
    assert [p.vintage for p in places] == [VINTAGE, date(2030, 1, 1)]
    assert places[1].area_id == later.peshawar_tehsil.id


def test_settlements_move_down_when_a_lower_level_comes(session, districts):
    hamlet = a_hamlet(session, at=IN_PESHAWAR)
    before = session.query(SettlementPlace).filter_by(settlement_id=hamlet.id).one().area_id

    take(session, [tehsil("A"), tehsil("B")], [WEST, EAST])

    session.expire_all()
    after = session.query(SettlementPlace).filter_by(settlement_id=hamlet.id).one().area_id
    assert before == districts[0].id
    assert session.get_one(Area, after).code == "A"  # on the border of both: the first code


def test_one_import_waits_for_another(session, districts):
    locks = text("SELECT count(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND pid = pg_backend_pid()")

    assert session.scalar(locks) == 2


def test_the_real_boundaries_load_level_by_level(session, shared_data):
    file = shared_data / "admin" / "kp_cod_ab_2022.gpkg"
    levels = [("province", "adm1", None), ("district", "adm2", "admin1Pcode"), ("tehsil", "adm3", "admin2Pcode")]

    made = []
    for depth, (level, layer, parent) in enumerate(levels, 1):
        fields = AreaFields(f"admin{depth}Pcode", f"admin{depth}Name_en", parent=parent)
        made.append(import_areas(session, read_features(file, layer), fields, level, date(2022, 9, 9)))

    assert [(s.created, s.rejected, s.repaired) for s in made] == [(1, 0, 0), (35, 0, 0), (153, 0, 0)]
    km2 = session.scalar(text("SELECT sum(area_km2) FROM area WHERE level = 'tehsil'"))
    assert km2 == pytest.approx(100_897.1, abs=0.1)
