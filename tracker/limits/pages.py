"""Teams compared on a funnel; limits of the checks, tried before they hold."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from tracker.accounts.identity import PLAN, SEE_VISITS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.coverage.report import coverage_report
from tracker.database import transaction
from tracker.errors import NotAllowed, NotFound, RasaiError
from tracker.limits.comparing import HEIGHT, INNER, OUTER, WIDTH, compare_teams, team_types
from tracker.limits.trying import apply_trial, begin_trial, describe, may_set_limits, trial
from tracker.visits.quality import questions
from tracker.visits.rules import BY_NAME
from tracker.visits.thresholds import DEFAULTS, limits_of

pages = APIBlueprint("limits_pages", __name__, enable_openapi=False)


@pages.get("/campaigns/<code>/teams-compared")
@may(SEE_VISITS)
def compared(code: str) -> str:
    """Over the round: which rules fire, and whom chance alone does not explain."""
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        report = coverage_report(session, campaign, scope, "team", now=now)["rows"]
        types = team_types(report)
        rule = request.args.get("rule") if request.args.get("rule") in BY_NAME else None
        type_ = request.args.get("type") if request.args.get("type") in types else (types[0] if types else "mobile")
        funnel = compare_teams(session, campaign, scope, rule, str(type_), report)
        asked = questions(session, campaign, scope)
    return render_template(
        "limits/compared.html", campaign=campaign, funnel=funnel, questions=asked, rules=BY_NAME, rule=rule, type=type_,
        types=types, width=WIDTH, height=HEIGHT, inner=INNER, outer=OUTER,
    )  # fmt: skip


@pages.get("/campaigns/<code>/limits")
@may(SEE_VISITS)
def limits(code: str) -> str:
    scope = signed_in().scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        shown = {
            "campaign": campaign, "limits": limits_of(campaign), "defaults": DEFAULTS, "rules": BY_NAME,
            "may_set": may_set_limits(session, campaign, scope) and campaign.state == "open",
            "chosen": request.args.get("rule"),
        }  # fmt: skip
    return render_template("limits/limits.html", **shown)


@pages.post("/campaigns/<code>/limits/try")
@may(PLAN)
def try_them(code: str) -> Response:
    scope, rule = signed_in().scope, request.form.get("rule", "")
    try:
        with transaction() as session:
            campaign = campaign_in_scope(session, code, scope)
            changes = _changes(rule, request.form, limits_of(campaign))
            if not changes:
                flash(gettext("Nothing differs from what holds."), "error")
                return redirect(url_for("limits_pages.limits", code=code, rule=rule, _anchor=rule), code=303)
            number = begin_trial(session, campaign, scope, rule, changes).id
    except (NotFound, NotAllowed):
        raise
    except RasaiError as error:
        flash(str(error), "error")
        return redirect(url_for("limits_pages.limits", code=code, rule=rule, _anchor=rule), code=303)
    return redirect(url_for("limits_pages.one_trial", code=code, number=number), code=303)


@pages.get("/campaigns/<code>/limits/trials/<int:number>")
@may(PLAN)
def one_trial(code: str, number: int) -> str:
    """What would change; while it is being worked out the page comes again by itself."""
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        if not may_set_limits(session, campaign, scope):
            raise NotFound
        job = trial(session, campaign, number)
        changes = describe(job.result["changes"]) if job.result else ""
    return render_template(
        "limits/trial.html", campaign=campaign, job=job, result=job.result, rules=BY_NAME, changes=changes
    )


@pages.post("/campaigns/<code>/limits/trials/<int:number>/apply")
@may(PLAN)
def apply(code: str, number: int) -> Response:
    scope = signed_in().scope
    try:
        with transaction() as session:
            campaign = campaign_in_scope(session, code, scope)
            if not may_set_limits(session, campaign, scope):
                raise NotFound
            apply_trial(session, campaign, scope, number)
    except NotFound:
        raise
    except RasaiError as error:
        flash(str(error), "error")
    else:
        flash(gettext("The new limits hold. All visits are being judged anew."), "done")
    return redirect(url_for("limits_pages.limits", code=code), code=303)


def _changes(rule: str, form: Mapping[str, str], holding: dict[str, Any]) -> dict[str, Any]:
    """What a form sets otherwise than it holds; an empty field goes back to the usual. Wrong numbers stay words,
    which are refused when they are set.
    """
    if rule not in holding:
        return {"": None} if rule else {}
    now, usual = holding[rule].model_dump(), DEFAULTS[rule].model_dump()
    wished = {name: _number(form[f"limit-{name}"], usual[name]) for name in usual if f"limit-{name}" in form}
    wished = {name: None if value == usual[name] else value for name, value in wished.items()}
    return {name: value for name, value in wished.items() if (usual[name] if value is None else value) != now[name]}


def _number(words: str, usual: float) -> Any:
    if not words.strip():
        return None
    try:
        return int(words) if isinstance(usual, int) else float(words)
    except ValueError:
        return words
