"""Gaps, orders and reasons: what is left, who goes there tomorrow, and where nobody could.

Everything works as plain HTML: filters stand in the address, orders and reasons are forms, each act can be undone.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import get_locale, gettext, ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from tracker.accounts.identity import DECIDE, PLAN, SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import Scope, campaign_in_scope, reading
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign
from tracker.campaigns.settlements import last_day
from tracker.coverage.etags import tagged
from tracker.coverage.outlines import around, own_areas, placed_areas
from tracker.coverage.report import area_in_scope
from tracker.coverage.settlement_list import Wish as Settlements
from tracker.coverage.settlement_list import list_settlements
from tracker.database import transaction
from tracker.errors import NotFound, RasaiError
from tracker.orders.gap_list import GAP_STATUSES, ORDERS, REASONS, ROWS_A_PAGE, GapList, Wish, list_gaps
from tracker.orders.history import earlier_rounds, statuses_then
from tracker.orders.models import CLOSURES
from tracker.orders.orders import (
    LONGEST_NOTE,
    STATES,
    give_orders,
    orders_between,
    orders_for,
    orders_state,
    team_choices,
    withdraw_orders,
)
from tracker.orders.reasons import (
    LONGEST_SAID_BY,
    REASON_WORDS,
    Said,
    close_settlement,
    reopen_settlement,
    said_before,
    standing_reasons,
)

pages = APIBlueprint("orders_pages", __name__, enable_openapi=False)

PARTS = ("figures", "table", "beside")
FILTER_NAMES = ("area", "team", "status", "why", "chronic", "crowded", "unordered", "order", "page")
DAYS_BACK = 7  # of orders that the list shows


@pages.get("/campaigns/<code>/gaps")
@may(SEE_NUMBERS)
def gaps(code: str) -> str:
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        shown = _shown(session, campaign, scope, now)
        shown["teams"] = team_choices(session, campaign, scope)
    return render_template("orders/gaps.html", **shown, map_data=_map_data(shown))


@pages.get("/campaigns/<code>/gaps/parts")
@may(SEE_NUMBERS)
def parts(code: str) -> Response:
    """The parts of the page of the same query, each as HTML, and what the map needs; 304 while nothing changed."""
    scope, now = signed_in().scope, datetime.now(UTC)

    def made() -> str:
        shown = _shown(session, campaign, scope, now)
        rendered = {part: render_template(f"orders/{part}.html", **shown) for part in PARTS}
        return json.dumps({"parts": rendered, "map": _map_data(shown)}, ensure_ascii=False)

    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return tagged(campaign, scope, now, made, also=orders_state(session, campaign))


@pages.get("/campaigns/<code>/gaps/<settlement>")
@may(SEE_NUMBERS)
def settlement(code: str, settlement: str) -> str:
    """One settlement: how it stands, how it was before, what is ordered, why nobody came."""
    scope = signed_in().scope
    with reading(scope) as session:
        shown = _one_settlement(session, code, settlement, scope)
    return render_template("orders/settlement.html", **shown)


@pages.get("/campaigns/<code>/orders")
@may(SEE_NUMBERS)
def orders(code: str) -> str:
    """Orders of the last days and of those to come, with what became of them."""
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        today = _today(campaign, now)
        area = area_in_scope(session, campaign, scope, request.args["area"]) if request.args.get("area") else None
        first, last = today - timedelta(days=DAYS_BACK), today + timedelta(days=365)
        rows = orders_between(session, campaign, scope, first, last, today=today, area_id=area.id if area else None)
        shown = {
            "campaign": campaign, "orders": rows, "today": today, "may_order": signed_in().may(PLAN),
            "states": {state: sum(row.state == state for row in rows) for state in STATES},
            "days": sorted({row.on_date for row in rows}, reverse=True),
        }  # fmt: skip
    return render_template("orders/orders.html", **shown)


@pages.post("/campaigns/<code>/orders")
@may(PLAN)
def give(code: str) -> AnyResponse:
    scope, now, form = signed_in().scope, datetime.now(UTC), request.form
    back = _back(code)
    try:
        with transaction() as session:
            campaign = campaign_in_scope(session, code, scope)
            given = give_orders(
                session, campaign, scope, form.getlist("settlement"), form.get("team", "").strip() or None,
                _day(form.get("on_date", "")) or _tomorrow(campaign, now), form.get("note", ""),
                today=_today(campaign, now),
            )  # fmt: skip
    except NotFound:
        raise
    except RasaiError as error:
        flash(str(error), "error")
        return redirect(back, code=303)
    words = ngettext("%(num)s order given.", "%(num)s orders given.", given.orders)
    if given.already:
        words += " " + ngettext("%(num)s stood already.", "%(num)s stood already.", given.already)
    if given.without_team:
        words += " " + gettext("Not given, as no plan names a team for them: %(codes)s. Name a team.",
                               codes=", ".join(given.without_team[:10]))  # fmt: skip
    if given.orders:
        flash(words, url_for("orders_pages.withdraw", code=code, batch=given.batch, back=back))
    else:
        flash(words, "error")
    return redirect(back, code=303)


@pages.post("/campaigns/<code>/orders/withdraw")
@may(PLAN)
def withdraw(code: str) -> AnyResponse:
    """One order (`id`) or all of an act (`batch`)."""
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        count = withdraw_orders(
            session, campaign, scope, batch=_uuid(request.values.get("batch")), order=_whole(request.values.get("id"))
        )
    flash(ngettext("%(num)s order taken back.", "%(num)s orders taken back.", count), "done")
    return redirect(_back(code), code=303)


@pages.post("/campaigns/<code>/gaps/<settlement>/closed")
@may(DECIDE)
def close(code: str, settlement: str) -> AnyResponse | tuple[str, int]:
    scope, now, form = signed_in().scope, datetime.now(UTC), request.form
    said = Said(form.get("reason", ""), form.get("said_by", ""), form.get("note", ""), _day(form.get("until", "")))
    try:
        with transaction() as session:
            campaign = campaign_in_scope(session, code, scope)
            close_settlement(
                session, campaign, scope, settlement, said, seen=_whole(form.get("seen")), today=_today(campaign, now)
            )
    except NotFound:
        raise
    except RasaiError as error:  # what was typed stays in the form
        with reading(scope) as session:
            shown = _one_settlement(session, code, settlement, scope)
        page = render_template("orders/settlement.html", **shown, problem=str(error), typed=form)
        return page, error.status
    flash(gettext("Noted: %(reason)s. Its children stay in the target, under this reason.",
                  reason=REASON_WORDS[said.reason]), "done")  # fmt: skip
    return redirect(url_for("orders_pages.settlement", code=code, settlement=settlement), code=303)


@pages.post("/campaigns/<code>/gaps/<settlement>/reopened")
@may(DECIDE)
def reopen(code: str, settlement: str) -> AnyResponse:
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        reopen_settlement(session, campaign, scope, settlement, seen=_whole(request.form.get("seen")) or 0)
    flash(gettext("Teams can work here again."), "done")
    return redirect(url_for("orders_pages.settlement", code=code, settlement=settlement), code=303)


# what the templates show


def _shown(session: Session, campaign: Campaign, scope: Scope, now: datetime) -> dict[str, Any]:
    areas, own, wish = placed_areas(session, campaign), own_areas(session, campaign, scope), wish_asked(request.args)
    if wish.area and wish.area not in areas:
        raise NotFound
    listed = list_gaps(session, campaign, scope, wish, now=now)
    identity = signed_in()

    def to(**changed: Any) -> str:
        """This list with some of the filters changed; None takes one away. A change begins at the first page."""
        return url_for("orders_pages.gaps", code=campaign.code, **{**_query(wish), "page": None, **changed})

    return {
        "campaign": campaign, "listed": listed, "wish": wish, "areas": areas, "own": own, "to": to, "now": now,
        "query": _query(wish), "may_order": identity.may(PLAN), "may_close": identity.may(DECIDE),
        "statuses": GAP_STATUSES, "reasons": REASONS, "closures": CLOSURES, "reason_words": REASON_WORDS,
        "tomorrow": _tomorrow(campaign, now), "today": _today(campaign, now), "longest_note": LONGEST_NOTE,
        "last_page": max(1, -(-listed.found // ROWS_A_PAGE)), "orders_known": ORDERS,
        "area_choices": _area_choices(own, areas), "sees_visits": scope.sees_visits,
    }  # fmt: skip


def _area_choices(own: Any, areas: dict[str, Any]) -> list[Any]:
    """The person's areas down to the second level: a list of a thousand union councils helps nobody."""
    shown = set(own.levels[:3]) - {"zone"}
    inside = {code for code in own.highest if code in areas}
    grown = True
    while grown:
        more = {code for code, area in areas.items() if area.parent in inside} - inside
        inside, grown = inside | more, bool(more)
    chosen = [areas[code] for code in inside if areas[code].level in shown or code in own.highest]
    return sorted(chosen, key=lambda area: (LEVELS.index(area.level), area.name))


