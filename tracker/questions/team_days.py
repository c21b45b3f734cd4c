"""What did a team do on a day, in order, beside its plan and the other teams of its area?

The list of a day reads kept counts. One team-day alone reads visits: of this team, and of its neighbours only when
they worked. Positions of a day that still runs are for those who answer for the team's safety, an hour late, and each
look is on record. Writes only that record.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.audit import record
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.units import SMALL_TARGET
from tracker.coverage.visits_behind import FLAGS, VISIT_SEEN
from tracker.errors import NotFound
from tracker.visits.models import REPLACED, STANDINGS

LATE = timedelta(hours=1)  # positions of a running day are shown so much later; our choice
WATCH_OVER = ("admin", "supervisor", "team")  # who may see them at all
SLOT_MINUTES = 15
NEIGHBOURS = 12  # teams in the grey band

TEAMS = text("""
    WITH planned AS (
        SELECT p.team_id, count(*) AS settlements,
               sum(p.target_children) FILTER (WHERE least(p.target_children, x.target) >= :hide_below) AS target,
               count(*) FILTER (WHERE EXISTS (
                   SELECT 1 FROM coverage_count c WHERE c.campaign_id = :campaign AND c.unit_id = p.settlement_id
                      AND c.team_id = p.team_id AND c.day = :day AND c.visits > c.visits_rejected)) AS visited
        FROM plan_stop p JOIN campaign_settlement x ON x.campaign_id = :campaign AND x.settlement_id = p.settlement_id
        WHERE p.microplan_id = :microplan AND p.on_date = :day
          AND (in_areas(x.area_id, :areas) OR p.team_id = :scope_team_id)
        GROUP BY p.team_id
    ), counted AS (
        SELECT c.team_id, sum(c.visits) AS visits, sum(c.visits_doubtful) AS doubtful, sum(c.vaccinated) AS vaccinated,
               sum(c.vaccinated_confirmed) AS confirmed,
               sum(c.missed_absent + c.missed_refused + c.missed_other) AS missed
        FROM coverage_count c
        WHERE c.campaign_id = :campaign AND c.day = :day
          AND (CASE WHEN CAST(:scope_team_id AS integer) IS NOT NULL THEN c.team_id = :scope_team_id
               ELSE in_areas(c.area_id, :areas) OR (c.area_id = 0 AND EXISTS (
                   SELECT 1 FROM team k WHERE k.id = c.team_id AND in_areas(k.area_id, :areas))) END)
        GROUP BY c.team_id
    )
    SELECT t.code, t.type, t.supervisor, t.heard_at, p.settlements, p.visited, p.target, n.visits, n.doubtful,
           n.vaccinated, n.confirmed, n.missed, a.name_en AS area_name, a.name_ur AS area_name_ur,
           a.name_ps AS area_name_ps,
           p.team_id IS NOT NULL AND coalesce(n.visits, 0) = 0
               AND (t.heard_at IS NULL OR t.heard_at < CAST(:day AS timestamp) AT TIME ZONE :zone) AS no_word
    FROM team t LEFT JOIN planned p ON p.team_id = t.id LEFT JOIN counted n ON n.team_id = t.id
    LEFT JOIN area a ON a.id = t.area_id
    WHERE t.campaign_id = :campaign AND (p.team_id IS NOT NULL OR n.team_id IS NOT NULL)
      AND (CAST(:area AS integer) IS NULL
           OR t.area_id IN (SELECT w.area_id FROM area_within w WHERE w.ancestor_id = CAST(:area AS integer)))
    ORDER BY no_word DESC, t.code""")

TEAM = text("""
    SELECT t.id, t.code, t.type, t.supervisor, t.heard_at, t.area_id, a.name_en AS area_name, a.name_ur AS area_name_ur,
           a.name_ps AS area_name_ps
    FROM team t LEFT JOIN area a ON a.id = t.area_id
    WHERE t.campaign_id = :campaign AND t.code = :team
      AND (t.id = :scope_team_id OR in_areas(t.area_id, :areas)
           OR EXISTS (SELECT 1 FROM coverage_count c WHERE c.campaign_id = t.campaign_id AND c.team_id = t.id
                        AND in_areas(c.area_id, :areas)))""")

VISITS = text(f"""
    SELECT v.instance_id, v.visited_at, v.lon, v.lat, v.accuracy_m, v.children_eligible, v.vaccinated, v.absent,
           v.refused, v.other_missed, v.is_revisit, v.standing, v.decided, v.unit_id,
           s.code AS settlement, s.name_en, s.name_ur,
           s.name_ps
    FROM visit v LEFT JOIN settlement s ON s.id = v.unit_id
    WHERE v.campaign_id = :campaign AND v.team_id = :team AND v.visited_at >= :begins AND v.visited_at < :ends
      AND v.standing <> {REPLACED} AND {VISIT_SEEN}
    ORDER BY v.visited_at, v.instance_id""")

PLAN = text("""
    SELECT s.id, s.code, s.name_en, s.name_ur, s.name_ps, p.target_children AS target, s.radius_m,
           ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat, ST_AsGeoJSON(ST_Simplify(s.extent, 0.0001), 5) AS extent,
           coalesce((SELECT sum(c.visits - c.visits_rejected) FROM coverage_count c
                     WHERE c.campaign_id = :campaign AND c.unit_id = s.id AND c.team_id = p.team_id
                       AND c.day = :day), 0) AS visits
    FROM plan_stop p JOIN settlement s ON s.id = p.settlement_id
    WHERE p.microplan_id = :microplan AND p.team_id = :team AND p.on_date = :day ORDER BY s.code""")

# of the same supervisor, else of the same area
OTHERS = text("""
    WITH others AS (
        SELECT t.id FROM team t
        WHERE t.campaign_id = :campaign AND t.id <> :team AND in_areas(t.area_id, :areas) AND t.type = :type
          AND (t.supervisor = :supervisor OR (CAST(:supervisor AS text) IS NULL AND t.area_id = :team_area))
          AND EXISTS (SELECT 1 FROM coverage_count c
                      WHERE c.campaign_id = t.campaign_id AND c.team_id = t.id AND c.day = :day)
        ORDER BY t.code LIMIT :most
    )
    SELECT v.team_id, CAST(extract(epoch FROM v.visited_at - :begins) AS integer) / :slot_s AS slot, count(*) AS visits
    FROM others o JOIN visit v ON v.team_id = o.id AND v.campaign_id = :campaign AND v.visited_at >= :begins
                              AND v.visited_at < :ends
    GROUP BY 1, 2""")


@dataclass(frozen=True)
class Stay:
    """Visits in one settlement, one after the other."""

    number: int
    settlement: Any  # with code and names; code None: in no settlement
    begins: datetime
    ends: datetime
    visits: list[Row[Any]]
    questions: int  # visits with a flag that nobody has decided on

    @property
    def vaccinated(self) -> int:
        return sum(v.vaccinated for v in self.visits)

    @property
    def seen(self) -> int:
        return sum(v.children_eligible for v in self.visits)


@dataclass
class TeamDayView:
    """Everything of one team on one day."""

    team: Row[Any]
    day: date
    begins: datetime  # midnight in the campaign's zone
    runs: bool  # the day is today
    positions: str  # shown, late, withheld
    visits: list[Row[Any]]
    stays: list[Stay]
    flags: dict[Any, list[Row[Any]]]
    plan: Sequence[Row[Any]]
    others: dict[int, dict[int, int]] = field(default_factory=dict)  # team: slot of the day: visits

    @property
    def vaccinated(self) -> int:
        return sum(v.vaccinated for v in self.visits if STANDINGS[v.standing] != "rejected")

    @property
    def target(self) -> int:
        return sum(stop.target for stop in self.plan)

    @property
    def visited(self) -> int:
        return sum(stop.visits > 0 for stop in self.plan)

    @property
    def questions(self) -> int:
        return sum(stay.questions for stay in self.stays)

    def slots(self) -> dict[int, int]:
        """This team's visits by quarter of an hour."""
        counted: dict[int, int] = {}
        for v in self.visits:
            slot = int((v.visited_at - self.begins).total_seconds()) // (SLOT_MINUTES * 60)
            counted[slot] = counted.get(slot, 0) + 1
        return counted


