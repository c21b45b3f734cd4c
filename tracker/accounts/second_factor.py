"""A second factor: six digits of an app on the person's phone, as RFC 6238 has them.

A code is right in its half minute and the one before and after it (clocks differ), and only once. A secret that was
never proved asks for nothing. Writes `person`.
"""

import hmac
import io
import time

import pyotp
import segno
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.models import Person
from tracker.accounts.scope import Scope
from tracker.errors import RasaiError

STEP_S = 30
DRIFT = 1  # steps
ISSUER = "Rasai"


class CodeWrong(RasaiError):
    message = _l("The code does not fit. Look at the newest one in your app.")
    status = 422


def is_needed(person: Person) -> bool:
    return person.totp_since is not None


def begin(session: Session, person: Person) -> str:
    """A new secret, which holds once a first code proved it; its address for an app."""
    if not is_needed(person):
        person.totp_secret = person.totp_secret or pyotp.random_base32()
        session.flush()
    assert person.totp_secret is not None
    return str(pyotp.TOTP(person.totp_secret).provisioning_uri(name=person.email, issuer_name=ISSUER))


def as_picture(address: str) -> str:
    """The address as a QR code: SVG, to stand in a page."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", xmldecl=False, svgns=True, scale=5, border=2, nl=False)
    return out.getvalue().decode()


def prove(session: Session, by: Scope, person: Person, code: str) -> None:
    """From now on signing in asks for a code. Raises CodeWrong."""
    if not take_code(session, person, code):
        raise CodeWrong
    session.execute(text("UPDATE person SET totp_since = now() WHERE id = :id"), {"id": person.id})
    audit.record(session, by, "set second factor", "person", person.email, {})


def take_code(session: Session, person: Person, code: str) -> bool:
    """Whether the code is right now and was not used before. It is used up."""
    step = _step_of(person.totp_secret, code)
    if step is None:
        return False
    taken = session.execute(USE, {"id": person.id, "step": step})
    return bool(taken.first())


USE = text("""
    UPDATE person SET totp_step = :step WHERE id = :id AND coalesce(totp_step, -1) < :step RETURNING id""")


def _step_of(secret: str | None, code: str) -> int | None:
    digits = "".join(code.split())
    if not secret or not (digits.isascii() and digits.isdigit() and len(digits) == 6):
        return None
    now, right = int(time.time()) // STEP_S, pyotp.TOTP(secret)
    steps = range(now + DRIFT, now - DRIFT - 1, -1)
    return next((step for step in steps if hmac.compare_digest(right.at(step * STEP_S), digits)), None)


def remove(session: Session, by: Scope, person: Person) -> None:
    """By oneself with a code, or by whoever manages the person when the phone is lost."""
    person.totp_secret = person.totp_since = person.totp_step = None
    session.flush()
    audit.record(session, by, "remove second factor", "person", person.email, {})
