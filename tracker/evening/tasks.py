"""Jobs of the evening: make somebody's pack, mail it, mail a notice. Each may run twice and then does nothing new."""

from datetime import UTC, date, datetime
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from tracker import settings
from tracker.accounts.models import Person
from tracker.accounts.scope import reading, scope_of
from tracker.areas.models import Area
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.errors import RasaiError
from tracker.evening.mailing import mail_is_set, send_mail
from tracker.evening.models import EveningPack, Notice, Watch
from tracker.evening.pack import evening_pack
from tracker.evening.printed import file_name, pack_as_pdf
from tracker.evening.told import told_words


def make_pack(job_id: int, *, person: int, campaign: int, area: int, day: str, language: str) -> dict[str, Any]:
    """Print the pack with what this person may see, keep it below the data folder, mail it when a server is set."""
    with transaction() as session:
        who, round_, place = (
            session.get_one(Person, person), session.get_one(Campaign, campaign), session.get_one(Area, area),
        )  # fmt: skip
        scope = scope_of(session, who)
        its = {"person_id": person, "campaign_id": campaign, "area_id": area, "day": date.fromisoformat(day)}
        if session.query(EveningPack).filter_by(**its, language=language).first():
            return {"made": 0}
    now = datetime.now(UTC)
    with _app().test_request_context(f"/?lang={language}"):
        with reading(scope) as session:
            pack = evening_pack(session, round_, scope, place.code, date.fromisoformat(day), now=now)
        data, name = pack_as_pdf(pack, round_, who.name or who.email, now), file_name(pack, round_)
        subject = _("%(round)s: evening pack of %(area)s", round=round_.name, area=place.name_en)
        kept = f"packs/{job_id}-{name}"
        target = settings.from_environment().data_dir / kept
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        mailed_at, trouble = _mailed(who.email, subject, (name, data))
    with transaction() as session:
        session.add(EveningPack(**its, language=language, file_name=kept, mailed_at=mailed_at, trouble=trouble))
    return {"made": 1, "bytes": len(data)}


def mail_notice(job_id: int, *, notice: int) -> dict[str, Any]:
    with transaction() as session:
        told = session.get(Notice, notice)
        if told is None or told.mailed_at is not None:
            return {"mailed": 0}
        who, round_ = session.get_one(Person, told.person_id), session.get_one(Campaign, told.campaign_id)
        area = session.get_one(Area, session.get_one(Watch, told.watch_id).area_id)
    with _app().test_request_context(f"/?lang={who.language or 'en'}"):
        words = str(told_words(told.kind, told.thing, told.facts, plain=True))
        send_mail(who.email, f"{round_.name}: {area.name_en}", words)
    with transaction() as session:
        session.get_one(Notice, notice).mailed_at = datetime.now(UTC)
    return {"mailed": 1}


def _mailed(to: str, subject: str, attached: tuple[str, bytes]) -> tuple[datetime | None, str | None]:
    """(when, why not). A pack that could not be mailed lies on the page all the same."""
    if not mail_is_set():
        return None, None
    try:
        send_mail(to, subject, subject, attached)
    except RasaiError as error:
        return None, str(error)
    return datetime.now(UTC), None


def _app() -> Flask:
    from tracker import create_app  # the whole application: only a job that prints needs it

    app: Flask = create_app()
    return app
