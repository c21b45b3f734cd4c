"""What does one map tile hold? Areas, settlements or visits of a campaign as a Mapbox vector tile.

Reads outlines, kept counts and (close by) visits, as far as the person may see them; writes nothing. Outlines carry no
numbers: those of the page lie beside them under the same id, so that new counts never move an outline.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from geo.morton import tile_range
from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign
from tracker.coverage.models import SUMS
from tracker.coverage.statuses import STATUS
from tracker.coverage.units import COUNTS, SETTLEMENT_SEEN, SHOWN, SILENT, SUMMED, binds, moment
from tracker.coverage.visits_behind import VISITS_IN_BOX
from tracker.errors import NotFound
from tracker.prepared import Prepared
from tracker.visits.models import STANDINGS
from tracker.visits.rules import RULES

SETTLEMENTS_FROM_ZOOM = 9  # farther out a tile holds too many: the kept grid stands for them
NAMES_FROM_ZOOM = 11
VISITS_FROM_ZOOM = 13
PIXELS = 512  # a tile's side on the screen
EXTENT = 4096  # and in the tile's own units
MARGIN = 64 / EXTENT  # beyond its edge, so that lines and symbols on it are whole

Tile = tuple[int, int, int]  # z, x, y


def areas_in(session: Session, campaign: Campaign, level: str, tile: Tile) -> bytes:
    """Outlines of one level, simplified to a screen pixel: `code`, `name`, `name_ur`, `name_ps`; id as in the pages."""
    z, x, y = _existing(tile)
    if level not in LEVELS:
        raise NotFound
    tolerance_deg = 360 / 2**z / PIXELS
    values = {"vintage": campaign.vintage, "level": level, "tolerance_deg": tolerance_deg, **_box(z, x, y)}
    return _bytes(AREAS.scalar(session, values))


def settlements_in(
    session: Session, campaign: Campaign, scope: Scope, tile: Tile, *, now: datetime, until: date | None = None
) -> bytes:
    """Each settlement with its status; below zoom 9 a 64 × 64 grid of sums."""
    z, x, y = _existing(tile)
    first_key, last_key = tile_range(z, x, y)
    values = {
        **binds(campaign, scope, moment(campaign, now, until), None), **_box(z, x, y),
        "first_key": first_key, "last_key": last_key, "with_names": z >= NAMES_FROM_ZOOM,
    }  # fmt: skip
    if z >= SETTLEMENTS_FROM_ZOOM or scope.team_id is not None:  # a team's own are few from any distance
        as_they_stand = until is None and scope.team_id is None
        return _bytes((STANDING if as_they_stand else RECOUNTED).scalar(session, values))
    shift = 2 * (14 - z)  # from a key of zoom 20 to a cell of the grid
    cells = {"zoom": z, "first_cell": first_key >> shift, "last_cell": last_key >> shift}
    return _bytes(GRID.scalar(session, values | cells))


def visits_in(session: Session, campaign: Campaign, scope: Scope, tile: Tile, *, until: date | None = None) -> bytes:
    """From zoom 13 on: every visit but replaced ones, with `standing`, `accuracy_m` and the rules that ask about it."""
    z, x, y = _existing(tile)
    if z < VISITS_FROM_ZOOM or not scope.sees_visits:
        return b""
    values = {
        "campaign": campaign.id, "zone": campaign.timezone, "until": until, "standings": list(STANDINGS.values()),
        "rules": [rule.name for rule in RULES], **_box(z, x, y), **scope.binds(),
    }  # fmt: skip
    return _bytes(VISITS.scalar(session, values))


def _existing(tile: Tile) -> Tile:
    """The same tile. Raises NotFound for one that the map does not have."""
    try:
        tile_range(*tile)
    except ValueError:
        raise NotFound from None
    return tile


def _box(z: int, x: int, y: int) -> dict[str, Any]:
    return {"z": z, "x": x, "y": y, "margin": MARGIN}


def _bytes(made: memoryview | None) -> bytes:
    return bytes(made) if made else b""


TYPES = {
    "z": "integer", "x": "integer", "y": "integer", "margin": "float8", "tolerance_deg": "float8", "vintage": "date",
    "level": "text", "campaign": "integer", "microplan": "integer", "zone": "text", "until": "date",
    "over_before": "date", "begun_by": "date", "hide_below": "integer", "areas": "int4multirange",
    "settlement_ids": "integer[]", "scope_team_id": "integer", "first_key": "bigint", "last_key": "bigint",
    "with_names": "boolean", "zoom": "integer", "first_cell": "bigint", "last_cell": "bigint",
    "standings": "text[]", "rules": "text[]",
}  # fmt: skip

_AREAS = f"""
    WITH tile AS (
        SELECT ST_TileEnvelope(:z, :x, :y) AS box,
               ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => :margin), 4326) AS around
    ), shown AS (
        SELECT a.id, a.code, a.name_en AS name, a.name_ur, a.name_ps,
               ST_AsMVTGeom(ST_Transform(ST_Simplify(a.boundary, :tolerance_deg, true), 3857), tile.box, {EXTENT}, 64,
                            true) AS geom
        FROM area a, tile WHERE a.vintage = :vintage AND a.level = :level AND a.boundary && tile.around
    )
    SELECT ST_AsMVT(shown, 'areas', {EXTENT}, 'geom', 'id') FROM shown WHERE geom IS NOT NULL"""
AREAS = Prepared("areas_tile", _AREAS, TYPES)

IN_TILE = f"""
    FROM campaign_settlement x
    WHERE x.campaign_id = :campaign AND x.tile_key BETWEEN :first_key AND :last_key AND {SETTLEMENT_SEEN}"""

# `x`: settlements of the tile with target, days and sums
AS_FEATURES = f"""
    , tile AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box),
    shown AS (
        SELECT x.settlement_id AS id, x.code, x.area_id AS area,
               CASE WHEN :with_names THEN x.name_en END AS name, CASE WHEN :with_names THEN x.name_ur END AS name_ur,
               CASE WHEN {SHOWN} THEN x.target END AS target,
               CASE WHEN {SHOWN} THEN greatest(0, x.target - x.vaccinated_confirmed) END AS unreached,
               CASE WHEN {SHOWN} THEN {STATUS} END AS status,
               CASE WHEN {SILENT} THEN true END AS no_word, planned.code AS team,
               ST_AsMVTGeom(ST_Transform(x.point, 3857), tile.box, {EXTENT}, 64, false) AS geom
        FROM x LEFT JOIN team planned ON planned.id = x.team_id, tile
    )
    SELECT ST_AsMVT(shown, 'settlements', {EXTENT}, 'geom', 'id') FROM shown"""

_STANDING = f"WITH x AS (SELECT x.*, true AS is_settlement {IN_TILE})" + AS_FEATURES
STANDING = Prepared("settlements_tile", _STANDING, TYPES)

# with the visits up to a day, or of one team and with its part of the plan
_RECOUNTED = (
    f"""
    WITH there AS (SELECT x.* {IN_TILE}),
    n AS (SELECT c.unit_id, bit_count(bit_or(c.reached)) AS cells_reached, {SUMMED}
          {COUNTS} AND c.unit_id IN (SELECT settlement_id FROM there) GROUP BY c.unit_id),
    own AS (SELECT settlement_id, sum(target_children) AS target, max(on_date) AS last_day FROM plan_stop
            WHERE microplan_id = :microplan AND team_id = CAST(:scope_team_id AS integer) GROUP BY settlement_id),
    x AS (SELECT t.settlement_id, t.code, t.name_en, t.name_ur, t.area_id, t.point, t.team_id, t.cells,
                 coalesce(own.last_day, t.last_day) AS last_day,
                 CASE WHEN CAST(:scope_team_id AS integer) IS NULL THEN t.target
                      ELSE coalesce(own.target, 0) END AS target,
                 true AS is_settlement, coalesce(n.cells_reached, 0) AS cells_reached,
                 {", ".join(f"coalesce(n.{name}, 0) AS {name}" for name in SUMS)}
          FROM there t LEFT JOIN n ON n.unit_id = t.settlement_id LEFT JOIN own USING (settlement_id))"""
    + AS_FEATURES
)
RECOUNTED = Prepared("settlements_recounted_tile", _RECOUNTED, TYPES)

_GRID = f"""
    WITH tile AS (SELECT ST_TileEnvelope(:z, :x, :y) AS box), cells AS (
        SELECT g.cell, sum(g.settlements) AS settlements, sum(g.lon_e6) / 1e6 AS lon, sum(g.lat_e6) / 1e6 AS lat,
               sum(g.target) FILTER (WHERE NOT g.small OR :hide_below = 0) AS target,
               sum(g.unreached) FILTER (WHERE NOT g.small OR :hide_below = 0) AS unreached,
               sum(g.vaccinated_confirmed) FILTER (WHERE NOT g.small OR :hide_below = 0) AS confirmed
        FROM settlement_grid g
        WHERE g.campaign_id = :campaign AND g.zoom = :zoom AND g.cell BETWEEN :first_cell AND :last_cell
          AND in_areas(g.area_id, :areas) AND g.settlements > 0
        GROUP BY g.cell
    ), shown AS (
        SELECT CAST(settlements AS integer) AS settlements, CAST(target AS integer) AS target,
               CAST(unreached AS integer) AS unreached, CAST(confirmed AS integer) AS confirmed,
               ST_AsMVTGeom(ST_Transform(ST_SetSRID(ST_MakePoint(lon / settlements, lat / settlements), 4326), 3857),
                            tile.box, {EXTENT}, 64, false) AS geom
        FROM cells, tile
    )
    SELECT ST_AsMVT(shown, 'settlements', {EXTENT}, 'geom') FROM shown"""
GRID = Prepared("settlement_grid_tile", _GRID, TYPES)

_VISITS = f"""
    WITH tile AS MATERIALIZED (
        SELECT ST_TileEnvelope(:z, :x, :y) AS box,
               ST_Transform(ST_TileEnvelope(:z, :x, :y, margin => :margin), 4326) AS around
    ), found AS ({VISITS_IN_BOX}),
    shown AS (
        SELECT CAST(v.instance_id AS text) AS instance_id, (CAST(:standings AS text[]))[v.standing] AS standing,
               v.accuracy_m, v.vaccinated, v.children_eligible,
               (SELECT string_agg(rule, ';') FROM unnest(CAST(:rules AS text[])) WITH ORDINALITY r (rule, bit)
                WHERE v.flags >> CAST(bit - 1 AS integer) & 1 = 1) AS flags,
               ST_AsMVTGeom(ST_Transform(ST_SetSRID(ST_MakePoint(v.lon, v.lat), 4326), 3857), tile.box, {EXTENT}, 64,
                            false) AS geom
        FROM found v, tile
    )
    SELECT ST_AsMVT(shown, 'visits', {EXTENT}, 'geom') FROM shown WHERE geom IS NOT NULL"""
VISITS = Prepared("visits_tile", _VISITS, TYPES)
