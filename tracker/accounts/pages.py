"""Sign-in and sign-out."""

from typing import Any
from urllib.parse import urlsplit

from apiflask import APIBlueprint
from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask import session as csrf_cookie
from flask_babel import gettext
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from tracker.accounts import second_factor, signing_in
from tracker.accounts.identity import SEE_NUMBERS, SESSION_COOKIE, identify, may, public, signed_in
from tracker.database import transaction

pages = APIBlueprint("accounts_pages", __name__, enable_openapi=False)

LOCKED_BY = "rasai_locked_by"  # whose e-mail the form shows after a lock, for a working day
LOCKED_S = 12 * 3600


@pages.get("/login")
@public
def login() -> AnyResponse:
    if identify() is not None:
        return redirect(_our_own(request.args.get("next")), code=303)
    return _form(200)


@pages.post("/login")
@public
def post_login() -> AnyResponse:
    email, password, code = (request.form.get(name, "") for name in ("email", "password", "code"))
    address = request.remote_addr or "0.0.0.0"  # noqa: S104  a unix socket has none: all count as one
    try:
        with transaction() as session:
            failure_id = signing_in.note_try(session, email, address)
    except signing_in.TooManyTries as error:
        answer = _form(429, str(error))
        answer.headers["Retry-After"] = str(error.facts["retry_after_s"])
        return answer
    with transaction() as session:
        person = signing_in.check_password(session, email, password)
        if person is None:
            return _form(401, gettext("E-mail address and password do not fit together."))
        if second_factor.is_needed(person) and not second_factor.take_code(session, person, code):
            if code:
                return _form(401, str(second_factor.CodeWrong()), asks_for_code=True)
            return _form(401, gettext("Give the code of your app as well."), asks_for_code=True)
        _end_session_of_request(session)
        agent = request.headers.get("User-Agent", "")
        secret = signing_in.open_session(session, person, password, failure_id, address, agent)
    csrf_cookie.clear()  # a token that somebody planted before is worth nothing after signing in
    answer = make_response(redirect(_our_own(request.form.get("next")), code=303))
    answer.set_cookie(SESSION_COOKIE, secret, signing_in.LONGEST_SESSION, **_cookie_flags())
    return answer


@pages.post("/logout")
@public
def logout() -> AnyResponse:
    with transaction() as session:
        _end_session_of_request(session)
    csrf_cookie.clear()
    answer = redirect(url_for("accounts_pages.login"), code=303)
    answer.delete_cookie(SESSION_COOKIE, **_cookie_flags())
    return answer


@pages.get("/session")
@may(SEE_NUMBERS)
def session_holds() -> dict[str, bool]:
    """Asked by a page before it sends what somebody typed: 200 while the person is signed in, else 401."""
    return {"signed_in": True}


@pages.post("/lock")
@may(SEE_NUMBERS)
def lock() -> AnyResponse:
    """For a computer that others use too: the session ends at once, and signing in leads back to the same page."""
    identity = signed_in()
    with transaction() as session:
        _end_session_of_request(session)
    csrf_cookie.clear()
    flash(gettext("Locked. Sign in to go on where you were."), "done")
    back = _our_own(request.form.get("next"))
    answer = redirect(url_for("accounts_pages.login", next=back if back != "/" else None), code=303)
    answer.delete_cookie(SESSION_COOKIE, **_cookie_flags())
    answer.set_cookie(LOCKED_BY, identity.email, LOCKED_S, **_cookie_flags())
    return answer


def _form(status: int, problem: str | None = None, *, asks_for_code: bool = False) -> Response:
    page = render_template(
        "accounts/login.html",
        problem=problem,
        asks_for_code=asks_for_code,
        email=request.form.get("email", request.cookies.get(LOCKED_BY, "")),
        next=_our_own(request.values.get("next")),
    )
    answer = make_response(page, status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _end_session_of_request(session: Session) -> None:
    """The secret changes with every sign-in, and what it opened before is closed."""
    kept = request.cookies.get(SESSION_COOKIE)
    if kept:
        signing_in.end_session(session, kept)


def _cookie_flags() -> dict[str, Any]:
    return {"httponly": True, "samesite": "Lax", "secure": current_app.config["RASAI"].is_production}


def _our_own(wish: str | None) -> str:
    """Where to go on: a path of ours, else the start page. Nobody is sent elsewhere by a link that looks like ours."""
    if not wish or not wish.isprintable() or "\\" in wish or not wish.startswith("/"):
        return "/"
    parts = urlsplit(wish)
    own = not parts.scheme and not parts.netloc and not wish.startswith("//")
    return wish if own and parts.path not in ("/login", "/logout") else "/"