def _map_data(shown: dict[str, Any]) -> dict[str, Any]:
    """As the coverage page's map, with settlements only, and where refusals crowd together."""
    listed: GapList = shown["listed"]
    own, areas, wish, campaign = shown["own"], shown["areas"], shown["wish"], shown["campaign"]
    ground = [areas[code] for code in own.highest if code in areas]
    levels = {*own.levels, *(area.level for area in ground)}
    spots = [{**_spot(spot), "no_word": spot["is_silent"]} for spot in listed.spots]
    around_spots = around([(s["lon"], s["lat"], s["lon"], s["lat"]) for s in spots])
    box = areas[wish.area].box if wish.area else around_spots or around([area.box for area in ground])
    return {
        "level": "settlement", "measure": "confirmed", "until": None,
        "outlines": [level for level in LEVELS if level in levels],
        "ground": {"level": ground[0].level, "ids": [area.id for area in ground]} if ground else None,
        "box": box, "counted": listed.counted_at.isoformat(), "area": None, "settlement": None, "areas": [],
        "spots": spots, "statuses": [], "silent_only": False, "team": None, "only_spots": True, "sees_visits": False,
        "settlement_address": url_for("orders_pages.settlement", code=campaign.code, settlement="SETTLEMENT"),
        "clusters": [
            {"lon": c.lon, "lat": c.lat, "radius_m": round(c.radius_m), "refused": c.refused,
             "settlements": len(c.settlements)} for c in listed.clusters
        ],
    }  # fmt: skip


