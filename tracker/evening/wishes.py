"""Who wants a pack every evening, and what somebody wants to be told at once.

Writes `pack_wish`, `watch` and `notice.seen_at`; each person their own, within their areas.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import area_in_scope
from tracker.errors import NotAllowed, WrongRequest
from tracker.evening.models import WATCHED, PackWish, Watch

USUAL = {"silent_team": 3, "below_due": 80, "refusals": 3}  # hours, per cent of what was due, settlements
BOUNDS = {"silent_team": (1, 24), "below_due": (1, 100), "refusals": (2, 15)}
MINUTES_OF_DAY = 24 * 60
NOTICES_SHOWN = 30

WISHES = text("""
    SELECT w.area_id, w.language, w.at_minute, a.code, a.name_en, a.name_ur, a.name_ps
    FROM pack_wish w JOIN area a ON a.id = w.area_id
    WHERE w.person_id = :person AND w.campaign_id = :campaign ORDER BY a.code""")

WATCHES = text("""
    SELECT w.id, w.kind, w.at_least, a.code, a.name_en, a.name_ur, a.name_ps
    FROM watch w JOIN area a ON a.id = w.area_id
    WHERE w.person_id = :person AND w.campaign_id = :campaign ORDER BY a.code, w.kind""")

NOTICES = text("""
    SELECT n.id, n.kind, n.thing, n.facts, n.at, n.seen_at, a.name_en, a.name_ur, a.name_ps
    FROM notice n JOIN watch w ON w.id = n.watch_id JOIN area a ON a.id = w.area_id
    WHERE n.person_id = :person AND n.campaign_id = :campaign ORDER BY n.at DESC, n.id DESC LIMIT :most""")

PACKS = text("""
    SELECT p.id, p.day, p.language, p.made_at, p.mailed_at, p.trouble, a.code, a.name_en, a.name_ur, a.name_ps
    FROM evening_pack p JOIN area a ON a.id = p.area_id
    WHERE p.person_id = :person AND p.campaign_id = :campaign ORDER BY p.id DESC LIMIT 10""")

SEEN = text(
    "UPDATE notice SET seen_at = now() WHERE person_id = :person AND campaign_id = :campaign AND seen_at IS NULL"
)


def want_pack(session: Session, campaign: Campaign, scope: Scope, area: str, language: str, clock: str) -> None:
    """Every evening of the round at this local time (HH:MM). Raises NotAllowed, NotFound, WrongRequest."""
    person, found = _person(scope), area_in_scope(session, campaign, scope, area)
    key = {"person_id": person, "campaign_id": campaign.id, "area_id": found.id}
    session.merge(PackWish(**key, language=language, at_minute=_minute(clock)))
    session.flush()


def want_no_pack(session: Session, campaign: Campaign, scope: Scope, area: str) -> None:
    found = area_in_scope(session, campaign, scope, area)
    its = {"person_id": _person(scope), "campaign_id": campaign.id, "area_id": found.id}
    session.query(PackWish).filter_by(**its).delete()


def tell_me_when(session: Session, campaign: Campaign, scope: Scope, area: str, kind: str, at_least: int) -> None:
    """Be told once a day and thing. Raises NotAllowed, NotFound, WrongRequest."""
    person, found = _person(scope), area_in_scope(session, campaign, scope, area)
    if kind not in WATCHED:
        raise WrongRequest(field="kind", why=_("choose one of the three."))
    low, high = BOUNDS[kind]
    if not low <= at_least <= high:
        raise WrongRequest(field="at_least", why=_("from {low} to {high}.").format(low=low, high=high))
    its = {"person_id": person, "campaign_id": campaign.id, "area_id": found.id, "kind": kind}
    standing = session.query(Watch).filter_by(**its).one_or_none() or Watch(**its)
    standing.at_least = at_least
    session.add(standing)
    session.flush()


def tell_me_no_more(session: Session, campaign: Campaign, scope: Scope, watch: int) -> None:
    session.query(Watch).filter_by(id=watch, person_id=_person(scope), campaign_id=campaign.id).delete()


def wishes_of(session: Session, campaign: Campaign, scope: Scope) -> dict[str, Sequence[Row[Any]]]:
    """`wishes`, `watches`, `notices`, `packs` of the person; all empty for a command."""
    its = {"person": scope.person_id, "campaign": campaign.id, "most": NOTICES_SHOWN}
    asked = {"wishes": WISHES, "watches": WATCHES, "notices": NOTICES, "packs": PACKS}
    return {name: session.execute(statement, its).all() for name, statement in asked.items()}


def have_seen(session: Session, campaign: Campaign, scope: Scope) -> None:
    session.execute(SEEN, {"person": _person(scope), "campaign": campaign.id})


def clock_of(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _person(scope: Scope) -> int:
    if scope.person_id is None or scope.role == "team":
        raise NotAllowed
    return scope.person_id


def _minute(clock: str) -> int:
    try:
        at = datetime.strptime(clock, "%H:%M")  # noqa: DTZ007  a time of day
    except ValueError:
        raise WrongRequest(field="at", why=_("a time such as 19:00.")) from None
    return at.hour * 60 + at.minute
