"""Each rule about claims: on its threshold and one past it, and silent about honest ground."""

from datetime import date

import numpy as np
import pyproj
import pytest
import shapely
from shapely import affinity
from shapely.ops import substring
from sqlalchemy import text

from tests.builders import the_ground
from tests.plantations.claims_made import CORNERS, a_claim, claims_file, found, ground, register, trees
from tracker.plantations.land import LayerFacts, load_layer
from tracker.plantations.models import ClaimTrack, NurseryStock, SpeciesLimit, SurvivalSurvey
from tracker.plantations.thresholds import claim_limits_of, set_claim_limits


@pytest.fixture
def campaign(session):
    return trees(session, areas=(the_ground(session).peshawar,))


def square(width_m: float, height_m: float | None = None, turn: float = 27) -> shapely.Geometry:
    return affinity.rotate(shapely.box(0, 0, width_m, height_m or width_m), turn, origin=(0, 0))


def test_an_honest_claim_has_no_findings(session, campaign):
    a_claim(session, campaign)

    assert found(session, campaign) == {}


@pytest.mark.parametrize(
    ("ratio", "severity"),
    [
        (0.76, "warn"), (0.74, "doubt"), (0.89, "warn"), (0.91, None), (1.09, None), (1.11, "warn"), (1.24, "warn"),
        (1.26, "doubt"), (1.99, "doubt"), (2.01, "reject"),
    ],
)  # fmt: skip
def test_hectares_that_differ_from_the_measure(session, campaign, ratio, severity):
    a_claim(session, campaign)
    hectares = session.scalar(text("SELECT measured_ha FROM claim"))
    a_claim(session, campaign, claimed_ha=hectares * ratio)

    assert found(session, campaign).get("area_mismatch") == severity


@pytest.mark.parametrize(
    ("per_ha", "severity"),
    [(199, "warn"), (201, None), (2_499, None), (2_501, "warn"), (9_999, "warn"), (10_010, "reject")],
)
def test_stems_that_do_not_fit_the_ground(session, campaign, per_ha, severity):
    a_claim(session, campaign)
    hectares = session.scalar(text("SELECT measured_ha FROM claim"))
    a_claim(session, campaign, stems=round(hectares * per_ha))

    assert found(session, campaign).get("density") == severity


@pytest.mark.parametrize(
    ("planted_on", "severity"),
    [
        ("2024-02-01", None), ("2024-03-31", None), ("2024-04-01", "warn"), ("2024-09-30", None),
        ("2024-10-01", "warn"), ("2022-01-01", "warn"), ("2021-09-30", "doubt"), ("2026-06-02", "reject"),
        ("2026-03-01", None),
    ],
)  # fmt: skip
def test_a_day_of_planting_that_does_not_fit_the_campaign(session, campaign, planted_on, severity):
    a_claim(session, campaign, planted_on=planted_on)

    assert found(session, campaign).get("planting_date") == severity


@pytest.mark.parametrize("field", ["species", "stems", "planted_on", "implementer", "kind"])
def test_a_fact_that_is_not_told_is_said_to_be_missing(session, campaign, field):
    a_claim(session, campaign, **{field: None})

    assert found(session, campaign) == {"data_missing": "warn"}
    assert session.scalar(text("SELECT numbers->>'missing' FROM finding")) == field


@pytest.mark.parametrize(("away_m", "severity"), [(16.5, None), (60, "doubt"), (155, "warn"), (10, "reject")])
def test_ground_that_two_claims_share(session, campaign, away_m, severity):
    """150 m squares: 10 m aside they share 93 % (reject), 155 m aside nothing."""
    first = shapely.box(0, 0, 150, 150)
    share = {10: 140, 16.5: 1.2, 60: 10, 155: 3}[away_m]  # metres of common width
    a_claim(session, campaign, "A", ground(first))
    a_claim(session, campaign, "B", ground(first, east_m=150 - share))

    assert found(session, campaign, "A").get("overlap") == severity
    assert found(session, campaign, "B").get("overlap") == severity


