"""The quality page: which questions the rules ask, of which teams, the visits behind them, and a person's word on them.

Everything works as plain HTML: filters stand in the address, each decision is a form, many at once take two steps.
"""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from tracker import figures
from tracker.accounts.identity import DECIDE, SEE_VISITS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign
from tracker.coverage.report import coverage_report
from tracker.database import transaction
from tracker.paging import read_cursor, write_cursor
from tracker.questions.questions import asked_about
from tracker.visits.decisions import decide, undo
from tracker.visits.quality import (
    STANDING_NUMBERS,
    Filter,
    Place,
    count_behind,
    ids_behind,
    latest_decisions,
    questions,
    teams_asked,
    visits_behind,
)
from tracker.visits.rules import BY_NAME
from tracker.visits.thresholds import limits_of

pages = APIBlueprint("visits_pages", __name__, enable_openapi=False)

VISITS_A_PAGE = 20
TEAMS_SHOWN = 12  # before "all teams"
DECISIONS_SHOWN = 8
COUNTED_TO = 5_000  # on the page; a decision over all of them counts exactly
LONGEST_REASON = 500
ACTIONS = ("keep", "set_aside")
DECIDED = {"no": False, "yes": True, "any": None}  # as in the address; unless told: nobody's word yet
STANDINGS_ASKED = {**{name: name for name in STANDING_NUMBERS}, "any": None}  # unless told: those to check
FILTER_NAMES = ("rule", "team", "day", "standing", "decided")


@pages.get("/campaigns/<code>/quality")
@may(SEE_VISITS)
def quality(code: str) -> str:
    identity, now = signed_in(), datetime.now(UTC)
    scope = identity.scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        wish, after = filter_asked(request.args), _place(read_cursor(request.args, ""))
        report = coverage_report(session, campaign, scope, "team", now=now)
        asked = teams_asked(session, campaign, scope, wish.rule, report["rows"])
        behind, next_place = visits_behind(session, campaign, scope, wish, after=after, limit=VISITS_A_PAGE)
        shown = {
            "campaign": campaign, "wish": wish, "total": report["total"], "asked": asked, "behind": behind,
            "questions": questions(session, campaign, scope), "rules": BY_NAME, "limits": limits_of(campaign),
            "next": next_place and same_filter(code, cursor=write_cursor(_words(next_place))), "is_first": not after,
            "count": count_behind(session, campaign, scope, wish, COUNTED_TO), "counted_to": COUNTED_TO,
            "decisions": latest_decisions(session, campaign, scope, DECISIONS_SHOWN), "days": days_of(campaign),
            "may_decide": identity.may(DECIDE), "teams_shown": TEAMS_SHOWN, "longest_reason": LONGEST_REASON,
            "same_filter": same_filter, "said": said,
            "asked_before": asked_about(session, scope, [b.visit.instance_id for b in behind]),
        }  # fmt: skip
    return render_template("visits/quality.html", **shown)


@pages.get("/campaigns/<code>/quality/decide-all")
@may(DECIDE)
def ask_decide_all(code: str) -> str:
    """The first of two steps: over how many visits?"""
    scope = signed_in().scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        wish = filter_asked(request.args)
        count = len(ids_behind(session, campaign, scope, wish))
    return _decide_all_page(campaign, wish, count, request.args.get("verdict", ""))


def _decide_all_page(campaign: Campaign, wish: Filter, count: int, action: str, problem: str = "") -> str:
    if action not in ACTIONS:
        abort(404)
    return render_template(
        "visits/decide_all.html", campaign=campaign, wish=wish, count=count, action=action, problem=problem,
        rules=BY_NAME, same_filter=same_filter, longest_reason=LONGEST_REASON,
    )  # fmt: skip


