"""Who did what to which thing, when, and from where?

Append-only by trigger; each entry holds the hash of the one before it, so that a changed, removed or inserted row
shows. Only what people do is recorded here (imports, decisions, people): a visit's own record is its submission.
Reads and writes `audit_entry` alone.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope

ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtext('audit_entry'))")  # until the transaction ends

# of an entry `e`, in a form that does not hang on the session's settings
HASH = """
    sha256(e.previous_sha256 || convert_to(jsonb_build_array(extract(epoch FROM e.at), e.person_id, e.action, e.kind,
                                                             e.thing, e.facts, host(e.address))::text, 'UTF8'))"""

RECORD = text(f"""
    WITH e AS (
        SELECT clock_timestamp() AS at, CAST(:person_id AS int) AS person_id, CAST(:action AS text) AS action,
               CAST(:kind AS text) AS kind, CAST(:thing AS text) AS thing, CAST(:facts AS jsonb) AS facts,
               CAST(:address AS inet) AS address,
               coalesce((SELECT sha256 FROM audit_entry ORDER BY id DESC LIMIT 1), '') AS previous_sha256)
    INSERT INTO audit_entry (at, person_id, action, kind, thing, facts, address, previous_sha256, sha256)
    SELECT e.*, {HASH} FROM e""").bindparams(bindparam("facts", type_=JSONB))

BROKEN = text(f"""
    SELECT e.id FROM (SELECT *, coalesce(lag(sha256) OVER (ORDER BY id), '') AS before FROM audit_entry) e
    WHERE e.previous_sha256 <> e.before OR e.sha256 <> {HASH}
    ORDER BY e.id""")

LENGTH_AND_END = text("""
    SELECT count(*), (SELECT encode(sha256, 'hex') FROM audit_entry ORDER BY id DESC LIMIT 1) FROM audit_entry""")


@dataclass(frozen=True)
class Trail:
    """What a check of the whole trail found. Rows cut off its end show only against an `end` kept elsewhere."""

    entries: int
    end: str | None  # hash of the newest entry, in hex; None: the trail is empty
    broken: list[int]  # ids of entries that do not follow from the one before

    @property
    def is_whole(self) -> bool:
        return not self.broken


def record(session: Session, who: Scope, action: str, kind: str, thing: str, facts: dict[str, Any]) -> None:
    """Add an entry in the act's own transaction; other acts of people wait for it to end.

    `facts` become JSON: what was done, with old and new values, never a secret.
    """
    session.execute(ONE_AT_A_TIME)
    session.execute(RECORD, {
        "person_id": who.person_id, "action": action, "kind": kind, "thing": thing, "facts": facts,
        "address": who.address,
    })  # fmt: skip


def verify(session: Session) -> Trail:
    """Walk the whole trail."""
    entries, end = session.execute(LENGTH_AND_END).one()
    return Trail(entries, end, list(session.scalars(BROKEN)))
