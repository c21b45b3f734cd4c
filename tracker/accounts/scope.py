"""Which rows may a person see? One answer for pages, API, tiles, exports and commands.

Every verb that reads takes a `Scope`. `scoped` narrows an ORM select, text SQL binds `scope.binds()`; `reading` opens
the transaction in which PostgreSQL itself holds the same line (row-level security, migration 0003) when a query
forgets. Reads people, areas and plans; writes nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Select,
    Text,
    cast,
    exists,
    false,
    func,
    literal,
    or_,
    text,
)
from sqlalchemy.dialects.postgresql import INT4MULTIRANGE
from sqlalchemy.orm import Session, with_loader_criteria

from tracker.accounts.models import Person
from tracker.areas.models import Settlement, SettlementPlace
from tracker.campaigns.models import Campaign, PlanStop, Team
from tracker.coverage.models import CampaignSettlement, CoverageCount
from tracker.database import engine
from tracker.errors import NotFound
from tracker.visits.models import NOWHERE, Decision, Flag, Submission, TeamDay, TeamFlags, Visit

ALL_AREAS = "{(,)}"


@dataclass(frozen=True)
class Scope:
    """A person's rows. In SQL: `in_areas(area_id, :areas) OR settlement_id = ANY(:settlement_ids)`."""

    role: str
    person_id: int | None = None  # None: a command on the server
    areas: str = "{}"  # int4multirange of visible area ids, over all vintages
    team_id: int | None = None  # a team user: only this team's visits
    settlement_ids: tuple[int, ...] = ()  # a team user: the settlements planned for the team
    address: str | None = None  # where the request came from, for the audit trail; None: a command

    @property
    def everything(self) -> bool:
        return self.areas == ALL_AREAS

    @property
    def sees_visits(self) -> bool:
        """Visit rows, positions and flags; verifiers and observers see numbers only."""
        return self.role in ("admin", "coordinator", "supervisor", "team")

    @property
    def decides(self) -> bool:
        """May overrule flags and answer questions."""
        return self.role in ("admin", "coordinator", "supervisor")

    def binds(self) -> dict[str, Any]:
        """Parameters for text SQL: :areas, :settlement_ids, :scope_team_id."""
        return {"areas": self.areas, "settlement_ids": list(self.settlement_ids), "scope_team_id": self.team_id}


SERVER = Scope(role="admin", areas=ALL_AREAS)  # commands run by whoever administers the machine

# of a row `p` of person; `identity` asks for both in the statement that recognises the person
AREAS_OF_PERSON = """
    CASE WHEN p.role = 'admin' THEN '{(,)}' WHEN p.role = 'team' THEN '{}'
         ELSE (SELECT coalesce(range_agg(int4range(w.area_id, w.area_id, '[]')), '{}')::text
               FROM person_area o JOIN area a ON a.code = o.area_code JOIN area_within w ON w.ancestor_id = a.id
               WHERE o.person_id = p.id) END"""
SETTLEMENTS_OF_PERSON = """
    CASE WHEN p.role = 'team' THEN ARRAY(
         SELECT DISTINCT s.settlement_id FROM plan_stop s JOIN team t ON t.id = s.team_id
         JOIN campaign c ON c.id = t.campaign_id AND c.microplan_id = s.microplan_id
         WHERE s.team_id = p.team_id ORDER BY 1) ELSE '{}' END"""
SCOPE_OF_PERSON = text(f"SELECT {AREAS_OF_PERSON}, {SETTLEMENTS_OF_PERSON} FROM person p WHERE p.id = :person_id")


def scope_of(session: Session, person: Person) -> Scope:
    """The rows of a person: all (admin), a team's own (team), or those of their areas and everything below."""
    areas, settlements = session.execute(SCOPE_OF_PERSON, {"person_id": person.id}).one()
    return Scope(person.role, person.id, areas, person.team_id, tuple(settlements))


Query = TypeVar("Query", bound=Select[*tuple[Any, ...]])


def scoped(query: Query, scope: Scope) -> Query:
    """The same ORM select, narrowed to this scope's rows wherever it reads a scoped table, aliased or joined."""
    if scope.everything:
        return query
    seen = {
        Settlement: Settlement.id.in_(scope.settlement_ids) | _placed_within(Settlement.id, scope),
        SettlementPlace: SettlementPlace.settlement_id.in_(scope.settlement_ids)
        | _within(SettlementPlace.area_id, scope),
        CampaignSettlement: CampaignSettlement.settlement_id.in_(scope.settlement_ids)
        | _within(CampaignSettlement.area_id, scope),
        CoverageCount: CoverageCount.unit_id.in_(scope.settlement_ids)
        | _of_own_team(CoverageCount.team_id, scope)
        | _within(CoverageCount.area_id, scope)
        | ((CoverageCount.area_id == NOWHERE) & _team_within(CoverageCount.team_id, scope)),
        PlanStop: _of_own_team(PlanStop.team_id, scope) | _placed_within(PlanStop.settlement_id, scope),
        Team: _of_own_team(Team.id, scope) | _within(Team.area_id, scope) | _worked_within(scope),
        Visit: _visits_seen(Visit, scope),
        Flag: exists().where(VISIT.c.instance_id == Flag.instance_id, _visits_seen(VISIT.c, scope)),
        Decision: exists().where(VISIT.c.instance_id == Decision.instance_id, _visits_seen(VISIT.c, scope)),
        TeamDay: _team_judged(TeamDay.team_id, scope),
        TeamFlags: _team_judged(TeamFlags.team_id, scope),
        Submission: Submission.submitter_id == scope.person_id,
    }
    return query.options(*(with_loader_criteria(table, rows, include_aliases=True) for table, rows in seen.items()))


