"""Nobody sees a row outside their areas: by what our queries say, and by PostgreSQL itself when they say nothing.

Two districts hold the same things: a settlement, a team with its plan, visits there, nowhere and not yet located, and
all that follows from them. Each row is known by the district it belongs to. What a naked query shows under row-level
security is compared with what we put in, counted apart from either.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.orm import Session, aliased

from tests.builders import (
    FIRST_DAY,
    IN_BANNU,
    IN_PESHAWAR,
    Ground,
    a_hamlet,
    a_person,
    a_plan,
    a_round,
    a_team,
    a_visit,
    the_ground,
)
from tests.conftest import a_database
from tracker.accounts.models import Person
from tracker.accounts.scope import SERVER, Scope, campaign_in_scope, reading, scope_of, scoped
from tracker.areas.models import Area, Settlement, SettlementPlace
from tracker.campaigns.models import Campaign, PlanStop, Team
from tracker.coverage.models import CampaignSettlement, CoverageCount
from tracker.database import Base, engine_for, transaction
from tracker.errors import NotFound
from tracker.visits.models import Decision, Flag, Submission, TeamDay, TeamFlags, Visit, Waiting

PLACES = (Settlement, SettlementPlace, CampaignSettlement, PlanStop, CoverageCount, Team)
JUDGED = (Visit, Flag, Decision, TeamDay, TeamFlags)
SCOPED = (*PLACES, *JUDGED, Submission)


@dataclass
class Story:
    """Who asks, and which rows (by primary key) belong to which district."""

    scopes: dict[str, Scope] = field(default_factory=dict)
    rows: dict[type[Base], dict[str, set[tuple]]] = field(default_factory=dict)

    def of(self, table: type[Base], *districts: str) -> set[tuple]:
        return set().union(*(self.rows[table][d] for d in districts))


@pytest.fixture(scope="module")
def told(cluster: str, template: str) -> Iterator[tuple[str, Story]]:
    """The story in a database that the tests of this file only read."""
    with a_database(cluster, template, "scopes") as url:
        with Session(engine_for(url), expire_on_commit=False) as session, session.begin():
            story = tell(session)
        yield url, story


@pytest.fixture
def story(told: tuple[str, Story], monkeypatch: pytest.MonkeyPatch) -> Story:
    url, story = told
    monkeypatch.setenv("DATABASE_URL", url)
    return story


@pytest.fixture
def own_story(database: str) -> Story:
    """The same, for a test that goes on telling it."""
    with transaction() as session:
        return tell(session)


def tell(session: Session) -> Story:
    story = Story()
    ground = the_ground(session)
    a_hamlet(session, "KILI", IN_PESHAWAR)
    a_hamlet(session, "DOMEL", IN_BANNU)
    campaign = a_round(session)
    teams = {}
    for district, tehsil, at in (
        ("Peshawar", ground.peshawar_tehsil, IN_PESHAWAR),
        ("Bannu", ground.bannu_tehsil, IN_BANNU),
    ):
        teams[district] = live_through_a_day(session, campaign, district, tehsil, at)
    for table in SCOPED:
        story.rows[table] = {d: rows_of(session, table, d, teams) for d in ("Peshawar", "Bannu")}
        everything = session.scalar(select(func.count()).select_from(table))
        assert len(story.of(table, "Peshawar", "Bannu")) == everything > 1, (
            f"{table.__name__}: each row belongs somewhere"
        )
    story.scopes = the_cast(session, ground, teams)
    return story


def live_through_a_day(
    session: Session, campaign: Campaign, district: str, tehsil: Area, at: tuple[float, float]
) -> Team:
    place = session.scalars(
        select(Settlement).where(Settlement.code == {"Peshawar": "KILI", "Bannu": "DOMEL"}[district])
    ).one()
    team = a_team(session, campaign, f"T-{district}", tehsil)
    sender = a_person(session, f"sender-{district}", "admin")
    a_plan(session, campaign, *_stops_so_far(session, campaign), (team, FIRST_DAY, place, 40))
    for unit_id, area_id in ((place.id, tehsil.id), (-tehsil.id, tehsil.id), (0, 0), (None, None)):
        visit = a_visit(session, team, at=at, unit_id=unit_id, area_id=area_id)
        session.get(Submission, visit.submission_id).submitter_id = sender.id
        session.add(
            Flag(instance_id=visit.instance_id, rule="pace", campaign_id=campaign.id, severity="warn", numbers={})
        )
        session.add(
            Decision(
                instance_id=visit.instance_id, campaign_id=campaign.id, action="keep", reason="seen", batch=uuid.uuid4()
            )
        )
        if unit_id is not None:
            session.add(
                CoverageCount(
                    campaign_id=campaign.id, unit_id=unit_id, day=FIRST_DAY, team_id=team.id, area_id=area_id, visits=1
                )
            )
    session.add(TeamFlags(campaign_id=campaign.id, team_id=team.id, rule="pace", visits=4, undecided=0))
    session.add(TeamDay(campaign_id=campaign.id, team_id=team.id, day=FIRST_DAY, visits=4, eligible=8, missed=0))
    session.flush()
    return team


def _stops_so_far(session: Session, campaign: Campaign) -> Iterator[tuple]:
    for stop in session.scalars(select(PlanStop).where(PlanStop.microplan_id == campaign.microplan_id)).all():
        yield (
            session.get(Team, stop.team_id),
            stop.on_date,
            session.get(Settlement, stop.settlement_id),
            stop.target_children,
        )


def rows_of(session: Session, table: type[Base], district: str, teams: dict[str, Team]) -> set[tuple]:
    """Primary keys of the district's rows, told apart by names and teams, not by areas."""
    team, place = teams[district].id, {"Peshawar": "KILI", "Bannu": "DOMEL"}[district]
    place_id = session.scalar(select(Settlement.id).where(Settlement.code == place))
    visits = select(Visit.instance_id).where(Visit.team_id == team)
    sender = select(Person.id).where(Person.name == f"sender-{district}").scalar_subquery()
    mine = {
        Settlement: Settlement.id == place_id,
        SettlementPlace: SettlementPlace.settlement_id == place_id,
        CampaignSettlement: CampaignSettlement.settlement_id == place_id,
        PlanStop: PlanStop.settlement_id == place_id,
        CoverageCount: CoverageCount.team_id == team,
        Team: Team.id == team,
        Visit: Visit.team_id == team,
        Flag: Flag.instance_id.in_(visits),
        Decision: Decision.instance_id.in_(visits),
        TeamDay: TeamDay.team_id == team,
        TeamFlags: TeamFlags.team_id == team,
        Submission: Submission.submitter_id == sender,
    }
    return keys(session.scalars(select(table).where(mine[table])).all())