@pages.post("/campaigns/<code>/quality/decide-all")
@may(DECIDE)
def decide_all(code: str) -> Response | str:
    """The second step: only over as many visits as were shown; else the new count is shown first."""
    scope, action, reason = signed_in().scope, _action(), _reason()
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        wish = filter_asked(request.form)
        ids = ids_behind(session, campaign, scope, wish)
        if not reason:
            return _decide_all_page(campaign, wish, len(ids), action, gettext("Say why, in a few words."))
        if str(len(ids)) != request.form.get("count"):
            problem = gettext("The visits changed meanwhile. Look at the number again.")
            return _decide_all_page(campaign, wish, len(ids), action, problem)
        batch = decide(session, campaign, scope, ids, action, reason)
    return _back(code, batch, action, len(ids))


@pages.post("/campaigns/<code>/quality/decide")
@may(DECIDE)
def decide_one(code: str) -> Response:
    scope, action, reason = signed_in().scope, _action(), _reason()
    if not reason:
        flash(gettext("Say why, in a few words. Nothing was changed."), "error")
        return redirect(same_filter(code, request.form), code=303)
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        batch = decide(session, campaign, scope, [_instance("instance_id")], action, reason)
    return _back(code, batch, action, 1)


@pages.post("/campaigns/<code>/quality/undo")
@may(DECIDE)
def undo_decision(code: str) -> Response:
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        count = undo(session, campaign, scope, _instance("batch"))
    words = ngettext("Undone: %(num)s visit is as before.", "Undone: %(num)s visits are as before.", count)
    flash(words, "done")
    return redirect(same_filter(code, request.values), code=303)


def filter_asked(given: Any) -> Filter:
    """The filter in an address or form; what cannot be understood counts as not said."""
    rule, words = given.get("rule"), given.get("day", "")
    try:
        day = date.fromisoformat(words) if words else None
    except ValueError:
        day = None
    return Filter(
        rule=rule if rule in BY_NAME else None,
        team=given.get("team") or None,
        day=day,
        standing=STANDINGS_ASKED.get(given.get("standing", "doubtful"), "doubtful"),
        decided=DECIDED.get(given.get("decided", "no"), False),
    )


def same_filter(code: str, given: Any = None, **changed: Any) -> str:
    """The quality page under the filter at hand, with some of it changed; None takes a part away."""
    source = request.args if given is None else given
    asked: dict[str, Any] = {name: source.get(name) for name in FILTER_NAMES} | changed
    kept = {name: value for name, value in asked.items() if value not in (None, "")}
    return url_for("visits_pages.quality", code=code, **kept)


def said(rule: str, numbers: dict[str, Any], limits: dict[str, Any]) -> Any:
    """What a rule saw, with its numbers, and what is normal."""
    return figures.sentence(BY_NAME[rule].message, {**limits[rule].model_dump(), **numbers})


def _back(code: str, batch: UUID, action: str, count: int) -> Response:
    """To the list, where the act can be undone at once."""
    if action == "keep":
        words = ngettext("%(num)s visit is kept and counts.", "%(num)s visits are kept and count.", count)
    else:
        words = ngettext(
            "%(num)s visit is set aside and counts nowhere.", "%(num)s visits are set aside and count nowhere.", count
        )
    kept: dict[str, Any] = {name: request.form.get(name) or None for name in FILTER_NAMES}
    flash(words, url_for("visits_pages.undo_decision", code=code, batch=batch, **kept))
    return redirect(same_filter(code, request.form), code=303)


def _action() -> str:
    action = request.form.get("verdict", "")
    return action if action in ACTIONS else abort(400)


def _reason() -> str:
    return request.form.get("reason", "").replace("\0", "").strip()[:LONGEST_REASON]


def _instance(name: str) -> UUID:
    try:
        return UUID(request.values.get(name, ""))
    except ValueError:
        abort(404)


def _words(place: Place) -> str:
    team, at, instance = place
    return "\t".join((team, at.isoformat(), str(instance)))


def _place(words: str) -> Place | None:
    if not words:
        return None
    team, at, instance = words.split("\t")
    return team, datetime.fromisoformat(at), UUID(instance)
