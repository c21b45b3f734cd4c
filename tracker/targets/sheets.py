"""What stands on the paper of each team-day: totals, map, stops, neighbours, and who to call."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import segno
import shapely
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign, Microplan
from tracker.targets.changes import changes_of
from tracker.targets.exporting import team_day_shape
from tracker.targets.models import TargetPlan
from tracker.targets.reading import Wanted, block_code, by_team_day, clock_words, stops_of
from tracker.targets.sheet_map import SheetMap, draw

AROUND = 0.35  # of a map's width beyond the team-day's own ground, where neighbours are looked for

PHONES = text(
    "SELECT p.team_id, p.supervisor_phone FROM plan_team p JOIN team t ON t.id = p.team_id"
    " WHERE t.campaign_id = :campaign"
)
PARTS = text(
    "SELECT settlement_id, count(DISTINCT block) AS parts FROM target_stop"
    " WHERE microplan_id = :plan AND block > 0 GROUP BY 1"
)
PLACES = text("SELECT id, name_en, name_ur, name_ps FROM area WHERE id = ANY(:ids)")


@dataclass
class Sheet:
    number: int
    day: dict[str, Any]
    day_number: int
    stops: list[dict[str, Any]]
    map: SheetMap
    beside: list[str]
    phone: str | None
    place: str
    changes: list[dict[str, Any]]
    qr: str  # SVG: a phone that reads it opens its map at the first stop, without network


def sheets_of(
    session: Session,
    campaign: Campaign,
    plan: Microplan,
    wanted: Wanted,
    *,
    scope: Scope,
    language: str,
    today: date | None,
) -> list[Sheet]:
    """One per team-day. Raises NotFound when there is none that the person may see."""
    groups = by_team_day(stops_of(session, campaign, plan.id, scope, wanted, today))
    days = {on for _team, on in groups}
    around = [s for on in sorted(days) for s in _all_of_day(session, campaign, plan, scope, wanted, on, today)]
    shapes = {
        key: team_day_shape(its)
        for key, its in by_team_day(around or [s for its in groups.values() for s in its]).items()
    }
    facts = session.get(TargetPlan, plan.id)
    transport_km = float(facts.parameters["rules"]["transport_km"]) if facts else 3.0
    phones = {row.team_id: row.supervisor_phone for row in session.execute(PHONES, {"campaign": campaign.id})}
    parts = {row.settlement_id: row.parts for row in session.execute(PARTS, {"plan": plan.id})}
    places = _places(session, groups, language)
    numbers = {on: k for k, on in enumerate(days_of(campaign), 1)}
    changes = changes_of(session, campaign, plan.id, scope, today)
    out = []
    for number, (key, its) in enumerate(groups.items(), 1):
        near = _near(key, shapes)
        out.append(Sheet(
            number, _totals(its), numbers.get(key[1], 0), [_row(s, parts, transport_km) for s in its],
            draw(its, shapes[key], [(f"{_('Team')} {team}", shapes[team, on]) for team, on in near], language),
            [team for team, _on in near], phones.get(its[0]["team_id"]), places.get(its[0]["area_id"], ""),
            [c for c in changes if key in (c["from"], c["to"])],
            _qr(its[0]),
        ))  # fmt: skip
    return out


def _qr(stop: dict[str, Any]) -> str:
    code = segno.make(f"geo:{stop['lat']:.6f},{stop['lon']:.6f}", error="m")
    return code.svg_inline(omitsize=True, border=1)


def _all_of_day(
    session: Session, campaign: Campaign, plan: Microplan, scope: Scope, wanted: Wanted, on: date, today: date | None
) -> list[dict[str, Any]]:
    """All of a day, for neighbours: what the person may not see is no neighbour of theirs."""
    return stops_of(session, campaign, plan.id, scope, Wanted(wanted.version, on), today)


def _near(key: tuple[str, date], shapes: dict[tuple[str, date], shapely.Geometry]) -> list[tuple[str, date]]:
    west, south, east, north = shapes[key].bounds
    more = max(east - west, north - south, 0.003) * AROUND
    window = shapely.box(west - more, south - more, east + more, north + more)
    return [
        other for other, shape in shapes.items() if other != key and other[1] == key[1] and shape.intersects(window)
    ]


def _totals(stops: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = stops[0]
    return {
        "team": first["team"], "supervisor": first["supervisor"], "on_date": first["on_date"], "stops": len(stops),
        "children": sum(s["children"] for s in stops), "walk_km": sum(s["walk_km"] for s in stops),
        "minutes": sum(s["minutes"] + s["walk_minutes"] for s in stops),
    }  # fmt: skip


def _row(stop: dict[str, Any], parts: dict[int, int], transport_km: float) -> dict[str, Any]:
    part = ""
    if stop["block"]:
        part = _("part %(n)s of %(all)s", n=stop["block"], all=parts.get(stop["settlement_id"], 0))
    return {
        **stop, "block_code": block_code(stop), "clock": clock_words(stop["arrive_minute"]), "part": part,
        "needs_transport": stop["walk_km"] > transport_km,
    }  # fmt: skip


def _places(session: Session, groups: dict[Any, list[dict[str, Any]]], language: str) -> dict[int, str]:
    ids = sorted({its[0]["area_id"] for its in groups.values() if its[0]["area_id"]})
    rows = session.execute(PLACES, {"ids": ids}).mappings()
    return {row["id"]: str(row.get(f"name_{language}") or row["name_en"]) for row in rows}
