"""Which campaigns touch a person's areas?"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign

TOUCHING = text("""
    SELECT c.id FROM campaign c
    WHERE :everything
       OR EXISTS (SELECT 1 FROM campaign_area k JOIN area_within w ON w.ancestor_id = k.area_id OR w.area_id = k.area_id
                  WHERE k.campaign_id = c.id AND in_areas(w.area_id, :areas))
       OR EXISTS (SELECT 1 FROM team t WHERE t.campaign_id = c.id AND t.id = :scope_team_id)""")


def campaigns_in_scope(session: Session, scope: Scope) -> list[Campaign]:
    """Newest first."""
    ids = session.scalars(TOUCHING, {"everything": scope.everything, **scope.binds()}).all()
    return session.query(Campaign).filter(Campaign.id.in_(ids)).order_by(Campaign.starts_on.desc(), Campaign.code).all()


def as_dict(campaign: Campaign) -> dict[str, Any]:
    """What the API tells of a campaign."""
    return {
        "code": campaign.code,
        "name": campaign.name,
        "kind": campaign.kind,
        "start": campaign.starts_on.isoformat(),
        "end": campaign.ends_on.isoformat(),
        "catch_up": [d.isoformat() for d in campaign.catch_up],
        "timezone": campaign.timezone,
        "state": campaign.state,
    }
