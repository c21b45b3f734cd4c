"""What stands around every page: campaigns to switch between, the pages there are, whether teams are heard, the theme.

Templates call `page_frame(campaign)`; it reads with the scope of the person who looks.
"""

from dataclasses import dataclass
from typing import Any

from apiflask import APIFlask
from flask import Response, request, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from tracker import figures
from tracker.accounts.identity import MANAGE, SEE_CLAIMS, SEE_NUMBERS, SEE_VISITS, signed_in
from tracker.accounts.scope import reading
from tracker.campaigns.listing import Heard, teams_heard
from tracker.campaigns.models import Campaign
from tracker.campaigns.reading import campaigns_in_scope

THEMES = ("light", "dark")
THEME_COOKIE = "theme"
KEPT_S = {"fonts/": 7 * 24 * 3600, "": 3600}  # below static/vendor, the first that fits
LANGUAGE_NAMES = {"en": "English", "ur": "اردو", "ps": "پښتو"}  # each in its own words
ROLE_WORDS = {
    "admin": _l("Administrator"), "coordinator": _l("Coordinator"), "supervisor": _l("Supervisor"),
    "verifier": _l("Verifier"), "team": _l("Team"), "observer": _l("Observer"),
}  # fmt: skip
ZONE_WORDS = {"Asia/Karachi": _l("Pakistan"), "Asia/Kabul": _l("Afghanistan")}  # others by their name


@dataclass(frozen=True)
class Place:
    """A page in the main navigation, reached with the keys g and `key`. `of_campaign`: it shows one campaign; `first`:
    in sight, the others stand under "More".
    """

    endpoint: str
    words: Any
    icon: str
    key: str
    roles: frozenset[str]
    of_campaign: bool = True
    first: bool = False
    kind: str = "vaccination"  # of the campaigns that it is about
    blueprint: str = ""  # pages below it, when they are all of one blueprint


CLAIMS = "plantations_pages"  # every page about claims lies below "Claims"
PLACES = (
    Place("coverage_pages.coverage", _l("Coverage"), "map", "c", SEE_NUMBERS, first=True),
    Place("orders_pages.gaps", _l("Gaps"), "gaps", "g", SEE_NUMBERS, first=True),
    Place("questions_pages.teams", _l("Teams"), "teams", "t", SEE_NUMBERS, first=True),
    Place("visits_pages.quality", _l("Quality"), "quality", "q", SEE_VISITS, first=True),
    Place("plantations_pages.claims", _l("Claims"), "claims", "p", SEE_CLAIMS, True, True, "plantation", CLAIMS),
    Place("rounds_pages.rounds", _l("Rounds compared"), "rounds", "r", SEE_NUMBERS),
    Place("evening_pages.evening", _l("Evening"), "evening", "e", SEE_NUMBERS),
    Place("denominators_pages.targets", _l("Targets"), "targets", "d", SEE_NUMBERS),
    Place("exports_pages.lists", _l("Lists"), "lists", "l", SEE_NUMBERS),
    Place("campaigns_pages.campaigns", _l("Campaigns"), "campaigns", "a", SEE_NUMBERS, of_campaign=False),
    Place("set_up_pages.campaign", _l("Set up"), "set_up", "s", MANAGE),
    Place("people_pages.people", _l("People"), "people", "u", MANAGE, of_campaign=False),
)


@dataclass(frozen=True)
class Link:
    href: str
    words: Any
    icon: str
    key: str
    is_here: bool
    first: bool


@dataclass(frozen=True)
class Frame:
    campaigns: list[Campaign]
    heard: Heard | None  # None: the page shows no single campaign
    places: list[Link]


def attach(app: APIFlask) -> None:
    app.after_request(_keep_vendored)
    app.context_processor(lambda: {"theme": chosen_theme()})
    app.jinja_env.globals.update(
        page_frame=page_frame, same_page=same_page, heard_words=heard_words,
        heard_in_short=heard_in_short, initials=initials,
        language_names=LANGUAGE_NAMES, role_words=ROLE_WORDS, zone_words=zone_words,
    )  # fmt: skip


def page_frame(campaign: Campaign | None) -> Frame:
    """For the person signed in; `campaign` is the one that the page shows."""
    identity = signed_in()
    with reading(identity.scope) as session:
        seen = campaigns_in_scope(session, identity.scope)
        heard = teams_heard(session, campaign, identity.scope) if campaign and campaign.kind != "plantation" else None
    return Frame(seen, heard, _links(identity.role, seen, campaign))


def _links(role: str, seen: list[Campaign], campaign: Campaign | None) -> list[Link]:
    """The pages for a role: of the campaign at hand where they are about its kind, else of the newest of that kind."""
    links = []
    for place in PLACES:
        code = _campaign_of(place, seen, campaign)
        if role in place.roles and (code or not place.of_campaign):
            href = url_for(place.endpoint, code=code) if place.of_campaign else url_for(place.endpoint)
            is_here = request.endpoint == place.endpoint or request.blueprint == place.blueprint
            first = place.first and (not place.of_campaign or _is_about(place.kind, campaign or seen[0]))
            links.append(Link(href, place.words, place.icon, place.key, is_here, first))
    return links


def _campaign_of(place: Place, seen: list[Campaign], campaign: Campaign | None) -> str | None:
    fitting = [c.code for c in ([campaign] if campaign else []) + seen if _is_about(place.kind, c)]
    return fitting[0] if fitting else None


def _is_about(kind: str, campaign: Campaign) -> bool:
    return (campaign.kind == "plantation") == (kind == "plantation")


def _keep_vendored(response: Response) -> Response:
    """Fonts and libraries are most of what a page weighs: a browser asks for fonts once a week, and once an hour for
    libraries, which change under their names when Rasai is brought up to date."""
    for folder, kept_s in KEPT_S.items():
        if request.path.startswith(f"/static/vendor/{folder}"):
            response.cache_control.no_cache = None
            response.cache_control.public = True
            response.cache_control.max_age = kept_s
            break
    return response


def heard_words(heard: Heard, timezone: str) -> Markup:
    """298 of 300 teams heard · 19:40."""
    words = figures.sentence(gettext("{heard} of {teams} teams heard"), {"heard": heard.heard, "teams": heard.teams})
    return _with_time(words, heard, timezone)


def heard_in_short(heard: Heard, timezone: str) -> Markup:
    """298 / 300 teams · 19:40: for phones."""
    words = figures.sentence(gettext("{heard} teams"), {"heard": figures.fraction(heard.heard, heard.teams)})
    return _with_time(words, heard, timezone)


def _with_time(words: Markup, heard: Heard, timezone: str) -> Markup:
    if heard.last_heard_at is None:
        return words
    return Markup("{} · {}").format(words, figures.latest(heard.last_heard_at, timezone))


def zone_words(timezone: str) -> str:
    return str(ZONE_WORDS.get(timezone, timezone))


def initials(name: str) -> str:
    """SK of Sana Khan; s of sana@example.org."""
    words = name.partition("@")[0].replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()


def chosen_theme() -> str | None:
    """light or dark; None: as the system says."""
    kept = request.cookies.get(THEME_COOKIE)
    return kept if kept in THEMES else None


def same_page(**changed: Any) -> str:
    """This address with some of its parameters changed; None takes one away."""
    given = {**request.args.to_dict(flat=True), **changed}
    kept = {name: value for name, value in given.items() if value not in (None, "")}
    leads_here = request.url_rule and "GET" in (request.url_rule.methods or ())
    if request.endpoint is None or not leads_here:
        return url_for("campaigns_pages.start", **kept)
    return url_for(request.endpoint, **{**(request.view_args or {}), **kept})
