"""Set a campaign up in the browser: open or copy a round, send files, try them, take them in, take them back."""

import csv
import io
from datetime import UTC, date, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from tracker.accounts import audit
from tracker.accounts.identity import MANAGE, may, signed_in, takes_files
from tracker.accounts.scope import Scope, campaign_in_scope, reading
from tracker.areas.importing import newest_vintage
from tracker.areas.models import LEVELS, Area
from tracker.campaigns.copying import copy_campaign
from tracker.campaigns.listing import phase
from tracker.campaigns.models import KINDS as CAMPAIGN_KINDS
from tracker.campaigns.models import Campaign
from tracker.campaigns.planning import create_campaign, set_state
from tracker.campaigns.reading import as_dict, campaigns_in_scope
from tracker.database import transaction
from tracker.errors import NotAllowed, WrongRequest
from tracker.set_up.kinds import KINDS
from tracker.set_up.models import Upload
from tracker.set_up.uploads import (
    ONLY_EVERYTHING,
    begin,
    choose,
    find_upload,
    job_of,
    list_uploads,
    receive,
    take_back,
)

pages = APIBlueprint("set_up_pages", __name__, enable_openapi=False)

MOST_AREAS_TO_CHOOSE = 400
STATES_BUSY = ("queued", "running")
OPTIONS = ("level", "vintage", "layer", "reason")


# rounds


@pages.get("/set-up")
@may(MANAGE)
def set_up() -> str:
    """Boundaries and settlements, which belong to every round, and a new round."""
    scope, now = signed_in().scope, datetime.now(UTC)
    with transaction() as session:
        seen = campaigns_in_scope(session, scope)
        vintage = newest_vintage(session)
        there = _what_is_loaded(session, vintage)
        areas = _areas_to_choose(session, scope, vintage)
        uploads = [u for u in list_uploads(session, scope, None) if u.campaign_id is None]
    return render_template(
        "set_up/set_up.html", campaigns=[(c, phase(c, now)) for c in seen], vintage=vintage, there=there, areas=areas,
        uploads=uploads, kinds=_kinds(scope, of_campaign=False), campaign_kinds=CAMPAIGN_KINDS, copied=None,
        today=now.date(),
    )  # fmt: skip


def _kinds(scope: Scope, *, of_campaign: bool) -> list[Any]:
    return [
        kind for kind in KINDS.values()
        if kind.of_campaign == of_campaign and (scope.everything or kind.name not in ONLY_EVERYTHING)
    ]  # fmt: skip


LOADED = text("""
    SELECT level, count(*) FROM area WHERE vintage = :vintage GROUP BY level""")


def _what_is_loaded(session: Session, vintage: date | None) -> dict[str, int]:
    counts: dict[str, int] = {row[0]: row[1] for row in session.execute(LOADED, {"vintage": vintage})}
    found = {level: counts[level] for level in LEVELS if level in counts}
    return {**found, "settlements": session.scalar(text("SELECT count(*) FROM settlement")) or 0}


CHOICE = text("""
    SELECT a.code, a.name_en AS name, a.name_ur, a.name_ps, a.level FROM area a
    WHERE a.vintage = :vintage AND a.level = ANY(:levels) AND in_areas(a.id, :areas)
    ORDER BY array_position(CAST(:levels AS text[]), a.level), a.name_en LIMIT :most""")


def _areas_to_choose(session: Session, scope: Scope, vintage: date | None) -> list[Any]:
    levels = ["province", "division", "district", "tehsil"]
    values = {"vintage": vintage, "levels": levels, "most": MOST_AREAS_TO_CHOOSE, **scope.binds()}
    return list(session.execute(CHOICE, values).mappings())


@pages.post("/set-up/rounds")
@may(MANAGE)
def open_round() -> AnyResponse:
    scope, form = signed_in().scope, request.form
    with transaction() as session:
        codes = _own_areas(session, scope, form.getlist("area"))
        campaign = create_campaign(
            session, form.get("code", "").strip(), kind=form.get("kind", ""), name=form.get("name", ""),
            starts_on=_day("start"), ends_on=_day("end"), catch_up=_days("catch_up"), area_codes=codes,
            timezone=form.get("timezone") or "Asia/Karachi",
        )  # fmt: skip
        campaign.practice = form.get("practice") == "yes"
        audit.record(session, scope, "create", "campaign", campaign.code, {**as_dict(campaign), "areas": codes})
        code = campaign.code
    flash(_("The round is open. Send its teams and its microplan next."), "note")
    return redirect(url_for("set_up_pages.campaign", code=code), code=303)


