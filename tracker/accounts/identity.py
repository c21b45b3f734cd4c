"""Who asks, and what may they do?

Read anew for every request, from a bearer token or from the cookie of a session: one statement, prepared once per
connection, and nothing kept that could outlive `flask users disable`. Doors ask `signed_in()` for the person and their
scope, and wear `@may(...)`; what wears `@public` is open to everybody. Writes only `web_session.seen_at`, now and then.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import psycopg2
from flask import g, request

from tracker.accounts.models import ROLES
from tracker.accounts.scope import AREAS_OF_PERSON, SETTLEMENTS_OF_PERSON, Scope
from tracker.database import engine
from tracker.errors import NotAllowed, NotSignedIn

SESSION_COOKIE = "rasai_session"
IDLE = timedelta(hours=12)  # a session unused for so long is over: a working day, then the phone may be lost
SEEN_EVERY = timedelta(minutes=5)  # how often `seen_at` is written

# what a role may do, as in docs/security.md; where is the scope's business
SEE_NUMBERS = frozenset(ROLES)
SEE_VISITS = frozenset({"admin", "coordinator", "supervisor", "team"})
SEND_VISITS = SEE_VISITS
DECIDE = frozenset({"admin", "coordinator", "supervisor"})
PLAN = frozenset({"admin", "coordinator"})  # orders, microplan, targets, denominators, thresholds
SEE_CLAIMS = frozenset({"admin", "coordinator", "supervisor", "verifier", "observer"})
REGISTER_CLAIMS = frozenset({"admin", "coordinator", "supervisor", "team"})
MANAGE = frozenset({"admin", "coordinator"})  # campaigns, imports, people

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Identity:
    """The person who asks, for the length of one request."""

    person_id: int
    email: str
    name: str
    language: str | None  # None: as the browser asks
    scope: Scope
    by_token: bool  # a bearer token; else a session's cookie, whose unsafe requests need a CSRF token

    @property
    def role(self) -> str:
        return self.scope.role

    def may(self, roles: frozenset[str]) -> bool:
        return self.role in roles


def identify() -> Identity | None:
    """The person who asks this request; None when nobody has signed in, or is no longer let in."""
    if "identity" not in g:
        g.identity = _from_request()
    return g.identity  # type: ignore[no-any-return]


def signed_in() -> Identity:
    """The person who asks; raises NotSignedIn."""
    identity = identify()
    if identity is None:
        raise NotSignedIn
    return identity


def may(roles: frozenset[str]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Only these roles get in. Stands right below the route, so that it is judged before the body is read."""

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if not signed_in().may(roles):
                raise NotAllowed
            return view(*args, **kwargs)

        return guarded

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Open to everybody. Every other route is closed to those who have not signed in."""
    view.is_public = True  # type: ignore[attr-defined]
    return view


LARGEST_FILE_BYTES = 256 * 1024 * 1024


def takes_files(view: Callable[P, R]) -> Callable[P, R]:
    """May be sent files, larger than other requests. Stands right above the view, below `may`."""
    view.largest_body = LARGEST_FILE_BYTES  # type: ignore[attr-defined]
    return view


def fingerprint(secret: str) -> bytes:
    """What is kept of a session's or token's secret. They are random: a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).digest()


PERSON = f"""
    SELECT p.id, p.email, p.name, p.language, p.role, p.team_id, {AREAS_OF_PERSON}, {SETTLEMENTS_OF_PERSON}"""
BY_TOKEN = f"""
    PREPARE person_by_token (bytea) AS {PERSON}, false
    FROM api_token k JOIN person p ON p.id = k.person_id
    WHERE k.secret_sha256 = $1 AND k.expires_at > now() AND p.disabled_at IS NULL"""
BY_SESSION = f"""
    PREPARE person_by_session (bytea, interval, interval) AS {PERSON}, k.seen_at < now() - $3
    FROM web_session k JOIN person p ON p.id = k.person_id
    WHERE k.secret_sha256 = $1 AND k.expires_at > now() AND k.seen_at > now() - $2 AND p.disabled_at IS NULL"""
SEEN = "UPDATE web_session SET seen_at = now() WHERE secret_sha256 = %s"


def _from_request() -> Identity | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return _look_up("person_by_token", BY_TOKEN, secret.strip(), (), by_token=True)
    kept = request.cookies.get(SESSION_COOKIE)
    return _look_up("person_by_session", BY_SESSION, kept, (IDLE, SEEN_EVERY), by_token=False) if kept else None


def _look_up(name: str, prepare: str, secret: str, more: Sequence[Any], *, by_token: bool) -> Identity | None:
    try:
        row = _ask(name, prepare, fingerprint(secret), more)
    except (psycopg2.OperationalError, psycopg2.InterfaceError):
        engine().dispose()  # the database was restarted: every pooled connection is as dead as this one
        row = _ask(name, prepare, fingerprint(secret), more)
    if row is None:
        return None
    person_id, email, name, language, role, team_id, areas, settlements, _ = row
    scope = Scope(role, person_id, areas, team_id, tuple(settlements), address=request.remote_addr)
    return Identity(person_id, email, name, language, scope, by_token)


def _ask(name: str, prepare: str, key: bytes, more: Sequence[Any]) -> tuple[Any, ...] | None:
    """One round trip on a pooled connection, without a transaction of its own."""
    connection = engine().raw_connection()
    driver: Any = connection.driver_connection
    try:
        driver.autocommit = True
        with driver.cursor() as cursor:
            if name not in connection.info:
                cursor.execute(prepare)
                connection.info[name] = True
            cursor.execute(f"EXECUTE {name} ({', '.join(['%s'] * (1 + len(more)))})", (key, *more))
            row: tuple[Any, ...] | None = cursor.fetchone()
            if row and row[-1]:
                cursor.execute(SEEN, (key,))
        driver.autocommit = False
    except BaseException:
        connection.invalidate()
        raise
    connection.close()
    return row
