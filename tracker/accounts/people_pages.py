"""People: invite, reset, shut out, sign out; one's own account: password, second factor, sessions, tokens."""

from typing import Any

from apiflask import APIBlueprint
from flask import flash, make_response, redirect, render_template, request, url_for
from flask import session as csrf_cookie
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from tracker.accounts import inviting, second_factor
from tracker.accounts.identity import MANAGE, SEE_NUMBERS, SESSION_COOKIE, fingerprint, may, public, signed_in
from tracker.accounts.models import Person
from tracker.accounts.passwords import PasswordTooWeak
from tracker.accounts.people import issue_token, let_in, shut_out
from tracker.accounts.scope import Scope
from tracker.areas.importing import newest_vintage
from tracker.areas.models import Area
from tracker.database import transaction
from tracker.errors import NotAllowed, NotFound, WrongRequest

pages = APIBlueprint("people_pages", __name__, enable_openapi=False)

LEVELS_TO_GIVE = ("province", "division", "district", "tehsil")


@pages.get("/people")
@may(MANAGE)
def people() -> str:
    scope = signed_in().scope
    with transaction() as session:
        rows = inviting.people_below(session, scope)
        areas = _areas(session, scope)
    return render_template(
        "accounts/people.html", rows=rows, areas=areas, roles=inviting.BELOW[scope.role], link=None, about=None
    )


def _areas(session: Session, scope: Scope) -> list[Area]:
    from sqlalchemy import text

    vintage = newest_vintage(session)
    ids = session.scalars(
        text("SELECT id FROM area WHERE vintage = :v AND level = ANY(:levels) AND in_areas(id, :areas)"),
        {"v": vintage, "levels": list(LEVELS_TO_GIVE), **scope.binds()},
    ).all()  # fmt: skip
    return session.query(Area).filter(Area.id.in_(ids)).order_by(Area.code).all()


@pages.post("/people")
@may(MANAGE)
def invite() -> AnyResponse:
    """The link is shown this once, to be sent by whatever means the two trust."""
    scope, form = signed_in().scope, request.form
    campaign, team = form.get("campaign", "").strip(), form.get("team", "").strip()
    email = form.get("email", "").strip()
    with transaction() as session:
        secret = inviting.invite(
            session, scope, email, form.get("role", ""), name=form.get("name", "").strip()[:200],
            area_codes=form.getlist("area"), team=(campaign, team) if campaign and team else None,
        )  # fmt: skip
    return _with_link(scope, secret, email)


def _with_link(scope: Scope, secret: str, email: str) -> AnyResponse:
    with transaction() as session:
        rows, areas = inviting.people_below(session, scope), _areas(session, scope)
    link = url_for("people_pages.invited", secret=secret, _external=True)
    page = render_template(
        "accounts/people.html", rows=rows, areas=areas, roles=inviting.BELOW[scope.role], link=link, about=email
    )
    return make_response(page, 201)


@pages.post("/people/<int:person_id>/<act>")
@may(MANAGE)
def manage(person_id: int, act: str) -> AnyResponse:
    """reset, shut-out, let-in, sign-out, remove-second-factor."""
    scope = signed_in().scope
    with transaction() as session:
        person = inviting.person_below(session, scope, person_id)
        if person.id == scope.person_id and act != "sign-out":
            raise NotAllowed  # of oneself on the page of one's own account
        if act == "reset":
            secret, email = inviting.reset(session, scope, person), person.email
        elif act in ACTS:
            ACTS[act](session, scope, person)
        else:
            raise NotFound
    if act == "reset":
        return _with_link(scope, secret, email)
    flash(_("Done."), "note")
    return redirect(url_for("people_pages.people"), code=303)


ACTS: dict[str, Any] = {
    "shut-out": lambda session, by, person: shut_out(session, by, person.email),
    "let-in": lambda session, by, person: let_in(session, by, person.email),
    "sign-out": lambda session, by, person: inviting.sign_out_everywhere(session, by, person),
    "remove-second-factor": lambda session, by, person: second_factor.remove(session, by, person),
}


