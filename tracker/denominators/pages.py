"""Targets on both bases, their changes, and census tables joined by name."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response as AnyResponse

from tracker.accounts.identity import PLAN, SEE_NUMBERS, may, signed_in, takes_files
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.areas.importing import newest_vintage
from tracker.areas.models import LEVELS
from tracker.coverage.outlines import own_areas
from tracker.coverage.report import levels_loaded
from tracker.database import transaction
from tracker.denominators.bases import CHANGES_A_PAGE, bases_by_area, list_changes, plan_versions, total_of
from tracker.denominators.census import (
    About,
    Reading,
    census_of,
    confirm,
    find_table,
    list_rows,
    list_tables,
    places_of,
    read_census,
    withdraw,
)
from tracker.denominators.changing import Wish, change_targets, undo_changes
from tracker.denominators.models import FIGURES
from tracker.errors import NotFound, WrongRequest
from tracker.kept_files import at_hand, keep
from tracker.sheets import Sheet, read_sheet

pages = APIBlueprint("denominators_pages", __name__, enable_openapi=False)

SHELF = "uploads"
GUESSES = {  # words by which a column is recognised
    "name": ("area_name", "name", "tehsil", "نام"), "parent": ("adm_lvl_3", "district_name", "district", "ضلع"),
    "number": ("group_under_05", "under_five", "under5", "total_pop", "population", "آبادی"),
    "code": ("pcode", "p_code", "code"),
}  # fmt: skip
ONLY_GUESSES = (("area_type", "TOTAL"), ("gender", "ALL SEXES"))
SAMPLE = 5
LARGEST_CENSUS = 3_000  # rows shown on one page


@pages.get("/campaigns/<code>/targets")
@may(SEE_NUMBERS)
def targets(code: str) -> str:
    identity = signed_in()
    scope, page = identity.scope, max(1, request.args.get("page", 1, type=int) or 1)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        own = own_areas(session, campaign, scope)
        loaded = levels_loaded(session, campaign)
        level = request.args.get("level") or (own.levels[0] if own.levels else loaded[0])
        if level not in LEVELS:
            raise WrongRequest(field="level", why=", ".join(loaded))
        rows = bases_by_area(session, campaign, scope, level)
        census = census_of(session, [row["id"] for row in rows])
        changes = list_changes(session, campaign, scope, CHANGES_A_PAGE + 1, (page - 1) * CHANGES_A_PAGE)
        versions = plan_versions(session, campaign) if identity.may(PLAN) else ()
    return render_template(
        "denominators/targets.html", campaign=campaign, rows=rows, total=total_of(rows), census=census,
        changes=changes[:CHANGES_A_PAGE], more=len(changes) > CHANGES_A_PAGE, page=page, level=level, levels=loaded,
        versions=versions, may_change=identity.may(PLAN) and campaign.state == "open",
        settlement=request.args.get("settlement", ""),
    )  # fmt: skip


@pages.post("/campaigns/<code>/targets")
@may(PLAN)
def change(code: str) -> AnyResponse:
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        wish = Wish(request.form.get("settlement", "").strip(), _number("target"))
        batch, changed = change_targets(session, scope, campaign, [wish], request.form.get("reason", ""))
    back = url_for("denominators_pages.undo", code=code, batch=batch)
    flash(_("Target changed.") if changed else _("That was the target already."), back if changed else "note")
    return redirect(url_for("denominators_pages.targets", code=code), code=303)


@pages.post("/campaigns/<code>/targets/<uuid:batch>/undo")
@may(PLAN)
def undo(code: str, batch: UUID) -> AnyResponse:
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        count = undo_changes(session, scope, campaign, batch)
    flash(ngettext("%(num)s target is as before.", "%(num)s targets are as before.", count), "note")
    return redirect(url_for("denominators_pages.targets", code=code), code=303)


def _number(field: str) -> int:
    words = request.form.get(field, "").strip()
    if not (words.isascii() and words.lstrip("-").isdigit() and len(words) < 12):
        raise WrongRequest(field=field, why=_("{value} is not a whole number.").format(value=words[:40] or "–"))
    return int(words)


# census tables


@pages.get("/census")
@may(PLAN)
def census() -> str:
    scope = signed_in().scope
    with reading(scope) as session:
        tables = list_tables(session, scope)
    return render_template("denominators/census.html", tables=tables)


@pages.post("/census")
@may(PLAN)
@takes_files
def send_census() -> AnyResponse:
    """Keep the file; its columns are chosen on the next page."""
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise WrongRequest(field="file", why=_("choose a file."))
    kept = keep(sent.stream, SHELF)
    _sheet(kept.sha256, sent.filename)
    return redirect(url_for("denominators_pages.census_columns", sha256=kept.sha256, name=sent.filename), code=303)


@pages.get("/census/new/<sha256>")
@may(PLAN)
def census_columns(sha256: str) -> str:
    name = request.args.get("name", "")[:200]
    sheet = _sheet(sha256, name)
    with reading(signed_in().scope) as session:
        vintage = newest_vintage(session)
        present = {level for level in LEVELS if _has_level(session, level, vintage)}
    return render_template(
        "denominators/census_columns.html", sheet=sheet, sha256=sha256, name=name, figures=FIGURES, vintage=vintage,
        levels=[level for level in LEVELS if level in present], guess={k: _guess(sheet, k) for k in GUESSES},
        only=[(c, v) for c, v in ONLY_GUESSES if c in sheet.columns], sample=sheet.rows[:SAMPLE],
        this_year=datetime.now(UTC).year,
    )  # fmt: skip


def _has_level(session: Any, level: str, vintage: date | None) -> bool:
    from tracker.areas.models import Area

    return bool(session.query(Area.id).filter_by(level=level, vintage=vintage).first())


def _guess(sheet: Sheet, what: str) -> str:
    """The column of the table that most likely holds it; empty: none."""
    plain = {column.lower().strip(): column for column in sheet.columns}
    return next((plain[word] for word in GUESSES[what] if word in plain), "")


def _sheet(sha256: str, name: str) -> Sheet:
    with at_hand(sha256, SHELF, name or "table") as path:
        return read_sheet(path, name)


@pages.post("/census/new/<sha256>")
@may(PLAN)
def read(sha256: str) -> AnyResponse:
    scope, form = signed_in().scope, request.form
    name = form.get("name", "")[:200]
    only = [(form.get(f"only_column_{n}", ""), form.get(f"only_value_{n}", "")) for n in (1, 2)]
    how = Reading(
        form.get("name_column", ""), form.get("number_column", ""), form.get("parent_column") or None,
        form.get("code_column") or None, tuple((column, value) for column, value in only if column),
    )  # fmt: skip
    sheet = _sheet(sha256, name)
    with transaction() as session:
        vintage = newest_vintage(session)
        if vintage is None:
            raise WrongRequest(field="vintage", why=_("no areas are loaded. Import the boundaries first."))
        about = About(name or sha256[:8], form.get("level", ""), vintage, form.get("figure", ""), _number("year"))
        table = read_census(session, scope, sheet, how, about)
    return redirect(url_for("denominators_pages.census_table", table_id=table.id), code=303)


@pages.get("/census/<int:table_id>")
@may(PLAN)
def census_table(table_id: int) -> str:
    scope = signed_in().scope
    with reading(scope) as session:
        table = find_table(session, scope, table_id)
        rows = list_rows(session, scope, table)[:LARGEST_CENSUS]
        places = places_of(session, scope, table)
    taken = {row["area_id"] for row in rows if row["area_id"]}
    return render_template(
        "denominators/census_table.html", table=table, rows=rows, free=[p for p in places if p["id"] not in taken],
        counts={how: sum(1 for row in rows if row["how"] == how) for how in ("code", "same_name", "proposed", "left")},
        confirmed=sum(1 for row in rows if row["confirmed_at"]),
    )  # fmt: skip


@pages.post("/census/<int:table_id>")
@may(PLAN)
def confirm_census(table_id: int) -> AnyResponse:
    """`row` of each ticked row, `area_N` what it is joined to."""
    scope, form = signed_in().scope, request.form
    try:
        chosen = {int(row): int(form[f"area_{row}"]) for row in form.getlist("row") if form.get(f"area_{row}")}
    except ValueError:
        raise NotFound from None
    with transaction() as session:
        table = find_table(session, scope, table_id)
        count = confirm(session, scope, table, chosen)
    flash(ngettext("%(num)s row is joined.", "%(num)s rows are joined.", count), "note")
    return redirect(url_for("denominators_pages.census_table", table_id=table_id), code=303)


@pages.post("/census/<int:table_id>/<int:row_id>/withdraw")
@may(PLAN)
def withdraw_row(table_id: int, row_id: int) -> AnyResponse:
    scope = signed_in().scope
    with transaction() as session:
        withdraw(session, scope, find_table(session, scope, table_id), row_id)
    flash(_("The row is no longer joined."), "note")
    return redirect(url_for("denominators_pages.census_table", table_id=table_id), code=303)