def _spot(spot: Mapping[str, Any]) -> dict[str, Any]:
    language = str(get_locale() or "en")
    name = spot.get(f"name_{language}") or spot["name_en"]
    return {**{key: spot[key] for key in ("id", "code", "lon", "lat", "status", "unreached")}, "name": name}


def _one_settlement(session: Session, code: str, settlement: str, scope: Scope) -> dict[str, Any]:
    now = datetime.now(UTC)
    campaign = campaign_in_scope(session, code, scope)
    found = list_settlements(session, campaign, scope, Settlements(settlement=settlement), now=now, limit=1)
    if not found:
        raise NotFound
    row, today = found[0], _today(campaign, now)
    rounds, identity = earlier_rounds(session, campaign, scope, most=8), signed_in()
    return {
        "campaign": campaign, "row": row, "today": today, "tomorrow": _tomorrow(campaign, now), "rounds": rounds,
        "then": statuses_then(session, scope, rounds, [row["id"]], today=today).get(row["id"], {}),
        "orders": orders_for(session, campaign, scope, [row["id"]], today=today).get(row["id"], []),
        "closed": standing_reasons(session, campaign, scope, today, [row["id"]]).get(row["id"]),
        "said": said_before(session, scope, row["id"]), "closures": CLOSURES, "reason_words": REASON_WORDS,
        "areas": placed_areas(session, campaign), "may_order": identity.may(PLAN), "may_close": identity.may(DECIDE),
        "longest_note": LONGEST_NOTE, "longest_said_by": LONGEST_SAID_BY,
        "teams": team_choices(session, campaign, scope) if identity.may(PLAN) else (),
    }  # fmt: skip


# what an address or a form asks for


def wish_asked(given: Mapping[str, str]) -> Wish:
    """The filters in an address; what cannot be understood counts as not said."""
    status, why, order, page = (given.get(name, "") for name in ("status", "why", "order", "page"))
    return Wish(
        area=given.get("area") or None, team=given.get("team", "").strip() or None,
        status=status if status in GAP_STATUSES else None, why=why if why in REASONS else None,
        chronic=given.get("chronic") == "1", crowded=given.get("crowded") == "1",
        unordered=given.get("unordered") == "1", order=order if order in ORDERS else ORDERS[0],
        page=int(page) if page.isascii() and page.isdigit() and 1 <= int(page[:6]) <= 9_999 else 1,
    )  # fmt: skip


def _query(wish: Wish) -> dict[str, Any]:
    said = {name: getattr(wish, name) for name in FILTER_NAMES}
    said |= {name: "1" if said[name] else None for name in ("chronic", "crowded", "unordered")}
    said |= {"order": None if wish.order == ORDERS[0] else wish.order, "page": wish.page if wish.page > 1 else None}
    return {name: value for name, value in said.items() if value is not None}


def _back(code: str) -> str:
    """Where the form was; a path of ours, else the gaps."""
    wish = request.values.get("back", "")
    here = f"/campaigns/{code}/"
    return (
        wish
        if wish.startswith(here) and wish.isprintable() and "\\" not in wish
        else url_for("orders_pages.gaps", code=code)
    )


def _today(campaign: Campaign, now: datetime) -> date:
    return now.astimezone(ZoneInfo(campaign.timezone)).date()


def _tomorrow(campaign: Campaign, now: datetime) -> date:
    """The day that orders are for unless told: tomorrow, or the first day of a round that lies ahead."""
    return max(_today(campaign, now) + timedelta(days=1), min(campaign.starts_on, last_day(campaign)))


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        return None


def _uuid(words: str | None) -> UUID | None:
    try:
        return UUID(words or "")
    except ValueError:
        return None


def _whole(words: str | None) -> int | None:
    return int(words) if words and words.isascii() and words.isdigit() and len(words) <= 18 else None
