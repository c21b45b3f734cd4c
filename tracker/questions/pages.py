"""Teams of a day, one team's day, and questions put to those who supervise teams."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from tracker.accounts.identity import DECIDE, SEE_NUMBERS, SEE_VISITS, may, signed_in
from tracker.accounts.scope import Scope, campaign_in_scope, reading
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.errors import NotFound, RasaiError
from tracker.questions.drawing import draw_day, strip_of
from tracker.questions.questions import (
    LONGEST_WORDS,
    STATES,
    Wish,
    answer,
    ask,
    count_questions,
    decide_citing,
    list_questions,
    one_question,
    visits_of,
    withdraw,
)
from tracker.questions.team_days import note_look, team_day, teams_of_day
from tracker.visits.models import STANDINGS
from tracker.visits.pages import filter_asked, said
from tracker.visits.quality import behind_these, ids_behind
from tracker.visits.rules import BY_NAME
from tracker.visits.thresholds import limits_of

pages = APIBlueprint("questions_pages", __name__, enable_openapi=False)


# teams and their days


@pages.get("/campaigns/<code>/teams")
@may(SEE_NUMBERS)
def teams(code: str) -> str:
    """Teams of a day (`day`; today, else the round's last), those without a word first."""
    scope, now = signed_in().scope, datetime.now(UTC)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        day = _day(request.args) or _working_day(campaign, now)
        rows = teams_of_day(session, campaign, scope, day)
    return render_template(
        "questions/teams.html",
        campaign=campaign,
        teams=rows,
        day=day,
        days=days_of(campaign),
        sees_visits=scope.sees_visits,
    )


@pages.get("/campaigns/<code>/teams/<team>")
@may(SEE_VISITS)
def one_day(code: str, team: str) -> str:
    """One team's day: visits in order, on a sheet, beside the plan and the other teams of its area."""
    identity, now = signed_in(), datetime.now(UTC)
    scope = identity.scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        day = _day(request.args) or _working_day(campaign, now)
        view = team_day(session, campaign, scope, team, day, now=now)
        asked = list_questions(session, campaign, scope, Wish(team=team, day=day)) if scope.decides else ()
    if view.positions == "late" and view.visits:
        with transaction() as session:
            note_look(session, campaign, scope, view)
    return render_template(
        "questions/team_day.html", campaign=campaign, view=view, drawing=draw_day(view, now), strip=strip_of(view),
        days=days_of(campaign), rules=BY_NAME, limits=limits_of(campaign), said=said, standings=STANDINGS, asked=asked,
        may_ask=identity.may(DECIDE),
    )  # fmt: skip


# questions


@pages.get("/campaigns/<code>/questions")
@may(DECIDE)
def questions(code: str) -> str:
    scope = signed_in().scope
    state = request.args.get("state")
    wish = Wish(state if state in STATES else None, request.args.get("team") or None)
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        rows = list_questions(session, campaign, scope, wish)
        counts = count_questions(session, campaign, scope)
    return render_template(
        "questions/questions.html", campaign=campaign, questions=rows, counts=counts, wish=wish, rules=BY_NAME
    )


@pages.get("/campaigns/<code>/questions/ask")
@may(DECIDE)
def ask_form(code: str) -> str:
    """About one visit (`instance`), or all that a filter of the quality page holds (one team)."""
    scope = signed_in().scope
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        return _ask_page(session, campaign, scope, request.args)


@pages.post("/campaigns/<code>/questions")
@may(DECIDE)
def post_question(code: str) -> Response | tuple[str, int]:
    scope, form = signed_in().scope, request.form
    try:
        with transaction() as session:
            campaign = campaign_in_scope(session, code, scope)
            ids = _meant(session, campaign, scope, form)
            number = ask(session, campaign, scope, ids, form.get("rule") or None, form.get("words", ""))
    except NotFound:
        raise
    except RasaiError as error:  # what was typed stays
        with reading(scope) as session:
            campaign = campaign_in_scope(session, code, scope)
            return _ask_page(session, campaign, scope, form, problem=str(error)), error.status
    flash(ngettext("Asked about %(num)s visit.", "Asked about %(num)s visits.", len(ids)), "done")
    return redirect(url_for("questions_pages.question", code=code, number=number), code=303)


@pages.get("/campaigns/<code>/questions/<int:number>")
@may(DECIDE)
def question(code: str, number: int) -> str:
    scope = signed_in().scope
    with reading(scope) as session:
        return _question_page(session, code, number, scope)


@pages.post("/campaigns/<code>/questions/<int:number>/answer")
@may(DECIDE)
def post_answer(code: str, number: int) -> Response | tuple[str, int]:
    scope = signed_in().scope
    try:
        with transaction() as session:
            answer(session, campaign_in_scope(session, code, scope), scope, number, request.form.get("answer", ""))
    except NotFound:
        raise
    except RasaiError as error:
        with reading(scope) as session:
            return _question_page(session, code, number, scope, problem=str(error)), error.status
    flash(gettext("Thank you. The answer stands beside the visits."), "done")
    return redirect(url_for("questions_pages.question", code=code, number=number), code=303)


@pages.post("/campaigns/<code>/questions/<int:number>/decide")
@may(DECIDE)
def post_decision(code: str, number: int) -> Response | tuple[str, int]:
    """Keep or set aside the visits, citing the answer."""
    scope, form = signed_in().scope, request.form
    try:
        with transaction() as session:
            campaign = campaign_in_scope(session, code, scope)
            batch = decide_citing(session, campaign, scope, number, form.get("verdict", ""), form.get("reason", ""))
    except NotFound:
        raise
    except RasaiError as error:
        with reading(scope) as session:
            return _question_page(session, code, number, scope, problem=str(error)), error.status
    words = gettext("Decided, citing the answer.")
    flash(words, url_for("visits_pages.undo_decision", code=code, batch=batch))
    return redirect(url_for("questions_pages.question", code=code, number=number), code=303)


@pages.post("/campaigns/<code>/questions/<int:number>/withdraw")
@may(DECIDE)
def post_withdraw(code: str, number: int) -> Response:
    scope = signed_in().scope
    with transaction() as session:
        withdraw(session, campaign_in_scope(session, code, scope), scope, number)
    flash(gettext("The question is taken back."), "done")
    return redirect(url_for("questions_pages.questions", code=code), code=303)


def _question_page(session: Session, code: str, number: int, scope: Scope, problem: str = "") -> str:
    campaign = campaign_in_scope(session, code, scope)
    found = one_question(session, campaign, scope, number)
    behind = behind_these(session, scope, visits_of(session, number)[:VISITS_SHOWN])
    return render_template(
        "questions/question.html", campaign=campaign, q=found, behind=behind, rules=BY_NAME, limits=limits_of(campaign),
        said=said, problem=problem, typed=request.form, longest=LONGEST_WORDS,
    )  # fmt: skip


VISITS_SHOWN = 50


def _ask_page(session: Session, campaign: Campaign, scope: Scope, given: Mapping[str, str], problem: str = "") -> str:
    ids = _meant(session, campaign, scope, given)
    behind = behind_these(session, scope, ids[:VISITS_SHOWN])
    rule = given.get("rule") if given.get("rule") in BY_NAME else None
    if rule is None and len(behind) == 1 and len(behind[0].flags) == 1:
        rule = behind[0].flags[0][0]
    if not behind:
        raise NotFound
    return render_template(
        "questions/ask.html", campaign=campaign, behind=behind, count=len(ids), rule=rule, rules=BY_NAME, given=given,
        limits=limits_of(campaign), said=said, problem=problem, longest=LONGEST_WORDS,
        several=len({b.visit.team for b in behind}) > 1,
    )  # fmt: skip


def _meant(session: Session, campaign: Campaign, scope: Scope, given: Mapping[str, str]) -> list[UUID]:
    """The visits that a form or address is about."""
    if given.get("instance"):
        try:
            return [UUID(given["instance"])]
        except ValueError:
            raise NotFound from None
    wish = filter_asked(given)
    if wish.team is None:
        raise NotFound
    return ids_behind(session, campaign, scope, wish)


def _day(given: Mapping[str, str]) -> date | None:
    try:
        return date.fromisoformat(given.get("day", ""))
    except ValueError:
        return None


def _working_day(campaign: Campaign, now: datetime) -> date:
    """Today while the round runs, else the nearest of its days."""
    today, days = now.astimezone(ZoneInfo(campaign.timezone)).date(), days_of(campaign)
    begun = [day for day in days if day <= today]
    return begun[-1] if begun else days[0]
