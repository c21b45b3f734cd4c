"""Open a round, name its teams, take its microplan: verbs on campaigns, teams and plans."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from zoneinfo import available_timezones

from flask_babel import gettext as _
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from tracker.areas.models import Area
from tracker.campaigns.models import TEAM_TYPES, Campaign, CampaignArea, Microplan, PlanStop, Team
from tracker.campaigns.settlements import last_day, measure_anew, refresh_settlements
from tracker.campaigns.tables import DIGITS, Row, TableSummary, check_cells, whole_number
from tracker.errors import CampaignClosed, NotFound, WrongRequest

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # it stands in addresses and file names
LONGEST_NAME = 200
LONGEST_CODE = 100
LARGEST_TARGET = 10_000_000

Stop = tuple[int, int, date]  # team, settlement, day


def find_campaign(session: Session, code: str) -> Campaign:
    """The campaign of this code, for commands; pages and API use `campaign_in_scope`."""
    campaign = session.query(Campaign).filter_by(code=code).one_or_none()
    if campaign is None:
        raise WrongRequest(field="campaign", why=_("there is no campaign {code}.").format(code=code))
    return campaign


def create_campaign(
    session: Session,
    code: str,
    *,
    kind: str,
    name: str,
    starts_on: date,
    ends_on: date,
    catch_up: Iterable[date] = (),
    area_codes: Iterable[str] = (),
    vintage: date | None = None,
    timezone: str = "Asia/Karachi",
    illustration: bool = False,
) -> Campaign:
    """Open a round over these areas (none named: over all of the vintage) and give it its settlements.

    Raises WrongRequest with the field that cannot be taken.
    """
    catch_up = sorted(set(catch_up))
    _check_names(session, code, name)
    _check_days(starts_on, ends_on, catch_up)
    if timezone not in available_timezones():
        why = _("{timezone} is no known zone, such as Asia/Karachi.").format(timezone=timezone)
        raise WrongRequest(field="timezone", why=why)
    areas = _areas_of(session, list(area_codes), vintage)
    campaign = Campaign(
        code=code,
        kind=kind,
        name=name.strip(),
        starts_on=starts_on,
        ends_on=ends_on,
        catch_up=catch_up,
        state="open",
        vintage=areas[0].vintage,
        timezone=timezone,
        illustration=illustration,
        thresholds={},
    )
    session.add(campaign)
    session.flush()
    session.add_all(CampaignArea(campaign_id=campaign.id, area_id=area.id) for area in areas)
    refresh_settlements(session, campaign)
    return campaign


def _check_names(session: Session, code: str, name: str) -> None:
    if not CODE.fullmatch(code):
        why = _("a code is of Latin letters, digits, dot, hyphen and underscore, at most 64, such as POLIO-2026-3.")
        raise WrongRequest(field="code", why=why)
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise WrongRequest(field="name", why=_("a name is one line of 1 to {most} letters.").format(most=LONGEST_NAME))
    if session.query(Campaign).filter_by(code=code).count():
        raise WrongRequest(field="code", why=_("a campaign {code} exists already.").format(code=code))


def _check_days(starts_on: date, ends_on: date, catch_up: list[date]) -> None:
    if ends_on < starts_on:
        raise WrongRequest(field="end", why=_("the last day lies before the first."))
    if catch_up and catch_up[0] < starts_on:
        raise WrongRequest(field="catch_up", why=_("a catch-up day lies before the first day."))


def _areas_of(session: Session, codes: list[str], vintage: date | None) -> list[Area]:
    """The areas of these codes, or the highest ones of the vintage; the newest unless told."""
    vintage = vintage or session.scalar(text("SELECT max(vintage) FROM area"))
    there = session.query(Area).filter_by(vintage=vintage)
    areas = there.filter(Area.code.in_(codes)) if codes else there.filter_by(parent_id=None)
    found = {area.code: area for area in areas}
    unknown = [code for code in codes if code not in found]
    if unknown:
        why = _("no area {code} in vintage {vintage}.").format(code=unknown[0], vintage=vintage)
        raise WrongRequest(field="area", why=why)
    if not found and vintage:
        why = _("no boundaries of vintage {vintage} are loaded.").format(vintage=vintage)
        raise WrongRequest(field="vintage", why=why)
    if not found:
        raise WrongRequest(field="area", why=_("no areas are loaded. Import the boundaries first."))
    return list(found.values())


def set_state(session: Session, code: str, state: str) -> Campaign:
    """Close a campaign (nothing more is taken in) or reopen it: it then follows its settlements and areas again."""
    campaign = find_campaign(session, code)
    was, campaign.state = campaign.state, state
    if (was, state) == ("closed", "open"):
        refresh_settlements(session, campaign)
    return campaign


def find_team(session: Session, campaign: Campaign, code: str) -> Team:
    team = session.query(Team).filter_by(campaign_id=campaign.id, code=code).one_or_none()
    if team is None:
        raise NotFound
    return team


# tables


def import_teams(session: Session, campaign: Campaign, rows: list[Row]) -> TableSummary:
    """Teams by code: new ones are added, known ones changed. All or nothing; raises RowsRefused, CampaignClosed."""
    _one_import_at_a_time(session, campaign)
    summary = TableSummary(read=len(rows))
    check_cells(rows, summary)
    areas = {area.code: area.id for area in session.query(Area).filter_by(vintage=campaign.vintage)}
    _check_teams(rows, areas, summary)
    summary.refuse_if_any()
    known = {team.code: team for team in session.query(Team).filter_by(campaign_id=campaign.id)}
    for row in rows:
        values = {
            "type": row["type"].lower(),
            "area_id": areas.get(row.get("area", "")),
            "supervisor": row.get("supervisor") or None,
        }
        team = known.get(row["team"])
        if team is None:
            session.add(Team(campaign_id=campaign.id, code=row["team"], **values))
            summary.created += 1
        elif all(getattr(team, key) == value for key, value in values.items()):
            summary.unchanged += 1
        else:
            for key, value in values.items():
                setattr(team, key, value)
            summary.updated += 1
    if summary.created or summary.updated:
        measure_anew(session, campaign)
    return summary


def _check_teams(rows: list[Row], areas: dict[str, int], summary: TableSummary) -> None:
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        team, kind, area = row.get("team", ""), row.get("type", ""), row.get("area", "")
        if not team or len(team) > LONGEST_CODE:
            message = _("A team has a code of 1 to {most} letters.").format(most=LONGEST_CODE)
            summary.refuse(number, "team", "team_missing", message)
        elif team in seen:
            summary.refuse(number, "team", "duplicate_team", _("Team {team} stands there twice.").format(team=team))
        if kind.lower() not in TEAM_TYPES:
            types = ", ".join(TEAM_TYPES)
            message = _("{type} is none of {types}.").format(type=kind or "–", types=types)
            summary.refuse(number, "type", "unknown_type", message)
        if area and area not in areas:
            message = _("No area {area} in the campaign's boundaries.").format(area=area)
            summary.refuse(number, "area", "unknown_area", message)
        seen.add(team)


def import_microplan(session: Session, campaign: Campaign, rows: list[Row], source: str) -> TableSummary:
    """A microplan made elsewhere, published as a new version that replaces the one before.

    Rows of one team, day and settlement add up. The same plan again changes nothing. All or nothing; raises
    RowsRefused, CampaignClosed.
    """
    _one_import_at_a_time(session, campaign)
    summary = TableSummary(read=len(rows))
    check_cells(rows, summary)
    stops = _stops(session, campaign, rows, summary)
    if not rows:
        summary.refuse(0, "file", "empty", _("The plan has no rows. It would leave every team without work."))
    summary.refuse_if_any()
    if _same_plan(session, campaign, stops):
        summary.unchanged = len(rows)
        summary.version = session.get_one(Microplan, campaign.microplan_id).version
    else:
        summary.created = len(rows)
        summary.version = _publish(session, campaign, stops, source).version
    return summary


def _stops(session: Session, campaign: Campaign, rows: list[Row], summary: TableSummary) -> dict[Stop, int]:
    teams = {row.code: row.id for row in session.execute(TEAMS, {"campaign": campaign.id})}
    codes = list({code for row in rows if "\0" not in (code := row.get("settlement", ""))})
    values = {"campaign": campaign.id, "vintage": campaign.vintage, "codes": codes}
    found = session.execute(SETTLEMENTS, values)
    settlements = {code: (id_, inside) for code, id_, inside in found}
    stops: dict[Stop, int] = {}
    totals: dict[int, int] = {}
    for number, row in enumerate(rows, 1):
        read = _plan_row(number, row, campaign, teams, settlements, summary)
        if read is None:
            continue
        stop, children = read
        stops[stop] = stops.get(stop, 0) + children
        totals[stop[1]] = totals.get(stop[1], 0) + children
        if totals[stop[1]] > LARGEST_TARGET:
            message = _("The parts of this settlement add up to over {most} children.").format(most=LARGEST_TARGET)
            summary.refuse(number, "target_children", "not_a_count", message)
    return stops


TEAMS = text("SELECT code, id FROM team WHERE campaign_id = :campaign")
SETTLEMENTS = text("""
    SELECT s.code, s.id, EXISTS (
        SELECT 1 FROM settlement_place p JOIN area_within w ON w.area_id = p.area_id
        JOIN campaign_area c ON c.area_id = w.ancestor_id AND c.campaign_id = :campaign
        WHERE p.settlement_id = s.id AND p.vintage = :vintage) AS inside
    FROM settlement s WHERE s.code = ANY(:codes)""")


def _plan_row(
    number: int,
    row: Row,
    campaign: Campaign,
    teams: dict[str, int],
    settlements: dict[str, tuple[int, bool]],
    summary: TableSummary,
) -> tuple[Stop, int] | None:
    """One row as a stop and its children; None, and why, when it cannot be taken."""
    before = len(summary.errors)
    team, place = row.get("team", ""), row.get("settlement", "")
    if team not in teams:
        message = _("No team {team} in this campaign. Import the teams first.").format(team=team or "–")
        summary.refuse(number, "team", "unknown_team", message)
    if place not in settlements:
        message = _("No settlement {code}. Import the settlements first.").format(code=place or "–")
        summary.refuse(number, "settlement", "unknown_settlement", message)
    elif not settlements[place][1]:
        message = _("Settlement {code} lies in none of the campaign's areas.").format(code=place)
        summary.refuse(number, "settlement", "outside_campaign", message)
    day = _planned_day(number, row.get("date", ""), campaign, summary)
    children = whole_number(row.get("target_children", ""), LARGEST_TARGET)
    if children is None:
        message = _("{value} is not a whole number from 0 to {most}.")
        value = row.get("target_children") or "–"
        summary.refuse(number, "target_children", "not_a_count", message.format(value=value, most=LARGEST_TARGET))
    if len(summary.errors) > before or day is None or children is None:
        return None
    return (teams[team], settlements[place][0], day), children


def _planned_day(number: int, words: str, campaign: Campaign, summary: TableSummary) -> date | None:
    try:
        day = date.fromisoformat(words.translate(DIGITS))
    except ValueError:
        message = _("{day} is no day such as {example}.").format(day=words or "–", example=campaign.starts_on)
        summary.refuse(number, "date", "not_a_day", message)
        return None
    first, last = campaign.starts_on, last_day(campaign)
    if not first <= day <= last:
        message = _("{day} is not within the round: {first} to {last}.").format(day=day, first=first, last=last)
        summary.refuse(number, "date", "outside_campaign", message)
        return None
    return day


def _publish(session: Session, campaign: Campaign, stops: dict[Stop, int], source: str) -> Microplan:
    version = session.scalar(NEXT_VERSION, {"campaign": campaign.id})
    plan = Microplan(campaign_id=campaign.id, version=version, source=source, published_at=datetime.now(UTC))
    session.add(plan)
    session.flush()
    columns = ("team_id", "settlement_id", "on_date")
    rows = [
        {"microplan_id": plan.id, **dict(zip(columns, stop, strict=True)), "target_children": children}
        for stop, children in stops.items()
    ]
    session.execute(insert(PlanStop), rows)
    campaign.microplan_id = plan.id
    refresh_settlements(session, campaign)
    return plan


NEXT_VERSION = text("SELECT coalesce(max(version), 0) + 1 FROM microplan WHERE campaign_id = :campaign")


def _same_plan(session: Session, campaign: Campaign, stops: dict[Stop, int]) -> bool:
    if campaign.microplan_id is None:
        return False
    stored = session.query(PlanStop).filter_by(microplan_id=campaign.microplan_id)
    return {(s.team_id, s.settlement_id, s.on_date): s.target_children for s in stored} == stops


def _one_import_at_a_time(session: Session, campaign: Campaign) -> None:
    """Others that would change this campaign wait; one that is closed takes nothing."""
    session.flush()
    session.refresh(campaign, with_for_update=True)
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