def test_a_pair_of_two_campaigns_stands_on_both_when_either_is_checked(session, campaign):
    other = trees(session, "LAST-YEAR")
    a_claim(session, other, "OLD", ground(east_m=20))
    a_claim(session, campaign, "NEW")

    assert found(session, campaign, "NEW")["overlap"] == "reject"

    in_other = session.execute(text("""
        SELECT f.severity, o.code
        FROM finding f JOIN claim c ON c.id = f.claim_id JOIN claim o ON o.id = f.other_claim_id
        WHERE c.code = 'OLD'""")).one()  # fmt: skip
    assert tuple(in_other) == ("reject", "NEW")


def test_a_pair_is_gone_from_both_when_one_of_them_is_corrected(session, campaign):
    a_claim(session, campaign, "A")
    a_claim(session, campaign, "B", ground(east_m=20))
    assert found(session, campaign, "A")["overlap"] == "reject"

    a_claim(session, campaign, "B", ground(east_m=900))

    assert found(session, campaign, "A") == {}
    assert found(session, campaign, "B") == {}


@pytest.mark.parametrize(("away_m", "is_same"), [(0.9, True), (3, False)])
def test_the_same_ground_claimed_twice(session, campaign, away_m, is_same):
    a_claim(session, campaign, "A")
    a_claim(session, campaign, "B", ground(east_m=away_m))

    assert ("duplicate_geometry" in found(session, campaign, "A")) is is_same


@pytest.mark.parametrize(("tip_m", "is_spike"), [(60, True), (9, False)])
def test_a_spike_of_a_lost_position(session, campaign, tip_m, is_spike):
    spiked = [*CORNERS[:3], (150, 95), (150 + tip_m, 96.5), (150.5, 98), *CORNERS[3:]]
    a_claim(session, campaign, "A", ground(spiked))

    assert ("spike" in found(session, campaign)) is is_spike


@pytest.mark.parametrize(("width_m", "is_sliver"), [(4.9, True), (5.6, False)])
def test_a_strip_too_thin_for_trees(session, campaign, width_m, is_sliver):
    turn = np.linspace(0, 0.9, 25)
    edge = np.column_stack([np.cos(turn), np.sin(turn)])
    strip = shapely.Polygon(np.vstack([edge * 100, edge[::-1] * (100 + width_m)]))
    a_claim(session, campaign, "A", ground(strip), kind="linear")

    assert ("sliver" in found(session, campaign)) is is_sliver


@pytest.mark.parametrize(("side_m", "severity"), [(22.2, "doubt"), (23.5, None), (3_161, None), (3_170, "doubt")])
def test_a_size_that_no_plantation_has(session, campaign, side_m, severity):
    shape = affinity.scale(shapely.Polygon(CORNERS), side_m / 158.65, side_m / 158.65, origin=(0, 0))
    scaled = affinity.scale(shape, *[side_m / shape.area**0.5] * 2, origin=(0, 0))
    a_claim(session, campaign, "A", ground(scaled))

    assert found(session, campaign).get("size") == severity


@pytest.mark.parametrize(("decimals", "severity"), [(5, None), (4, "warn"), (3, "doubt")])
def test_corners_written_carelessly(session, campaign, decimals, severity):
    wide = affinity.scale(shapely.Polygon(CORNERS), 9, 9, origin=(0, 0))
    a_claim(session, campaign, "A", shapely.transform(ground(wide), lambda xy: np.round(xy, decimals)))

    assert found(session, campaign).get("precision") == severity


def test_whole_metres_of_a_metric_file_are_no_carelessness_but_tens_are_a_grid(session, campaign):
    row = {"claim": "A", "kind": "block"}
    x, y = 730_000, 3_765_000
    for step, rules in ((1, set()), (10, {"drawn_shape"})):
        there = shapely.Polygon([(x + round(a / step) * step, y + round(b / step) * step) for a, b in CORNERS])
        back = pyproj.Transformer.from_crs(32642, 4326, always_xy=True)
        degrees = shapely.transform(there, back.transform, interleaved=False)
        register(session, campaign, claims_file([row], [degrees], crs="EPSG:32642"))

        assert set(found(session, campaign)) & {"precision", "drawn_shape"} == rules