def the_cast(session: Session, ground: Ground, teams: dict[str, Team]) -> dict[str, Scope]:
    people = {
        "admin": a_person(session, "Root", "admin"),
        "Amina": a_person(session, "Amina", "coordinator", ground.peshawar),
        "supervisor": a_person(session, "Sana", "supervisor", ground.peshawar_tehsil),
        "province": a_person(session, "Parveen", "coordinator", ground.province),
        "Bilal": a_person(session, "Bilal", "team", team=teams["Peshawar"]),
        "verifier": a_person(session, "Veda", "verifier", ground.peshawar),
        "observer": a_person(session, "Omar", "observer", ground.peshawar),
        "Dawar": a_person(session, "Dawar", "coordinator", ground.bannu),
        "newcomer": a_person(session, "Noor", "coordinator"),
        "teamless": a_person(session, "Tariq", "team"),
    }
    return {name: scope_of(session, person) for name, person in people.items()}


def keys(rows: list) -> set[tuple]:
    return {inspect(row).identity for row in rows}


SEES = {  # person: (districts whose places and numbers they see, districts whose visits they see)
    "Dawar": (["Bannu"], ["Bannu"]),
    "admin": (["Peshawar", "Bannu"], ["Peshawar", "Bannu"]),
    "province": (["Peshawar", "Bannu"], ["Peshawar", "Bannu"]),
    "Amina": (["Peshawar"], ["Peshawar"]),
    "supervisor": (["Peshawar"], ["Peshawar"]),
    "Bilal": (["Peshawar"], ["Peshawar"]),
    "verifier": (["Peshawar"], []),
    "observer": (["Peshawar"], []),
    "newcomer": ([], []),
    "teamless": ([], []),
}


@pytest.mark.parametrize("who", SEES)
@pytest.mark.parametrize("table", [*PLACES, *JUDGED], ids=lambda t: t.__tablename__)
def test_postgresql_shows_only_ones_own_rows_when_the_query_forgets(story, who, table):
    places, visits = SEES[who]

    with reading(story.scopes[who]) as session:
        seen = keys(session.scalars(select(table)).all())

    assert seen == story.of(table, *(visits if table in JUDGED else places))


