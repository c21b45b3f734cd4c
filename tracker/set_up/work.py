"""What the job worker does with a file: a dry run, rolled back whatever it changed, or the writing.

Both may run twice: a dry run changes nothing, and a writing that has been done does nothing more.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.models import Person
from tracker.accounts.scope import Scope, campaign_in_scope, scope_of
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.errors import NotAllowed, RowsRefused
from tracker.jobs import say_progress
from tracker.set_up.models import Upload
from tracker.set_up.taking_in import Outcome, apply

MANAGERS = ("admin", "coordinator")


class _DryRun(Exception):
    """Rolls the trial back."""


def try_upload(job_id: int, upload_id: int) -> dict[str, Any]:
    """Do everything, tell what it would change, and undo it."""
    told: dict[str, Any] = {}
    with _in_the_readers_language(upload_id):
        try:
            with transaction() as session:
                told = _outcome(session, job_id, upload_id).as_dict()
                raise _DryRun
        except _DryRun:
            pass
        with transaction() as session:
            session.get_one(Upload, upload_id).tried = told
    return told["summary"]  # type: ignore[no-any-return]


def write_upload(job_id: int, upload_id: int) -> dict[str, Any]:
    """All or nothing, in one transaction with the record of it."""
    with _in_the_readers_language(upload_id), transaction() as session:
        upload = session.get_one(Upload, upload_id)
        if upload.done:
            return upload.done["summary"]  # type: ignore[no-any-return]
        outcome = _outcome(session, job_id, upload_id)
        if outcome.refused and not any(outcome.summary.get(k) for k in ("accepted", "duplicate", "created", "updated")):
            upload.tried = outcome.as_dict()
            return outcome.summary
        upload.done, upload.back = outcome.as_dict(), outcome.back
        by = _who(session, upload)
        thing = session.get_one(Campaign, upload.campaign_id).code if upload.campaign_id else "all"
        audit.record(session, by, "import", upload.kind, thing, {"file": upload.file_name, **outcome.summary})
        return outcome.summary


def _outcome(session: Session, job_id: int, upload_id: int) -> Outcome:
    upload = session.get_one(Upload, upload_id)
    by = _who(session, upload)
    campaign = None
    if upload.campaign_id:
        campaign = campaign_in_scope(session, session.get_one(Campaign, upload.campaign_id).code, by)
    total = upload.row_count or None
    say_progress(job_id, 0, total)
    try:
        with session.begin_nested():
            outcome = apply(session, by, upload, campaign, lambda rows: say_progress(job_id, rows, total))
    except RowsRefused as refused:
        rejected = len({error.row for error in refused.errors})
        return Outcome({"read": total or 0, "rejected": rejected}, [], refused.errors)
    say_progress(job_id, outcome.summary.get("read", 0), total)
    return outcome


def _who(session: Session, upload: Upload) -> Scope:
    """The person as they are now: whoever was shut out meanwhile changes nothing."""
    person = session.get_one(Person, upload.person_id)
    if person.disabled_at or person.role not in MANAGERS:
        raise NotAllowed
    return scope_of(session, person)


@contextmanager
def _in_the_readers_language(upload_id: int) -> Iterator[None]:
    """Reasons are kept as the person will read them."""
    from tracker import create_app  # the whole of it: only this process needs it, once a job

    with transaction() as session:
        language = session.get_one(Upload, upload_id).choice.get("language", "en")
    with create_app().test_request_context(f"/?lang={language}"):
        yield
