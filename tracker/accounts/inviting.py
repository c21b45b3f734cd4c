"""Somebody chooses their own password by a link: a new person, or one who forgot it.

The link is shown once to whoever made it, holds for a few days and is worth nothing once it was used. A coordinator
invites people below themselves, in their own areas; nobody's link may give more than its maker has.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.identity import fingerprint
from tracker.accounts.models import ROLES, ApiToken, Invitation, Person, PersonArea, WebSession
from tracker.accounts.people import create_person, set_password
from tracker.accounts.scope import Scope
from tracker.errors import NotAllowed, NotFound, RasaiError

HOLDS = {"invite": timedelta(days=7), "reset": timedelta(days=1)}
SECRET_BYTES = 32
BELOW = {"admin": ROLES, "coordinator": ("supervisor", "verifier", "team", "observer")}
SHORTEST_TOKEN, LONGEST_TOKEN = 1, 366  # days


class LinkUsed(RasaiError):
    message = _l("This link was used, or its time is over. Ask for a new one.")
    status = 404


def invite(
    session: Session,
    by: Scope,
    email: str,
    role: str,
    *,
    name: str = "",
    area_codes: Sequence[str] = (),
    team: tuple[str, str] | None = None,
) -> str:
    """Add somebody without a password; the secret of the link by which they choose one."""
    _check_may_give(session, by, role, area_codes, team)
    person = create_person(session, by, email, role, name=name, area_codes=area_codes, team=team)
    return _link(session, by, person, "invite")


def _check_may_give(
    session: Session, by: Scope, role: str, area_codes: Sequence[str], team: tuple[str, str] | None
) -> None:
    if role not in BELOW.get(by.role, ()):
        raise NotAllowed
    if by.everything:
        return
    if role == "team" and team:
        if not session.scalar(TEAM_IS_OWN, {"campaign": team[0], "team": team[1], **by.binds()}):
            raise NotFound
    elif not area_codes or _not_own(session, by, area_codes):
        raise NotAllowed


TEAM_IS_OWN = text("""
    SELECT EXISTS (SELECT 1 FROM team t JOIN campaign c ON c.id = t.campaign_id
                   WHERE c.code = :campaign AND t.code = :team AND in_areas(t.area_id, :areas))""")
OWN = text("SELECT DISTINCT code FROM area WHERE code = ANY(:codes) AND in_areas(id, :areas)")


def _not_own(session: Session, by: Scope, codes: Sequence[str]) -> set[str]:
    return set(codes) - set(session.scalars(OWN, {"codes": list(codes), **by.binds()}))


def reset(session: Session, by: Scope, person: Person) -> str:
    """A link for a new password. The old one works until the link is used."""
    return _link(session, by, person, "reset")


def _link(session: Session, by: Scope, person: Person, purpose: str) -> str:
    session.execute(delete(Invitation).where(Invitation.person_id == person.id))  # older links are worth nothing
    secret = secrets.token_urlsafe(SECRET_BYTES)
    session.add(Invitation(
        secret_sha256=fingerprint(secret), person_id=person.id, purpose=purpose, created_by=by.person_id,
        expires_at=datetime.now(UTC) + HOLDS[purpose],
    ))  # fmt: skip
    session.flush()
    audit.record(session, by, purpose, "person", person.email, {})
    return secret


def find_invited(session: Session, secret: str) -> Person:
    """Whose link it is; raises LinkUsed."""
    person = session.scalar(
        select(Person)
        .join(Invitation, Invitation.person_id == Person.id)
        .where(
            Invitation.secret_sha256 == fingerprint(secret), Invitation.expires_at > func.now(),
            Person.disabled_at.is_(None),
        )
        .with_for_update(of=Invitation)
    )  # fmt: skip
    if person is None:
        raise LinkUsed
    return person


def accept(session: Session, secret: str, password: str, address: str | None) -> Person:
    """Choose the password; the link is used up, and whoever was signed in is signed out. Raises PasswordTooWeak."""
    person = find_invited(session, secret)
    by = Scope(person.role, person.id, address=address)
    set_password(session, by, person.email, password)
    session.execute(delete(Invitation).where(Invitation.person_id == person.id))
    return person


# who is there, and what they hold

PEOPLE = text("""
    SELECT p.id, p.email, p.name, p.role, p.disabled_at, p.password_hash IS NOT NULL AS has_password,
           p.totp_since IS NOT NULL AS has_second_factor, t.code AS team, c.code AS campaign,
           (SELECT array_agg(o.area_code ORDER BY o.area_code) FROM person_area o WHERE o.person_id = p.id) AS areas,
           (SELECT max(seen_at) FROM web_session w WHERE w.person_id = p.id) AS seen_at,
           (SELECT count(*) FROM api_token k WHERE k.person_id = p.id AND k.expires_at > now()) AS tokens,
           EXISTS (SELECT 1 FROM invitation i WHERE i.person_id = p.id AND i.expires_at > now()) AS is_invited
    FROM person p LEFT JOIN team t ON t.id = p.team_id LEFT JOIN campaign c ON c.id = t.campaign_id
    WHERE :everything OR (p.role = ANY(:below) AND CASE
          WHEN p.role = 'team' AND p.team_id IS NOT NULL THEN coalesce(in_areas(t.area_id, :areas), false)
          ELSE EXISTS (SELECT 1 FROM person_area o WHERE o.person_id = p.id)
               AND NOT EXISTS (SELECT 1 FROM person_area o WHERE o.person_id = p.id
                               AND NOT EXISTS (SELECT 1 FROM area a
                                               WHERE a.code = o.area_code AND in_areas(a.id, :areas)))
          END)
    ORDER BY array_position(CAST(:roles AS text[]), p.role), p.email""")


def people_below(session: Session, by: Scope) -> Sequence[Any]:
    """Those whom this person may manage: everybody, or people below oneself whose areas all lie in one's own."""
    below = list(BELOW.get(by.role, ()))
    values = {"everything": by.everything, "below": below, "roles": list(ROLES), **by.binds()}
    return session.execute(PEOPLE, values).mappings().all()


