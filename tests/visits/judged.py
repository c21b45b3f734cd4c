"""What tests ask of a judged round, in one session that is rolled back."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.visits.judging import begin_pass, end_pass, judge
from tracker.visits.models import STANDINGS, Visit


def judge_what_waits(session: Session, campaign: Campaign) -> None:
    session.flush()
    run = begin_pass(session, campaign)
    if run is not None:
        for _ in judge(session, run):
            pass
        end_pass(session, run)
    session.expire_all()


def asked(session: Session, visit: Visit) -> dict[str, str]:
    """{rule: severity} of a visit's flags."""
    rows = session.execute(text("SELECT rule, severity FROM flag WHERE instance_id = :id"), {"id": visit.instance_id})
    return {row.rule: row.severity for row in rows}


def numbers(session: Session, visit: Visit, rule: str) -> dict[str, Any]:
    return session.scalar(
        text("SELECT numbers FROM flag WHERE instance_id = :id AND rule = :rule"),
        {"id": visit.instance_id, "rule": rule},
    )


def standing(visit: Visit) -> str:
    return STANDINGS[visit.standing]
