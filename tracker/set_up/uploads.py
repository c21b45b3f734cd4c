"""The life of a file that is sent: received, its columns chosen, tried, taken in, and taken back while nothing counts
on it. Writes `upload` and queues the work in the same transaction.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import IO, Any
from uuid import UUID

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker import jobs
from tracker.accounts import audit
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign, Team
from tracker.campaigns.settlements import measure_anew, refresh_all, refresh_settlements
from tracker.denominators.changing import undo_changes
from tracker.errors import NotAllowed, NotFound, RasaiError, WrongRequest
from tracker.kept_files import at_hand, keep
from tracker.set_up.kinds import KINDS, Kind, guess
from tracker.set_up.models import Upload
from tracker.set_up.reading import SHELF, look

ONLY_EVERYTHING = ("areas", "visits")  # they touch what belongs to everybody
LONGEST_NAME = 200


class SomethingCountsOnIt(RasaiError):
    message = _l("It cannot be taken back: {why}")
    status = 409


class StillAtWork(RasaiError):
    message = _l("This file is being worked on. Wait until that is done.")
    status = 409


def receive(
    session: Session,
    by: Scope,
    kind_name: str,
    campaign: Campaign | None,
    stream: IO[bytes],
    file_name: str,
    language: str,
) -> Upload:
    """Keep a file and look into it. Raises WrongRequest, NotAllowed, RowsRefused when it cannot be read at all."""
    kind = _kind(by, kind_name)
    if kind.of_campaign and campaign is None:
        raise WrongRequest(field="campaign", why=_("choose the campaign."))
    name = file_name.replace("\\", "/").rsplit("/", 1)[-1][-LONGEST_NAME:].strip() or "file"
    kept = keep(stream, SHELF)
    if kept.size == 0:
        raise WrongRequest(field="file", why=_("the file is empty."))
    with at_hand(kept.sha256, SHELF, name) as path:
        looked = look(kind, path, name)
    choice = {"fields": guess(kind, looked.columns), "layers": looked.layers, "language": language}
    if looked.layers[1:]:
        choice["layer"] = looked.layers[0]
    upload = Upload(
        kind=kind.name, campaign_id=campaign.id if campaign and kind.of_campaign else None, file_name=name,
        sha256=kept.sha256, person_id=by.person_id, columns=looked.columns, sample=looked.sample,
        row_count=looked.rows, choice=choice,
    )  # fmt: skip
    session.add(upload)
    session.flush()
    return upload


def _kind(by: Scope, name: str) -> Kind:
    if name not in KINDS:
        raise WrongRequest(field="kind", why=", ".join(KINDS))
    if name in ONLY_EVERYTHING and not by.everything:
        raise NotAllowed
    return KINDS[name]


def find_upload(session: Session, by: Scope, upload_id: int) -> Upload:
    """One's own; an administrator sees all. NotFound otherwise."""
    upload = session.get(Upload, upload_id)
    if upload is None or not (by.everything or upload.person_id == by.person_id):
        raise NotFound
    return upload


def list_uploads(session: Session, by: Scope, campaign: Campaign | None, limit: int = 30) -> Sequence[Upload]:
    query = session.query(Upload)
    if not by.everything:
        query = query.filter_by(person_id=by.person_id)
    if campaign is not None:
        query = query.filter((Upload.campaign_id == campaign.id) | Upload.campaign_id.is_(None))
    return query.order_by(Upload.id.desc()).limit(limit).all()


def choose(session: Session, upload: Upload, fields: dict[str, str], options: dict[str, str]) -> None:
    """Other columns, level, vintage, layer or reason: what was tried before no longer holds."""
    _not_at_work(session, upload)
    if upload.done:
        raise SomethingCountsOnIt(why=_("it has been taken in."))
    kind = KINDS[upload.kind]
    known = {field.name for field in kind.fields}
    layer_before = upload.choice.get("layer")
    upload.choice = {**upload.choice, "fields": {k: v for k, v in fields.items() if k in known and v}, **options}
    upload.tried = None
    if upload.choice.get("layer") != layer_before:
        with at_hand(upload.sha256, SHELF, upload.file_name) as path:
            looked = look(kind, path, upload.file_name, upload.choice.get("layer"))
        upload.columns, upload.sample, upload.row_count = looked.columns, looked.sample, looked.rows
        upload.choice = {**upload.choice, "fields": guess(kind, looked.columns)}
    session.flush()


def begin(session: Session, by: Scope, upload: Upload, task: str) -> None:
    """Queue a dry run (`try_upload`) or the writing (`write_upload`)."""
    _not_at_work(session, upload)
    if upload.done:
        raise SomethingCountsOnIt(why=_("it has been taken in."))
    if task == "write_upload" and not upload.tried:
        raise WrongRequest(field="try", why=_("try it first: you see what would change."))
    upload.tried = upload.tried if task == "write_upload" else None
    job = jobs.enqueue(
        session, task, str(upload.id), campaign_id=upload.campaign_id, person_id=by.person_id, upload_id=upload.id,
    )  # fmt: skip
    upload.job_id = job.id
    session.flush()


def job_of(session: Session, upload: Upload) -> jobs.Job | None:
    return session.get(jobs.Job, upload.job_id) if upload.job_id else None


def _not_at_work(session: Session, upload: Upload) -> None:
    job = job_of(session, upload)
    if job is not None and job.state in ("queued", "running"):
        raise StillAtWork


# taking it back


