"""Builders for tests: they speak the field's words and put real rows into a real database.

The ground is always the same: province PK2 with the districts Peshawar (PK201: Amina coordinates it, Bilal leads a team
there) and Bannu (PK202: where Dawar is from), each with one tehsil of the same outline. The round is of November 2025.
"""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from geo.boundaries import WGS84
from geo.features import Features
from tracker.accounts.identity import SESSION_COOKIE, fingerprint
from tracker.accounts.models import ApiToken, Person, PersonArea, WebSession
from tracker.areas.importing import AreaFields, import_areas
from tracker.areas.models import Area, Settlement
from tracker.areas.settlements import SettlementFields, import_settlements
from tracker.campaigns.models import Campaign, Team
from tracker.campaigns.planning import create_campaign, import_microplan
from tracker.visits.models import Submission, Visit, Waiting

VINTAGE = date(2025, 1, 1)
FIRST_DAY, LAST_DAY, CATCH_UP = date(2025, 11, 10), date(2025, 11, 12), date(2025, 11, 13)
NINE_IN_THE_MORNING = datetime(2025, 11, 10, 4, 0, tzinfo=UTC)  # in Peshawar, on the first day
PROVINCE = shapely.box(70.0, 32.5, 72.0, 34.5)
PESHAWAR = shapely.box(71.0, 33.5, 72.0, 34.5)
BANNU = shapely.box(70.0, 32.5, 71.0, 33.5)
IN_PESHAWAR, IN_BANNU = (71.5, 34.0), (70.5, 33.0)  # lon, lat


@dataclass(frozen=True)
class Ground:
    """The areas of every story."""

    province: Area
    peshawar: Area
    bannu: Area
    peshawar_tehsil: Area
    bannu_tehsil: Area


def the_ground(session: Session, vintage: date = VINTAGE) -> Ground:
    """Province, two districts, a tehsil in each."""
    province = an_area(session, "PK2", level="province", outline=PROVINCE, name="Khyber Pakhtunkhwa", vintage=vintage)
    peshawar = an_area(session, "PK201", outline=PESHAWAR, parent=province, name="Peshawar", name_ur="پشاور")
    bannu = an_area(session, "PK202", outline=BANNU, parent=province, name="Bannu", name_ur="بنوں")
    return Ground(
        province,
        peshawar,
        bannu,
        an_area(session, "PK20101", level="tehsil", outline=PESHAWAR, parent=peshawar, name="Peshawar City"),
        an_area(session, "PK20201", level="tehsil", outline=BANNU, parent=bannu, name="Bannu City"),
    )


def an_area(
    session: Session,
    code: str = "PK201",
    *,
    level: str = "district",
    outline: shapely.Geometry = PESHAWAR,
    parent: Area | None = None,
    name: str | None = None,
    name_ur: str | None = None,
    vintage: date = VINTAGE,
) -> Area:
    """One area, taken in as from a file; in its parent's vintage."""
    vintage = parent.vintage if parent else vintage
    row = {"code": code, "name": name or code, "ur": name_ur, "parent": parent.code if parent else None}
    fields = AreaFields("code", "name", name_ur="ur", parent="parent" if parent else None)
    summary = import_areas(session, features([row], [outline]), fields, level, vintage)
    assert not summary.errors, summary.errors
    return session.query(Area).filter_by(code=code, vintage=vintage).one()


def a_settlement(
    session: Session,
    code: str,
    at: tuple[float, float] = IN_PESHAWAR,
    *,
    type: str = "small",
    under_five: int | None = 50,
    extent: shapely.Geometry | None = None,
    name: str | None = None,
    name_ur: str | None = None,
    compound: bool = False,
) -> Settlement:
    """A settlement at (lon, lat), or with this outline, taken in as from a file."""
    row = {"code": code, "name": name or code, "ur": name_ur, "type": type, "u5": under_five, "compound": compound}
    fields = SettlementFields("code", "name", name_ur="ur", under_five="u5", type="type", compound="compound")
    summary = import_settlements(session, features([row], [extent or shapely.Point(at)]), fields)
    assert not summary.errors, summary.errors
    return session.query(Settlement).filter_by(code=code).one()


def a_hamlet(session: Session, code: str = "KILI", at: tuple[float, float] = IN_PESHAWAR, **more: Any) -> Settlement:
    return a_settlement(session, code, at, type="hamlet", **more)


