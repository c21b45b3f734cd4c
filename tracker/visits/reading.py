"""Which visits does a person see, newest first?

Found team by team along the index on (campaign, team, time); a settlement's teams are known from the counts. Reads within the scope only.
"""
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.errors import NotFound, WrongRequest
from tracker.visits.models import STANDINGS
from tracker.visits.rules import BY_NAME, RULES, names_of
from tracker.visits.visit_row import COUNTS


@dataclass(frozen=True)
class VisitFilter:
    """What is asked for; None: no matter."""

    settlement: str | None = None
    team: str | None = None
    day: date | None = None
    standing: str | None = None
    flag: str | None = None
    undecided: bool = False


PAGE = text(f"""
    WITH teams AS (
        SELECT t.id, t.code, t.area_id FROM team t
        WHERE t.campaign_id = :campaign AND (CAST(:team AS text) IS NULL OR t.code = :team)
          AND (CAST(:scope_team_id AS integer) IS NULL OR t.id = :scope_team_id)
          AND (CAST(:unit AS integer) IS NULL OR t.id IN (
               SELECT team_id FROM coverage_count WHERE campaign_id = :campaign AND unit_id = :unit
               UNION SELECT unnest(team_ids) FROM waiting WHERE campaign_id = :campaign))
    )
    SELECT v.instance_id, v.replaces, teams.code AS team, v.visited_at, v.lon, v.lat, v.accuracy_m, d.code AS settlement,
           {", ".join(f"v.{c}" for c in COUNTS)}, v.is_revisit, v.mock_location, v.note, r.code AS settlement_resolved, r.name_en AS settlement_name,
           r.name_ur AS settlement_name_ur, a.code AS area_resolved, v.standing, v.flags, v.decided,
           EXISTS (SELECT 1 FROM waiting w WHERE w.campaign_id = :campaign AND w.submission_id = v.submission_id) AS waits
    FROM teams CROSS JOIN LATERAL (
        SELECT v.* FROM visit v
        WHERE v.campaign_id = :campaign AND v.team_id = teams.id
          AND (CAST(:unit AS integer) IS NULL OR v.unit_id = :unit)
          AND v.visited_at >= :from_at AND v.visited_at < :to_at
          AND (CAST(:standing AS smallint) IS NULL OR v.standing = :standing)
          AND (CAST(:flag AS integer) IS NULL OR v.flags & :flag > 0)
          AND (NOT :undecided OR v.decided IS NULL)
          AND (CAST(:before_at AS timestamptz) IS NULL OR (v.visited_at, v.instance_id) < (:before_at, CAST(:before_id AS uuid)))
          AND (in_areas(v.area_id, :areas) OR v.team_id = :scope_team_id
               OR (coalesce(v.area_id, 0) = 0 AND in_areas(teams.area_id, :areas)))
        ORDER BY v.visited_at DESC, v.instance_id DESC LIMIT :limit
    ) v
    LEFT JOIN settlement d ON d.id = v.settlement_id LEFT JOIN settlement r ON r.id = v.unit_id LEFT JOIN area a ON a.id = v.area_id
    ORDER BY v.visited_at DESC, v.instance_id DESC LIMIT :limit""")

FLAGS = text("SELECT instance_id, rule, severity, numbers FROM flag WHERE instance_id = ANY(:ids) ORDER BY rule")


def list_visits(session: Session, campaign: Campaign, scope: Scope, wanted: VisitFilter, *, limit: int,
                before: tuple[datetime, str] | None = None) -> tuple[list[dict[str, Any]], tuple[datetime, str] | None]:
    """(rows with flags, where the next page begins or None). Raises NotFound for a settlement or team that is none of the person's."""
    zone = ZoneInfo(campaign.timezone)
    from_at = datetime.combine(wanted.day, datetime.min.time(), zone) if wanted.day else datetime(1999, 1, 1, tzinfo=zone)
    to_at = datetime.combine(wanted.day + timedelta(days=1), datetime.min.time(), zone) if wanted.day else datetime(9999, 1, 1, tzinfo=zone)
    rows = session.execute(PAGE, {
        "campaign": campaign.id, "team": wanted.team, "unit": _unit_of(session, campaign, scope, wanted.settlement), "from_at": from_at, "to_at": to_at,
        "standing": _standing(wanted.standing), "flag": _flag(wanted.flag), "undecided": wanted.undecided, "limit": limit + 1,
        "before_at": before[0] if before else None, "before_id": before[1] if before else None, **scope.binds()}).mappings().all()
    flags: dict[Any, list[dict[str, Any]]] = {}
    for flag in session.execute(FLAGS, {"ids": [r["instance_id"] for r in rows[:limit]]}):
        flags.setdefault(flag.instance_id, []).append({"rule": flag.rule, "severity": flag.severity, **_told(campaign, flag)})
    shown = [_as_dict(dict(r), flags.get(r["instance_id"], [])) for r in rows[:limit]]
    last = rows[limit - 1] if len(rows) > limit else None
    return shown, (last["visited_at"], str(last["instance_id"])) if last else None


def _told(campaign: Campaign, flag: Any) -> dict[str, Any]:
    """The flag's sentence with its numbers and the campaign's limits."""
    rule = BY_NAME[flag.rule]
    limits = vars(rule.limits) | campaign.thresholds.get(rule.name, {})
    facts = {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in {**limits, **flag.numbers}.items()}
    return {"message": str(rule.message).format(**facts), "numbers": flag.numbers}


def _as_dict(row: dict[str, Any], flags: list[dict[str, Any]]) -> dict[str, Any]:
    row["standing"] = "waiting" if row.pop("waits") else STANDINGS[row["standing"]]
    row["decided"] = {1: "keep", 3: "set_aside"}.get(row["decided"])
    row["flags"] = flags or [{"rule": name} for name in names_of(row["flags"])]
    row["instance_id"] = str(row["instance_id"])
    row["replaces"] = str(row["replaces"]) if row["replaces"] else None
    row["visited_at"] = row["visited_at"].isoformat()
    return row


def _unit_of(session: Session, campaign: Campaign, scope: Scope, code: str | None) -> int | None:
    if not code:
        return None
    unit = session.scalar(text("""
        SELECT x.settlement_id FROM campaign_settlement x JOIN settlement s ON s.id = x.settlement_id
        WHERE x.campaign_id = :campaign AND s.code = :code
          AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))"""),
        {"campaign": campaign.id, "code": code, **scope.binds()})
    if unit is None:
        raise NotFound
    return int(unit)


def _standing(words: str | None) -> int | None:
    if not words:
        return None
    found = next((n for n, name in STANDINGS.items() if name == words), None)
    if found is None:
        raise WrongRequest(field="standing", why=_("{words} is none of {known}.").format(words=words, known=", ".join(STANDINGS.values())))
    return found


def _flag(name: str | None) -> int | None:
    if not name:
        return None
    if name not in BY_NAME:
        raise WrongRequest(field="flag", why=_("there is no rule {name}.").format(name=name))
    return 1 << RULES.index(BY_NAME[name])