def take_back(session: Session, by: Scope, upload: Upload) -> None:
    """As it was before, where nothing counts on what came. Raises SomethingCountsOnIt."""
    _not_at_work(session, upload)
    back = upload.back
    if not upload.done or upload.undone_at or back is None or not KINDS[upload.kind].can_go_back:
        raise SomethingCountsOnIt(why=_("there is nothing to take back."))
    campaign = session.get(Campaign, upload.campaign_id) if upload.campaign_id else None
    BACK[upload.kind](session, by, upload, campaign, back)
    upload.undone_at = datetime.now(UTC)
    session.flush()
    audit.record(session, by, "take back", upload.kind, str(upload.id), {"file": upload.file_name})


def _only_new(back: dict[str, Any]) -> None:
    if back["updated"]:
        raise SomethingCountsOnIt(why=_("it changed rows that were there before. Send the file of before instead."))


AREAS_IN_USE = text("""
    SELECT EXISTS (SELECT 1 FROM campaign WHERE vintage = :vintage)
        OR EXISTS (SELECT 1 FROM area c JOIN area p ON p.id = c.parent_id
                   WHERE p.vintage = :vintage AND p.code = ANY(:codes) AND NOT c.code = ANY(:codes))
        OR EXISTS (SELECT 1 FROM census_row r JOIN area a ON a.id = r.area_id
                   WHERE a.vintage = :vintage AND a.code = ANY(:codes))""")


def _areas_back(session: Session, by: Scope, upload: Upload, campaign: Campaign | None, back: dict[str, Any]) -> None:
    _only_new(back)
    values = {"vintage": back["vintage"], "codes": back["created"]}
    if session.scalar(AREAS_IN_USE, values):
        raise SomethingCountsOnIt(why=_("a campaign, a census table or areas below rest on these boundaries."))
    session.execute(text("DELETE FROM area WHERE vintage = :vintage AND code = ANY(:codes)"), values)


SETTLEMENTS_IN_USE = text("""
    WITH new AS (SELECT id FROM settlement WHERE code = ANY(:codes))
    SELECT EXISTS (SELECT 1 FROM plan_stop p JOIN new ON new.id = p.settlement_id)
        OR EXISTS (SELECT 1 FROM visit v JOIN new ON new.id IN (v.settlement_id, v.unit_id))
        OR EXISTS (SELECT 1 FROM target_change t JOIN new ON new.id = t.settlement_id)""")


def _settlements_back(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None, back: dict[str, Any]
) -> None:
    _only_new(back)
    if session.scalar(SETTLEMENTS_IN_USE, {"codes": back["created"]}):
        raise SomethingCountsOnIt(why=_("a plan, a visit or a change of target rests on one of these settlements."))
    session.execute(text("DELETE FROM settlement WHERE code = ANY(:codes)"), {"codes": back["created"]})
    refresh_all(session)


TEAMS_IN_USE = text("""
    WITH new AS (SELECT id FROM team WHERE campaign_id = :campaign AND code = ANY(:codes))
    SELECT EXISTS (SELECT 1 FROM plan_stop p JOIN new ON new.id = p.team_id)
        OR EXISTS (SELECT 1 FROM visit v JOIN new ON new.id = v.team_id WHERE v.campaign_id = :campaign)
        OR EXISTS (SELECT 1 FROM person p JOIN new ON new.id = p.team_id)""")


def _teams_back(session: Session, by: Scope, upload: Upload, campaign: Campaign | None, back: dict[str, Any]) -> None:
    assert campaign is not None
    values = {"campaign": campaign.id, "codes": back["created"]}
    if session.scalar(TEAMS_IN_USE, values):
        raise SomethingCountsOnIt(why=_("a plan, a visit or a person rests on one of these teams."))
    session.execute(text("DELETE FROM team WHERE campaign_id = :campaign AND code = ANY(:codes)"), values)
    found = session.execute(text("SELECT code, id FROM area WHERE vintage = :v"), {"v": campaign.vintage})
    areas: dict[str, int] = {row.code: row.id for row in found}
    for team in session.query(Team).filter(Team.campaign_id == campaign.id, Team.code.in_(list(back["updated"]))):
        was = back["updated"][team.code]
        team.type, team.supervisor, team.area_id = was["type"], was["supervisor"], areas.get(was["area"])
    measure_anew(session, campaign)


HEARD_SINCE = text("""
    SELECT EXISTS (SELECT 1 FROM submission s JOIN microplan m ON m.id = :now
                   WHERE s.campaign_id = :campaign AND s.received_at > m.published_at)""")


def _microplan_back(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None, back: dict[str, Any]
) -> None:
    """The version before holds again; this one stays on record."""
    assert campaign is not None
    made = (upload.done or {}).get("summary", {}).get("version")
    now = session.execute(
        text("SELECT version FROM microplan WHERE id = :id"), {"id": campaign.microplan_id}
    ).scalar_one_or_none()  # fmt: skip
    if now != made:
        raise SomethingCountsOnIt(why=_("a newer plan went out since."))
    if session.scalar(HEARD_SINCE, {"campaign": campaign.id, "now": campaign.microplan_id}):
        raise SomethingCountsOnIt(why=_("teams have sent visits by this plan."))
    campaign.microplan_id = back["microplan"]
    refresh_settlements(session, campaign)


def _targets_back(session: Session, by: Scope, upload: Upload, campaign: Campaign | None, back: dict[str, Any]) -> None:
    assert campaign is not None
    undo_changes(session, by, campaign, UUID(back["batch"]))


BACK = {
    "areas": _areas_back, "settlements": _settlements_back, "teams": _teams_back, "microplan": _microplan_back,
    "targets": _targets_back,
}  # fmt: skip
