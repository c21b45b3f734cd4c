"""What is there to plan? A campaign's settlements as units, its teams, and the figures that it plans by, as arrays.

Reads settlements, teams and what planners know of them; writes nothing. A settlement belongs to a plan when it has
children to reach or people who live there: a target of zero is an estimate.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

import numpy as np
import pyproj
import shapely
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.targets.blocks import block_size, blocks_needed, cut, equal_parts
from geo.targets.planning import Teams, Units
from geo.targets.rules import Rules
from geo.targets.walking import Floats, Ints, minutes_within
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign
from tracker.errors import WrongRequest
from tracker.targets.models import PlanRules

NOMADIC = "nomadic"  # of settlements and of teams
NEEDS_A_NOMADIC_TEAM = ("nomadic", "camp")

SETTLEMENTS = text("""
    WITH chosen AS (        -- the areas planned, with all below
        SELECT DISTINCT w.area_id FROM area_within w WHERE w.ancestor_id = ANY(:area_ids)
    ), before AS (          -- the round before this one over the same settlements
        SELECT c.id FROM campaign c WHERE c.kind = :kind AND c.ends_on < :starts_on AND c.id <> :campaign_id
        ORDER BY c.ends_on DESC, c.id DESC LIMIT 1
    )
    SELECT s.id, s.code, s.type, x.target, coalesce(s.population, 0) AS population, x.area_id,
           ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat, s.radius_m, ST_AsBinary(s.extent) AS extent, s.utm_epsg,
           coalesce(p.needs, '{}') AS needs, p.households,
           s.high_risk OR coalesce(p.is_priority, false) OR coalesce(b.zero_dose > 0, false)
               OR coalesce(b.target > 0 AND b.vaccinated_confirmed * 2 < b.target AND b.last_day < :starts_on, false)
               AS is_priority
    FROM campaign_settlement x JOIN chosen ON chosen.area_id = x.area_id JOIN settlement s ON s.id = x.settlement_id
    LEFT JOIN plan_place p ON p.campaign_id = x.campaign_id AND p.settlement_id = s.id
    LEFT JOIN before ON true
    LEFT JOIN campaign_settlement b ON b.campaign_id = before.id AND b.settlement_id = s.id AND b.visits > 0
    WHERE x.campaign_id = :campaign_id AND (x.target > 0 OR coalesce(s.population, 1) > 0)
    ORDER BY s.code""")

TEAMS = text("""
    SELECT t.id, t.code, t.type, t.area_id, coalesce(p.abilities, '{}') AS abilities,
           ST_X(ST_PointOnSurface(a.boundary)) AS lon, ST_Y(ST_PointOnSurface(a.boundary)) AS lat,
           t.area_id IS NULL OR EXISTS (SELECT 1 FROM area_within w
               WHERE (w.area_id = t.area_id AND w.ancestor_id = ANY(:area_ids))
                  OR (w.ancestor_id = t.area_id AND w.area_id = ANY(:area_ids))) AS is_home
    FROM team t LEFT JOIN plan_team p ON p.team_id = t.id LEFT JOIN area a ON a.id = t.area_id
    WHERE t.campaign_id = :campaign_id AND t.type IN ('mobile', 'nomadic')
    ORDER BY t.supervisor NULLS LAST, t.code""")

ZONES = text("""
    SELECT w.area_id, w.ancestor_id FROM area_within w JOIN area z ON z.id = w.ancestor_id
    WHERE z.level = 'zone' AND z.vintage = :vintage""")

AREAS = text("SELECT id, code FROM area WHERE vintage = :vintage AND code = ANY(:codes)")
OWN = text("SELECT area_id FROM campaign_area WHERE campaign_id = :campaign_id")
COVERED = text("""
    SELECT count(*) FROM area_within w JOIN campaign_area c ON c.campaign_id = :campaign_id
        AND (c.area_id = w.ancestor_id OR c.area_id = w.area_id)
    WHERE w.area_id = :area_id""")


@dataclass(frozen=True)
class Parts:
    """One row per unit, beside `Units`."""

    settlement_id: Ints
    block: Ints  # 0: whole
    box: list[list[float] | None]
    needs: list[list[str]]


@dataclass(frozen=True)
class Inputs:
    """Everything that a plan is made of."""

    units: Units
    parts: Parts
    teams: Teams
    team_ids: list[int]
    days: list[date]
    rules: Rules
    zone: Ints | None  # given zones
    area_ids: list[int]
    settlements: int
    seats_wanted: int


def planned_areas(session: Session, campaign: Campaign, codes: Sequence[str]) -> list[int]:
    """Ids of the areas named, else of all that the campaign covers. Raises WrongRequest."""
    if not codes:
        return sorted(session.scalars(OWN, {"campaign_id": campaign.id}))
    found = {row.code: row.id for row in session.execute(AREAS, {"vintage": campaign.vintage, "codes": list(codes)})}
    for code in codes:
        its = {"campaign_id": campaign.id, "area_id": found.get(code)}
        if code not in found or not session.scalar(COVERED, its):
            raise WrongRequest(field="area", why=_("the campaign covers no area {code}.").format(code=code))
    return sorted(found.values())


def planned_days(campaign: Campaign, count: int) -> list[date]:
    """The first so many days of the round, catch-up days last. Raises WrongRequest."""
    days = days_of(campaign)
    if not 1 <= count <= len(days):
        why = _("the round has {days} days, catch-up days included.").format(days=len(days))
        raise WrongRequest(field="days", why=why)
    return days[:count]


def rules_of(session: Session, campaign: Campaign, **chosen: float | None) -> Rules:
    """The campaign's figures, and what was asked for this once."""
    kept = session.get(PlanRules, campaign.id)
    known = {field.name: type(getattr(Rules(), field.name)) for field in fields(Rules)}
    values = {**(kept.rules if kept else {}), **{name: value for name, value in chosen.items() if value is not None}}
    return replace(Rules(), **{name: known[name](value) for name, value in values.items() if name in known})


