"""What was changed by hand in a version, as the people concerned read it."""

from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.targets.reading import binds

CHANGES = text("""
    SELECT c.at, c.what, c.block, p.code, p.name_en, p.name_ur, p.name_ps, c.from_date, c.to_date, f.code AS from_team,
           t.code AS to_team
    FROM plan_change c LEFT JOIN settlement p ON p.id = c.settlement_id LEFT JOIN team f ON f.id = c.from_team_id
    LEFT JOIN team t ON t.id = c.to_team_id
    WHERE c.microplan_id = :plan AND (:everything OR (:plans AND (in_areas(f.area_id, :areas)
            OR in_areas(t.area_id, :areas)))
        OR (c.microplan_id = :published AND ((c.from_team_id = :scope_team_id AND c.from_date = :today)
            OR (c.to_team_id = :scope_team_id AND c.to_date = :today))))
    ORDER BY c.at DESC, c.id DESC LIMIT 200""")


def changes_of(
    session: Session, campaign: Campaign, plan_id: int, scope: Scope, today: date | None = None
) -> list[dict[str, Any]]:
    """Newest first: when, in words, and from which team-day to which."""
    rows = session.execute(CHANGES, {**binds(campaign, scope, today), "plan": plan_id}).mappings()
    return [
        {"at": row["at"], "words": _words(row), "from": (row["from_team"], row["from_date"]),
         "to": (row["to_team"], row["to_date"])}
        for row in rows
    ]  # fmt: skip


def _words(row: Any) -> str:
    place = f"{row['name_en']} {row['code']}" + (f"/{row['block']}" if row["block"] else "") if row["code"] else ""
    if row["what"] == "moved":
        said = _("%(place)s goes from team %(one)s to team %(other)s, %(day)s", place=place, one=row["from_team"],
                 other=row["to_team"], day=row["to_date"].isoformat())  # fmt: skip
    else:
        said = _("team %(team)s, %(day)s was fixed", team=row["from_team"], day=row["from_date"].isoformat())
    return str(said)
