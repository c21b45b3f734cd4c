"""The evening: one page for the meeting, its PDF, three lines and a picture for the group, and what to be told of."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from babel.dates import format_date
from flask import Response, flash, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from tracker import settings
from tracker.accounts.identity import SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import Scope, campaign_in_scope, reading
from tracker.areas.models import LEVELS
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign
from tracker.coverage.outlines import OwnAreas, Placed, own_areas, placed_areas
from tracker.database import transaction
from tracker.errors import NotFound, RasaiError
from tracker.evening.mailing import mail_is_set
from tracker.evening.models import WATCHED, EveningPack
from tracker.evening.pack import Pack, evening_pack, three_lines
from tracker.evening.printed import SHEET, file_name, pack_as_pdf
from tracker.evening.told import told_words
from tracker.evening.wishes import (
    BOUNDS,
    USUAL,
    clock_of,
    have_seen,
    tell_me_no_more,
    tell_me_when,
    want_no_pack,
    want_pack,
    wishes_of,
)

pages = APIBlueprint("evening_pages", __name__, enable_openapi=False)


@pages.get("/campaigns/<code>/evening")
@may(SEE_NUMBERS)
def evening(code: str) -> str:
    identity, now = signed_in(), datetime.now(UTC)
    scope = identity.scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        pack = _asked_pack(session, campaign, scope, now)
        areas, own = placed_areas(session, campaign), own_areas(session, campaign, scope)
        mine = wishes_of(session, campaign, scope)
    return render_template(
        "evening/evening.html", campaign=campaign, pack=pack, days=days_of(campaign), areas=area_choices(own, areas),
        lines=three_lines(pack, campaign, _name(pack.place), _plain_day(pack.day), _clock(pack, campaign)), mine=mine,
        picture=_picture(pack, campaign), may_wish=scope.role != "team", usual=USUAL, bounds=BOUNDS, watched=WATCHED,
        told_words=told_words, clock_of=clock_of, mail_is_set=mail_is_set(), now=now,
        made_by=identity.name or identity.email, **SHEET,
    )  # fmt: skip


@pages.get("/campaigns/<code>/evening.pdf")
@may(SEE_NUMBERS)
def evening_pdf(code: str) -> Response:
    """The same as A4, with what this person may see."""
    identity, now = signed_in(), datetime.now(UTC)
    with reading(identity.scope) as session:
        campaign = campaign_in_scope(session, code, identity.scope)
        pack = _asked_pack(session, campaign, identity.scope, now)
    answer = Response(pack_as_pdf(pack, campaign, identity.name or identity.email, now), mimetype="application/pdf")
    answer.headers.set("Content-Disposition", "attachment", filename=file_name(pack, campaign))
    return answer


@pages.get("/campaigns/<code>/evening/packs/<int:number>")
@may(SEE_NUMBERS)
def kept_pack(code: str, number: int) -> AnyResponse:
    """A pack that was made for this person."""
    scope = signed_in().scope
    with reading(scope) as session:
        campaign_in_scope(session, code, scope)
        pack = session.get(EveningPack, number)
    file = settings.from_environment().data_dir / pack.file_name if pack and pack.person_id == scope.person_id else None
    if file is None or not file.exists():
        raise NotFound
    return send_file(file, mimetype="application/pdf", as_attachment=True, download_name=Path(file).name)


@pages.post("/campaigns/<code>/evening/wish")
@may(SEE_NUMBERS)
def wish(code: str) -> AnyResponse:
    """`do`: pack, no_pack, watch, unwatch or seen."""
    scope, form = signed_in().scope, request.form
    try:
        with transaction() as session:
            _do(session, campaign_in_scope(session, code, scope), scope)
    except NotFound:
        raise
    except RasaiError as error:
        flash(str(error), "error")
    return redirect(
        url_for("evening_pages.evening", code=code, area=form.get("area") or None, _anchor="told"), code=303
    )


def _do(session: Session, campaign: Campaign, scope: Scope) -> None:
    form, area, number = request.form, request.form.get("area", ""), request.form.get("number", "")
    whole = int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0
    match form.get("do"):
        case "pack":
            want_pack(session, campaign, scope, area, str(get_locale() or "en"), form.get("at", ""))
            flash(gettext("Every evening of the round the pack is made for you at this time."), "done")
        case "no_pack":
            want_no_pack(session, campaign, scope, area)
        case "watch":
            tell_me_when(session, campaign, scope, area, form.get("kind", ""), whole)
            flash(gettext("You will be told here."), "done")
        case "unwatch":
            tell_me_no_more(session, campaign, scope, whole)
        case "seen":
            have_seen(session, campaign, scope)


def _asked_pack(session: Session, campaign: Campaign, scope: Scope, now: datetime) -> Pack:
    return evening_pack(session, campaign, scope, request.args.get("area") or None, _day(campaign, now), now=now)


def _day(campaign: Campaign, now: datetime) -> date:
    """The day asked for, else today while the round runs, else the nearest of its days."""
    try:
        return date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        today, days = now.astimezone(ZoneInfo(campaign.timezone)).date(), days_of(campaign)
        return min(max(today, days[0]), days[-1])


def area_choices(own: OwnAreas, areas: dict[str, Placed]) -> list[Placed]:
    """The person's areas down to the second level below their highest."""
    inside = {code for code in own.highest if code in areas}
    chosen = list(inside)
    for _step in range(2):
        inside = {code for code, area in areas.items() if area.parent in inside}
        chosen += sorted(inside)
    return sorted((areas[code] for code in chosen), key=lambda area: (LEVELS.index(area.level), area.name))


def _picture(pack: Pack, campaign: Campaign) -> dict[str, Any]:
    """What is drawn for the chat group: scoped, no team and no position, as-of in a corner."""
    total = pack.total
    return {
        "title": _name(pack.place), "sub": f"{campaign.name} · {_plain_day(pack.day)}",
        "figure": f"{pack.gaps.children:,}", "words": gettext("children not yet reached"),
        "confirmed": total["confirmed_coverage"], "reported": total["reported_coverage"],
        "counts": f"{total['vaccinated_confirmed']:,} / {total['target'] or 0:,}",
        "rows": [[_name_of(row), f"{row['unreached']:,}"] for row in pack.gaps.rows[:5]],
        "as_of": gettext("As of %(clock)s", clock=_clock(pack, campaign)),
        "note": gettext("Demonstration") if campaign.illustration else "", "rtl": str(get_locale()) != "en",
    }  # fmt: skip


def _name(place: Placed) -> str:
    return str(getattr(place, f"name_{get_locale()}", None) or place.name)


def _name_of(row: dict[str, Any]) -> str:
    return str(row.get(f"name_{get_locale()}") or row["name_en"])


def _plain_day(day: date) -> str:
    return str(format_date(day, "EEE d MMM", str(get_locale() or "en")))


def _clock(pack: Pack, campaign: Campaign) -> str:
    return pack.counted_at.astimezone(ZoneInfo(campaign.timezone)).strftime("%H:%M")