def read_inputs(
    session: Session, campaign: Campaign, *, teams: int, days: int, area_codes: Sequence[str], rules: Rules
) -> Inputs:
    """What a new plan starts from. Raises WrongRequest when there are no teams, days or settlements."""
    area_ids = planned_areas(session, campaign, area_codes)
    on = planned_days(campaign, days)
    bits = _Bits()
    team_rows = _teams(session, campaign, area_ids, teams)
    abilities = [bits.of([*row.abilities, *([NOMADIC] if row.type == "nomadic" else [])]) for row in team_rows]
    rows = settlement_rows(session, campaign, area_ids)
    if not rows:
        raise WrongRequest(field="area", why=_("there are no settlements to plan there. Import them first."))
    units, parts = units_of_settlements(rows, len(team_rows) * len(on), rules, bits)
    epsg = _plane(rows)
    return Inputs(
        units=units, parts=parts,
        teams=Teams(
            [row.code for row in team_rows], abilities, _homes(team_rows, epsg), [list(range(len(on)))] * len(team_rows)
        ),
        team_ids=[row.id for row in team_rows], days=on, rules=rules, zone=_zones(session, campaign, rows, parts),
        area_ids=area_ids, settlements=len(rows), seats_wanted=teams,
    )  # fmt: skip


def settlement_rows(session: Session, campaign: Campaign, area_ids: Sequence[int]) -> list[Any]:
    its = {
        "campaign_id": campaign.id,
        "kind": campaign.kind,
        "starts_on": campaign.starts_on,
        "area_ids": list(area_ids),
    }
    return list(session.execute(SETTLEMENTS, its))


def _teams(session: Session, campaign: Campaign, area_ids: list[int], wanted: int) -> list[Any]:
    if wanted < 1:
        raise WrongRequest(field="teams", why=_("a plan needs at least one team."))
    rows = session.execute(TEAMS, {"campaign_id": campaign.id, "area_ids": area_ids}).all()
    at_home = [row for row in rows if row.is_home]
    if not at_home:
        raise WrongRequest(
            field="teams", why=_("no mobile team of this campaign is at home there. Import teams first.")
        )
    return at_home[:wanted]


