"""Which visits does a person see, newest first?

Found team by team along the index on (campaign, team, time); which teams were in a settlement is known from the counts.
Reads within the scope only; writes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.errors import NotFound, WrongRequest
from tracker.visits.models import KEEP, SET_ASIDE, STANDINGS
from tracker.visits.rules import BY_NAME, RULES
from tracker.visits.thresholds import limits_of
from tracker.visits.visit_row import COUNTS

WAITING = "waiting"  # standing of a visit that no pass has judged yet
DECISIONS = {KEEP: "keep", SET_ASIDE: "set_aside"}
FIRST_MOMENT = datetime(1999, 1, 1, tzinfo=UTC)  # intake takes none so early,
LAST_MOMENT = datetime(9999, 1, 1, tzinfo=UTC)  # and none so late


@dataclass(frozen=True)
class VisitFilter:
    """What is asked for; None: no matter."""

    settlement: str | None = None
    team: str | None = None
    day: date | None = None
    standing: str | None = None
    flag: str | None = None


@dataclass(frozen=True)
class Place:
    """Where in the list a page ends: the next begins below it."""

    visited_at: datetime
    instance_id: str


PAGE = text(f"""
    WITH teams AS (
        SELECT t.id, t.code, t.area_id FROM team t
        WHERE t.campaign_id = :campaign AND (CAST(:team AS text) IS NULL OR t.code = :team)
          AND (CAST(:scope_team_id AS integer) IS NULL OR t.id = :scope_team_id)
          AND (CAST(:unit AS integer) IS NULL OR t.id IN (
               SELECT team_id FROM coverage_count WHERE campaign_id = :campaign AND unit_id = :unit
               UNION SELECT unnest(team_ids) FROM waiting WHERE campaign_id = :campaign))
    ), unjudged AS (
        SELECT submission_id FROM waiting WHERE campaign_id = :campaign AND submission_id IS NOT NULL
    )
    SELECT v.instance_id, v.replaces, teams.code AS team, v.visited_at, v.lon, v.lat, v.accuracy_m,
           d.code AS settlement, {", ".join(f"v.{c}" for c in COUNTS)}, v.is_revisit, v.mock_location, v.note,
           r.code AS settlement_resolved, r.name_en AS settlement_name, r.name_ur AS settlement_name_ur,
           a.code AS area_resolved, v.standing, v.waits, v.decided
    FROM teams CROSS JOIN LATERAL (
        SELECT v.*, v.submission_id IN (SELECT submission_id FROM unjudged) AS waits FROM visit v
        WHERE v.campaign_id = :campaign AND v.team_id = teams.id
          AND (CAST(:unit AS integer) IS NULL OR coalesce(v.unit_id, v.settlement_id) = :unit)
          AND v.visited_at >= :begins AND v.visited_at < :ends
          AND (CAST(:standing AS smallint) IS NULL OR v.standing = :standing)
          AND (CAST(:waits AS boolean) IS NULL OR v.submission_id IN (SELECT submission_id FROM unjudged) = :waits)
          AND (CAST(:flag AS integer) IS NULL OR v.flags & :flag > 0)
          AND (CAST(:below_at AS timestamptz) IS NULL
               OR (v.visited_at, v.instance_id) < (:below_at, CAST(:below_id AS uuid)))
          AND (in_areas(v.area_id, :areas) OR v.team_id = :scope_team_id
               OR (coalesce(v.area_id, 0) = 0 AND in_areas(teams.area_id, :areas)))
        ORDER BY v.visited_at DESC, v.instance_id DESC LIMIT :limit
    ) v
    LEFT JOIN settlement d ON d.id = v.settlement_id LEFT JOIN settlement r ON r.id = v.unit_id
    LEFT JOIN area a ON a.id = v.area_id
    ORDER BY v.visited_at DESC, v.instance_id DESC LIMIT :limit""")

FLAGS = text("""
    SELECT instance_id, rule, severity, numbers FROM flag WHERE instance_id = ANY(:ids) ORDER BY instance_id, rule""")

UNIT = text("""
    SELECT x.settlement_id FROM campaign_settlement x JOIN settlement s ON s.id = x.settlement_id
    WHERE x.campaign_id = :campaign AND s.code = :code
      AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))""")
TEAM = text("""
    SELECT 1 FROM team WHERE campaign_id = :campaign AND code = :code
      AND (CAST(:scope_team_id AS integer) IS NULL OR id = :scope_team_id)""")


def list_visits(
    session: Session, campaign: Campaign, scope: Scope, wanted: VisitFilter, *, limit: int, below: Place | None = None
) -> tuple[list[dict[str, Any]], Place | None]:
    """(visits with their flags, where the next page begins or None).

    Raises NotFound for a settlement or team that the person does not see, WrongRequest for a standing or rule that is
    none.
    """
    begins, ends = _span(wanted.day, ZoneInfo(campaign.timezone))
    standing, waits = _standing(wanted.standing)
    binds = {
        "campaign": campaign.id, "team": _team(session, campaign, scope, wanted.team), "begins": begins, "ends": ends,
        "unit": _unit(session, campaign, scope, wanted.settlement), "standing": standing, "waits": waits,
        "flag": _flag(wanted.flag), "limit": limit + 1, "below_at": below and below.visited_at,
        "below_id": below and below.instance_id, **scope.binds(),
    }  # fmt: skip
    rows = session.execute(PAGE, binds).mappings().all()
    shown = rows[:limit]
    flags = _flags(session, campaign, [row["instance_id"] for row in shown])
    last = shown[-1] if len(rows) > limit else None
    told = [_as_dict(dict(row), flags.get(row["instance_id"], [])) for row in shown]
    return told, Place(last["visited_at"], str(last["instance_id"])) if last else None


def _flags(session: Session, campaign: Campaign, ids: list[Any]) -> dict[Any, list[dict[str, Any]]]:
    """Of each visit what the rules asked, in words, with the numbers."""
    limits, found = limits_of(campaign), dict[Any, list[dict[str, Any]]]()
    for flag in session.execute(FLAGS, {"ids": ids}):
        facts = {name: _plain(n) for name, n in {**limits[flag.rule].model_dump(), **flag.numbers}.items()}
        words = str(BY_NAME[flag.rule].message).format(**facts)
        told = {"rule": flag.rule, "severity": flag.severity, "message": words, "numbers": flag.numbers}
        found.setdefault(flag.instance_id, []).append(told)
    return found


def _plain(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _as_dict(row: dict[str, Any], flags: list[dict[str, Any]]) -> dict[str, Any]:
    row["standing"] = WAITING if row.pop("waits") else STANDINGS[row["standing"]]
    row["decided"] = DECISIONS.get(row["decided"])
    row["instance_id"] = str(row["instance_id"])
    row["replaces"] = str(row["replaces"]) if row["replaces"] else None
    row["visited_at"] = row["visited_at"].isoformat()
    return {**row, "flags": flags}


def _span(day: date | None, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From midnight to midnight in the campaign's zone, as far as there can be visits."""
    if day is None or not FIRST_MOMENT.date() < day < LAST_MOMENT.date():
        return FIRST_MOMENT, LAST_MOMENT if day is None else FIRST_MOMENT
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


def _team(session: Session, campaign: Campaign, scope: Scope, code: str | None) -> str | None:
    if code is not None and not session.scalar(TEAM, {"campaign": campaign.id, "code": code, **scope.binds()}):
        raise NotFound
    return code


def _unit(session: Session, campaign: Campaign, scope: Scope, code: str | None) -> int | None:
    if code is None:
        return None
    unit = session.scalar(UNIT, {"campaign": campaign.id, "code": code, **scope.binds()})
    if unit is None:
        raise NotFound
    return int(unit)


def _standing(words: str | None) -> tuple[int | None, bool | None]:
    """(standing, whether it waits); None: no matter."""
    if words is None or words == WAITING:
        return None, None if words is None else True
    found = next((n for n, name in STANDINGS.items() if name == words), None)
    if found is None:
        known = ", ".join([*STANDINGS.values(), WAITING])
        raise WrongRequest(field="standing", why=_("{words} is none of {known}.").format(words=words, known=known))
    return found, False


def _flag(name: str | None) -> int | None:
    if name is None:
        return None
    if name not in BY_NAME:
        raise WrongRequest(field="flag", why=_("there is no rule {name}.").format(name=name))
    return 1 << RULES.index(BY_NAME[name])
