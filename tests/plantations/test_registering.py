"""Claims come in: new, changed, the same again; what cannot be read is named; who may register where."""

import pytest
import shapely
from sqlalchemy import text

from tests.builders import a_person, a_team, the_ground
from tests.plantations.claims_made import CORNERS, HONEST, a_claim, claims_file, found, ground, register, trees
from tracker.accounts.scope import scope_of
from tracker.errors import CampaignClosed, WrongRequest
from tracker.plantations.claim_row import read_facts
from tracker.plantations.registering import Raw, register_claims
from tracker.plantations.sent import outline_from_words, read_geojson


@pytest.fixture
def land(session):
    return the_ground(session)


@pytest.fixture
def campaign(session, land):
    return trees(session, areas=(land.province,))


def one(code: str = "A", **facts: object) -> dict[str, object]:
    return {"claim": code, **HONEST, **facts}


def test_the_same_again_changes_nothing_and_a_correction_is_a_new_version(session, campaign):
    first = register(session, campaign, claims_file([one(stems=900), one("B")], [ground(), ground(east_m=500)]))
    again = register(session, campaign, claims_file([one(stems=900), one("B")], [ground(), ground(east_m=500)]))
    changed = register(session, campaign, claims_file([one(stems=800), one("B")], [ground(), ground(east_m=500)]))

    assert (first.created, first.updated, first.unchanged) == (2, 0, 0)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert (changed.created, changed.updated, changed.unchanged) == (0, 1, 1)
    newest = session.execute(text("SELECT version, stems, checked_at FROM claim WHERE code = 'A'")).one()
    assert tuple(newest) == (2, 800, None)
    assert session.execute(text("SELECT version, stems FROM claim_version")).all() == [(1, 900)]


def test_a_file_in_which_nothing_is_new_leaves_no_submission(session, campaign):
    register(session, campaign, claims_file([one()], [ground()]))
    register(session, campaign, claims_file([one()], [ground()]))

    assert session.scalar(text("SELECT count(*) FROM submission")) == 1