class _Bits:
    """Abilities and needs as bits of a whole number."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def of(self, words: Sequence[str]) -> int:
        return sum(1 << self.places.setdefault(word, len(self.places)) for word in sorted(set(words)))


def needs_of(row: Any) -> list[str]:
    return sorted({*row.needs, *([NOMADIC] if row.type in NEEDS_A_NOMADIC_TEAM else [])})


def units_of_settlements(rows: Sequence[Any], team_days: int, rules: Rules, bits: "_Bits") -> tuple[Units, Parts]:
    """Settlements as units: large ones cut into blocks."""
    target = np.array([row.target for row in rows], np.int64)
    count = blocks_needed(target, block_size(target, team_days, rules))
    lon: list[float] = []
    lat: list[float] = []
    share: list[float] = []
    block: list[int] = []
    box: list[list[float] | None] = []
    children: list[int] = []
    of: list[int] = []
    for k, row in enumerate(rows):
        n = int(count[k])
        of += [k] * n
        if n == 1:
            lon.append(row.lon)
            lat.append(row.lat)
            share.append(1.0)
            block.append(0)
            box.append(None)
            children.append(int(row.target))
            continue
        extent = None if row.extent is None else shapely.from_wkb(bytes(row.extent))
        blocks = cut(row.lon, row.lat, row.radius_m, extent, n)
        lon += blocks.lon.tolist()
        lat += blocks.lat.tolist()
        share += (np.ones(n) / n).tolist()
        block += range(1, n + 1)
        box += [[round(side, 7) for side in sides] for sides in blocks.box.tolist()]
        children += equal_parts(int(row.target), n)
    its = [rows[k] for k in of]
    part = np.array(share)
    households = np.array([_households(row, rules) for row in its]) * part
    ground = np.array([_ground_m2(row) for row in rows])[of] * part
    at = np.round(np.array([lon, lat], float), 7)
    needs = [needs_of(row) for row in its]
    units = Units(
        name=np.array([f"{row.code}/{b:06d}" for row, b in zip(its, block, strict=True)]), lon=at[0], lat=at[1],
        xy=in_plane(at[0], at[1], _plane(rows)), minutes=minutes_within(households, ground, rules),
        children=np.array(children, np.int64), needs=np.array([bits.of(need) for need in needs], np.int64),
        priority=np.array([bool(row.is_priority) for row in its]),
    )  # fmt: skip
    return units, Parts(np.array([row.id for row in its], np.int64), np.array(block, np.int64), box, needs)


def _households(row: Any, rules: Rules) -> float:
    """As listed, else from the population, else from the children: at least one."""
    if row.households:
        return float(row.households)
    people = row.population or row.target / 0.156  # share of children under five in KP's census of 2017
    return float(max(1.0, people / rules.people_a_household))


def _ground_m2(row: Any) -> float:
    """Geodesic area of the extent; a point's is round."""
    if row.extent is None:
        return float(np.pi * row.radius_m**2)
    shape = shapely.from_wkb(bytes(row.extent))
    metres = np.radians(6_371_008.8)
    return float(shape.area * metres * metres * np.cos(np.radians(row.lat))) or float(np.pi * row.radius_m**2)


def _plane(rows: Sequence[Any]) -> int:
    """The UTM zone of most settlements."""
    zones, count = np.unique([row.utm_epsg for row in rows], return_counts=True)
    return int(zones[int(count.argmax())])


def in_plane(lon: Floats, lat: Floats, epsg: int) -> Floats:
    change = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    return np.column_stack(change.transform(lon, lat))


def _homes(rows: Sequence[Any], epsg: int) -> Floats:
    at = np.array([[np.nan if row.lon is None else row.lon, np.nan if row.lat is None else row.lat] for row in rows])
    home = in_plane(at[:, 0], at[:, 1], epsg)
    return np.where(np.isfinite(home), home, np.nan)


def _zones(session: Session, campaign: Campaign, rows: Sequence[Any], parts: Parts) -> Ints | None:
    """The zone of every unit where boundaries of that level are loaded for all of them; else None: they are made."""
    zone_of = {row.area_id: row.ancestor_id for row in session.execute(ZONES, {"vintage": campaign.vintage})}
    found = {row.id: zone_of.get(row.area_id) for row in rows}
    if not zone_of or None in found.values():
        return None
    return np.array([found[int(settlement)] for settlement in parts.settlement_id], np.int64)
