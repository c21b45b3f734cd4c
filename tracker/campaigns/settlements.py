"""Which settlements belong to a campaign, with which target and on which day?

Keeps one `campaign_settlement` row per settlement whose lowest area lies in the campaign's areas. Counts already kept stay.
"""
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign

REFRESH = text("""
    WITH scope AS (         -- every area of the campaign, with all below
        SELECT DISTINCT w.area_id FROM campaign_area c JOIN area_within w ON w.ancestor_id = c.area_id
        WHERE c.campaign_id = :campaign_id
    ), plan AS (            -- a settlement's parts add up; its day is its last
        SELECT p.settlement_id, sum(p.target_children) AS target, min(p.on_date) AS first_day, max(p.on_date) AS last_day,
               (array_agg(p.team_id ORDER BY p.on_date DESC, p.target_children DESC, p.team_id))[1] AS team_id
        FROM plan_stop p WHERE p.microplan_id = :microplan_id GROUP BY p.settlement_id
    ), wanted AS (
        SELECT s.id AS settlement_id, place.area_id, plan.team_id,
               coalesce(plan.target, s.under_five, 0) AS target,
               coalesce(plan.first_day, CAST(:first_day AS date)) AS first_day,
               coalesce(plan.last_day, CAST(:last_day AS date)) AS last_day, s.tile_key, s.centre, s.cells
        FROM settlement_place place JOIN scope ON scope.area_id = place.area_id
        JOIN settlement s ON s.id = place.settlement_id LEFT JOIN plan ON plan.settlement_id = s.id
        WHERE place.vintage = :vintage
    ), gone AS (
        DELETE FROM campaign_settlement c
        WHERE c.campaign_id = :campaign_id
          AND NOT EXISTS (SELECT 1 FROM wanted WHERE wanted.settlement_id = c.settlement_id)
    )
    INSERT INTO campaign_settlement (campaign_id, settlement_id, area_id, team_id, target, target_fixed, first_day, last_day,
                                     tile_key, point, cells)
    SELECT :campaign_id, settlement_id, area_id, team_id, target, target, first_day, last_day, tile_key, centre, cells FROM wanted
    ON CONFLICT (campaign_id, settlement_id) DO UPDATE
    SET area_id = excluded.area_id, team_id = excluded.team_id, target = excluded.target, target_fixed = excluded.target_fixed,
        first_day = excluded.first_day, last_day = excluded.last_day, tile_key = excluded.tile_key, point = excluded.point,
        cells = excluded.cells""")

JUDGE_ANEW = text("""
    INSERT INTO waiting (campaign_id, team_ids)
    SELECT :campaign_id, NULL WHERE EXISTS (SELECT 1 FROM visit WHERE campaign_id = :campaign_id)""")


def refresh_settlements(session: Session, campaign: Campaign) -> None:
    """Bring a campaign's settlements up to date with its areas, the settlements themselves and its microplan.

    Visits that are there already wait to be judged anew: what they are measured against has changed.
    """
    session.flush()
    session.execute(REFRESH, {
        "campaign_id": campaign.id, "microplan_id": campaign.microplan_id, "vintage": campaign.vintage,
        "first_day": campaign.starts_on, "last_day": last_day(campaign)})
    measure_anew(session, campaign)


def measure_anew(session: Session, campaign: Campaign) -> None:
    """What visits are measured against has changed: all of the campaign's wait to be judged again."""
    campaign.revision = Campaign.revision + 1
    session.flush()
    session.refresh(campaign, ["revision"])
    session.execute(JUDGE_ANEW, {"campaign_id": campaign.id})


def last_day(campaign: Campaign) -> date:
    """The campaign's last day, catch-up days included."""
    return max([campaign.ends_on, *campaign.catch_up])


def refresh_pinned_to(session: Session, vintage: date) -> None:
    """Refresh the open campaigns that count in boundaries of this vintage."""
    for campaign in session.query(Campaign).filter_by(vintage=vintage, state="open"):
        refresh_settlements(session, campaign)


def refresh_all(session: Session) -> None:
    """Refresh every open campaign: settlements came or changed."""
    for campaign in session.query(Campaign).filter_by(state="open"):
        refresh_settlements(session, campaign)