def test_a_correction_takes_back_what_was_found_and_decided(session, campaign):
    a_claim(session, campaign, stems=10)
    assert found(session, campaign) == {"density": "warn"}
    session.execute(text("UPDATE claim SET decision = 'accepted', decided_at = now(), risk = 40"))

    a_claim(session, campaign)

    row = session.execute(text("SELECT decision, decided_at, risk, checked_at FROM claim")).one()
    assert tuple(row) == (None, None, None, None)
    assert session.scalar(text("SELECT count(*) FROM finding")) == 0


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("claim", None, "code_missing"), ("claim", "x" * 101, "code_too_long"), ("claim", "a\0b", "not_text"),
        ("claimed_ha", "abc", "not_hectares"), ("claimed_ha", float("inf"), "not_hectares"),
        ("claimed_ha", -1, "not_hectares"),
        ("claimed_ha", True, "not_hectares"), ("stems", -5, "not_a_count"), ("stems", "1.5", "not_a_count"),
        ("stems", [1], "not_a_count"), ("kind", "jungle", "unknown_kind"), ("planted_on", "last summer", "not_a_day"),
        ("planted_on", "20240305", "not_a_day"), ("planted_on", "1024-03-05", "not_a_day"),
        ("species", "poplar:1;poplar:2", "not_species"), ("species", "poplar:x", "not_species"),
        ("species", "poplar:0", "not_species"), ("species", ":1", "not_species"), ("implementer", "\ud800", "not_text"),
        ("tenure", "x" * 301, "not_text"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_field_and_rule(field, value, rule):
    facts, errors = read_facts(3, {**one(), field: value})

    assert facts is None
    assert [(e.row, e.field, e.rule) for e in errors] == [(3, field, rule)]


def test_facts_are_read_as_people_write_them():
    facts, errors = read_facts(
        1,
        one(
            code=7.0, claimed_ha="۲.۵", stems="1,000".replace(",", ""), kind="Farm forestry",
            planted_on="2024-03-05T00:00:00", species="poplar: 70 %; chir pine:30", tenure="  ",
        )
        | {"claim": 7.0},
    )  # fmt: skip

    assert errors == []
    assert (facts.code, facts.claimed_ha, facts.stems, facts.kind) == ("7", 2.5, 1000, "farm_forestry")
    assert facts.species == (("poplar", 0.7), ("chir pine", 0.3))
    assert (facts.planted_on.isoformat(), facts.tenure) == ("2024-03-05", None)


@pytest.mark.parametrize(
    ("shape", "rule"),
    [
        (None, "no_outline"), (shapely.Polygon(), "no_outline"), (shapely.Point(71, 34), "not_an_outline"),
        (shapely.LineString([(71, 34), (72, 34)]), "not_an_outline"),
        (shapely.GeometryCollection([ground(), shapely.Point(71, 34)]), "not_an_outline"),
        (shapely.Polygon([(190, 34), (191, 34), (191, 35)]), "coordinates"),
        (shapely.Polygon([(71, 34), (71.1, 34), (71.2, 34)]), "encloses_nothing"),
        (shapely.Point(71, 34).buffer(0.01, quad_segs=12_501), "too_many_corners"),
    ],
)  # fmt: skip
def test_an_outline_that_cannot_be_taken_refuses_its_row_alone(session, campaign, shape, rule):
    summary = register(session, campaign, claims_file([one(), one("B")], [shape, ground()]))

    assert [(e.row, e.field, e.rule) for e in summary.errors] == [(1, "geometry", rule)]
    assert (summary.created, summary.rejected) == (1, 1)


def test_a_code_that_stands_twice_in_a_file_is_taken_once(session, campaign):
    summary = register(session, campaign, claims_file([one(), one(stems=5)], [ground(), ground()]))

    assert [(e.row, e.rule) for e in summary.errors] == [(2, "duplicate_code")]
    assert summary.created == 1


def test_only_an_open_plantation_campaign_takes_claims(session, campaign, land):
    from tests.builders import a_round

    with pytest.raises(WrongRequest, match="no plantation campaign"):
        register(session, a_round(session), claims_file([one()], [ground()]))
    campaign.state = "closed"
    with pytest.raises(CampaignClosed):
        register(session, campaign, claims_file([one()], [ground()]))


def test_dawar_registers_only_where_he_works_and_changes_nothing_elsewhere(session, campaign, land):
    dawar = scope_of(session, a_person(session, "Dawar", "coordinator", land.bannu))
    a_claim(session, campaign, "PESHAWARS")
    in_bannu = shapely.transform(ground(), lambda xy: xy - 1)

    summary = register(
        session,
        campaign,
        claims_file([one("NEW"), one("PESHAWARS"), one("OWN")], [ground(), in_bannu, in_bannu]),
        dawar,
    )

    assert [(e.row, e.rule) for e in summary.errors] == [(1, "outside_your_areas"), (2, "code_taken")]
    assert summary.status == {3: "created"}


def test_a_team_registers_in_its_own_area_only(session, campaign, land):
    team = a_team(session, campaign, area=land.peshawar)
    bilal = scope_of(session, a_person(session, "Bilal", "team", team=team))
    in_bannu = shapely.transform(ground(), lambda xy: xy - 1)

    summary = register(session, campaign, claims_file([one("HERE"), one("THERE")], [ground(), in_bannu]), bilal)

    assert summary.status == {1: "created"}
    assert [e.rule for e in summary.errors] == ["outside_your_areas"]


def test_a_claim_lies_in_the_lowest_area_that_holds_it(session, campaign, land):
    claim = a_claim(session, campaign)

    assert session.scalar(text("SELECT area_id FROM claim WHERE id = :id"), {"id": claim}) == land.peshawar_tehsil.id


@pytest.mark.parametrize(
    "words",
    [
        ground().wkt,
        shapely.to_geojson(ground()),
        '{"type": "Feature", "properties": {}, "geometry": ' + shapely.to_geojson(ground()) + "}",
        "\n".join(f"{x}, {y}" for x, y in shapely.get_coordinates(ground())),
    ],
    ids=["wkt", "geojson", "feature", "corners"],
)
def test_an_outline_can_be_pasted_in_many_ways(words):
    shape, _closed, problem = outline_from_words(words)

    assert problem is None
    assert shapely.equals(shape, ground())


@pytest.mark.parametrize(
    "words", ["POLYGON ((71", "{", '{"type": "Polygon"}', "71 34\n72 34", "hello", '{"type": 5}', "[]"]
)
def test_a_pasted_text_that_is_no_outline_says_so(words):
    shape, _closed, problem = outline_from_words(words)

    assert shape is None
    assert problem in ("not_wkt", "not_geometry")


def test_geojson_of_a_request_is_read_strictly(session, campaign):
    feature = (
        f'{{"type": "Feature", "properties": {{"claim": "A", "haha": 1}}, "geometry": {shapely.to_geojson(ground())}}}'
    )

    incoming = read_geojson(feature.encode())
    summary = register_claims(session, campaign, incoming, Raw("api", bytes(32), "application/json", body=b"x"))

    assert [(e.field, e.rule) for e in summary.errors] == [("haha", "unknown_field")]
    assert summary.created == 0


def test_an_outline_left_open_is_closed_and_said_so(session, campaign):
    shape, closed, problem = outline_from_words("POLYGON ((71.5 34, 71.502 34, 71.503 34.002, 71.4999 34.0018))")
    features = claims_file([one()], [shape])
    features.closed[:] = closed

    register(session, campaign, features)

    assert (closed, problem) == (True, None)
    assert found(session, campaign)["invalid_geometry"] == "warn"


def test_an_outline_is_measured_on_the_ellipsoid_with_its_holes(session, campaign):
    whole = ground(CORNERS)
    hole = ground([(40, 40), (80, 40), (80, 80), (40, 80)])
    a_claim(session, campaign, "WHOLE", whole)
    a_claim(session, campaign, "RING", shapely.Polygon(whole.exterior.coords, [hole.exterior.coords]))

    rows = dict(session.execute(text("SELECT code, measured_ha FROM claim")).all())
    assert rows["WHOLE"] - rows["RING"] == pytest.approx(0.16, rel=2e-3)
