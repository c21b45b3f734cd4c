"""Claims as a list, one claim with all that is known of it, and the form that registers one.

Everything works as plain HTML: filters stand in the address, maps and curves are drawn on the server, the form takes a
pasted outline or a file; with scripts an outline can also be drawn on a map.
"""

import tempfile
from pathlib import Path
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from tracker.accounts.identity import REGISTER_CLAIMS, SEE_CLAIMS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.database import transaction
from tracker.errors import RowError
from tracker.jobs import Job
from tracker.paging import read_cursor, write_cursor
from tracker.plantations.api import place_of
from tracker.plantations.check_queue import check_soon
from tracker.plantations.claim_row import FIELDS
from tracker.plantations.drawing import greenness_chart, ground_map
from tracker.plantations.listing import ClaimFilter, list_claims, rules_asked, sums_by_group, where_to_draw
from tracker.plantations.models import KINDS, QUESTIONS
from tracker.plantations.one_claim import one_claim
from tracker.plantations.reasons import REASONS
from tracker.plantations.registering import RegisterSummary, check_takes_claims, register_claims
from tracker.plantations.rules import BY_NAME
from tracker.plantations.sent import raw_of, read_form
from tracker.plantations.words import (
    GROUP_WORDS,
    KIND_WORDS,
    QUESTION_WORDS,
    SEVERITY_SYMBOLS,
    SEVERITY_WORDS,
    VERDICT_SYMBOLS,
    VERDICT_WORDS,
)

pages = APIBlueprint("plantations_pages", __name__, enable_openapi=False)

CLAIMS_A_PAGE = 50
REFUSED_SHOWN = 20
FILTERS = ("kind", "rule", "gain", "q")
GAIN_VERDICTS = ("supports", "contradicts", "cannot tell")


def _words() -> dict[str, Any]:
    return {
        "kind_words": KIND_WORDS, "group_words": GROUP_WORDS, "severity_words": SEVERITY_WORDS, "rules": BY_NAME,
        "severity_symbols": SEVERITY_SYMBOLS, "verdict_words": VERDICT_WORDS, "verdict_symbols": VERDICT_SYMBOLS,
        "question_words": QUESTION_WORDS, "questions": QUESTIONS, "kinds": KINDS,
        "gain_verdicts": GAIN_VERDICTS, "reasons": REASONS,
    }  # fmt: skip


@pages.get("/campaigns/<code>/claims")
@may(SEE_CLAIMS)
def claims(code: str) -> str:
    identity, query = signed_in(), request.args
    scope = identity.scope
    wish = ClaimFilter(*(query.get(name, "").strip() or None for name in FILTERS))
    after = place_of(read_cursor(query, ""))
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        rows, last = list_claims(session, campaign, scope, wish, limit=CLAIMS_A_PAGE, after=after)
        groups = sums_by_group(session, campaign, scope)
        asked = rules_asked(session, campaign, scope)
    with transaction() as session:
        job = session.query(Job).filter_by(campaign_id=campaign.id, ended_at=None).order_by(Job.id).first()
    kept: dict[str, Any] = {name: query[name] for name in FILTERS if query.get(name)}
    following = url_for(".claims", code=code, **kept, cursor=write_cursor(f"{last[0]} {last[1]}")) if last else None
    return render_template(
        "plantations/claims.html", campaign=campaign, rows=rows, groups=groups, asked=asked, wish=wish, job=job,
        next=following, first=url_for(".claims", code=code, **kept) if after else None,
        may_register=identity.may(REGISTER_CLAIMS), **_words(),
    )  # fmt: skip


@pages.get("/campaigns/<code>/claims/<claim>")
@may(SEE_CLAIMS)
def claim(code: str, claim: str) -> str:
    scope = signed_in().scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        found = one_claim(session, campaign, scope, claim)
    record = found.record
    return render_template(
        "plantations/claim.html", campaign=campaign, claim=found, facts=found.facts, map=ground_map(found),
        chart=greenness_chart(record, found.facts["planted_on"]), record=record,
        is_made_up=any(s["scene"].startswith("synthetic") for s in (record or {}).get("scenes", ())), **_words(),
    )  # fmt: skip


# registering


@pages.get("/campaigns/<code>/register-claim")
@may(REGISTER_CLAIMS)
def register(code: str) -> str:
    return _form(code)


def _form(code: str, errors: list[RowError] | None = None, given: Any = None) -> str:
    scope = signed_in().scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        check_takes_claims(campaign)
        box, level = where_to_draw(session, campaign, scope)
    by_field: dict[str, list[str]] = {}
    for error in errors or []:
        by_field.setdefault(error.field, []).append(error.message)
    return render_template(
        "plantations/register.html", campaign=campaign, errors=by_field, rows_refused=(errors or [])[:REFUSED_SHOWN],
        given=given or {}, box=box, level=level, may_see=signed_in().may(SEE_CLAIMS), **_words(),
    )  # fmt: skip


@pages.post("/campaigns/<code>/register-claim")
@may(REGISTER_CLAIMS)
def register_one(code: str) -> Response | str:
    """One claim out of the form's fields, or all claims of a file."""
    with reading(signed_in().scope) as session:
        check_takes_claims(campaign_in_scope(session, code, signed_in().scope))
    upload = request.files.get("file")
    if upload and upload.filename:
        return _register_file(code)
    fields = {name: request.form.get(name, "") for name in (*FIELDS, "outline")}
    incoming = read_form(fields)
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        body = "\n".join(f"{name}={value}" for name, value in fields.items()).encode(errors="replace")
        summary = register_claims(session, campaign, incoming, raw_of(body, "text/plain", "form"), scope)
        if summary.created or summary.updated:
            check_soon(session, campaign)
    if summary.errors:
        return _form(code, summary.errors, fields)
    return _done(code, summary, incoming.claims[0].facts.code)


def _register_file(code: str) -> Response | str:
    from geo.vector_files import FileNotReadable  # GDAL is large, and only uploads need it
    from tracker.plantations.file_import import import_claims

    scope, upload = signed_in().scope, request.files["file"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / (Path(upload.filename or "").name.replace("\0", "")[:120] or "claims")
        upload.save(file)
        try:
            with transaction() as session:
                campaign = campaign_in_scope(session, code, scope)
                raw_folder = current_app.config["RASAI"].data_dir / "raw"
                summary, _features = import_claims(session, campaign, file, raw_folder, {}, channel="form", scope=scope)
                if summary.created or summary.updated:
                    check_soon(session, campaign)
        except FileNotReadable as unreadable:
            return _form(code, [RowError(0, "file", "not_readable", str(unreadable))], request.form)
    if summary.errors:
        if summary.created or summary.updated:
            flash(_what_became(summary), "done")
        return _form(code, summary.errors, request.form)
    return _done(code, summary, None)


def _done(code: str, summary: RegisterSummary, claim: str | None) -> Response:
    flash(_what_became(summary), "done")
    if not signed_in().may(SEE_CLAIMS):
        return redirect(url_for(".register", code=code), code=303)
    if claim:
        return redirect(url_for(".claim", code=code, claim=claim), code=303)
    return redirect(url_for(".claims", code=code), code=303)


def _what_became(summary: RegisterSummary) -> str:
    count = summary.created + summary.updated
    if not count:
        return str(gettext("Nothing has changed: it is there already, word for word."))
    return str(ngettext("%(num)s claim is registered.", "%(num)s claims are registered.", count))