def person_below(session: Session, by: Scope, person_id: int) -> Person:
    """NotFound for somebody who is not below this person."""
    if person_id not in {row["id"] for row in people_below(session, by)}:
        raise NotFound
    return session.get_one(Person, person_id)


SESSIONS = text("""
    SELECT encode(secret_sha256, 'hex') AS key, created_at, seen_at, host(address) AS address, agent FROM web_session
    WHERE person_id = :person AND expires_at > now() ORDER BY seen_at DESC""")
TOKENS = text("""
    SELECT encode(secret_sha256, 'hex') AS key, label, created_at, expires_at FROM api_token
    WHERE person_id = :person AND expires_at > now() ORDER BY created_at DESC""")


def sessions_of(session: Session, person_id: int) -> Sequence[Any]:
    return session.execute(SESSIONS, {"person": person_id}).mappings().all()


def tokens_of(session: Session, person_id: int) -> Sequence[Any]:
    return session.execute(TOKENS, {"person": person_id}).mappings().all()


def sign_out_everywhere(session: Session, by: Scope, person: Person, *, but: bytes | None = None) -> int:
    """End every session, but the one of this fingerprint; how many."""
    kept = WebSession.secret_sha256 != but if but else WebSession.person_id == person.id
    done: Any = session.execute(delete(WebSession).where(WebSession.person_id == person.id, kept))
    audit.record(session, by, "sign out everywhere", "person", person.email, {"sessions": done.rowcount})
    return int(done.rowcount)


def revoke_token(session: Session, by: Scope, person: Person, key: str) -> None:
    """`key` is the fingerprint in hex, as the list has it. NotFound for a token of somebody else."""
    try:
        digest = bytes.fromhex(key)
    except ValueError:
        raise NotFound from None
    done: Any = session.execute(
        delete(ApiToken).where(ApiToken.secret_sha256 == digest, ApiToken.person_id == person.id)
    )
    if not done.rowcount:
        raise NotFound
    audit.record(session, by, "revoke token", "person", person.email, {"token": key[:12]})


def areas_of_person(session: Session, person_id: int) -> list[str]:
    return sorted(session.scalars(select(PersonArea.area_code).where(PersonArea.person_id == person_id)))
