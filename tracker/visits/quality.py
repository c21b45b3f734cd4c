"""Which questions do the rules ask, about which teams, and which visits stand behind them?

Counts come from `team_flags`, kept by judging; the visits behind them are read team by team along one index, so that a
page costs the same in a round of a million visits. Only what the person asking may see. Writes nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope, scoped
from tracker.campaigns.models import Campaign, Team
from tracker.visits.models import DOUBTFUL, REJECTED, STANDINGS, VALID, TeamFlags
from tracker.visits.rules import BY_NAME, RULES

TEAMS_AT_ONCE = 16  # read together while a page fills: a page of a supervisor's day seldom needs more
ENOUGH_TO_COMPARE = 20  # visits of a team below which a share says nothing
ANY_RULE = (1 << len(RULES)) - 1


@dataclass(frozen=True)
class Filter:
    """Which visits with a question are meant. None: whichever."""

    rule: str | None = None
    team: str | None = None
    day: date | None = None  # in the campaign's zone
    standing: str | None = None  # valid, doubtful, rejected
    decided: bool | None = None  # by a person

    @property
    def mask(self) -> int:
        """The bits of `visit.flags` that count as a question."""
        return 1 << RULES.index(BY_NAME[self.rule]) if self.rule else ANY_RULE


@dataclass(frozen=True)
class Question:
    """One rule over the teams that the person sees."""

    rule: str
    visits: int
    undecided: int
    teams: int


@dataclass(frozen=True)
class TeamAsked:
    """One team: how many of its visits there are, and how many of them a rule asks about (or any rule)."""

    team: str
    type: str
    visits: int
    asked: int  # of one rule: visits; of all rules: visits to check
    undecided: int  # questions that nobody has answered

    @property
    def share(self) -> float | None:
        """None where there are too few visits to compare."""
        return self.asked / self.visits if self.visits >= ENOUGH_TO_COMPARE else None


@dataclass(frozen=True)
class Behind:
    """A visit with the questions asked about it, and what a person said last."""

    visit: Row[Any]
    flags: tuple[tuple[str, dict[str, Any]], ...]  # rule, numbers
    decision: Row[Any] | None

    @property
    def standing(self) -> str:
        return STANDINGS[self.visit.standing]


Place = tuple[str, datetime, UUID]  # team code, visited_at, instance_id: where a page of visits ended


def questions(session: Session, campaign: Campaign, scope: Scope) -> list[Question]:
    """How often each rule asks, most often first."""
    found: dict[str, list[TeamFlags]] = {}
    for row in session.scalars(_kept_counts(campaign, scope)):
        found.setdefault(row.rule, []).append(row)
    asked = [
        Question(rule, sum(r.visits for r in rows), sum(r.undecided for r in rows), len(rows))
        for rule, rows in found.items()
        if rule in BY_NAME
    ]
    return sorted(asked, key=lambda q: (-q.visits, q.rule))


def teams_asked(
    session: Session, campaign: Campaign, scope: Scope, rule: str | None, report: Sequence[dict[str, Any]]
) -> list[TeamAsked]:
    """Teams with a question, most visits first. `report`: rows of the coverage report by team, for the denominators."""
    codes = {team.id: team for team in _teams(session, campaign, scope)}
    visits = {row["code"]: row for row in report}
    of_team: dict[int, list[TeamFlags]] = {}
    for row in session.scalars(_kept_counts(campaign, scope)):
        if row.team_id in codes and rule in (None, row.rule):
            of_team.setdefault(row.team_id, []).append(row)
    asked = []
    for team_id, rows in of_team.items():
        team = codes[team_id]
        counted = visits.get(team.code, {})
        questioned = sum(r.visits for r in rows)
        if rule is None:
            questioned = counted.get("visits_doubtful", 0)
        undecided = sum(r.undecided for r in rows)
        asked.append(TeamAsked(team.code, team.type, counted.get("visits", 0), questioned, undecided))
    return sorted(asked, key=lambda t: (-t.asked, -t.undecided, t.team))


def _kept_counts(campaign: Campaign, scope: Scope) -> Any:
    return scoped(select(TeamFlags).where(TeamFlags.campaign_id == campaign.id, TeamFlags.visits > 0), scope)


def visits_behind(
    session: Session, campaign: Campaign, scope: Scope, wish: Filter, *, after: Place | None, limit: int
) -> tuple[list[Behind], Place | None]:
    """Visits with a question, by team and then in order of time; and where the next page begins, None at the end."""
    rows: list[Row[Any]] = []
    for teams in _by_groups(_teams(session, campaign, scope, wish.team, after[0] if after else None)):
        found = session.execute(PAGE, {
            **_binds(campaign, scope, wish), "team_ids": [t.id for t in teams], "after_team": after and after[0],
            "after_at": after and after[1], "after_id": after and after[2], "limit": limit + 1 - len(rows),
        })  # fmt: skip
        rows += found.all()
        if len(rows) > limit:
            break
    last = rows[limit - 1] if len(rows) > limit else None
    return _with_words(session, rows[:limit]), (last.team, last.visited_at, last.instance_id) if last else None


def count_behind(session: Session, campaign: Campaign, scope: Scope, wish: Filter, most: int) -> int:
    """How many visits a filter holds; `most` + 1 where they are more."""
    teams = [team.id for team in _teams(session, campaign, scope, wish.team)]
    binds = {**_binds(campaign, scope, wish), "team_ids": teams, "most": most + 1}
    return int(session.execute(COUNT, binds).scalar_one())


def ids_behind(session: Session, campaign: Campaign, scope: Scope, wish: Filter) -> list[UUID]:
    """The visits that a filter holds, for a decision over all of them."""
    teams = [team.id for team in _teams(session, campaign, scope, wish.team)]
    return list(session.scalars(IDS, {**_binds(campaign, scope, wish), "team_ids": teams}))


def behind_these(session: Session, scope: Scope, ids: Sequence[UUID]) -> list[Behind]:
    """These visits, as far as the person sees them, in order of time."""
    return _with_words(session, session.execute(THESE, {"ids": [str(i) for i in ids], **_seen(scope)}).all())


def latest_decisions(session: Session, campaign: Campaign, scope: Scope, limit: int) -> Sequence[Row[Any]]:
    """Acts of the last days on visits that the person sees, newest first: who, what, why, over how many visits."""
    return session.execute(LATEST, {"campaign_id": campaign.id, "limit": limit, **_seen(scope)}).all()


def _teams(
    session: Session, campaign: Campaign, scope: Scope, code: str | None = None, beginning_at: str | None = None
) -> Sequence[Row[int, str, str]]:
    """Teams that the person sees, in the order of their codes (byte by byte: the same everywhere)."""
    query = select(Team.id, Team.code, Team.type).where(Team.campaign_id == campaign.id)
    if code is not None:
        query = query.where(Team.code == code)
    if beginning_at is not None:
        query = query.where(Team.code.collate("C") >= beginning_at)
    return session.execute(scoped(query.order_by(Team.code.collate("C")), scope)).all()


def _by_groups(teams: Sequence[Row[int, str, str]]) -> Iterator[Sequence[Row[int, str, str]]]:
    for first in range(0, len(teams), TEAMS_AT_ONCE):
        yield teams[first : first + TEAMS_AT_ONCE]


STANDING_NUMBERS = {STANDINGS[number]: number for number in (VALID, DOUBTFUL, REJECTED)}


def _binds(campaign: Campaign, scope: Scope, wish: Filter) -> dict[str, Any]:
    return {
        "campaign_id": campaign.id, "mask": wish.mask, "day": wish.day, "zone": campaign.timezone,
        "standing": STANDING_NUMBERS.get(wish.standing or ""), "decided": wish.decided, **_seen(scope),
    }  # fmt: skip


def _seen(scope: Scope) -> dict[str, Any]:
    return {"everything": scope.everything, "sees_visits": scope.sees_visits, **scope.binds()}


# of a visit `v`: one's own team's, in one's areas, or nowhere and of a team of one's areas
SEEN = """
    (:everything OR (:sees_visits AND (v.team_id = :scope_team_id OR in_areas(v.area_id, :areas)
        OR (coalesce(v.area_id, 0) = 0 AND EXISTS (
            SELECT FROM team o WHERE o.id = v.team_id AND in_areas(o.area_id, :areas))))))"""

MEANT = f"""
    v.campaign_id = :campaign_id AND v.flags & :mask <> 0
    AND (CAST(:standing AS smallint) IS NULL OR v.standing = :standing)
    AND (CAST(:decided AS boolean) IS NULL OR (v.decided IS NOT NULL) = :decided)
    AND (CAST(:day AS date) IS NULL
         OR (v.visited_at >= CAST(:day AS timestamp) AT TIME ZONE :zone
             AND v.visited_at < (CAST(:day AS timestamp) + interval '1 day') AT TIME ZONE :zone))
    AND {SEEN}"""

SHOWN = """
    SELECT v.instance_id, t.code COLLATE "C" AS team, t.type AS team_type, v.visited_at, v.lon, v.lat, v.accuracy_m,
           v.children_eligible, v.vaccinated, v.absent, v.refused, v.other_missed, v.guests_vaccinated, v.zero_dose,
           v.is_revisit, v.note, v.standing, v.decided, s.code AS settlement, s.name_en, s.name_ur, s.name_ps
    FROM visit v JOIN team t ON t.id = v.team_id LEFT JOIN settlement s ON s.id = v.unit_id"""

PAGE = text(f"""{SHOWN}
    WHERE v.team_id = ANY(:team_ids) AND {MEANT}
      AND (CAST(:after_team AS text) IS NULL
           OR (t.code COLLATE "C", v.visited_at, v.instance_id) > (:after_team, :after_at, CAST(:after_id AS uuid)))
    ORDER BY t.code COLLATE "C", v.visited_at, v.instance_id LIMIT :limit""")

THESE = text(f"""{SHOWN}
    WHERE v.instance_id = ANY(CAST(:ids AS uuid[])) AND {SEEN} ORDER BY v.visited_at, v.instance_id""")

COUNT = text(f"""
    SELECT count(*) FROM (SELECT FROM visit v WHERE v.team_id = ANY(:team_ids) AND {MEANT} LIMIT :most) AS behind""")

IDS = text(f"SELECT v.instance_id FROM visit v WHERE v.team_id = ANY(:team_ids) AND {MEANT} ORDER BY 1")

FLAGS = text("""
    SELECT f.instance_id, f.rule, f.numbers FROM flag f
    WHERE f.instance_id = ANY(:ids) ORDER BY f.instance_id, f.rule""")

DECISIONS = text("""
    SELECT DISTINCT ON (d.instance_id) d.instance_id, d.action, d.reason, d.decided_at, d.batch, p.name AS person
    FROM decision d LEFT JOIN person p ON p.id = d.person_id
    WHERE d.instance_id = ANY(:ids) ORDER BY d.instance_id, d.decided_at DESC, d.id DESC""")

LATEST = text(f"""
    SELECT d.batch, d.action, d.reason, max(d.decided_at) AS decided_at, max(p.name) AS person, count(*) AS visits,
           bool_or(v.decided IS NOT NULL) AS stands
    FROM decision d JOIN visit v ON v.instance_id = d.instance_id LEFT JOIN person p ON p.id = d.person_id
    WHERE d.campaign_id = :campaign_id AND d.action <> 'undo' AND {SEEN}
    GROUP BY d.batch, d.action, d.reason ORDER BY decided_at DESC LIMIT :limit""")


def _with_words(session: Session, visits: Sequence[Row[Any]]) -> list[Behind]:
    ids = {"ids": [v.instance_id for v in visits]}
    flags: dict[UUID, list[tuple[str, dict[str, Any]]]] = {v.instance_id: [] for v in visits}
    for flag in session.execute(FLAGS, ids):
        flags[flag.instance_id].append((flag.rule, flag.numbers))
    decisions = {d.instance_id: d for d in session.execute(DECISIONS, ids) if d.action != "undo"}
    return [Behind(v, tuple(flags[v.instance_id]), decisions.get(v.instance_id)) for v in visits]
