"""What are a campaign's visits measured against? Settlements, areas, plan, teams, days and limits, as arrays.

Reading them takes longer than judging a handful of visits, so they are kept between passes and read anew when the
campaign's `revision` has moved.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.places import Ground, Places
from tracker.areas.models import LEVELS
from tracker.campaigns.models import POSTS, Campaign
from tracker.visits.rules.rule import Plan, team_day_key
from tracker.visits.thresholds import limits_of

SETTLEMENTS = text("""
    SELECT s.id, s.code, ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat, s.radius_m, s.compound,
           ST_AsBinary(s.extent) AS extent, coalesce(p.area_id, 0) AS area_id
    FROM settlement s LEFT JOIN settlement_place p ON p.settlement_id = s.id AND p.vintage = :vintage ORDER BY s.id""")

CAMPAIGN_PIECES = text("""
    SELECT ST_AsBinary(CAST(p.piece AS geometry)) FROM area_piece p JOIN campaign_area c ON c.area_id = p.area_id
    WHERE c.campaign_id = :campaign_id""")

AREAS = text("SELECT id, code, level, ST_AsBinary(boundary) AS boundary FROM area WHERE vintage = :vintage")

TEAMS = text("""
    SELECT id, type, coalesce(supervisor, ''), coalesce(area_id, 0) FROM team
    WHERE campaign_id = :campaign_id ORDER BY id""")

PLAN = text("SELECT team_id, on_date, settlement_id FROM plan_stop WHERE microplan_id = :microplan_id ORDER BY 1, 2, 3")


@dataclass(frozen=True)
class Yardsticks:
    """For one campaign at one revision. Arrays of settlements are aligned with `places`, arrays of teams with
    `team_id`.
    """

    revision: int
    zone: ZoneInfo
    days: np.ndarray  # int, days since 1970: the campaign's, catch-up included, sorted
    limits: dict[str, Any]  # by rule
    places: Places
    compound: np.ndarray
    place_area: np.ndarray  # lowest area of each settlement in the campaign's vintage; 0: none
    ground: Ground  # the campaign's areas
    team_id: np.ndarray
    team_is_post: np.ndarray
    team_neighbourhood: np.ndarray  # teams of one supervisor (or, without one, of one area) share a number
    plan: Plan
    areas: list[tuple[int, str, int, bytes]]  # id, code, depth, outline as WKB

    @cached_property
    def inside_m(self) -> np.ndarray:
        """How far each settlement's centre lies inside the campaign's areas: from inside, metres to the edge; 0
        outside.
        """
        edge = (
            shapely.boundary(shapely.union_all(self.ground.pieces, grid_size=1e-9)) if len(self.ground.pieces) else None
        )
        if edge is None or not len(self.places.id):
            return np.zeros(len(self.places.id))
        points = shapely.points(self.places.lon, self.places.lat)
        inside = np.zeros(len(points), bool)
        inside[self.ground.tree.query(points, predicate="intersects")[0]] = True
        lines = shapely.STRtree(_segments(edge))
        rows = np.flatnonzero(inside)
        away = lines.query_nearest(points[rows], return_distance=True, all_matches=False)
        metres = np.zeros(len(points))
        # a degree of longitude is the shorter one: cautious
        lat = np.minimum(np.abs(self.places.lat[rows[away[0][0]]]) + away[1], 90)
        metres[rows[away[0][0]]] = away[1] * 110_500 * np.cos(np.radians(lat))
        return metres

    @cached_property
    def area_tree(self) -> tuple[shapely.STRtree, np.ndarray, np.ndarray]:
        """(tree of outlines, area ids, rank: higher is better) for positions that belong to no settlement."""
        shapes = shapely.from_wkb([a[3] for a in self.areas])
        shapely.prepare(shapes)
        by_code = np.argsort(np.argsort([a[1] for a in self.areas])) if self.areas else np.empty(0, int)
        rank = np.array([a[2] for a in self.areas]) * (len(self.areas) + 1) - by_code
        return shapely.STRtree(shapes), np.array([a[0] for a in self.areas]), rank

    def lowest_area(self, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        """Id of the lowest area that covers each position, ties to the first code; 0 where none does: (n,) int."""
        found = np.zeros(len(lon), int)
        if self.areas and len(lon):
            tree, ids, rank = self.area_tree
            point, area = tree.query(shapely.points(lon, lat), predicate="intersects")
            order = np.argsort(rank[area], kind="stable")  # the last one written is the lowest
            found[point[order]] = ids[area[order]]
        return found


def _segments(line: shapely.Geometry) -> np.ndarray:
    """A boundary cut into short pieces, so that a tree of them is quick."""
    parts = []
    for part in shapely.get_parts(line):
        coordinates = shapely.get_coordinates(part)
        parts += [shapely.LineString(coordinates[k : k + 33]) for k in range(0, len(coordinates) - 1, 32)]
    return np.array(parts, dtype=object)


KEPT_AT_ONCE = 4  # campaigns; a province's outlines and settlements take some 30 MB
_KEPT: dict[tuple[str, int], Yardsticks] = {}  # by database and campaign, for this process


def yardsticks_of(session: Session, campaign: Campaign) -> Yardsticks:
    """The campaign's yardsticks, from the last pass when nothing has changed since."""
    key = (str(session.get_bind().engine.url), campaign.id)
    kept = _KEPT.pop(key, None)
    if kept is None or kept.revision != campaign.revision:
        kept = _read(session, campaign)
    _KEPT[key] = kept  # the one used last stands last
    while len(_KEPT) > KEPT_AT_ONCE:
        del _KEPT[next(iter(_KEPT))]
    return kept


