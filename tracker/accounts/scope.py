"""Which rows may a person see? One answer for pages, API, tiles, exports and commands.

`scope_of` reads it once per request; every verb that reads takes a `Scope`. Row-level security beneath holds the same
line
when a query forgets (see `reading`).
"""
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.models import Person
from tracker.campaigns.models import Campaign
from tracker.database import engine
from tracker.errors import NotFound

ALL_AREAS = "{(,)}"


@dataclass(frozen=True)
class Scope:
    """A person's rows. In SQL: `area_id <@ CAST(:areas AS int4multirange) OR settlement_id = ANY(:settlement_ids)`."""

    role: str
    person_id: int | None = None            # None: a command on the server
    areas: str = "{}"                       # int4multirange of visible area ids, over all vintages
    team_id: int | None = None              # a team user: only this team's visits
    settlement_ids: tuple[int, ...] = ()    # a team user: the settlements planned for the team

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


SERVER = Scope(role="admin", areas=ALL_AREAS)       # commands run by whoever administers the machine


VISIBLE_AREAS = text("""
    SELECT coalesce(range_agg(int4range(w.area_id, w.area_id, '[]')), '{}')::text
    FROM person_area p JOIN area a ON a.code = p.area_code JOIN area_within w ON w.ancestor_id = a.id
    WHERE p.person_id = :person_id""")

TEAM_SETTLEMENTS = text("""
    SELECT DISTINCT s.settlement_id FROM plan_stop s
    JOIN team t ON t.id = s.team_id JOIN campaign c ON c.id = t.campaign_id AND c.microplan_id = s.microplan_id
    WHERE s.team_id = :team_id ORDER BY 1""")


def scope_of(session: Session, person: Person) -> Scope:
    """The rows of a person: all (admin), a team's own (team), or those of their areas and everything below."""
    if person.role == "admin":
        return Scope("admin", person.id, ALL_AREAS)
    if person.role == "team":
        ids = session.scalars(TEAM_SETTLEMENTS, {"team_id": person.team_id}).all()
        return Scope("team", person.id, team_id=person.team_id, settlement_ids=tuple(ids))
    return Scope(person.role, person.id, session.scalar(VISIBLE_AREAS, {"person_id": person.id}))


CAMPAIGN_IN_SCOPE = text("""
    SELECT EXISTS (SELECT 1 FROM campaign_area c JOIN area_within w ON w.ancestor_id = c.area_id OR w.area_id =
    c.area_id
                   WHERE c.campaign_id = :campaign_id
                     AND (w.area_id <@ CAST(:areas AS int4multirange)))
        OR EXISTS (SELECT 1 FROM team t WHERE t.campaign_id = :campaign_id AND t.id = :scope_team_id)""")


def campaign_in_scope(session: Session, code: str, scope: Scope) -> Campaign:
    """The campaign of that code; NotFound where it does not exist or touches none of the person's areas."""
    campaign = session.query(Campaign).filter_by(code=code).one_or_none()
    if campaign is None:
        raise NotFound
    if not scope.everything and not session.scalar(CAMPAIGN_IN_SCOPE, {"campaign_id": campaign.id, **scope.binds()}):
        raise NotFound
    return campaign


@contextmanager
def reading(scope: Scope) -> Iterator[Session]:
    """A transaction in which PostgreSQL itself shows only the rows of this scope, whatever the query forgets."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        yield session