def a_round(session: Session, code: str = "NOV", areas: Iterable[Area] = (), **more: Any) -> Campaign:
    """Three days and a catch-up day in November 2025, in Peshawar's zone; over everything when no area is named."""
    facts = {
        "kind": "vaccination", "name": f"Round {code}", "starts_on": FIRST_DAY, "ends_on": LAST_DAY,
        "catch_up": [CATCH_UP], "timezone": "Asia/Karachi",
    }  # fmt: skip
    return create_campaign(session, code, area_codes=[a.code for a in areas], **{**facts, **more})


def a_team(
    session: Session,
    campaign: Campaign,
    code: str = "T1",
    area: Area | None = None,
    *,
    type: str = "mobile",
    supervisor: str | None = None,
) -> Team:
    team = Team(campaign_id=campaign.id, code=code, type=type, area_id=area and area.id, supervisor=supervisor)
    session.add(team)
    session.flush()
    return team


def a_plan(session: Session, campaign: Campaign, *stops: tuple[Team, date, Settlement, int]) -> None:
    """A published microplan of (team, day, settlement, target children)."""
    rows = [
        {"team": team.code, "date": day.isoformat(), "settlement": place.code, "target_children": str(children)}
        for team, day, place, children in stops
    ]
    import_microplan(session, campaign, rows, source="a test")


def a_person(session: Session, name: str, role: str, *areas: Area, team: Team | None = None) -> Person:
    """Somebody of the cast, with their areas or their team; signs in by `a_token` only."""
    person = Person(email=f"{name.lower()}@example.org", name=name, role=role, team_id=team and team.id)
    session.add(person)
    session.flush()
    session.add_all(PersonArea(person_id=person.id, area_code=area.code) for area in areas)
    session.flush()
    return person


def a_token(session: Session, person: Person) -> dict[str, str]:
    """Headers with which this person asks the API."""
    secret = secrets.token_urlsafe(16)
    digest, expires_at = sha256(secret.encode()).digest(), datetime.now(UTC) + timedelta(days=1)
    session.add(ApiToken(secret_sha256=digest, person_id=person.id, label="test", expires_at=expires_at))
    session.flush()
    return {"Authorization": f"Bearer {secret}"}


def a_cookie(session: Session, person: Person) -> tuple[str, str]:
    """Name and value of the cookie with which this person's browser is signed in."""
    secret = secrets.token_urlsafe(16)
    expires_at = datetime.now(UTC) + timedelta(days=1)
    session.add(WebSession(secret_sha256=fingerprint(secret), person_id=person.id, expires_at=expires_at))
    session.flush()
    return SESSION_COOKIE, secret


def a_visit(
    session: Session,
    team: Team,
    settlement: Settlement | None = None,
    *,
    at: tuple[float, float] | None = IN_PESHAWAR,
    visited_at: datetime = NINE_IN_THE_MORNING,
    eligible: int = 2,
    vaccinated: int = 2,
    **more: Any,
) -> Visit:
    """A visit as intake leaves it: raw submission, row, and the team waiting to be judged."""
    submission = Submission(
        campaign_id=team.campaign_id, channel="api", sha256=bytes(32), media_type="application/json", body=b"{}"
    )
    session.add(submission)
    session.flush()
    facts = {
        "instance_id": uuid.uuid4(), "submission_id": submission.id, "row": 1, "campaign_id": team.campaign_id,
        "team_id": team.id, "settlement_id": settlement and settlement.id, "visited_at": visited_at,
        "lon": at and at[0], "lat": at and at[1], "accuracy_m": at and 8.0,
        "children_eligible": eligible, "vaccinated": vaccinated, "absent": eligible - vaccinated, "refused": 0,
        "other_missed": 0,
    }  # fmt: skip
    visit = Visit(**{**facts, **more})
    session.add_all([visit, Waiting(campaign_id=team.campaign_id, submission_id=submission.id, team_ids=[team.id])])
    session.flush()
    return visit


def metres_east_of(place: Settlement | tuple[float, float], metres: float) -> tuple[float, float]:
    """(lon, lat) so many metres east of a settlement's round edge, or of a position."""
    if isinstance(place, Settlement):
        centre = shapely.from_wkb(bytes(place.centre.data))
        place, metres = (centre.x, centre.y), metres + place.radius_m
    lon, lat, _ = WGS84.fwd(*place, 90, metres)
    return float(lon), float(lat)


def features(rows: list[dict[str, Any]], geometry: list[shapely.Geometry | None]) -> Features:
    """What reading a file would give: one dict of attributes and one geometry per row."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    attributes = {name: np.array([row.get(name) for row in rows], dtype=object) for name in names}
    shapes = np.full(len(geometry), None, dtype=object)
    shapes[:] = geometry
    return Features(attributes, shapes, np.zeros(len(geometry), dtype=bool))
