"""The coverage page: figures, list, map and panel of one view; as a page, and as its parts when something changed."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, render_template, request, url_for
from flask_babel import get_locale
from sqlalchemy.orm import Session

from tracker.accounts.identity import DECIDE, PLAN, SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import Scope, campaign_in_scope, reading
from tracker.areas.models import LEVELS
from tracker.campaigns.listing import phase
from tracker.campaigns.models import Campaign
from tracker.coverage.api import day_of
from tracker.coverage.etags import tagged
from tracker.coverage.outlines import Placed, around, own_areas, placed_areas
from tracker.coverage.overview import ROWS_A_PAGE, AreaPanel, SettlementPanel, TeamPanel, overview
from tracker.coverage.shareable_map import shareable_map
from tracker.coverage.units import moment
from tracker.coverage.view import SETTLEMENT, View, level_below, read_view
from tracker.orders.orders import orders_state
from tracker.orders.reasons import REASON_WORDS, standing_reasons
from tracker.visits.models import STANDINGS
from tracker.visits.pages import said
from tracker.visits.rules import BY_NAME
from tracker.visits.thresholds import limits_of

pages = APIBlueprint("coverage_pages", __name__, enable_openapi=False)

PARTS = ("figures", "chips", "notes", "list", "switches", "legend", "days", "beside", "panel")
PANELS = {AreaPanel: "area", SettlementPanel: "settlement", TeamPanel: "team"}


@pages.get("/campaigns/<code>/coverage")
@may(SEE_NUMBERS)
def coverage(code: str) -> str:
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        shown = _shown(session, campaign, scope, now)
    return render_template("coverage/coverage.html", **shown, map_data=_map_data(shown))


@pages.get("/campaigns/<code>/coverage/parts")
@may(SEE_NUMBERS)
def parts(code: str) -> Response:
    """The parts of the page of the same query, each as HTML, and what the map needs; 304 while nothing changed."""
    scope, now = signed_in().scope, datetime.now(UTC)

    def made() -> str:
        shown = _shown(session, campaign, scope, now)
        rendered = {part: render_template(f"coverage/{part}.html", **shown) for part in PARTS}
        return json.dumps({
            "address": shown["to"](shown["view"]), "title": render_template("coverage/title.html", **shown),
            "parts": rendered, "map": _map_data(shown),
        }, ensure_ascii=False)  # fmt: skip

    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return tagged(campaign, scope, now, made, also=orders_state(session, campaign))


@pages.get("/campaigns/<code>/coverage/map.html")
@may(SEE_NUMBERS)
def map_to_take_along(code: str) -> Response:
    """One HTML file with everything inside, to keep on a memory stick."""
    identity, now = signed_in(), datetime.now(UTC)
    level, area = request.args.get("level", "district"), request.args.get("area")
    with reading(identity.scope) as session:
        campaign = campaign_in_scope(session, code, identity.scope)
        made_by = identity.name or identity.email
        page = shareable_map(session, campaign, identity.scope, level, now=now, made_by=made_by, area=area)
    name = "-".join(filter(None, (campaign.code, area, level, now.strftime("%Y-%m-%d-%H%M"))))
    answer = Response(page, mimetype="text/html")
    answer.headers.set("Content-Disposition", "attachment", filename=f"{name}.html")
    return answer


def _shown(session: Session, campaign: Campaign, scope: Scope, now: datetime) -> dict[str, Any]:
    """What the templates show."""
    areas, own = placed_areas(session, campaign), own_areas(session, campaign, scope)
    view = read_view(request.args, own, areas, day_of("until"))
    o = overview(session, campaign, scope, view, own, areas, now=now)

    def to(other: View) -> str:
        query: dict[str, Any] = {**other.query()}
        return url_for("coverage_pages.coverage", code=campaign.code, **query)

    closed = None
    if isinstance(o.panel, SettlementPanel):
        place = o.panel.row["id"]
        closed = standing_reasons(session, campaign, scope, moment(campaign, now).today, [place]).get(place)

    def down_to(code: str) -> View:
        """The view of an area: itself in the middle, the map one level down."""
        area = areas[code]
        below = level_below(area, view.levels)
        return view.with_(area=area, level=below, settlement=None, team=None, statuses=(), classes=(), inside=False,
                          silent_only=False)  # fmt: skip

    return {
        "o": o, "view": view, "campaign": campaign, "areas": areas, "to": to, "down_to": down_to,
        "phase": phase(campaign, now), "rows_a_page": ROWS_A_PAGE, "panel_kind": PANELS.get(type(o.panel)),
        "SETTLEMENT": SETTLEMENT, "rules": BY_NAME, "said": said,
        "limits": limits_of(campaign), "standings": STANDINGS, "sees_visits": scope.sees_visits,
        "questions_by_rule": {rule.name: str(rule.question) for rule in BY_NAME.values()},
        "may_order": signed_in().may(PLAN), "may_close": signed_in().may(DECIDE), "closed": closed,
        "reason_words": REASON_WORDS, "levels_known": LEVELS,
        "highest": [areas[code] for code in o.own.highest if code in areas],
    }  # fmt: skip


def _map_data(shown: dict[str, Any]) -> dict[str, Any]:
    """What the map draws beside its tiles. Numbers lie here, outlines in the tiles, joined by id."""
    o, view, areas, to = shown["o"], shown["view"], shown["areas"], shown["to"]
    ground = shown["highest"] or [areas[code] for code in {spot["area"] for spot in o.spots} if code in areas]
    here = {*o.own.levels, *(area.level for area in ground)}
    boxes = [(spot["lon"], spot["lat"], spot["lon"], spot["lat"]) for spot in o.spots]
    return {
        "level": view.level, "measure": view.measure, "until": view.until and view.until.isoformat(),
        "outlines": [level for level in LEVELS if level in here],
        "ground": {"level": ground[0].level, "ids": [area.id for area in ground]} if ground else None,
        "box": around(boxes) if view.team else o.box or around(boxes), "counted": o.counted_at.isoformat(),
        "area": view.area and _attended(view, areas),
        "settlement": _spot(o.panel.row) if isinstance(o.panel, SettlementPanel) else None,
        "areas": [_drawn(row, areas[row["code"]], view, to(shown["down_to"](row["code"]))) for row in o.on_map],
        "spots": [_spot(row) for row in o.spots], "statuses": list(view.statuses), "silent_only": view.silent_only,
        "team": view.team, "settlement_address": to(view.with_(settlement="SETTLEMENT", page=view.page)),
        "sees_visits": shown["sees_visits"],
    }  # fmt: skip


def _attended(view: View, areas: dict[str, Placed]) -> dict[str, Any]:
    """The area in the middle, and the ids of those inside: all others recede."""
    assert view.area is not None
    inside, grown = {view.area.code}, True
    while grown:
        more = {area.code for area in areas.values() if area.parent in inside} - inside
        inside, grown = inside | more, bool(more)
    return {"id": view.area.id, "level": view.area.level, "inside": sorted(areas[code].id for code in inside)}


def _drawn(row: dict[str, Any], place: Placed, view: View, address: str) -> dict[str, Any]:
    """One area on the map: its class, its circle, and where a click leads."""
    return {
        "id": place.id, "name": _name(place), "lon": round(place.lon, 5), "lat": round(place.lat, 5),
        "unreached": row["unreached"] or 0, "class": row["class"], "silent": row["silent"], "address": address,
        "dim": bool(view.classes) and row["class"] not in view.classes,
    }  # fmt: skip


def _spot(row: Any) -> dict[str, Any]:
    """One settlement on the map."""
    return {
        "id": row["id"], "code": row["code"], "name": _name(row), "lon": row["lon"], "lat": row["lat"],
        "status": row["status"], "unreached": row["unreached"] or 0, "no_word": row["is_silent"],
    }  # fmt: skip


def _name(place: Any) -> str:
    """In the reader's script, else as it is."""
    language = str(get_locale() or "en")
    named = place if isinstance(place, Mapping) else vars(place)
    return str(named.get(f"name_{language}") or named["name"])
