"""Open a round, name its teams, take its microplan: verbs on campaigns, teams and plans."""
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import available_timezones

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.areas.models import Area
from tracker.campaigns.models import TEAM_TYPES, Campaign, CampaignArea, Microplan, PlanStop, Team
from tracker.campaigns.settlements import measure_anew, refresh_settlements
from tracker.errors import NotFound, RowError, RowsRefused, WrongRequest

URDU_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
LARGEST_TARGET = 10_000_000


@dataclass
class TableSummary:
    """What became of the rows of a table."""

    read: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    version: int | None = None      # of the microplan; None for teams
    seconds: float = 0.0
    errors: list[RowError] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k != "errors" and v is not None}


def find_campaign(session: Session, code: str) -> Campaign:
    """The campaign of this code, for commands; pages and API use `campaign_in_scope`."""
    campaign = session.query(Campaign).filter_by(code=code).one_or_none()
    if campaign is None:
        raise WrongRequest(field="campaign", why=_("there is no campaign {code}.").format(code=code))
    return campaign


def create_campaign(session: Session, code: str, *, kind: str, name: str, starts_on: date, ends_on: date, catch_up: Iterable[date] = (),
                    area_codes: Iterable[str] = (), vintage: date | None = None, timezone: str = "Asia/Karachi",
                    illustration: bool = False) -> Campaign:
    """Open a round over these areas (none named: over all of the vintage) and give it its settlements."""
    if session.query(Campaign).filter_by(code=code).count():
        raise WrongRequest(field="code", why=_("a campaign {code} exists already.").format(code=code))
    if ends_on < starts_on:
        raise WrongRequest(field="end", why=_("the last day lies before the first."))
    if timezone not in available_timezones():
        raise WrongRequest(field="timezone", why=_("{timezone} is no known zone, such as Asia/Karachi.").format(timezone=timezone))
    vintage = vintage or session.scalar(text("SELECT max(vintage) FROM area"))
    if vintage is None:
        raise WrongRequest(field="area", why=_("no areas are loaded. Import the boundaries first."))
    areas = _areas_of(session, list(area_codes), vintage)
    campaign = Campaign(code=code, kind=kind, name=name, starts_on=starts_on, ends_on=ends_on, catch_up=sorted(set(catch_up)), state="open",
                        vintage=vintage, timezone=timezone, illustration=illustration, thresholds={})
    session.add(campaign)
    session.flush()
    session.add_all(CampaignArea(campaign_id=campaign.id, area_id=a.id) for a in areas)
    refresh_settlements(session, campaign)
    return campaign


def _areas_of(session: Session, codes: list[str], vintage: date) -> list[Area]:
    if not codes:
        return list(session.query(Area).filter_by(vintage=vintage, parent_id=None))
    found = {a.code: a for a in session.query(Area).filter(Area.vintage == vintage, Area.code.in_(codes))}
    unknown = [c for c in codes if c not in found]
    if unknown:
        raise WrongRequest(field="area", why=_("no area {code} in vintage {vintage}.").format(code=unknown[0], vintage=vintage))
    return list(found.values())


def set_state(session: Session, code: str, state: str) -> Campaign:
    """Close a campaign (nothing more is taken in) or reopen it."""
    campaign = find_campaign(session, code)
    campaign.state = state
    return campaign


def import_teams(session: Session, campaign: Campaign, rows: list[dict[str, str]]) -> TableSummary:
    """Teams by code: new ones are added, known ones changed. All or nothing; raises RowsRefused."""
    summary = TableSummary(read=len(rows))
    areas = {a.code: a.id for a in session.query(Area).filter_by(vintage=campaign.vintage)}
    known = {t.code: t for t in session.query(Team).filter_by(campaign_id=campaign.id)}
    seen: set[str] = set()
    for n, row in enumerate(rows, 1):
        team, kind, area = (row.get(c, "").strip() for c in ("team", "type", "area"))
        if not team or team in seen:
            summary.errors.append(RowError(n, "team", "duplicate_team" if team else "team_missing",
                                           _("Each row names one team, once; here: {team}").format(team=team or "–")))
        if kind not in TEAM_TYPES:
            summary.errors.append(RowError(n, "type", "unknown_type", _("{type} is none of {types}.").format(type=kind or "–", types=", ".join(TEAM_TYPES))))
        if area and area not in areas:
            summary.errors.append(RowError(n, "area", "unknown_area", _("No area {area} in the campaign's boundaries.").format(area=area)))
        seen.add(team)
        if summary.errors:
            continue
        values = {"type": kind, "area_id": areas.get(area), "supervisor": row.get("supervisor", "").strip() or None}
        if team not in known:
            session.add(Team(campaign_id=campaign.id, code=team, **values))
            summary.created += 1
        elif all(getattr(known[team], k) == v for k, v in values.items()):
            summary.unchanged += 1
        else:
            for key, value in values.items():
                setattr(known[team], key, value)
            summary.updated += 1
    _refuse_if_any(summary)
    if summary.created or summary.updated:
        measure_anew(session, campaign)
    return summary