# the same tables once more, for "exists" clauses that the criteria above must not touch
VISIT, PLACE, TEAM = (t.__table__.alias(f"{t.__tablename__}_seen") for t in (Visit, SettlementPlace, Team))
STOP, WORKED = (t.__table__.alias(f"{t.__tablename__}_seen") for t in (PlanStop, CoverageCount))


def _within(area_id: Any, scope: Scope) -> ColumnElement[bool]:
    return func.in_areas(area_id, cast(literal(scope.areas, Text), INT4MULTIRANGE), type_=Boolean)


def _of_own_team(team_id: Any, scope: Scope) -> ColumnElement[bool]:
    return false() if scope.team_id is None else team_id == scope.team_id


def _team_within(team_id: Any, scope: Scope) -> ColumnElement[bool]:
    """A team of an area that the person answers for."""
    return exists().where(TEAM.c.id == team_id, _within(TEAM.c.area_id, scope))


def _worked_within(scope: Scope) -> ColumnElement[bool]:
    """A team from elsewhere that has a stop or was counted in the person's areas."""
    same_team = (WORKED.c.campaign_id == Team.campaign_id) & (WORKED.c.team_id == Team.id)
    counted = exists().where(same_team, _within(WORKED.c.area_id, scope))
    planned = exists().where(STOP.c.team_id == Team.id, _placed_within(STOP.c.settlement_id, scope))
    return counted | planned


def _placed_within(settlement_id: Any, scope: Scope) -> ColumnElement[bool]:
    return exists().where(PLACE.c.settlement_id == settlement_id, _within(PLACE.c.area_id, scope))


def _visits_seen(visit: Any, scope: Scope) -> ColumnElement[bool]:
    if not scope.sees_visits:
        return false()
    nowhere = func.coalesce(visit.area_id, NOWHERE) == NOWHERE  # not located, or in no area: its team tells whose it is
    return or_(
        _of_own_team(visit.team_id, scope),
        _within(visit.area_id, scope),
        nowhere & _team_within(visit.team_id, scope),
    )


def _team_judged(team_id: Any, scope: Scope) -> ColumnElement[bool]:
    """What was found about a whole team: for its own line, not for areas that it merely visited."""
    if not scope.sees_visits:
        return false()
    return _of_own_team(team_id, scope) | _team_within(team_id, scope)


CAMPAIGN_IN_SCOPE = text("""
    SELECT EXISTS (SELECT 1 FROM campaign_area c
                   JOIN area_within w ON w.ancestor_id = c.area_id OR w.area_id = c.area_id
                   WHERE c.campaign_id = :campaign_id AND in_areas(w.area_id, :areas))
        OR EXISTS (SELECT 1 FROM team t WHERE t.campaign_id = :campaign_id AND t.id = :scope_team_id)""")


def campaign_in_scope(session: Session, code: str, scope: Scope) -> Campaign:
    """The campaign of that code; NotFound where it does not exist or touches none of the person's areas."""
    campaign = session.query(Campaign).filter_by(code=code).one_or_none()
    if campaign is None:
        raise NotFound
    if not scope.everything and not session.scalar(CAMPAIGN_IN_SCOPE, {"campaign_id": campaign.id, **scope.binds()}):
        raise NotFound
    return campaign


ENTER_SCOPE = text("""
    SELECT set_config('role', 'rasai_web', true), set_config('transaction_read_only', 'on', true),
           set_config('rasai.role', :role, true), set_config('rasai.person', :person, true),
           set_config('rasai.areas', :areas, true), set_config('rasai.team', :team, true),
           set_config('rasai.settlements', :settlements, true)""")


@contextmanager
def reading(scope: Scope) -> Iterator[Session]:
    """A read-only session in which PostgreSQL itself shows only this scope's rows, whatever the query forgets."""
    settings = {
        "role": scope.role,
        "person": str(scope.person_id or ""),
        "areas": scope.areas,
        "team": str(scope.team_id or ""),
        "settlements": "{" + ",".join(map(str, scope.settlement_ids)) + "}",
    }

    with Session(engine(), expire_on_commit=False) as session, session.begin():
        session.execute(ENTER_SCOPE, settings)  # until the transaction ends, and the block allows no second one
        yield session