def teams_of_day(
    session: Session, campaign: Campaign, scope: Scope, day: date, *, area_id: int | None = None
) -> Sequence[Row[Any]]:
    """Teams that were to work or worked that day, those without a word first."""
    hide = SMALL_TARGET if scope.role == "observer" else 0
    its = {"campaign": campaign.id, "microplan": campaign.microplan_id, "zone": campaign.timezone, "day": day}
    return session.execute(TEAMS, {**its, "area": area_id, "hide_below": hide, **scope.binds()}).all()


def team_day(session: Session, campaign: Campaign, scope: Scope, team: str, day: date, *, now: datetime) -> TeamDayView:
    """Raises NotFound for a team that is none of the person's."""
    zone = ZoneInfo(campaign.timezone)
    begins = datetime(day.year, day.month, day.day, tzinfo=zone)
    ends = begins + timedelta(days=1)
    found = session.execute(TEAM, {"campaign": campaign.id, "team": team, **scope.binds()}).one_or_none()
    if found is None:
        raise NotFound
    its = {
        "campaign": campaign.id, "microplan": campaign.microplan_id, "team": found.id, "day": day, "begins": begins,
        "ends": ends, **scope.binds(),
    }  # fmt: skip
    runs = now.astimezone(zone).date() == day
    positions = "shown" if not runs else "late" if scope.role in WATCH_OVER else "withheld"
    visits = list(session.execute(VISITS, its))
    flags: dict[Any, list[Row[Any]]] = {v.instance_id: [] for v in visits}
    for flag in session.execute(FLAGS, {"ids": list(flags)}):
        flags[flag.instance_id].append(flag)
    view = TeamDayView(
        found, day, begins, runs, positions, visits, _stays(visits, flags), flags, session.execute(PLAN, its).all()
    )
    if scope.team_id is None:
        view.others = _others(session, found, its)
    return view