@pages.get("/invite/<secret>")
@public
def invited(secret: str) -> AnyResponse:
    with transaction() as session:
        person = inviting.find_invited(session, secret)
        page = render_template("accounts/invited.html", email=person.email, problem=None)
    return _unreferred(make_response(page))


@pages.post("/invite/<secret>")
@public
def accept(secret: str) -> AnyResponse:
    password = request.form.get("password", "")
    try:
        with transaction() as session:
            inviting.accept(session, secret, password, request.remote_addr)
    except PasswordTooWeak as weak:
        with transaction() as session:
            email = inviting.find_invited(session, secret).email
        page = render_template("accounts/invited.html", email=email, problem=str(weak))
        return _unreferred(make_response(page, 422))
    csrf_cookie.clear()
    return _unreferred(redirect(url_for("accounts_pages.login"), code=303))


def _unreferred(answer: AnyResponse) -> AnyResponse:
    """The address itself is a secret: no page that is opened from here learns it."""
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


# one's own account


@pages.get("/account")
@may(SEE_NUMBERS)
def account() -> str:
    return _account()


def _account(token: str | None = None, problem: str | None = None) -> str:
    identity = signed_in()
    with transaction() as session:
        person = session.get_one(Person, identity.person_id)
        setting_up = "second-factor" in request.args and not second_factor.is_needed(person)
        address = second_factor.begin(session, person) if setting_up else None
        shown = {
            "me": person, "sessions": inviting.sessions_of(session, person.id),
            "tokens": inviting.tokens_of(session, person.id), "areas": inviting.areas_of_person(session, person.id),
        }  # fmt: skip
        secret = person.totp_secret if setting_up else None
    own = request.cookies.get(SESSION_COOKIE)
    return render_template(
        "accounts/account.html", **shown, own=fingerprint(own).hex() if own else None, token=token, problem=problem,
        picture=Markup(second_factor.as_picture(address)) if address else None, secret=secret,  # noqa: S704  our own SVG
    )  # fmt: skip


@pages.post("/account/second-factor")
@may(SEE_NUMBERS)
def set_second_factor() -> AnyResponse:
    identity = signed_in()
    with transaction() as session:
        person = session.get_one(Person, identity.person_id)
        if request.form.get("remove"):
            if not second_factor.take_code(session, person, request.form.get("code", "")):
                raise second_factor.CodeWrong
            second_factor.remove(session, identity.scope, person)
        elif not second_factor.is_needed(person):
            second_factor.prove(session, identity.scope, person, request.form.get("code", ""))
    flash(_("Done."), "note")
    return redirect(url_for("people_pages.account"), code=303)


@pages.post("/account/sign-out")
@may(SEE_NUMBERS)
def sign_out_everywhere() -> AnyResponse:
    """Every browser but this one."""
    identity, own = signed_in(), request.cookies.get(SESSION_COOKIE)
    with transaction() as session:
        person = session.get_one(Person, identity.person_id)
        inviting.sign_out_everywhere(session, identity.scope, person, but=fingerprint(own) if own else None)
    flash(_("All other browsers are signed out."), "note")
    return redirect(url_for("people_pages.account"), code=303)


@pages.post("/account/tokens")
@may(SEE_NUMBERS)
def make_token() -> AnyResponse:
    identity = signed_in()
    if identity.by_token:
        raise NotAllowed  # a token that leaked must not make others
    words = request.form.get("days", "90")
    if not (words.isascii() and words.isdigit() and 1 <= int(words[:6]) <= inviting.LONGEST_TOKEN):
        raise WrongRequest(
            field="days", why=_("a whole number from 1 to {largest}.").format(largest=inviting.LONGEST_TOKEN)
        )
    with transaction() as session:
        secret, _expires = issue_token(
            session, identity.scope, identity.email, days=int(words), label=request.form.get("label", "").strip()[:100]
        )
    return make_response(_account(token=secret), 201)


@pages.post("/account/tokens/<key>/revoke")
@may(SEE_NUMBERS)
def revoke_token(key: str) -> AnyResponse:
    identity = signed_in()
    with transaction() as session:
        inviting.revoke_token(session, identity.scope, session.get_one(Person, identity.person_id), key)
    flash(_("The token is revoked."), "note")
    return redirect(url_for("people_pages.account"), code=303)