@pytest.mark.parametrize(
    ("shape", "is_drawn"),
    [
        (shapely.Point(0, 0).buffer(80, quad_segs=10), True),
        (shapely.Point(0, 0).buffer(80, quad_segs=2), False),  # eight corners
        (square(150), True),
        (shapely.Polygon([(0, 0), (150, 0), (150, 150), (0, 143)]), False),
    ],
)
def test_shapes_drawn_at_a_desk(session, campaign, shape, is_drawn):
    a_claim(session, campaign, "A", ground(affinity.rotate(shape, 27, origin=(0, 0))))

    assert ("drawn_shape" in found(session, campaign)) is is_drawn


def test_the_coordinates_exchanged_and_lost(session, campaign):
    exchanged = shapely.transform(ground(), lambda xy: xy[:, ::-1])
    lost = shapely.Polygon([(0.001, 0.001), (0.0025, 0.0012), (0.0021, 0.0023), (0.0009, 0.0019)])
    a_claim(session, campaign, "EXCHANGED", exchanged)
    a_claim(session, campaign, "LOST", lost)
    a_claim(session, campaign, "RIGHT")

    assert found(session, campaign, "EXCHANGED")["coordinates"] == "reject"
    assert found(session, campaign, "LOST")["coordinates"] == "reject"
    assert found(session, campaign, "RIGHT") == {}


@pytest.mark.parametrize(("outside_m", "severity"), [(1, None), (8, "warn"), (45, "reject")])
def test_ground_outside_the_campaigns_areas(session, campaign, outside_m, severity):
    """Peshawar ends at 72° east; a square of 150 m reaches over it."""
    metre = 1 / 92_000
    edge = shapely.box(72 - (150 - outside_m) * metre, 34.0, 72 + outside_m * metre, 34.00135)
    a_claim(session, campaign, "A", edge)

    assert found(session, campaign).get("outside_area") == severity


def test_an_outline_that_crosses_itself(session, campaign):
    a_claim(
        session, campaign, "LOOP", ground([*CORNERS[:3], (150, 95), (156, 97), (156, 93), (151.5, 96.5), *CORNERS[3:]])
    )
    a_claim(session, campaign, "BOW", ground([(700, 0), (850, 140), (850, 0), (700, 140)]), claimed_ha=1, stems=1000)

    assert found(session, campaign, "LOOP") == {"invalid_geometry": "warn"}
    assert found(session, campaign, "BOW")["invalid_geometry"] == "reject"
    assert session.scalar(text("SELECT count(*) FROM claim WHERE drawn IS NOT NULL AND ST_IsValid(boundary)")) == 2


@pytest.mark.parametrize(("share", "severity"), [(0.015, None), (0.03, "warn"), (0.12, "doubt"), (0.55, "reject")])
def test_ground_on_which_nothing_can_be_planted(session, campaign, share, severity):
    a_claim(session, campaign, "A", ground(square(150, turn=0)))
    pond = claims_file([{"name": "pond"}], [ground(shapely.box(-50, -50, 150 * share, 200))])
    load_layer(session, pond, LayerFacts("ponds", "water", "a test", date(2025, 1, 1), bytes(32)))

    assert found(session, campaign).get("no_planting_land") == severity


def test_fields_are_ground_for_farm_forestry_only(session, campaign):
    a_claim(session, campaign, "BLOCK")
    a_claim(session, campaign, "FARM", ground(east_m=500), kind="farm_forestry")
    fields = claims_file([{"name": "fields"}], [ground(shapely.box(-900, -900, 900, 900))])
    load_layer(session, fields, LayerFacts("fields", "cropland", "a test", None, bytes(32)))

    assert found(session, campaign, "BLOCK")["no_planting_land"] == "reject"
    assert "no_planting_land" not in found(session, campaign, "FARM")


