"""People, what they may see, how they sign in, and the record of what they did."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Instant, Key, Words

ROLES = ("admin", "coordinator", "supervisor", "verifier", "team", "observer")


class Person(Base):
    """Somebody who signs in or sends. `role` says what, their areas say where."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("role IN ('admin','coordinator','supervisor','verifier','team','observer')", name="role_known"),
        CheckConstraint("role = 'team' OR team_id IS NULL", name="only_team_users_have_a_team"),
        Index("person_email_key", text("lower(email)"), unique=True),
    )

    id: Mapped[Key]
    email: Mapped[Code]
    name: Mapped[Words]
    role: Mapped[Code]
    password_hash: Mapped[str | None]  # argon2id; None: cannot sign in by password
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))  # role team; None: sees nothing yet
    language: Mapped[Code | None]  # en, ur, ps; None: as the browser asks
    created_at: Mapped[Instant] = mapped_column(server_default=NOW)
    disabled_at: Mapped[Instant | None]  # None: may sign in
    totp_secret: Mapped[Code | None]  # of the second factor, base32; None: none was asked for
    totp_since: Mapped[Instant | None]  # when a first code proved it; None: not yet, signing in asks for none
    totp_step: Mapped[int | None] = mapped_column(BigInteger)  # of the newest code used: none is taken twice


class PersonArea(Base):
    """An area, by P-code, that a person answers for; it holds in every vintage that has the code."""

    __tablename__ = "person_area"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    area_code: Mapped[Code] = mapped_column(primary_key=True)


class WebSession(Base):
    """A signed-in browser. Only the hash of its secret is kept; deleting the row signs it out."""

    __tablename__ = "web_session"

    secret_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[Instant] = mapped_column(server_default=NOW)
    seen_at: Mapped[Instant] = mapped_column(server_default=NOW)  # to within a few minutes: a session left alone ends
    expires_at: Mapped[Instant]
    address: Mapped[str | None] = mapped_column(INET)
    agent: Mapped[Words | None]


class ApiToken(Base):
    """A bearer token. Only its hash is kept; it was shown once."""

    __tablename__ = "api_token"

    secret_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    label: Mapped[Words]
    created_at: Mapped[Instant] = mapped_column(server_default=NOW)
    expires_at: Mapped[Instant]


class Invitation(Base):
    """A link by which somebody chooses a password: a new person, or one who forgot it. Only its hash is kept."""

    __tablename__ = "invitation"
    __table_args__ = (CheckConstraint("purpose IN ('invite','reset')", name="purpose_known"),)

    secret_sha256: Mapped[bytes] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    purpose: Mapped[Code]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    created_at: Mapped[Instant] = mapped_column(server_default=NOW)
    expires_at: Mapped[Instant]


class SignInFailure(Base):
    """A failed sign-in, counted per account and per address over all web workers."""

    __tablename__ = "sign_in_failure"
    __table_args__ = (Index(None, "account_sha256", "at"), Index(None, "address", "at"))

    id: Mapped[BigKey]
    account_sha256: Mapped[bytes]  # of the lower-cased e-mail: a typed password never lands here readable
    address: Mapped[str] = mapped_column(INET)
    at: Mapped[Instant] = mapped_column(server_default=NOW)


class AuditEntry(Base):
    """Who did what to which thing. Append-only by trigger; each entry holds the hash of the one before it."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index(None, "kind", "thing"), UniqueConstraint("previous_sha256"))  # unique: no fork in the chain

    id: Mapped[BigKey]
    at: Mapped[Instant]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    action: Mapped[Code]  # verb, such as "create", "import", "decide"
    kind: Mapped[Code]  # of thing, such as "campaign"
    thing: Mapped[Code]  # its code
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    address: Mapped[str | None] = mapped_column(INET)  # None: a command
    previous_sha256: Mapped[bytes]
    sha256: Mapped[bytes]