def _own_areas(session: Session, scope: Scope, codes: list[str]) -> list[str]:
    """A coordinator opens rounds over areas of their own, and names them."""
    if request.form.get("kind") not in CAMPAIGN_KINDS:
        raise WrongRequest(field="kind", why=", ".join(CAMPAIGN_KINDS))
    if scope.everything:
        return codes
    if not codes:
        raise WrongRequest(field="area", why=_("choose the areas of the round."))
    own = session.scalars(
        text("SELECT DISTINCT code FROM area WHERE code = ANY(:codes) AND in_areas(id, :areas)"),
        {"codes": codes, **scope.binds()},
    ).all()  # fmt: skip
    if set(codes) - set(own):
        raise WrongRequest(
            field="area", why=_("{code} lies in none of your areas.").format(code=min(set(codes) - set(own)))
        )
    return codes


@pages.post("/campaigns/<code>/copy")
@may(MANAGE)
def copy(code: str) -> AnyResponse:
    scope, form = signed_in().scope, request.form
    with transaction() as session:
        source = _manageable(session, code, scope)
        made = copy_campaign(
            session, source, form.get("code", "").strip(), form.get("name", ""), _day("start"),
            with_plan=form.get("plan") == "yes", practice=form.get("practice") == "yes",
        )  # fmt: skip
        audit.record(session, scope, "copy", "campaign", made.code, {"from": source.code, **as_dict(made)})
        new_code = made.code
    flash(_("The round is open, with teams and plan of the earlier one."), "note")
    return redirect(url_for("set_up_pages.campaign", code=new_code), code=303)


def _manageable(session: Session, code: str, scope: Scope) -> Campaign:
    """A campaign all of whose areas are the person's: who has a part of it does not open, copy or close the whole."""
    campaign = campaign_in_scope(session, code, scope)
    if not scope.everything and session.scalar(
        text("SELECT EXISTS (SELECT 1 FROM campaign_area WHERE campaign_id = :id AND NOT in_areas(area_id, :areas))"),
        {"id": campaign.id, **scope.binds()},
    ):  # fmt: skip
        raise NotAllowed
    return campaign


@pages.post("/campaigns/<code>/state")
@may(MANAGE)
def change_state(code: str) -> AnyResponse:
    scope, state = signed_in().scope, request.form.get("state", "")
    if state not in ("open", "closed"):
        raise WrongRequest(field="state", why="open, closed")
    with transaction() as session:
        _manageable(session, code, scope)
        set_state(session, code, state)
        audit.record(session, scope, "close" if state == "closed" else "reopen", "campaign", code, {})
    return redirect(url_for("set_up_pages.campaign", code=code), code=303)


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, "").strip())
    except ValueError:
        words = request.form.get(name) or "–"
        why = _("{words} is no day such as 2026-10-12.").format(words=words[:40])
        raise WrongRequest(field=name, why=why) from None


def _days(name: str) -> list[date]:
    words = [word for value in request.form.getlist(name) for word in value.replace(",", " ").split()]
    try:
        return [date.fromisoformat(word) for word in words]
    except ValueError:
        why = _("{words} is no day such as 2026-10-12.").format(words=" ".join(words)[:40])
        raise WrongRequest(field=name, why=why) from None


COUNTS = text("""
    SELECT (SELECT count(*) FROM campaign_settlement
            WHERE campaign_id = :id AND in_areas(area_id, :areas)) AS settlements,
           (SELECT count(*) FROM team
            WHERE campaign_id = :id AND coalesce(in_areas(area_id, :areas), :everything)) AS teams,
           (SELECT version FROM microplan WHERE id = :microplan) AS version,
           (SELECT count(*) FROM plan_stop p JOIN campaign_settlement x ON x.campaign_id = :id
                AND x.settlement_id = p.settlement_id
            WHERE p.microplan_id = :microplan AND in_areas(x.area_id, :areas)) AS stops,
           (SELECT coalesce(sum(visits), 0) FROM campaign_settlement
            WHERE campaign_id = :id AND in_areas(area_id, :areas)) AS visits""")


@pages.get("/campaigns/<code>/set-up")
@may(MANAGE)
def campaign(code: str) -> str:
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        found = campaign_in_scope(session, code, scope)
        values = {"id": found.id, "microplan": found.microplan_id, "everything": scope.everything, **scope.binds()}
        counts = session.execute(COUNTS, values).mappings().one()
        uploads = list_uploads(session, scope, found)
    return render_template(
        "set_up/campaign.html", campaign=found, counts=counts, kinds=_kinds(scope, of_campaign=True),
        uploads=[u for u in uploads if u.campaign_id == found.id], phase=phase(found, now), today=now.date(),
        known_kinds=KINDS,
    )  # fmt: skip


