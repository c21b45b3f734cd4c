"""Why could nobody work in a settlement? Somebody says so; it holds until a day, or until it is taken back.

Writes `closure` (rows are ended, never removed) and the audit trail; the children stay in the target. Reads within the
scope. Two people who write about one settlement do not overwrite each other: whoever comes second sees the first's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.audit import record
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.errors import NotAllowed, NotFound, RasaiError, WrongRequest
from tracker.orders.models import CLOSURES, Closure

LONGEST_NOTE = 2_000
LONGEST_SAID_BY = 200

REASON_WORDS = {
    "snow": _l("Snow"), "flood": _l("Flood"), "insecurity": _l("Insecurity"), "boycott": _l("Boycott"),
    "no_vaccine": _l("No vaccine"), "team_absent": _l("Team absent"), "moved_away": _l("Moved away"),
    "empty": _l("Nobody lives there now"),
}  # fmt: skip

SETTLEMENT = text("""
    SELECT x.settlement_id, x.area_id FROM campaign_settlement x
    WHERE x.campaign_id = :campaign AND x.code = :code AND in_areas(x.area_id, :areas)""")

# holds: neither taken back nor over
STANDING = text("""
    SELECT c.id, c.settlement_id, c.reason, c.said_by, c.note, c.until, c.recorded_at, p.name AS person
    FROM closure c LEFT JOIN person p ON p.id = c.person_id
    WHERE c.campaign_id = :campaign AND c.ended_at IS NULL AND (c.until IS NULL OR c.until >= :today)
      AND (CAST(:settlements AS integer[]) IS NULL OR c.settlement_id = ANY(:settlements))
      AND (in_areas(c.area_id, :areas) OR c.settlement_id = ANY(:settlement_ids))""")

PAST = text("""
    SELECT c.id, c.reason, c.said_by, c.note, c.until, c.recorded_at, c.ended_at, p.name AS person, e.name AS ended_by,
           k.code AS campaign
    FROM closure c JOIN campaign k ON k.id = c.campaign_id LEFT JOIN person p ON p.id = c.person_id
    LEFT JOIN person e ON e.id = c.ended_by
    WHERE c.settlement_id = :settlement AND (in_areas(c.area_id, :areas) OR c.settlement_id = ANY(:settlement_ids))
    ORDER BY c.id DESC LIMIT 20""")


class ReasonChanged(RasaiError):
    """Somebody else wrote about this settlement since the form was opened."""

    message = _l("Somebody has written about this settlement since you opened it. Look at theirs first.")
    status = 409


@dataclass(frozen=True)
class Said:
    """What somebody says of a settlement."""

    reason: str
    said_by: str
    note: str
    until: date | None


def close_settlement(
    session: Session, campaign: Campaign, scope: Scope, code: str, said: Said, *, seen: int | None, today: date
) -> int:
    """Record the reason; what was said before is ended. `seen`: id of what stood when the form was opened.

    Raises NotAllowed, NotFound, WrongRequest for a reason that is none or a day that is over, ReasonChanged.
    """
    settlement_id, area_id = _settlement(session, campaign, scope, code)
    _check(said, today)
    _end_standing(session, campaign, scope, settlement_id, seen)
    closure = Closure(
        campaign_id=campaign.id, settlement_id=settlement_id, area_id=area_id, reason=said.reason,
        said_by=said.said_by.strip(), note=said.note.strip(), until=said.until, person_id=scope.person_id,
    )  # fmt: skip
    session.add(closure)
    session.flush()
    facts = {
        "settlement": code,
        "reason": said.reason,
        "said_by": said.said_by,
        "until": said.until and str(said.until),
    }
    record(session, scope, "close", "campaign", campaign.code, {**facts, "closure": closure.id})
    return closure.id


def reopen_settlement(session: Session, campaign: Campaign, scope: Scope, code: str, *, seen: int) -> None:
    """The reason holds no longer. Raises as `close_settlement`."""
    settlement_id, _area_id = _settlement(session, campaign, scope, code)
    _end_standing(session, campaign, scope, settlement_id, seen)
    record(session, scope, "reopen", "campaign", campaign.code, {"settlement": code, "closure": seen})


def standing_reasons(
    session: Session, campaign: Campaign, scope: Scope, today: date, settlements: Sequence[int] | None = None
) -> dict[int, Row[Any]]:
    """What holds today, by settlement id; of all settlements unless told."""
    wanted = None if settlements is None else list(settlements)
    asked = {"campaign": campaign.id, "today": today, "settlements": wanted, **scope.binds()}
    return {row.settlement_id: row for row in session.execute(STANDING, asked)}


def said_before(session: Session, scope: Scope, settlement_id: int) -> Sequence[Row[Any]]:
    """All that was ever said of a settlement, over all rounds, newest first."""
    return session.execute(PAST, {"settlement": settlement_id, **scope.binds()}).all()


def _settlement(session: Session, campaign: Campaign, scope: Scope, code: str) -> tuple[int, int]:
    if scope.role not in ("admin", "coordinator", "supervisor"):
        raise NotAllowed
    found = session.execute(SETTLEMENT, {"campaign": campaign.id, "code": code, **scope.binds()}).one_or_none()
    if found is None:
        raise NotFound
    return found.settlement_id, found.area_id


def _check(said: Said, today: date) -> None:
    if said.reason not in CLOSURES:
        raise WrongRequest(field="reason", why=_("choose one of the reasons."))
    if not said.said_by.strip() or len(said.said_by) > LONGEST_SAID_BY:
        raise WrongRequest(field="said_by", why=_("say who told you, by function; at most 200 characters."))
    if len(said.note) > LONGEST_NOTE:
        raise WrongRequest(field="note", why=_("at most 2,000 characters."))
    if said.until is not None and said.until < today:
        raise WrongRequest(field="until", why=_("this day is over. Leave it empty if nobody knows."))


def _end_standing(session: Session, campaign: Campaign, scope: Scope, settlement_id: int, seen: int | None) -> None:
    query = session.query(Closure).filter_by(campaign_id=campaign.id, settlement_id=settlement_id, ended_at=None)
    standing = query.with_for_update().one_or_none()
    if (standing.id if standing else None) != seen:
        raise ReasonChanged
    if standing is not None:
        session.execute(END, {"id": standing.id, "person": scope.person_id})
        session.expire(standing)


END = text("UPDATE closure SET ended_at = now(), ended_by = :person WHERE id = :id")