@pytest.mark.parametrize("who", SEES)
@pytest.mark.parametrize("table", [*PLACES, *JUDGED], ids=lambda t: t.__tablename__)
def test_the_query_itself_shows_only_ones_own_rows_without_the_net(story, who, table):
    places, visits = SEES[who]
    expected = story.of(table, *(visits if table in JUDGED else places))
    other = aliased(table)

    with transaction() as session:
        assert keys(session.scalars(scoped(select(table), story.scopes[who])).all()) == expected
        assert keys(session.scalars(scoped(select(other), story.scopes[who])).all()) == expected


def test_a_narrowed_query_is_not_remembered_for_the_next_person(story):
    with transaction() as session:
        for who in ("Amina", "Dawar", "Amina", "verifier", "Bilal", "Dawar"):
            districts = SEES[who][1]

            seen = keys(session.scalars(scoped(select(Visit), story.scopes[who])).all())

            assert seen == story.of(Visit, *districts)


def test_joined_tables_are_narrowed_too(story):
    query = select(Settlement.code, Team.code).join(PlanStop, PlanStop.settlement_id == Settlement.id).join(Team)

    with transaction() as session:
        assert session.execute(scoped(query, story.scopes["Dawar"])).all() == [("DOMEL", "T-Bannu")]
        assert {code for code, _ in session.execute(scoped(query, SERVER))} == {"KILI", "DOMEL"}


def test_a_raw_body_is_seen_by_its_sender_and_the_administrator_alone(story):
    with transaction() as session:
        sender = session.scalars(select(Person).where(Person.name == "sender-Bannu")).one()
    as_sender = Scope("coordinator", sender.id, "{}")

    for scope, districts in (
        (as_sender, ["Bannu"]),
        (story.scopes["province"], []),
        (story.scopes["admin"], ["Peshawar", "Bannu"]),
    ):
        with reading(scope) as session:
            assert keys(session.scalars(select(Submission)).all()) == story.of(Submission, *districts)


def test_who_waits_to_be_judged_is_told_to_the_teams_own_line(story):
    some_teams = select(func.count()).select_from(Waiting).where(Waiting.team_ids.is_not(None))

    for who, waiting in {"Dawar": 4, "Amina": 4, "Bilal": 4, "admin": 8, "newcomer": 0}.items():
        with reading(story.scopes[who]) as session:
            assert session.scalar(some_teams) == waiting, who


def test_a_team_from_elsewhere_shows_where_it_works_and_not_how_it_was_judged(own_story):
    """The Bannu team also worked in Amina's district: its code stands on her rows; its whole day is not hers to see."""
    with transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        team = session.scalars(select(Team).where(Team.code == "T-Bannu")).one()
        tehsil = session.scalars(select(Area).where(Area.code == "PK20101")).one()
        session.add(
            CoverageCount(
                campaign_id=campaign.id, unit_id=-tehsil.id, day=FIRST_DAY, team_id=team.id, area_id=tehsil.id, visits=1
            )
        )

    amina = own_story.scopes["Amina"]
    with reading(amina) as net, transaction() as owner:
        for seen in (net.scalars(select(Team.code)).all(), owner.scalars(scoped(select(Team.code), amina)).all()):
            assert sorted(seen) == ["T-Bannu", "T-Peshawar"]
        assert keys(net.scalars(select(TeamFlags)).all()) == own_story.of(TeamFlags, "Peshawar")


def test_without_a_scope_the_role_of_the_web_sees_nothing(story):
    with transaction() as session:
        session.execute(text("SET LOCAL ROLE rasai_web"))

        for table in SCOPED:
            assert session.scalar(select(func.count()).select_from(table)) == 0, table.__tablename__


def test_a_commit_within_does_not_lift_the_scope(story):
    with reading(story.scopes["Dawar"]) as session:
        session.commit()
        with pytest.raises(InvalidRequestError):
            session.scalars(select(Visit))

    with transaction() as session:  # nor does it stay on the connection for the next one
        assert session.scalar(text("SELECT current_user")) != "rasai_web"


@pytest.mark.parametrize("secret", [
    "SELECT email FROM person", "SELECT password_hash FROM person", "SELECT * FROM api_token",
    "SELECT * FROM web_session", "SELECT * FROM audit_entry", "SELECT * FROM sign_in_failure",
    "SELECT * FROM person_area",
])  # fmt: skip
def test_nobody_reads_what_lets_people_in(story, secret):
    with pytest.raises(DBAPIError, match="permission denied"), reading(story.scopes["admin"]) as session:
        session.execute(text(secret))


@pytest.mark.parametrize("change", ["DELETE FROM visit", "UPDATE visit SET vaccinated = 9", "CREATE TABLE t ()"])
def test_reading_changes_nothing(story, change):
    with pytest.raises(DBAPIError, match=r"permission denied|read-only"), reading(story.scopes["admin"]) as session:
        session.execute(text(change))