def import_microplan(session: Session, campaign: Campaign, rows: list[dict[str, str]], source: str) -> TableSummary:
    """A microplan made elsewhere, as a new published version; rows of one stop add up. All or nothing; raises RowsRefused."""
    summary = TableSummary(read=len(rows))
    teams = dict(session.execute(text("SELECT code, id FROM team WHERE campaign_id = :id"), {"id": campaign.id}).all())
    settlements = dict(session.execute(text("SELECT code, id FROM settlement WHERE code = ANY(:codes)"),
                                       {"codes": list({r.get("settlement", "").strip() for r in rows})}).all())
    stops: dict[tuple[int, int, date], int] = {}
    for n, row in enumerate(rows, 1):
        read = _plan_row(n, row, teams, settlements, summary.errors)
        if read:
            stops[read[0]] = stops.get(read[0], 0) + read[1]
    _refuse_if_any(summary)
    if _same_plan(session, campaign, stops):
        summary.unchanged = len(rows)
        summary.version = session.get_one(Microplan, campaign.microplan_id).version
        return summary
    version = session.scalar(text("SELECT coalesce(max(version), 0) + 1 FROM microplan WHERE campaign_id = :id"), {"id": campaign.id})
    plan = Microplan(campaign_id=campaign.id, version=version, source=source, published_at=datetime.now(UTC))
    session.add(plan)
    session.flush()
    session.execute(PlanStop.__table__.insert(), [
        {"microplan_id": plan.id, "team_id": team, "settlement_id": settlement, "on_date": day, "target_children": children}
        for (team, settlement, day), children in stops.items()])
    campaign.microplan_id = plan.id
    refresh_settlements(session, campaign)
    summary.created, summary.version = len(rows), version
    return summary


def _plan_row(n: int, row: dict[str, str], teams: dict[str, int], settlements: dict[str, int],
              errors: list[RowError]) -> tuple[tuple[int, int, date], int] | None:
    team, settlement, day, children = (row.get(c, "").strip().translate(URDU_DIGITS) if c in ("date", "target_children") else row.get(c, "").strip()
                                       for c in ("team", "settlement", "date", "target_children"))
    before = len(errors)
    if team not in teams:
        errors.append(RowError(n, "team", "unknown_team", _("No team {team} in this campaign. Import the teams first.").format(team=team or "–")))
    if settlement not in settlements:
        errors.append(RowError(n, "settlement", "unknown_settlement", _("No settlement {code}.").format(code=settlement or "–")))
    on = _day(day)
    if on is None:
        errors.append(RowError(n, "date", "not_a_day", _("{day} is no day such as 2026-10-12.").format(day=day or "–")))
    if not (children.isascii() and children.isdigit() and int(children) <= LARGEST_TARGET):
        errors.append(RowError(n, "target_children", "not_a_count", _("{value} is not a whole number from 0 upwards.").format(value=children or "–")))
    return ((teams[team], settlements[settlement], on), int(children)) if len(errors) == before and on else None


def _day(words: str) -> date | None:
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None


def _same_plan(session: Session, campaign: Campaign, stops: dict[tuple[int, int, date], int]) -> bool:
    if campaign.microplan_id is None:
        return False
    stored = session.execute(text("SELECT team_id, settlement_id, on_date, target_children FROM plan_stop WHERE microplan_id = :id"),
                             {"id": campaign.microplan_id})
    return {(r.team_id, r.settlement_id, r.on_date): r.target_children for r in stored} == stops


def _refuse_if_any(summary: TableSummary) -> None:
    summary.rejected = len({e.row for e in summary.errors})
    if summary.errors:
        raise RowsRefused(summary.errors)


def find_team(session: Session, campaign: Campaign, code: str) -> Team:
    team = session.query(Team).filter_by(campaign_id=campaign.id, code=code).one_or_none()
    if team is None:
        raise NotFound
    return team
