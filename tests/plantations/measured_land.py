"""A piece of made-up land with claims on it and the scenes of eight years, for tests of what is measured."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyproj
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy.orm import Session

from geo.scenes.grid import Grid
from geo.scenes.synthetic import Land, Plot
from tests.builders import the_ground
from tracker.campaigns.models import Campaign
from tracker.imagery.made_scenes import add_made_scenes
from tracker.plantations.models import Claim

GRID = Grid(32642, 700_020.0, 3_790_020.0, 10.0, 220, 220)
PLANTED, AS_OF = date(2018, 3, 10), date(2023, 6, 18)
GROUND = {  # code: (what is there, how it is claimed), each 130 m square
    "GROWN": ("fast", "block"),
    "NEVER": ("never", "block"),
    "LAKE": ("water", "block"),
    "FOREST": ("forest", "block"),
    "BURNT": ("burnt", "block"),
    "FENCED": ("fenced", "enclosure"),
}
BURNT_ON = date(2022, 9, 1)


def days() -> list[date]:
    """Six clear looks before planting in each season of two years, and a year and a half without gaps at the end."""
    spring, autumn = [(4, 20), (5, 5), (5, 20), (6, 10)], [(10, 5), (10, 25), (11, 15), (12, 5)]
    before = [date(year, *day) for year in (2016, 2017) for day in (*spring, *autumn)]
    after = [date.fromordinal(AS_OF.toordinal() - 20 * k) for k in range(30)]
    return sorted({*before, *after})


def outline(k: int) -> shapely.Polygon:
    """The k-th claim, in the grid's metres."""
    left, top = GRID.left_m + 600 + (k % 3) * 400, GRID.top_m - 700 - (k // 3) * 500
    return shapely.box(left, top - 130, left + 130, top)


def in_degrees(shape: shapely.Geometry) -> shapely.MultiPolygon:
    change = pyproj.Transformer.from_crs(GRID.epsg, 4326, always_xy=True).transform
    degrees = shapely.transform(shape, change, interleaved=False)
    return shapely.MultiPolygon([shapely.transform(degrees, lambda xy: np.round(xy, 7))])


def a_campaign_of_claims(session: Session, code: str = "TREES") -> Campaign:
    ground = the_ground(session)
    campaign = Campaign(
        code=code, kind="plantation", name="Trees", vintage=ground.province.vintage,
        starts_on=date(2018, 1, 1), ends_on=date(2018, 12, 31), timezone="Asia/Karachi",
    )  # fmt: skip
    session.add(campaign)
    session.flush()
    for k, (name, (_kind, claimed)) in enumerate(GROUND.items()):
        a_claim(session, campaign, name, outline(k), claimed)
    session.flush()
    return campaign


def a_claim(
    session: Session, campaign: Campaign, code: str, shape: shapely.Polygon, kind: str = "block", **more
) -> Claim:
    hectares = shape.area / 10_000
    facts = {
        "campaign_id": campaign.id, "code": code, "submission_id": 1, "row": 1, "digest": code.encode(), "kind": kind,
        "species": ["poplar"], "species_share": [1.0], "stems": round(1800 * hectares), "planted_on": PLANTED,
        "boundary": from_shape(in_degrees(shape), srid=4326), "crs": "EPSG:4326", "measured_ha": hectares,
        "utm_epsg": GRID.epsg, "area_id": 0,
    } | more  # fmt: skip
    claim = Claim(**facts)
    session.add(claim)
    return claim


def the_land() -> Land:
    return Land(
        GRID,
        [Plot(outline(k), kind, PLANTED, 1800.0, 0.85, 1.2, BURNT_ON) for k, (kind, _) in enumerate(GROUND.values())],
        4,
    )


def add_scenes(session: Session, on: Sequence[date] | None = None) -> list[str]:
    return [added.scene for added in add_made_scenes(session, the_land(), on or days(), "test")]
