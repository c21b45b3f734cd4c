"""Which settlements belong to a campaign, with which target and on which day?

Keeps one `campaign_settlement` row per settlement whose lowest area lies in the campaign's areas. Counts already kept
stay.
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
        SELECT p.settlement_id, sum(p.target_children) AS target, min(p.on_date) AS first_day,
               max(p.on_date) AS last_day,
               (array_agg(p.team_id ORDER BY p.on_date DESC, p.target_children DESC, p.team_id))[1] AS team_id
        FROM plan_stop p WHERE p.microplan_id = :microplan_id GROUP BY p.settlement_id
    ), changed AS (         -- by people since the plan went out: the newest of each settlement
        SELECT DISTINCT ON (t.settlement_id) t.settlement_id, t.new_target
        FROM target_change t LEFT JOIN microplan m ON m.id = :microplan_id
        WHERE t.campaign_id = :campaign_id AND t.changed_at > coalesce(m.published_at, '-infinity')
        ORDER BY t.settlement_id, t.id DESC
    ), wanted AS (
        SELECT s.id AS settlement_id, place.area_id, plan.team_id,
               coalesce(plan.target, s.under_five, 0) AS target_fixed,
               coalesce(changed.new_target, plan.target, s.under_five, 0) AS target,
               coalesce(plan.first_day, CAST(:first_day AS date)) AS first_day,
               coalesce(plan.last_day, CAST(:last_day AS date)) AS last_day, s.tile_key, s.centre, s.cells,
               s.code, s.name_en, s.name_ur
        FROM settlement_place place JOIN scope ON scope.area_id = place.area_id
        JOIN settlement s ON s.id = place.settlement_id LEFT JOIN plan ON plan.settlement_id = s.id
        LEFT JOIN changed ON changed.settlement_id = s.id
        WHERE place.vintage = :vintage
    ), gone AS (
        DELETE FROM campaign_settlement c
        WHERE c.campaign_id = :campaign_id
          AND NOT EXISTS (SELECT 1 FROM wanted WHERE wanted.settlement_id = c.settlement_id)
    )
    INSERT INTO campaign_settlement AS c (campaign_id, settlement_id, area_id, team_id, target, target_fixed, first_day,
                                          last_day, tile_key, point, cells, code, name_en, name_ur)
    SELECT :campaign_id, settlement_id, area_id, team_id, target, target_fixed, first_day, last_day, tile_key, centre,
           cells, code, name_en, name_ur
    FROM wanted
    ON CONFLICT (campaign_id, settlement_id) DO UPDATE
    SET area_id = excluded.area_id, team_id = excluded.team_id, target = excluded.target,
        target_fixed = excluded.target_fixed, first_day = excluded.first_day, last_day = excluded.last_day,
        tile_key = excluded.tile_key, point = excluded.point, cells = excluded.cells, code = excluded.code,
        name_en = excluded.name_en, name_ur = excluded.name_ur
    WHERE (c.area_id, c.team_id, c.target, c.target_fixed, c.first_day, c.last_day, c.point, c.cells, c.code, c.name_en,
           c.name_ur)
        IS DISTINCT FROM (excluded.area_id, excluded.team_id, excluded.target, excluded.target_fixed,
                          excluded.first_day, excluded.last_day, excluded.point, excluded.cells, excluded.code,
                          excluded.name_en, excluded.name_ur)""")

# a closed round keeps its settlements, targets and days; only where they lie, and in which cells, is as on the map
FOLLOW_THE_MAP = text("""
    UPDATE campaign_settlement c
    SET area_id = coalesce(place.area_id, c.area_id), tile_key = s.tile_key, point = s.centre, cells = s.cells,
        code = s.code, name_en = s.name_en, name_ur = s.name_ur
    FROM settlement s LEFT JOIN settlement_place place ON place.settlement_id = s.id AND place.vintage = :vintage
    WHERE c.campaign_id = :campaign_id AND s.id = c.settlement_id""")

JUDGE_ANEW = text("""
    INSERT INTO waiting (campaign_id, team_ids)
    SELECT :campaign_id, NULL WHERE EXISTS (SELECT 1 FROM visit WHERE campaign_id = :campaign_id)""")


def refresh_settlements(session: Session, campaign: Campaign) -> None:
    """Bring a campaign's settlements up to date with its areas, the settlements themselves and its microplan.

    Visits that are there already wait to be judged anew: what they are measured against has changed.
    """
    session.flush()
    its = {"campaign_id": campaign.id, "vintage": campaign.vintage}
    if campaign.state == "closed":
        session.execute(FOLLOW_THE_MAP, its)
    else:
        days = {"first_day": campaign.starts_on, "last_day": last_day(campaign)}
        session.execute(REFRESH, {**its, **days, "microplan_id": campaign.microplan_id})
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
    """Refresh the campaigns that count in boundaries of this vintage."""
    for campaign in session.query(Campaign).filter_by(vintage=vintage).order_by(Campaign.id):
        refresh_settlements(session, campaign)


def refresh_all(session: Session) -> None:
    """Refresh every campaign: settlements came or changed."""
    for campaign in session.query(Campaign).order_by(Campaign.id):
        refresh_settlements(session, campaign)
