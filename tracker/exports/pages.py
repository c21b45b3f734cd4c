"""Lists to take out: the page that offers them, with the data dictionary, and the files."""

from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import Response, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _

from tracker.accounts.identity import SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.coverage.api import day_of
from tracker.coverage.outlines import own_areas, placed_areas
from tracker.coverage.report import levels_loaded
from tracker.coverage.statuses import STATUSES
from tracker.errors import NotAllowed, NotFound, WrongRequest
from tracker.exports.columns import KIND_WORDS
from tracker.exports.dhis2 import LARGEST_MAPPING_BYTES, as_text, read_mapping, value_set
from tracker.exports.lists import LISTS, Asked, List, read_asked
from tracker.exports.taking_out import FORMATS, file_name, may_take, take_out

pages = APIBlueprint("exports_pages", __name__, enable_openapi=False)


@pages.get("/campaigns/<code>/lists")
@may(SEE_NUMBERS)
def lists(code: str) -> str:
    scope = signed_in().scope
    asked = read_asked(request.args, day_of("until"))
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        own = own_areas(session, campaign, scope)
        areas = [area for area in placed_areas(session, campaign).values() if area.level in own.levels]
        levels = levels_loaded(session, campaign)
    offered = [
        {"list": entry, "files": [(how, FORMATS[how].words, _address(code, entry, how, asked)) for how in FORMATS]}
        for entry in may_take(scope.role)
    ]
    return render_template(
        "exports/lists.html", campaign=campaign, offered=offered, asked=asked, areas=areas, levels=levels,
        statuses=STATUSES, kind_words=KIND_WORDS, service=url_for("ogc_api.landing", _external=True),
    )  # fmt: skip


def _address(code: str, entry: List, how: str, asked: Asked) -> str:
    heeded: dict[str, Any] = {name: value for name, value in asked.said().items() if name in entry.filters}
    return url_for("exports_pages.file", code=code, name=entry.name, how=how, **heeded)


@pages.get("/campaigns/<code>/lists/<name>.<how>")
@may(SEE_NUMBERS)
def file(code: str, name: str, how: str) -> Response:
    """The list as a file; `bom=yes` puts a byte order mark before a CSV."""
    identity, now = signed_in(), datetime.now(UTC)
    entry = LISTS.get(name)
    if entry is None or how not in FORMATS:
        raise NotFound
    if not identity.may(entry.roles):
        raise NotAllowed
    asked = _heeded(entry)
    mark = request.args.get("bom") in ("yes", "true", "1")
    pieces = take_out(code, entry, how, identity.scope, asked, now=now, by=identity.email, mark=mark)
    answer = Response(stream_with_context(pieces), mimetype=FORMATS[how].media_type.partition(";")[0])
    answer.headers["Content-Type"] = FORMATS[how].media_type
    answer.headers.set("Content-Disposition", "attachment", filename=file_name(code, entry, how, asked, now))
    return answer


@pages.post("/campaigns/<code>/lists/dhis2")
@may(SEE_NUMBERS)
def dhis2(code: str) -> Response:
    """A DHIS2 value set, by the mapping file that is sent along."""
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        sent = request.files.get("mapping")
        if sent is None:
            raise WrongRequest(field="mapping", why=_("choose the mapping file, JSON."))
        mapping = read_mapping(sent.read(LARGEST_MAPPING_BYTES))
        made = value_set(session, campaign, scope, mapping, now=now)
    answer = Response(as_text(made.document), mimetype="application/json")
    answer.headers["X-Not-Mapped"] = ",".join(made.unmapped)[:1000]
    answer.headers.set("Content-Disposition", "attachment", filename=f"{code}-dhis2.json")
    return answer


def _heeded(entry: List) -> Asked:
    """The filter, refused where the list would not heed it: a file must not hold more than it was asked for."""
    asked = read_asked(request.args, day_of("until"))
    for name in asked.said():
        if name not in entry.filters:
            raise WrongRequest(field=name, why=_("this list cannot be narrowed so."))
    if asked.status and asked.status not in STATUSES:
        known = ", ".join(STATUSES)
        why = _("{word} is none of {known}.").format(word=asked.status, known=known)
        raise WrongRequest(field="status", why=why)
    return asked
