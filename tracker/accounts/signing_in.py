"""Does this e-mail address and password let somebody in, and until when?

The answer and its time do not tell whether the account exists: a check against nobody's password takes as long.
Failures are counted in the database, so the limit holds over all web processes: a try is written down before the
password is looked at, and taken back when it was right. Past the limit the right password does not help either, or
guessing could simply go on.
"""

import hashlib
import ipaddress
import secrets
from datetime import UTC, datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from tracker.accounts.identity import fingerprint
from tracker.accounts.models import Person, SignInFailure, WebSession
from tracker.accounts.passwords import hash_password, is_outdated, is_right
from tracker.errors import RasaiError

WINDOW = timedelta(minutes=15)
PER_ACCOUNT, PER_ADDRESS = 10, 50  # failures within the window
KEEP_FAILURES = timedelta(days=1)
LONGEST_SESSION = timedelta(days=7)
SECRET_BYTES = 32

ONE_TRY_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('sign_in'), hashtext(:what))")


class TooManyTries(RasaiError):
    """Facts: `minutes` for people, `retry_after_s` for programs."""

    message = _l("Too many tries. Wait {minutes} min, then try again.")
    status = 429


def note_try(session: Session, email: str, address: str) -> int:
    """Write this try down as a failure and return its id; raises TooManyTries when the limit is reached already.

    Commit before the password is looked at: tries that run side by side then count one another.
    """
    account, network = _account(email), _network(address)
    for what in sorted((account.hex(), network)):  # in order, so that two tries never wait for each other
        session.execute(ONE_TRY_AT_A_TIME, {"what": what})
    _stop_when_full(session, SignInFailure.account_sha256 == account, PER_ACCOUNT)
    _stop_when_full(session, SignInFailure.address == network, PER_ADDRESS)
    failure = SignInFailure(account_sha256=account, address=network)
    session.add(failure)
    session.flush()
    return failure.id


def check_password(session: Session, email: str, password: str) -> Person | None:
    """The person whose password this is; None for a wrong one, no account, or somebody who is shut out."""
    person = session.scalar(select(Person).where(func.lower(Person.email) == email.strip().lower()))
    right = is_right(password, person.password_hash if person else None)
    return person if right and person is not None and person.disabled_at is None else None


def open_session(session: Session, person: Person, password: str, failure_id: int, address: str, agent: str) -> str:
    """Sign the person in: the secret of a new session, of which only the fingerprint is kept."""
    session.execute(delete(SignInFailure).where(SignInFailure.id == failure_id))
    if person.password_hash and is_outdated(person.password_hash):
        session.execute(update(Person).where(Person.id == person.id).values(password_hash=hash_password(password)))
    _sweep(session)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    session.add(
        WebSession(
            secret_sha256=fingerprint(secret), person_id=person.id, expires_at=datetime.now(UTC) + LONGEST_SESSION,
            address=address, agent=agent[:200],
        )
    )  # fmt: skip
    return secret


def end_session(session: Session, secret: str) -> None:
    """A copy of the cookie that somebody kept is worth nothing from now on."""
    session.execute(delete(WebSession).where(WebSession.secret_sha256 == fingerprint(secret)))


def _stop_when_full(session: Session, same: object, limit: int) -> None:
    """The `limit`-th newest failure says when the next try is free."""
    since = datetime.now(UTC) - WINDOW
    blocking = session.scalar(
        select(SignInFailure.at)
        .where(same, SignInFailure.at > since)  # type: ignore[arg-type]
        .order_by(SignInFailure.at.desc())
        .offset(limit - 1)
        .limit(1)
    )
    if blocking is not None:
        wait_s = max(1, round((blocking - since).total_seconds()))
        raise TooManyTries(minutes=-(-wait_s // 60), retry_after_s=wait_s)


def _sweep(session: Session) -> None:
    """Whatever has run out is of no use to anybody."""
    session.execute(delete(SignInFailure).where(SignInFailure.at < datetime.now(UTC) - KEEP_FAILURES))
    session.execute(delete(WebSession).where(WebSession.expires_at < datetime.now(UTC)))


def _account(email: str) -> bytes:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).digest()


def _network(address: str) -> str:
    """IPv6 hands whole networks to one household: they count as one."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)).network_address)
