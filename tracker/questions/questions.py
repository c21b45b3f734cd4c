"""A flag becomes a question to those who supervise the team; the answer returns to the visits; a decision cites it.

Writes `question`, `question_visit` and the audit trail; decisions themselves are visits' own. Who may decide may ask
and answer. A question is seen by those who answer for the team's area, and by who asked.
"""

import uuid
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
from tracker.questions.models import Question
from tracker.visits.decisions import decide
from tracker.visits.rules import BY_NAME

LONGEST_WORDS = 1_000
MOST_VISITS = 2_000
STATES = ("open", "answered", "decided")
SHOWN = 200

VISITS = text("""
    SELECT v.instance_id, v.team_id, CAST(v.visited_at AT TIME ZONE :zone AS date) AS day, t.area_id
    FROM visit v JOIN team t ON t.id = v.team_id
    WHERE v.instance_id = ANY(CAST(:ids AS uuid[])) AND v.campaign_id = :campaign
      AND (in_areas(v.area_id, :areas) OR coalesce(v.area_id, 0) = 0 AND in_areas(t.area_id, :areas) OR :everything)""")

ABOUT = text("""
    INSERT INTO question_visit (question_id, instance_id) SELECT :question, unnest(CAST(:ids AS uuid[]))""")

# seen by who answers for the team's area, and by who asked
SEEN = """(:everything OR in_areas(q.area_id, :areas) OR q.asked_by = :person)"""

STATE = """CASE
    WHEN q.decided IS NOT NULL AND NOT EXISTS (SELECT 1 FROM decision u WHERE u.undoes = q.decided) THEN 'decided'
    WHEN q.answered_at IS NOT NULL THEN 'answered' ELSE 'open' END"""

COLUMNS = f"""
    q.id, q.rule, q.day, q.visits, q.words, q.asked_at, q.answer, q.answered_at, q.decided, t.code AS team,
    t.type AS team_type, a.name_en AS area_name, a.name_ur AS area_name_ur, a.name_ps AS area_name_ps,
    asker.name AS asked_by, answerer.name AS answered_by, {STATE} AS state"""

JOINED = """
    FROM question q JOIN team t ON t.id = q.team_id LEFT JOIN area a ON a.id = q.area_id
    LEFT JOIN person asker ON asker.id = q.asked_by LEFT JOIN person answerer ON answerer.id = q.answered_by"""

LIST = text(f"""
    SELECT * FROM (SELECT {COLUMNS} {JOINED} WHERE q.campaign_id = :campaign AND q.withdrawn_at IS NULL AND {SEEN}) q
    WHERE (CAST(:state AS text) IS NULL OR q.state = :state) AND (CAST(:team AS text) IS NULL OR q.team = :team)
      AND (CAST(:on AS date) IS NULL OR q.day = :on)
    ORDER BY q.state <> 'open', q.asked_at DESC LIMIT :limit""")

COUNTS = text(f"""
    SELECT {STATE} AS state, count(*) AS questions FROM question q
    WHERE q.campaign_id = :campaign AND q.withdrawn_at IS NULL AND {SEEN} GROUP BY 1""")

ONE = text(
    f"SELECT {COLUMNS} {JOINED} WHERE q.id = :id AND q.campaign_id = :campaign AND q.withdrawn_at IS NULL AND {SEEN}"
)

ON_VISITS = text(f"""
    SELECT v.instance_id, q.id, q.rule, q.words, q.asked_at, q.answer, q.answered_at, asker.name AS asked_by,
           answerer.name AS answered_by
    FROM question_visit v JOIN question q ON q.id = v.question_id
    LEFT JOIN person asker ON asker.id = q.asked_by LEFT JOIN person answerer ON answerer.id = q.answered_by
    WHERE v.instance_id = ANY(CAST(:ids AS uuid[])) AND q.withdrawn_at IS NULL AND {SEEN}
    ORDER BY v.instance_id, q.id DESC""")

IDS = text("SELECT instance_id FROM question_visit WHERE question_id = :id ORDER BY 1")


class AnsweredMeanwhile(RasaiError):
    """Somebody else answered since the form was opened."""

    message = _l("Somebody has answered since you opened this. Read theirs first; yours is kept below.")
    status = 409


@dataclass(frozen=True)
class Wish:
    """Which questions; None: whichever."""

    state: str | None = None
    team: str | None = None
    day: date | None = None


