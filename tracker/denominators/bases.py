"""Coverage on the fixed and on the current base, side by side; every change of a target, the largest first.

Reads kept targets and counts within the person's areas; writes nothing. Small targets that an observer may not see are
in neither base.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.units import SMALL_TARGET

CHANGES_A_PAGE = 50

BY_AREA = text("""
    WITH seen AS (
        SELECT x.area_id, x.target, x.target_fixed, x.vaccinated, x.vaccinated_confirmed FROM campaign_settlement x
        WHERE x.campaign_id = :campaign AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))
          AND least(x.target, x.target_fixed) >= :hide_below
    )
    SELECT a.id, a.code, a.name_en AS name, a.name_ur, a.name_ps, count(*) AS settlements,
           count(*) FILTER (WHERE s.target <> s.target_fixed) AS changed,
           CAST(sum(s.target_fixed) AS bigint) AS target_fixed, CAST(sum(s.target) AS bigint) AS target,
           CAST(sum(s.vaccinated) AS bigint) AS vaccinated,
           CAST(sum(s.vaccinated_confirmed) AS bigint) AS vaccinated_confirmed
    FROM seen s JOIN area_within w ON w.area_id = s.area_id AND w.ancestor_level = :level
    JOIN area a ON a.id = w.ancestor_id
    GROUP BY a.id ORDER BY abs(sum(s.target) - sum(s.target_fixed)) DESC, a.code""")

CHANGES = """
    SELECT t.id, x.code, s.name_en AS name, s.name_ur, s.name_ps, a.code AS area, a.name_en AS area_name, t.old_target,
           t.new_target, t.new_target - t.old_target AS change, t.reason, t.changed_at, t.batch, t.undoes,
           coalesce(nullif(p.name, ''), p.role) AS changed_by,
           EXISTS (SELECT 1 FROM target_change u
                   WHERE u.undoes = t.batch AND u.settlement_id = t.settlement_id) AS is_undone,
           t.id = max(t.id) OVER (PARTITION BY t.settlement_id) AS is_newest
    FROM target_change t JOIN settlement s ON s.id = t.settlement_id
    LEFT JOIN campaign_settlement x ON x.campaign_id = t.campaign_id AND x.settlement_id = t.settlement_id
    LEFT JOIN area a ON a.id = t.area_id LEFT JOIN person p ON p.id = t.person_id
    WHERE t.campaign_id = :campaign AND in_areas(t.area_id, :areas)
      AND least(t.old_target, t.new_target) >= :hide_below
    ORDER BY abs(t.new_target - t.old_target) DESC, t.id DESC"""

VERSIONS = text("""
    SELECT m.version, m.published_at, m.source, CAST(sum(p.target_children) AS bigint) AS children,
           count(DISTINCT p.settlement_id) AS settlements, m.id = :microplan AS holds
    FROM microplan m JOIN plan_stop p ON p.microplan_id = m.id
    WHERE m.campaign_id = :campaign AND m.published_at IS NOT NULL
    GROUP BY m.id ORDER BY m.version DESC""")


def bases_by_area(session: Session, campaign: Campaign, scope: Scope, level: str) -> list[dict[str, Any]]:
    """Per area of the level both bases with the shares on each; the largest difference first."""
    found = session.execute(BY_AREA, {**_binds(campaign, scope), "level": level}).mappings()
    return [with_shares(dict(row)) for row in found]


def with_shares(row: dict[str, Any]) -> dict[str, Any]:
    for base, target in (("fixed", row["target_fixed"]), ("current", row["target"])):
        row[f"confirmed_{base}"] = row["vaccinated_confirmed"] / target if target else None
        row[f"reported_{base}"] = row["vaccinated"] / target if target else None
    return {**row, "change": row["target"] - row["target_fixed"]}


def total_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    keys = ("settlements", "changed", "target_fixed", "target", "vaccinated", "vaccinated_confirmed")
    return with_shares({key: sum(row[key] for row in rows) for key in keys})


def list_changes(session: Session, campaign: Campaign, scope: Scope, limit: int, offset: int = 0) -> Sequence[Any]:
    """The largest first, with who, when and why."""
    statement = text(f"{CHANGES} LIMIT :limit OFFSET :offset")
    values = {**_binds(campaign, scope), "limit": limit, "offset": offset}
    return session.execute(statement, values).mappings().all()


def all_changes(session: Session, campaign: Campaign, scope: Scope) -> Iterator[list[dict[str, Any]]]:
    found = session.execute(text(CHANGES), _binds(campaign, scope), execution_options={"yield_per": 2_000})
    for part in found.mappings().partitions(2_000):
        yield [dict(row) for row in part]


def plan_versions(session: Session, campaign: Campaign) -> Sequence[Any]:
    """Versions of the microplan as they were published; for those who see all of it."""
    return session.execute(VERSIONS, {"campaign": campaign.id, "microplan": campaign.microplan_id}).mappings().all()


def _binds(campaign: Campaign, scope: Scope) -> dict[str, Any]:
    hide = SMALL_TARGET if scope.role == "observer" else 0
    return {"campaign": campaign.id, "hide_below": hide, **scope.binds()}