@pytest.mark.parametrize(("part", "fires"), [(0.85, False), (0.7, True)])
def test_a_walk_that_does_not_follow_the_outline(session, campaign, part, fires):
    claim = a_claim(session, campaign)
    walked = substring(ground().exterior, 0, part, normalized=True)
    path = f"SRID=4326;{shapely.MultiLineString([walked]).wkt}"
    session.add(ClaimTrack(claim_id=claim, path=path))
    session.flush()

    assert ("track_mismatch" in found(session, campaign)) is fires


@pytest.mark.parametrize(("eucalyptus", "fires"), [(0.09, False), (0.12, True)])
def test_too_much_of_one_species(session, campaign, eucalyptus, fires):
    a_claim(
        session, campaign, "A", species=f"Eucalyptus camaldulensis:{eucalyptus};poplar:{1 - eucalyptus}", stems=2_000
    )
    a_claim(session, campaign, "B", ground(east_m=500), stems=100)
    a_claim(session, campaign, "FARM", ground(east_m=900), kind="farm_forestry", species="eucalyptus", implementer="X")

    assert ("species_mix" in found(session, campaign, "A")) is fires
    assert "species_mix" not in found(session, campaign, "B")


@pytest.mark.parametrize(("altitude_m", "fires"), [(251, False), (249, True), (2_499, False), (2_501, True)])
def test_a_species_out_of_its_height(session, campaign, altitude_m, fires):
    claim = a_claim(session, campaign, species="chir pine")
    session.execute(text("UPDATE claim SET altitude_m = :m WHERE id = :id"), {"m": altitude_m, "id": claim})

    assert ("species_altitude" in found(session, campaign)) is fires


def test_a_campaign_may_know_better_where_a_species_grows(session, campaign):
    claim = a_claim(session, campaign, species="chir pine")
    session.execute(text("UPDATE claim SET altitude_m = 100 WHERE id = :id"), {"id": claim})
    session.add(SpeciesLimit(campaign_id=campaign.id, species="chir pine", lowest_m=0))
    session.flush()

    assert "species_altitude" not in found(session, campaign)


@pytest.mark.parametrize(("stems", "fires"), [(100_000, False), (100_001, True)])
def test_a_month_that_jumps(session, campaign, stems, fires):
    a_claim(session, campaign, "JULY", planted_on="2024-07-10", stems=9_000)
    a_claim(session, campaign, "A", ground(east_m=500), planted_on="2024-08-10", stems=stems)

    assert ("pace" in found(session, campaign, "A")) is fires


@pytest.mark.parametrize(("stems", "fires"), [(1_099, False), (1_111, True)])
def test_more_than_the_nurseries_gave_out(session, campaign, stems, fires):
    a_claim(session, campaign, planted_on="2024-03-10", stems=stems)
    stock = [("2024-03-31", 1_000), ("2024-04-01", 9_000)]
    session.add_all(NurseryStock(campaign_id=campaign.id, nursery="N", issued_on=day, stems=n) for day, n in stock)
    session.flush()

    assert ("pace" in found(session, campaign)) is fires


@pytest.mark.parametrize(
    ("after", "replanted", "fires"), [(0.75, False, False), (0.76, False, True), (0.9, True, False)]
)
def test_survival_that_rises(session, campaign, after, replanted, fires):
    claim = a_claim(session, campaign)
    session.add_all([
        SurvivalSurvey(claim_id=claim, surveyed_on=date(2025, 3, 1), survival=0.70),
        SurvivalSurvey(claim_id=claim, surveyed_on=date(2026, 3, 1), survival=after, replanted=replanted),
    ])  # fmt: skip
    session.flush()

    assert ("survival_rose" in found(session, campaign)) is fires


def test_a_campaign_sets_its_own_limits(session, campaign):
    a_claim(session, campaign, planted_on="2024-05-05", claimed_ha=100)
    set_claim_limits(campaign, "area_mismatch", {"reject_from": 1_000.0, "doubt_above": 500.0, "warn_above": 400.0})

    assert "area_mismatch" not in found(session, campaign)
    set_claim_limits(campaign, "area_mismatch", {"reject_from": None, "doubt_above": None, "warn_above": None})
    assert claim_limits_of(campaign)["area_mismatch"].reject_from == 2.0