def test_one_learns_who_decided_on_what_one_sees_and_of_nobody_else(own_story):
    with transaction() as session:
        amina = session.scalars(select(Person).where(Person.name == "Amina")).one()
        visit = session.scalars(
            select(Visit).join(Team, Team.id == Visit.team_id).where(Team.code == "T-Peshawar")
        ).first()
        session.add(Decision(instance_id=visit.instance_id, campaign_id=visit.campaign_id, action="keep", reason="seen",
                             batch=uuid.uuid4(), person_id=amina.id))  # fmt: skip

    names = text("SELECT name FROM person ORDER BY name")
    for who, told in {"supervisor": ["Amina", "Sana"], "Dawar": ["Dawar"], "verifier": ["Veda"]}.items():
        with reading(own_story.scopes[who]) as session:
            assert list(session.scalars(names)) == told


def test_dawar_is_told_that_the_campaign_of_peshawar_does_not_exist(own_story):
    with transaction() as session:
        ground = {a.code: a for a in session.scalars(select(Area))}
        a_round(session, "PESH", [ground["PK20101"]])

    with transaction() as session:
        for who in ("Dawar", "newcomer", "teamless", "Bilal"):
            with pytest.raises(NotFound):
                campaign_in_scope(session, "PESH", own_story.scopes[who])
        for who in ("Amina", "supervisor", "province", "admin", "observer"):
            assert campaign_in_scope(session, "PESH", own_story.scopes[who]).code == "PESH"
        assert campaign_in_scope(session, "NOV", own_story.scopes["Bilal"]).code == "NOV"


def test_every_table_is_open_scoped_or_closed_to_the_role_of_the_web(story):
    """A new table is a decision: until it is taken, pages cannot read it."""
    with transaction() as session:
        readable = set(
            session.scalars(
                text("""
            SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
              AND has_any_column_privilege('rasai_web', c.oid, 'SELECT')""")
            )
        )
        held = set(session.scalars(text("SELECT tablename FROM pg_policies WHERE policyname = 'scope'")))

    assert readable - held == {
        "area",
        "area_within",
        "area_piece",
        "campaign",
        "campaign_area",
        "land_layer",
        "land_piece",
        "microplan",
        "scene",
        "spatial_ref_sys",
        "species_limit",
    }
    assert held >= {table.__tablename__ for table in SCOPED}


def test_a_tile_still_goes_by_its_index_under_row_security(own_story):
    """Its operators are leakproof, so the range of keys is looked up first and the scope filters what it found."""
    with transaction() as session:
        session.execute(
            text("""
            INSERT INTO settlement (code, name_en, type, centre, radius_m, utm_epsg, tile_key, cell_east_m,
                                    cell_north_m)
            SELECT 'S' || n, 'S', 'hamlet', centre, radius_m, utm_epsg, n, cell_east_m, cell_north_m
            FROM settlement, generate_series(1, 5000) n WHERE code = 'KILI'""")
        )
        session.execute(
            text("""
            INSERT INTO campaign_settlement (campaign_id, settlement_id, area_id, first_day, last_day, tile_key, point,
                                             code, name_en)
            SELECT c.id, s.id, (SELECT area_id FROM settlement_place LIMIT 1), current_date, current_date, s.tile_key,
                   s.centre, s.code, s.name_en
            FROM settlement s, campaign c WHERE s.code LIKE 'S%'""")
        )
        session.execute(text("ANALYZE campaign_settlement"))

    with reading(own_story.scopes["Amina"]) as session:
        plan = session.scalars(
            text("""
            EXPLAIN SELECT * FROM campaign_settlement
            WHERE campaign_id = 1 AND tile_key >= 4000 AND tile_key < 4010""")
        )

        assert "campaign_settlement_campaign_id_tile_key_idx" in "\n".join(plan)


def test_the_planner_expects_a_fair_share_of_rows_within_a_scope(story):
    """With the operator <@ it expects one in a thousand, and joins thousands of rows one by one."""
    with transaction() as session:
        session.execute(text("ANALYZE area"))
        plan = session.scalar(
            text("EXPLAIN (FORMAT JSON) SELECT * FROM area WHERE in_areas(id, :areas)"),
            {"areas": story.scopes["Amina"].areas},
        )

        areas = session.scalar(select(func.count()).select_from(Area))
    assert plan[0]["Plan"]["Plan Rows"] == pytest.approx(areas / 3, abs=1)
