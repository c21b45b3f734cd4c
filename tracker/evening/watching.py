"""What has to be told, and which packs are due? Looked after every few minutes by the job worker.

Writes `notice` (once a day and thing), queues packs and mails. Each person is told of what their own scope shows.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.accounts.models import Person
from tracker.accounts.scope import Scope, reading, scope_of
from tracker.areas.models import Area
from tracker.campaigns.listing import phase
from tracker.campaigns.models import Campaign
from tracker.coverage.report import coverage_report
from tracker.database import transaction
from tracker.errors import NotFound
from tracker.evening.mailing import mail_is_set
from tracker.evening.models import Notice, PackWish, Watch
from tracker.jobs import enqueue
from tracker.orders.gap_list import Wish, list_gaps
from tracker.questions.team_days import teams_of_day

FIRST_HOUR = 8  # in the campaign's zone: before, no team is missed; our choice

WATCHING = text("""
    SELECT w.id FROM watch w JOIN person p ON p.id = w.person_id AND p.disabled_at IS NULL
    JOIN campaign c ON c.id = w.campaign_id AND c.state = 'open' ORDER BY w.id""")

WISHING = text("""
    SELECT w.person_id, w.campaign_id, w.area_id FROM pack_wish w
    JOIN person p ON p.id = w.person_id AND p.disabled_at IS NULL
    JOIN campaign c ON c.id = w.campaign_id AND c.state = 'open'
    WHERE (now() AT TIME ZONE c.timezone)::date BETWEEN c.starts_on AND greatest(
              c.ends_on, (SELECT max(d) FROM unnest(c.catch_up) d))
      AND w.made_for IS DISTINCT FROM (now() AT TIME ZONE c.timezone)::date
      AND extract(hour FROM now() AT TIME ZONE c.timezone) * 60
          + extract(minute FROM now() AT TIME ZONE c.timezone) >= w.at_minute""")


def look_around(_job_id: int = 0, now: datetime | None = None) -> dict[str, Any]:
    """A job: tell what happened and queue the packs that are due; give how many of each."""
    now = now or datetime.now(UTC)
    with transaction() as session:
        watching = list(session.scalars(WATCHING))
    told = sum(_told(watch, now) for watch in watching)
    return {"told": told, "packs": queue_due_packs()}


def queue_due_packs() -> int:
    """Packs whose hour has come, each once a day."""
    with transaction() as session:
        due = session.execute(WISHING).all()
        for row in due:
            wish = session.get_one(PackWish, tuple(row), with_for_update=True)
            campaign = session.get_one(Campaign, row.campaign_id)
            today = datetime.now(ZoneInfo(campaign.timezone)).date()
            if wish.made_for == today:
                continue
            wish.made_for = today
            words = {"person": row.person_id, "area": row.area_id, "day": today.isoformat(), "language": wish.language}
            enqueue(session, "evening_pack", f"{row.person_id}/{row.campaign_id}/{row.area_id}/{today}",
                    campaign_id=campaign.id, person_id=row.person_id, campaign=campaign.id, **words)  # fmt: skip
    return len(due)


def _told(watch_id: int, now: datetime) -> int:
    """How many things are new."""
    with transaction() as session:
        watch = session.get(Watch, watch_id)
        if watch is None:
            return 0
        campaign, area = session.get_one(Campaign, watch.campaign_id), session.get_one(Area, watch.area_id)
        scope = scope_of(session, session.get_one(Person, watch.person_id))
    if phase(campaign, now) != "running" or area.vintage != campaign.vintage:
        return 0
    local = now.astimezone(ZoneInfo(campaign.timezone))
    try:
        with reading(scope) as session:
            found = list(FINDERS[watch.kind](session, campaign, scope, area, watch.at_least, local))
    except NotFound:  # the area is theirs no longer
        return 0
    with transaction() as session:
        return sum(_write(session, watch, thing, facts, local.date()) for thing, facts in found)


def _write(session: Session, watch: Watch, thing: str, facts: dict[str, Any], day: date) -> int:
    its = {"watch_id": watch.id, "person_id": watch.person_id, "campaign_id": watch.campaign_id, "kind": watch.kind}
    fresh = (
        insert(Notice).values(**its, thing=thing, day=day, facts=facts).on_conflict_do_nothing().returning(Notice.id)
    )
    notice = session.scalar(fresh)
    if notice is not None and mail_is_set():
        enqueue(session, "mail_notice", str(notice), campaign_id=watch.campaign_id, notice=notice)
    return int(notice is not None)


Found = Iterator[tuple[str, dict[str, Any]]]


def _silent_teams(session: Session, campaign: Campaign, scope: Scope, area: Area, hours: int, local: datetime) -> Found:
    """Teams planned for today that nobody heard for so many hours of the working day."""
    begins = local.replace(hour=FIRST_HOUR, minute=0, second=0, microsecond=0)
    if local - begins < timedelta(hours=hours):
        return
    for team in teams_of_day(session, campaign, scope, local.date(), area_id=area.id):
        heard = team.heard_at
        if team.settlements and (heard is None or local - max(heard, begins) >= timedelta(hours=hours)):
            at = heard and f"{heard.astimezone(local.tzinfo):%H:%M}"
            yield team.code, {"hours": hours, "at": at}


def _below_due(session: Session, campaign: Campaign, scope: Scope, area: Area, per_cent: int, local: datetime) -> Found:
    """The area has fewer children confirmed than so many per cent of those due by now."""
    total = coverage_report(session, campaign, scope, area.level, now=local, area=area.code)["total"]
    due, confirmed = total["due"] or 0, total["vaccinated_confirmed"]
    if due and confirmed * 100 < per_cent * due:
        yield area.code, {"due": due, "confirmed": confirmed, "per_cent": per_cent}


def _refusals(
    session: Session, campaign: Campaign, scope: Scope, area: Area, settlements: int, local: datetime
) -> Found:
    """Refusals crowd together in at least so many settlements."""
    for cluster in list_gaps(session, campaign, scope, Wish(area=area.code), now=local).clusters:
        if len(cluster.settlements) >= settlements:
            its = {"refused": cluster.refused, "settlements": len(cluster.settlements)}
            yield str(cluster.settlements[0]), {**its, "expected": round(cluster.expected, 1)}


FINDERS = {"silent_team": _silent_teams, "below_due": _below_due, "refusals": _refusals}
