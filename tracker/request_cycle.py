"""What happens around every request: who asks, in which language, and which headers every answer carries.

Closed by default: a route that is not marked `@public` answers nobody who has not signed in.
"""

import secrets
from typing import Any
from urllib.parse import urlencode

from apiflask import APIFlask
from flask import Flask, Response, current_app, g, has_request_context, redirect, request
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import update
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from tracker.accounts.identity import Identity, identify, signed_in
from tracker.accounts.models import Person
from tracker.database import transaction
from tracker.errors import answers_with_problem

LANGUAGES = {"en": "ltr", "ur": "rtl", "ps": "rtl"}  # code: direction of writing
LANGUAGE_COOKIE = "rasai_language"
A_YEAR_S = 365 * 24 * 3600
PUBLIC_ENDPOINTS = frozenset({"static", "openapi.spec"})  # Flask's and APIFlask's own; ours wear @public
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

csrf = CSRFProtect()


def attach(app: APIFlask) -> None:
    chosen = app.config["RASAI"]
    app.config.update(
        SESSION_COOKIE_NAME="rasai_csrf",  # Flask's signed cookie holds the CSRF secret and nothing else
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=chosen.is_production,
        WTF_CSRF_CHECK_DEFAULT=False,  # asked for in `_guard`, once we know that a cookie lets the person in
        WTF_CSRF_TIME_LIMIT=None,  # a page left open in the field stays good as long as its session
        MAX_CONTENT_LENGTH=16 * 1024 * 1024,
        BABEL_DEFAULT_LOCALE="en",
    )
    if chosen.proxies:  # only then: anybody can send X-Forwarded-For
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=chosen.proxies, x_proto=chosen.proxies, x_host=chosen.proxies)
    Babel(app, locale_selector=_language)
    csrf.init_app(app)
    app.before_request(_refuse_unreadable)
    app.before_request(_guard)
    app.before_request(_keep_language)
    app.after_request(_headers)
    app.context_processor(_for_templates)


# who asks


def _refuse_unreadable() -> None:
    """NUL can stand in no text of PostgreSQL: refused once, here, wherever the address holds it."""
    if "\0" in request.path or "%00" in request.query_string.decode("latin-1") or b"\0" in request.query_string:
        raise BadRequest


def _guard() -> AnyResponse | None:
    """Nobody passes without signing in, except to what is public; unsafe requests by cookie carry a CSRF token."""
    if request.endpoint is None:  # answered as not found; people keep their way around
        if not answers_with_problem():
            identify()
        return None
    if _is_public(current_app):
        _check_form()
        return None
    if identify() is None and request.method in ("GET", "HEAD") and not answers_with_problem():
        return redirect("/login?" + urlencode({"next": request.full_path.rstrip("?")}), code=303)
    by_token = signed_in().by_token  # only those let in may send large files
    request.max_content_length = getattr(
        current_app.view_functions[request.endpoint], "largest_body", request.max_content_length
    )
    if not by_token:
        _check_form()
    return None


def _check_form() -> None:
    """What a browser sends in a person's name must come from a page of ours."""
    if request.method in UNSAFE:
        csrf.protect()
        if any("\0" in value for value in request.form.values()):
            raise BadRequest


def _is_public(app: Flask) -> bool:
    if request.endpoint in PUBLIC_ENDPOINTS:
        return True
    return getattr(app.view_functions.get(request.endpoint or ""), "is_public", False)


# in which language


def _language() -> str:
    """As asked for now, else as the person chose, else as this browser chose, else as it prefers; commands: English."""
    if not has_request_context():
        return "en"
    person = g.get("identity")
    for wish in (request.args.get("lang"), person and person.language, request.cookies.get(LANGUAGE_COOKIE)):
        if wish in LANGUAGES:
            return str(wish)
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def _keep_language() -> None:
    """`?lang=` is kept with the person, so that it follows them to the next browser."""
    wish, person = request.args.get("lang"), g.get("identity")
    if wish in LANGUAGES and isinstance(person, Identity) and not person.by_token and person.language != wish:
        with transaction() as session:
            session.execute(update(Person).where(Person.id == person.person_id).values(language=wish))


# under which headers


def csp_nonce() -> str:
    """For the few script and style elements that a page cannot do without; new for each answer."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _content_security_policy() -> str:
    own = f"'self' 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else "'self'"
    return (
        f"default-src 'self'; script-src {own}; style-src {own}; img-src 'self' data: blob:; worker-src 'self';"
        " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def _headers(response: Response) -> Response:
    given = response.headers
    given.setdefault("Content-Security-Policy", _content_security_policy())
    given["X-Content-Type-Options"] = "nosniff"
    given["Referrer-Policy"] = "same-origin"
    given["Permissions-Policy"] = "camera=(), microphone=(), payment=(), usb=(), geolocation=(self)"
    given["Cross-Origin-Opener-Policy"] = "same-origin"
    if current_app.config["RASAI"].is_production:
        given["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    if request.endpoint != "static":
        given.setdefault("Cache-Control", "private, no-store")  # scoped: in nobody else's cache, nor after signing out
        response.vary.update(("Cookie", "Authorization"))
    wish = request.args.get("lang")
    if wish in LANGUAGES:
        response.set_cookie(
            LANGUAGE_COOKIE, wish, A_YEAR_S, samesite="Lax", httponly=True,
            secure=current_app.config["RASAI"].is_production,
        )  # fmt: skip
    return response


def _for_templates() -> dict[str, Any]:
    language = str(get_locale() or "en")
    return {
        "person": g.get("identity"),  # None: nobody has signed in
        "language": language,
        "direction": LANGUAGES.get(language, "ltr"),
        "languages": tuple(LANGUAGES),
        "csp_nonce": csp_nonce,
    }
