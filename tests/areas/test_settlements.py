"""Settlements on their way in: points and outlines, their place, their cells."""

import pytest
import shapely

from tests.builders import IN_BANNU, IN_PESHAWAR, a_settlement, features, the_ground
from tracker.areas.models import Area, Settlement, SettlementPlace
from tracker.areas.settlements import SettlementFields, import_settlements
from tracker.errors import WrongRequest

FIELDS = SettlementFields(
    "code", "name", name_ur="ur", population="people", under_five="u5", type="type", high_risk="risk",
    compound="compound",
)  # fmt: skip
POINT = shapely.Point(IN_PESHAWAR)


def place(code="S", name="Kili", **more):
    blank = dict.fromkeys(("ur", "people", "u5", "type", "risk", "compound"))
    return {"code": code, "name": name, **blank, **more}


def take(session, rows, shapes, fields=FIELDS, keep_good=False):
    return import_settlements(session, features(rows, shapes), fields, keep_good)


def refusals(summary):
    return [(e.row, e.field, e.rule) for e in summary.errors]


@pytest.mark.parametrize(
    ("kind", "radius_m", "cell_m"),
    [("urban", 500, 50), ("small", 200, 100), ("hamlet", 100, None), ("camp", 200, None), (None, 200, None)],
)
def test_a_point_has_a_round_extent_by_type(session, kind, radius_m, cell_m):
    take(session, [place(type=kind)], [POINT])

    kept = session.query(Settlement).one()
    assert (kept.radius_m, kept.cell_m, kept.extent) == (radius_m, cell_m, None)
    assert kept.type == (kind or "other")
    assert kept.cells == (1 if cell_m is None else len(kept.cell_east_m)) > 0


def test_an_outline_reaches_to_its_farthest_corner(session):
    outline = shapely.box(71.50, 34.00, 71.52, 34.01)

    take(session, [place(type="small")], [outline])

    kept = session.query(Settlement).one()
    assert kept.radius_m == pytest.approx(1077, abs=2)
    assert kept.cells == pytest.approx(1848 * 1109 / 100**2, rel=0.04)


def test_a_settlement_lies_in_the_lowest_area_that_covers_its_centre(session):
    ground = the_ground(session)

    take(session, [place("A"), place("B"), place("C")], [POINT, shapely.Point(IN_BANNU), shapely.Point(80, 20)])

    found = {
        s.code: a.code
        for s, a in session.query(Settlement, Area)
        .join(SettlementPlace, SettlementPlace.settlement_id == Settlement.id)
        .join(Area, Area.id == SettlementPlace.area_id)
    }
    assert found == {"A": ground.peshawar_tehsil.code, "B": ground.bannu_tehsil.code}


def test_a_settlement_that_moves_lies_elsewhere(session):
    ground = the_ground(session)
    a_settlement(session, "S", IN_PESHAWAR)

    summary = take(session, [place()], [shapely.Point(IN_BANNU)])

    assert (summary.updated, summary.created) == (1, 0)
    assert session.query(SettlementPlace).one().area_id == ground.bannu_tehsil.id
    take(session, [place()], [shapely.Point(80, 20)])
    assert session.query(SettlementPlace).count() == 0


def test_the_same_file_again_changes_nothing(session):
    rows = [place("A", people=10, u5=2, risk="yes"), place("B", ur="کلی")]
    shapes = [POINT, shapely.box(71.6, 34.0, 71.61, 34.01)]

    first, again = take(session, rows, shapes), take(session, rows, shapes)
    other = take(session, [{**rows[0], "u5": 3}, rows[1]], shapes)

    assert (first.created, again.unchanged, again.updated) == (2, 2, 0)
    assert (other.updated, other.unchanged) == (1, 1)


def test_numbers_and_yes_are_read_as_people_write_them(session):
    take(session, [place(people="۱۲۳", u5=20.0, risk="YES", compound=1)], [shapely.MultiPoint([IN_PESHAWAR])])

    kept = session.query(Settlement).one()
    assert (kept.population, kept.under_five, kept.high_risk, kept.compound) == (123, 20, True, True)


@pytest.mark.parametrize(
    ("row", "shape", "refused"),
    [
        (place(None), POINT, ("code", "code_missing")),
        (place("A"), POINT, ("code", "duplicate_code")),
        (place(name=None), POINT, ("name", "name_missing")),
        (place(u5=-1), POINT, ("u5", "not_a_count")),
        (place(u5="2.5"), POINT, ("u5", "not_a_count")),
        (place(u5="inf"), POINT, ("u5", "not_a_count")),
        (place(people=2**31), POINT, ("people", "not_a_count")),
        (place(risk="perhaps"), POINT, ("risk", "not_yes_or_no")),
        (place(), None, ("geometry", "no_place")),
        (place(), shapely.Point(float("inf"), 1), ("geometry", "no_place")),
        (place(), shapely.LineString([(71, 34), (72, 34)]), ("geometry", "no_place")),
        (place(), shapely.Point(500_000, 3_700_000), ("geometry", "outside_the_earth")),
        (place(type="urban"), shapely.box(71, 33, 72, 34), ("geometry", "too_wide")),
    ],
)
def test_a_bad_row_is_refused_and_nothing_is_written(session, row, shape, refused):
    summary = take(session, [place("A"), row], [POINT, shape])

    assert refusals(summary) == [(2, *refused)]
    assert (summary.rejected, summary.created) == (1, 0)
    assert session.query(Settlement).count() == 0


def test_the_good_rows_may_be_kept(session):
    summary = take(session, [place("A"), place("B", u5="many")], [POINT, POINT], keep_good=True)

    assert (summary.created, summary.rejected) == (1, 1)
    assert session.query(Settlement).one().code == "A"


def test_a_crossing_outline_is_repaired_and_counted(session):
    bow_tie = shapely.Polygon([(71.5, 34), (71.51, 34.01), (71.51, 34), (71.5, 34.01)])

    summary = take(session, [place()], [bow_tie])

    assert (summary.created, summary.repaired) == (1, 1)


def test_a_field_that_the_file_has_not_is_named(session):
    with pytest.raises(WrongRequest, match="PCODE"):
        take(session, [place()], [POINT], SettlementFields("PCODE", "name"))
