"""Open a round like an earlier one: its areas, thresholds, teams and plan, the days moved to the new first day."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.campaigns.planning import create_campaign
from tracker.campaigns.settlements import refresh_settlements

AREA_CODES = text("""
    SELECT a.code FROM campaign_area c JOIN area a ON a.id = c.area_id WHERE c.campaign_id = :source ORDER BY a.code""")
TEAMS = text("""
    INSERT INTO team (campaign_id, code, type, area_id, supervisor)
    SELECT :copy, code, type, area_id, supervisor FROM team WHERE campaign_id = :source ORDER BY id""")
PLAN = text("""
    WITH plan AS (
        INSERT INTO microplan (campaign_id, version, source, published_at)
        VALUES (:copy, 1, :told, now()) RETURNING id
    ), stops AS (       -- what would lie after the last day is done on it
        INSERT INTO plan_stop (microplan_id, settlement_id, team_id, on_date, target_children)
        SELECT plan.id, p.settlement_id, t.id, least(p.on_date + :days, CAST(:last AS date)), sum(p.target_children)
        FROM plan, plan_stop p JOIN team o ON o.id = p.team_id
        JOIN team t ON t.campaign_id = :copy AND t.code = o.code
        WHERE p.microplan_id = :microplan GROUP BY 1, 2, 3, 4
    )
    UPDATE campaign SET microplan_id = plan.id FROM plan WHERE campaign.id = :copy""")


def copy_campaign(
    session: Session,
    source: Campaign,
    code: str,
    name: str,
    starts_on: date,
    *,
    with_plan: bool = True,
    practice: bool = False,
) -> Campaign:
    """A round of the same length. Raises WrongRequest with the field that cannot be taken."""
    moved = starts_on - source.starts_on
    copy = create_campaign(
        session, code, kind=source.kind, name=name, starts_on=starts_on, ends_on=source.ends_on + moved,
        catch_up=[day + moved for day in source.catch_up], timezone=source.timezone, vintage=source.vintage,
        area_codes=session.scalars(AREA_CODES, {"source": source.id}).all(), illustration=source.illustration,
    )  # fmt: skip
    copy.thresholds, copy.practice = dict(source.thresholds), practice
    session.flush()
    session.execute(TEAMS, {"copy": copy.id, "source": source.id})
    if with_plan and source.microplan_id is not None:
        last = max([copy.ends_on, *copy.catch_up])
        session.execute(PLAN, {
            "copy": copy.id, "microplan": source.microplan_id, "days": moved.days, "last": last,
            "told": f"copied from {source.code}",
        })  # fmt: skip
        session.refresh(copy)
    refresh_settlements(session, copy)
    return copy