def has_position(view: TeamDayView, visit: Row[Any], now: datetime) -> bool:
    """Whether this person may see now where this visit was made."""
    if visit.lon is None or view.positions == "withheld":
        return False
    return view.positions == "shown" or bool(visit.visited_at <= now - LATE)


def note_look(session: Session, campaign: Campaign, scope: Scope, view: TeamDayView) -> None:
    """Somebody looks where a team is today: that is on record."""
    facts = {"team": view.team.code, "day": view.day.isoformat(), "visits": len(view.visits)}
    record(session, scope, "look", "campaign", campaign.code, facts)


def _stays(visits: list[Row[Any]], flags: dict[Any, list[Row[Any]]]) -> list[Stay]:
    stays: list[Stay] = []
    for v in visits:
        asked = int(bool(flags[v.instance_id]) and v.decided is None)
        last = stays[-1] if stays else None
        if last and last.visits[-1].unit_id == v.unit_id:
            more = replace(last, ends=v.visited_at, visits=[*last.visits, v], questions=last.questions + asked)
            stays[-1] = more
        else:
            stays.append(Stay(len(stays) + 1, v, v.visited_at, v.visited_at, [v], asked))
    return stays


def _others(session: Session, team: Row[Any], its: dict[str, Any]) -> dict[int, dict[int, int]]:
    asked = {
        **its, "supervisor": team.supervisor, "team_area": team.area_id, "type": team.type, "most": NEIGHBOURS,
        "slot_s": SLOT_MINUTES * 60,
    }  # fmt: skip
    found: dict[int, dict[int, int]] = {}
    for row in session.execute(OTHERS, asked):
        found.setdefault(row.team_id, {})[row.slot] = row.visits
    return found


def outline(extent: str | None) -> list[list[list[float]]]:
    """Rings of a GeoJSON outline; none where the settlement is round."""
    if not extent:
        return []
    shape = json.loads(extent)
    polygons = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    return [ring for polygon in polygons for ring in polygon] if "Polygon" in shape["type"] else []
