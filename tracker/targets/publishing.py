"""Publish a version: teams walk by it, counts are measured against it, and it never changes again."""

from datetime import UTC, datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign, Microplan
from tracker.campaigns.settlements import refresh_settlements
from tracker.errors import CampaignClosed, RasaiError, WrongRequest


class MicroplanPublished(RasaiError):
    """Teams already walk by this plan."""

    message = _l("Version {version} is published and does not change. Make a new version from it.")
    status = 409


COPY_STOPS = text("""
    INSERT INTO plan_stop (microplan_id, settlement_id, team_id, on_date, target_children)
    SELECT microplan_id, settlement_id, team_id, on_date, sum(children)
    FROM target_stop WHERE microplan_id = :plan GROUP BY 1, 2, 3, 4""")

# an imported plan has no stops in walking order: what this version does not plan stays as that plan said
KEEP_THE_REST = text("""
    INSERT INTO plan_stop (microplan_id, settlement_id, team_id, on_date, target_children)
    SELECT :plan, p.settlement_id, p.team_id, p.on_date, p.target_children FROM plan_stop p
    WHERE p.microplan_id = :before
      AND NOT EXISTS (SELECT 1 FROM target_stop s WHERE s.microplan_id = :plan AND s.settlement_id = p.settlement_id)
      AND NOT EXISTS (SELECT 1 FROM target_plan t JOIN settlement_place l ON l.settlement_id = p.settlement_id
                      JOIN area_within w ON w.area_id = l.area_id AND w.ancestor_id = ANY(t.area_ids)
                      WHERE t.microplan_id = :plan AND l.vintage = :vintage)""")


def find_version(session: Session, campaign: Campaign, number: int | None) -> Microplan:
    """The version of this number; without one the newest that was planned here. Raises WrongRequest."""
    query = session.query(Microplan).filter_by(campaign_id=campaign.id)
    if number is None:
        found = query.filter(text("EXISTS (SELECT 1 FROM target_plan t WHERE t.microplan_id = microplan.id)"))
        plan = found.order_by(Microplan.version.desc()).first()
    else:
        plan = query.filter_by(version=number).one_or_none()
    if plan is None:
        raise WrongRequest(field="version", why=_("there is no such version of the plan. Make a plan first."))
    return plan


def publish(session: Session, campaign: Campaign, number: int | None = None) -> Microplan:
    """Make a version the one that teams walk by. Publishing the published one again changes nothing."""
    session.refresh(campaign, with_for_update=True)
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    plan = find_version(session, campaign, number)
    if plan.id == campaign.microplan_id:
        return plan
    if plan.published_at is not None:
        raise MicroplanPublished(version=plan.version)
    its = {"plan": plan.id, "before": campaign.microplan_id, "vintage": campaign.vintage}
    session.execute(COPY_STOPS, its)
    session.execute(KEEP_THE_REST, its)
    plan.published_at = datetime.now(UTC)
    campaign.microplan_id = plan.id
    refresh_settlements(session, campaign)
    return plan
