"""The start page, the list of campaigns, finding a place, and light or dark."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from tracker.accounts.identity import MANAGE, SEE_CLAIMS, SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.campaigns.listing import areas_of, find_teams, last_day, phase, teams_heard
from tracker.campaigns.models import Campaign
from tracker.campaigns.reading import campaigns_in_scope
from tracker.coverage.report import campaign_total
from tracker.coverage.searching import search_places
from tracker.page_frame import THEME_COOKIE, THEMES
from tracker.plantations.listing import sums_by_group
from tracker.plantations.words import GROUP_WORDS

pages = APIBlueprint("campaigns_pages", __name__, enable_openapi=False)

A_YEAR_S = 365 * 24 * 3600
FOUND = 12  # places shown
TEAMS_FOUND = 5
LONGEST_WORDS = 80


@pages.get("/")
@may(SEE_NUMBERS)
def start() -> Response:
    """The page that the person works in: coverage of the running campaign, else of the newest."""
    identity, now = signed_in(), datetime.now(UTC)
    with reading(identity.scope) as session:
        seen = campaigns_in_scope(session, identity.scope)
    running = [c for c in seen if phase(c, now) == "running"]
    if not seen:
        return redirect(url_for("campaigns_pages.campaigns"), code=303)
    return redirect(_workplace(_first_for(identity.role, running or seen)), code=303)


@pages.get("/campaigns/<code>")
@may(SEE_NUMBERS)
def campaign(code: str) -> Response:
    identity = signed_in()
    with reading(identity.scope) as session:
        found = campaign_in_scope(session, code, identity.scope)
    return redirect(_workplace(found), code=303)


def _first_for(role: str, campaigns: list[Campaign]) -> Campaign:
    """Verifiers begin with plantations, everybody else with rounds, where there are any."""
    own = [c for c in campaigns if (c.kind == "plantation") == (role == "verifier")]
    return (own or campaigns)[0]


def _workplace(campaign: Campaign) -> str:
    """Where one works in a campaign."""
    if campaign.kind == "plantation" and signed_in().may(SEE_CLAIMS):
        return url_for("plantations_pages.claims", code=campaign.code)
    return url_for("coverage_pages.coverage", code=campaign.code)


@pages.get("/campaigns")
@may(SEE_NUMBERS)
def campaigns() -> str:
    identity, now = signed_in(), datetime.now(UTC)
    with reading(identity.scope) as session:
        seen = campaigns_in_scope(session, identity.scope)
        areas = areas_of(session, seen)
        rows = [
            {
                "campaign": c, "areas": areas[c.id], "phase": phase(c, now), "last_day": last_day(c),
                "total": campaign_total(session, c, identity.scope, now=now),
                "heard": teams_heard(session, c, identity.scope),
                "groups": sums_by_group(session, c, identity.scope) if c.kind == "plantation" else {},
            }
            for c in seen
        ]  # fmt: skip
    return render_template(
        "campaigns/campaigns.html", rows=rows, may_create=identity.may(MANAGE), group_words=GROUP_WORDS,
        illustration=any(c.illustration for c in seen),
    )  # fmt: skip


@pages.get("/campaigns/<code>/find")
@may(SEE_NUMBERS)
def find(code: str) -> str:
    """Settlements in every script, areas, codes and teams; the search box shows the same list as one writes."""
    scope, words = signed_in().scope, request.args.get("q", "").strip()[:LONGEST_WORDS]
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        places = search_places(session, scope, campaign, words, FOUND)
        teams = find_teams(session, campaign, scope, words, TEAMS_FOUND) if words else ()
    found = [(asdict(place), _shown_at(code, place.kind, place.code)) for place in places]
    found_teams = [(team, _shown_at(code, "team", team.code)) for team in teams]
    return render_template("campaigns/find.html", campaign=campaign, words=words, places=found, teams=found_teams)


def _shown_at(code: str, kind: str, place: str) -> str:
    """The coverage page with this area, settlement or team open."""
    opened: dict[str, Any] = {kind: place}
    return url_for("coverage_pages.coverage", code=code, **opened)


@pages.post("/theme")
@may(SEE_NUMBERS)
def choose_theme() -> Response:
    """Light, dark, or as the system says; kept by this browser."""
    wish, back = request.form.get("theme", ""), request.form.get("next", "/")
    answer = redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/", code=303)
    if wish in THEMES:
        answer.set_cookie(THEME_COOKIE, wish, A_YEAR_S, samesite="Lax")
    else:
        answer.delete_cookie(THEME_COOKIE)
    return answer