# files


@pages.post("/set-up/uploads")
@may(MANAGE)
@takes_files
def send() -> AnyResponse:
    scope, sent = signed_in().scope, request.files.get("file")
    if sent is None or not sent.filename:
        raise WrongRequest(field="file", why=_("choose a file."))
    with transaction() as session:
        code = request.form.get("campaign")
        of = campaign_in_scope(session, code, scope) if code else None
        upload = receive(
            session, scope, request.form.get("kind", ""), of, sent.stream, sent.filename, str(get_locale() or "en")
        )
        upload_id = upload.id
    return redirect(url_for("set_up_pages.upload", upload_id=upload_id), code=303)


@pages.get("/set-up/uploads/<int:upload_id>")
@may(MANAGE)
def upload(upload_id: int) -> str:
    scope = signed_in().scope
    with transaction() as session:
        found = find_upload(session, scope, upload_id)
        job = job_of(session, found)
        of = session.get(Campaign, found.campaign_id) if found.campaign_id else None
        if of is not None:
            campaign_in_scope(session, of.code, scope)
        vintage = newest_vintage(session)
        levels = _levels(session, vintage) if found.kind == "areas" else []
    return render_template(
        "set_up/upload.html", upload=found, kind=KINDS[found.kind], job=job, campaign=of,
        vintage=vintage or datetime.now(UTC).date(),
        busy=job is not None and job.state in STATES_BUSY, levels=LEVELS, next_level=_next_level(levels),
        told=found.done or found.tried,
    )  # fmt: skip


def _levels(session: Session, vintage: date | None) -> list[str]:
    return [level for (level,) in session.query(Area.level).filter_by(vintage=vintage).distinct()]


def _next_level(loaded: list[str]) -> str:
    """Coarse levels come first: the one below the finest that is loaded."""
    finest = max((LEVELS.index(level) for level in loaded), default=-1)
    return LEVELS[min(finest + 1, len(LEVELS) - 1)]


@pages.post("/set-up/uploads/<int:upload_id>/try")
@may(MANAGE)
def try_it(upload_id: int) -> AnyResponse:
    scope, form = signed_in().scope, request.form
    with transaction() as session:
        found = find_upload(session, scope, upload_id)
        fields = {field.name: form.get(f"field_{field.name}", "") for field in KINDS[found.kind].fields}
        options = {name: form[name].strip()[:500] for name in OPTIONS if name in form}
        layer_changes = "layer" in options and options["layer"] != found.choice.get("layer")
        choose(session, found, fields, {**options, "language": str(get_locale() or "en")})
        if not layer_changes:
            begin(session, scope, found, "try_upload")
    return redirect(url_for("set_up_pages.upload", upload_id=upload_id), code=303)


@pages.post("/set-up/uploads/<int:upload_id>/write")
@may(MANAGE)
def write(upload_id: int) -> AnyResponse:
    scope = signed_in().scope
    with transaction() as session:
        begin(session, scope, find_upload(session, scope, upload_id), "write_upload")
    return redirect(url_for("set_up_pages.upload", upload_id=upload_id), code=303)


@pages.post("/set-up/uploads/<int:upload_id>/undo")
@may(MANAGE)
def undo(upload_id: int) -> AnyResponse:
    scope = signed_in().scope
    with transaction() as session:
        take_back(session, scope, find_upload(session, scope, upload_id))
    flash(_("Taken back: it is as it was before."), "note")
    return redirect(url_for("set_up_pages.upload", upload_id=upload_id), code=303)


@pages.get("/set-up/uploads/<int:upload_id>/refused.csv")
@may(MANAGE)
def refused(upload_id: int) -> Response:
    from tracker.exports.text_files import formula_safe

    with transaction() as session:
        found = find_upload(session, signed_in().scope, upload_id)
        rows = _refused_of(found)
    out = io.StringIO()
    writer = csv.DictWriter(out, ["row", "field", "rule", "message"], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({key: formula_safe(str(value)) for key, value in row.items()} for row in rows)
    answer = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=f"refused-{upload_id}.csv")
    return answer


def _refused_of(found: Upload) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = (found.done or found.tried or {}).get("refused", [])
    return told