def ask(
    session: Session, campaign: Campaign, scope: Scope, ids: Sequence[uuid.UUID], rule: str | None, words: str
) -> int:
    """Put a question about these visits of one team; give its id.

    Raises NotAllowed, NotFound for a visit that is none of the person's, WrongRequest.
    """
    _may(scope)
    words = _sound(words, "words")
    if rule is not None and rule not in BY_NAME:
        raise WrongRequest(field="rule", why=_("there is no such rule."))
    if not ids or len(ids) > MOST_VISITS:
        raise WrongRequest(field="visits", why=_("from one to {most} visits.").format(most=MOST_VISITS))
    wanted = {str(i) for i in ids}
    its = {"ids": sorted(wanted), "campaign": campaign.id, "zone": campaign.timezone, **_seen(scope)}
    visits = session.execute(VISITS, its).all()
    if len(visits) < len(wanted):
        raise NotFound
    if len({v.team_id for v in visits}) > 1:
        raise WrongRequest(field="visits", why=_("ask about visits of one team at a time."))
    days = {v.day for v in visits}
    question = Question(
        campaign_id=campaign.id, team_id=visits[0].team_id, area_id=visits[0].area_id, rule=rule,
        day=days.pop() if len(days) == 1 else None, visits=len(visits), words=words, asked_by=scope.person_id,
    )  # fmt: skip
    session.add(question)
    session.flush()
    session.execute(ABOUT, {"question": question.id, "ids": sorted(wanted)})
    facts = {"question": question.id, "visits": len(visits), "rule": rule, "words": words}
    record(session, scope, "ask", "campaign", campaign.code, facts)
    return question.id


def answer(session: Session, campaign: Campaign, scope: Scope, question_id: int, words: str) -> None:
    """Give the answer. Raises NotAllowed, NotFound, WrongRequest, AnsweredMeanwhile."""
    _may(scope)
    question = _locked(session, campaign, scope, question_id)
    if question.answered_at is not None:
        raise AnsweredMeanwhile
    question.answer, question.answered_by = _sound(words, "answer"), scope.person_id
    session.flush()
    session.execute(text("UPDATE question SET answered_at = now() WHERE id = :id"), {"id": question_id})
    record(session, scope, "answer", "campaign", campaign.code, {"question": question_id, "answer": question.answer})


def decide_citing(
    session: Session, campaign: Campaign, scope: Scope, question_id: int, action: str, reason: str
) -> uuid.UUID:
    """Keep or set aside the visits of a question, and let the act be found from its answer.

    Raises what `visits.decisions.decide` raises, NotFound, WrongRequest while nobody has answered.
    """
    _may(scope)
    question = _locked(session, campaign, scope, question_id)
    if question.answered_at is None:
        raise WrongRequest(field="question", why=_("nobody has answered yet."))
    batch = decide(session, campaign, scope, list(session.scalars(IDS, {"id": question_id})), action, reason)
    question.decided = batch
    session.flush()
    return batch


def withdraw(session: Session, campaign: Campaign, scope: Scope, question_id: int) -> None:
    """Take a question back that nobody has answered. Raises NotAllowed, NotFound, AnsweredMeanwhile."""
    _may(scope)
    question = _locked(session, campaign, scope, question_id)
    if question.answered_at is not None:
        raise AnsweredMeanwhile
    session.execute(text("UPDATE question SET withdrawn_at = now() WHERE id = :id"), {"id": question_id})
    record(session, scope, "withdraw", "campaign", campaign.code, {"question": question_id})


def list_questions(session: Session, campaign: Campaign, scope: Scope, wish: Wish) -> Sequence[Row[Any]]:
    """Open ones first, then the newest."""
    asked = {"campaign": campaign.id, "state": wish.state, "team": wish.team, "on": wish.day, "limit": SHOWN}
    return session.execute(LIST, {**asked, **_seen(scope)}).all()


def count_questions(session: Session, campaign: Campaign, scope: Scope) -> dict[str, int]:
    """How many in each state."""
    found = {r.state: r.questions for r in session.execute(COUNTS, {"campaign": campaign.id, **_seen(scope)})}
    return {state: found.get(state, 0) for state in STATES}


def one_question(session: Session, campaign: Campaign, scope: Scope, question_id: int) -> Row[Any]:
    """Raises NotFound."""
    found = session.execute(ONE, {"id": question_id, "campaign": campaign.id, **_seen(scope)}).one_or_none()
    if found is None:
        raise NotFound
    return found


def visits_of(session: Session, question_id: int) -> list[uuid.UUID]:
    return list(session.scalars(IDS, {"id": question_id}))


def asked_about(session: Session, scope: Scope, ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Row[Any]]]:
    """Questions and answers by visit, newest first; none for roles that may not ask."""
    found: dict[uuid.UUID, list[Row[Any]]] = {}
    if scope.decides and ids:
        for row in session.execute(ON_VISITS, {"ids": [str(i) for i in ids], **_seen(scope)}):
            found.setdefault(row.instance_id, []).append(row)
    return found


def _may(scope: Scope) -> None:
    if not scope.decides:
        raise NotAllowed


def _seen(scope: Scope) -> dict[str, Any]:
    return {"everything": scope.everything, "person": scope.person_id, "areas": scope.areas}


def _sound(words: str, field: str) -> str:
    words = words.strip()
    if not words or len(words) > LONGEST_WORDS:
        why = _("write something, in at most {most} characters.")
        raise WrongRequest(field=field, why=why.format(most=LONGEST_WORDS))
    return words


def _locked(session: Session, campaign: Campaign, scope: Scope, question_id: int) -> Question:
    one_question(session, campaign, scope, question_id)
    return session.query(Question).filter_by(id=question_id).with_for_update().one()
