"""Who are our people? Create, let in, shut out; their passwords and tokens.

Everything here is an act of somebody (`by`) and stands in the audit trail. Nobody is deleted: what they did stays
theirs. Shutting somebody out ends their sessions and tokens in the same transaction.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.identity import fingerprint
from tracker.accounts.models import ROLES, ApiToken, Person, PersonArea, WebSession
from tracker.accounts.passwords import check_password_rules, hash_password
from tracker.accounts.scope import Scope
from tracker.areas.models import Area
from tracker.campaigns.models import Campaign, Team
from tracker.errors import RasaiError

EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,255}")
TOKEN_BYTES = 32


class PersonUnknown(RasaiError):
    message = _l("There is nobody with the e-mail address {email}. `flask users list` shows who there is.")
    status = 404


class PersonThere(RasaiError):
    message = _l("There is already somebody with the e-mail address {email}.")
    status = 409


class PersonDisabled(RasaiError):
    message = _l("{email} is shut out. Let them in with `flask users enable` first.")
    status = 409


class PersonUnfit(RasaiError):
    """What was asked for does not make a person who could work here: `why` says what to change."""

    message = _l("{email}: {why}")
    status = 422
    exit_code = 2


def create_person(
    session: Session,
    by: Scope,
    email: str,
    role: str,
    *,
    name: str = "",
    area_codes: Sequence[str] = (),
    team: tuple[str, str] | None = None,
    password: str | None = None,
) -> Person:
    """Add somebody with a role, in areas by P-code (of any vintage), or in a team given as (campaign, team).

    Without a password they cannot sign in by the page, only send with a token. Raises PersonThere, PersonUnfit,
    PasswordTooWeak.
    """
    if role not in ROLES:
        raise PersonUnfit(email=email, why=_l("no such role"))
    if not EMAIL.fullmatch(email):
        raise PersonUnfit(email=email, why=_l("that is not an e-mail address"))
    if session.scalar(select(exists().where(func.lower(Person.email) == email.lower()))):
        raise PersonThere(email=email)
    if team and role != "team":
        raise PersonUnfit(email=email, why=_l("only role team works in a team"))
    if password is not None:
        check_password_rules(password, email, name)
    person = Person(
        email=email,
        name=name or email.partition("@")[0],
        role=role,
        team_id=_team_id(session, email, *team) if team else None,
        password_hash=None if password is None else hash_password(password),
    )
    session.add(person)
    session.flush()
    for code in _known_areas(session, email, area_codes):
        session.add(PersonArea(person_id=person.id, area_code=code))
    session.flush()
    facts = {"role": role, "areas": list(area_codes), "team": list(team) if team else None}
    audit.record(session, by, "create", "person", email, facts)
    return person


def find_person(session: Session, email: str) -> Person:
    person = session.scalar(select(Person).where(func.lower(Person.email) == email.lower()))
    if person is None:
        raise PersonUnknown(email=email)
    return person


def issue_token(session: Session, by: Scope, email: str, *, days: int, label: str = "") -> tuple[str, datetime]:
    """(bearer token, when it ends). Only its fingerprint is kept: it can be shown this once."""
    person = find_person(session, email)
    if person.disabled_at:
        raise PersonDisabled(email=email)
    secret, expires_at = secrets.token_urlsafe(TOKEN_BYTES), datetime.now(UTC) + timedelta(days=days)
    session.add(ApiToken(secret_sha256=fingerprint(secret), person_id=person.id, label=label, expires_at=expires_at))
    audit.record(session, by, "issue token", "person", person.email, {"expires_at": expires_at.isoformat()})
    return secret, expires_at


def set_password(session: Session, by: Scope, email: str, password: str) -> Person:
    """A new password; whoever is signed in with the old one is signed out. Tokens stay."""
    person = find_person(session, email)
    check_password_rules(password, person.email, person.name)
    person.password_hash = hash_password(password)
    session.execute(delete(WebSession).where(WebSession.person_id == person.id))
    audit.record(session, by, "set password", "person", person.email, {})
    return person


def shut_out(session: Session, by: Scope, email: str) -> Person:
    """Nobody gets in as this person from the moment that the transaction commits."""
    person = find_person(session, email)
    person.disabled_at = person.disabled_at or datetime.now(UTC)
    for kept in (WebSession, ApiToken):
        session.execute(delete(kept).where(kept.person_id == person.id))
    audit.record(session, by, "disable", "person", person.email, {})
    return person


def let_in(session: Session, by: Scope, email: str) -> Person:
    """They may sign in again; tokens have to be issued anew."""
    person = find_person(session, email)
    person.disabled_at = None
    audit.record(session, by, "enable", "person", person.email, {})
    return person


def list_people(session: Session) -> list[dict[str, Any]]:
    areas = select(func.array_agg(PersonArea.area_code)).where(PersonArea.person_id == Person.id).scalar_subquery()
    rows = session.execute(
        select(Person, areas, Team.code, Campaign.code)
        .outerjoin(Team, Team.id == Person.team_id)
        .outerjoin(Campaign, Campaign.id == Team.campaign_id)
        .order_by(Person.role, Person.email)
    )
    return [
        {"email": p.email, "name": p.name, "role": p.role, "areas": sorted(codes or ()), "campaign": campaign,
         "team": team, "disabled": p.disabled_at is not None}
        for p, codes, team, campaign in rows
    ]  # fmt: skip


def _team_id(session: Session, email: str, campaign: str, team: str) -> int:
    found = session.scalar(
        select(Team.id)
        .join(Campaign, Campaign.id == Team.campaign_id)
        .where(Campaign.code == campaign, Team.code == team)
    )
    if found is None:
        raise PersonUnfit(email=email, why=_l("there is no such team in that campaign; import the teams first"))
    return found


def _known_areas(session: Session, email: str, codes: Sequence[str]) -> list[str]:
    wanted = list(dict.fromkeys(codes))
    known = set(session.scalars(select(Area.code).where(Area.code.in_(wanted)).distinct()))
    for code in wanted:
        if code not in known:
            raise PersonUnfit(email=email, why=str(_l("there is no area with P-code {code}")).format(code=code))
    return wanted