def _read(session: Session, campaign: Campaign) -> Yardsticks:
    places, compound, place_area = _read_places(session, campaign)
    pieces = [bytes(p) for p in session.scalars(CAMPAIGN_PIECES, {"campaign_id": campaign.id})]
    teams = session.execute(TEAMS, {"campaign_id": campaign.id}).all()
    groups = [t[2] or t[3] for t in teams]
    neighbourhood = np.unique([str(g) for g in groups], return_inverse=True)[1] if teams else np.empty(0, int)
    areas = [
        (r.id, r.code, LEVELS.index(r.level), bytes(r.boundary))
        for r in session.execute(AREAS, {"vintage": campaign.vintage})
    ]
    return Yardsticks(
        revision=campaign.revision,
        zone=ZoneInfo(campaign.timezone),
        days=campaign_days(campaign),
        limits=limits_of(campaign),
        places=places,
        compound=compound,
        place_area=place_area,
        ground=Ground(np.array(shapely.from_wkb(pieces), dtype=object)),
        team_id=np.array([t[0] for t in teams], int),
        team_is_post=np.array([t[1] in POSTS for t in teams], bool),
        team_neighbourhood=neighbourhood,
        plan=_read_plan(session, campaign, places),
        areas=areas,
    )


def campaign_days(campaign: Campaign) -> np.ndarray:
    """All days of the round, catch-up included, as days since 1970, sorted."""
    planned = np.arange(np.datetime64(campaign.starts_on), np.datetime64(campaign.ends_on) + 1)
    return np.union1d(planned, np.array(campaign.catch_up, "datetime64[D]")).astype(int)


def _read_places(session: Session, campaign: Campaign) -> tuple[Places, np.ndarray, np.ndarray]:
    rows = session.execute(SETTLEMENTS, {"vintage": campaign.vintage}).all()
    outline = np.full(len(rows), None, dtype=object)
    for k, row in enumerate(rows):
        if row.extent is not None:
            outline[k] = shapely.from_wkb(bytes(row.extent))
    places = Places(
        id=np.array([r.id for r in rows], int),
        code=np.array([r.code for r in rows], dtype=str),
        lon=np.array([r.lon for r in rows], float),
        lat=np.array([r.lat for r in rows], float),
        radius_m=np.array([r.radius_m for r in rows], float),
        outline=outline,
    )
    return places, np.array([r.compound for r in rows], bool), np.array([r.area_id for r in rows], int)


def _read_plan(session: Session, campaign: Campaign, places: Places) -> Plan:
    rows = session.execute(PLAN, {"microplan_id": campaign.microplan_id}).all()
    team, settlement = (np.array([row[column] for row in rows], np.int64) for column in (0, 2))
    day = np.array([row[1] for row in rows], "datetime64[D]").astype(np.int64)
    key = team_day_key(team, day)
    order = np.lexsort((settlement, key))
    team_day, start = np.unique(key[order], return_index=True)
    return Plan(team_day, np.r_[start, len(rows)], places.index_of(settlement[order]))
