"""In whatever order and batches visits, corrections and decisions arrive: the outcome is that of all at once."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.builders import (
    FIRST_DAY,
    IN_PESHAWAR,
    NINE_IN_THE_MORNING,
    a_hamlet,
    a_plan,
    a_round,
    a_team,
    metres_east_of,
    the_ground,
)
from tracker.accounts.scope import SERVER
from tracker.areas.models import Settlement
from tracker.campaigns.models import Campaign
from tracker.coverage.following import follow
from tracker.database import engine
from tracker.visits.decisions import decide, undo
from tracker.visits.models import Submission, Visit, Waiting

TEAM_TYPES = ("mobile", "mobile", "fixed")
SHORTLY_AFTER_THE_ROUND = datetime(2025, 11, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Made:
    """One visit of a made-up round; `replaces` is the number of another one."""

    team: int = 0
    day: int = 0
    minute: int = 0
    east_m: float = 0.0
    eligible: int = 2
    absent: int = 0
    accuracy_m: float | None = 8.0
    is_revisit: bool = False
    says_where: bool = False
    replaces: int | None = None
    only_own_team: bool = False


@dataclass(frozen=True)
class Story:
    """A round, and how it arrives."""

    visits: list[Made]
    order: list[int] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)  # after how many visits a batch ends
    decisions: list[tuple[int, str]] = field(default_factory=list)  # (visit, keep | set_aside | undo)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    made = st.builds(
        Made,
        team=st.integers(0, 2),
        day=st.integers(-1, 4),
        minute=st.one_of(st.integers(0, 30).map(lambda k: 4 * k), st.integers(0, 900)),
        east_m=st.sampled_from([0.0, 4.0, 11.0, 18.0, 30.0, 260.0, 9_000.0, 70_000.0]),
        eligible=st.integers(1, 3),
        absent=st.sampled_from([0, 0, 1, 9]),
        accuracy_m=st.sampled_from([8.0, 8.0, 60.0, 700.0, None]),
        is_revisit=st.sampled_from([False, False, False, True]),
        says_where=st.booleans(),
        replaces=st.one_of(st.none(), st.none(), st.none(), st.integers(0, 39)),
        only_own_team=st.booleans(),
    )
    visits = draw(st.lists(made, min_size=1, max_size=40))
    n = len(visits)
    return Story(
        visits,
        draw(st.permutations(range(n))),
        sorted(draw(st.sets(st.integers(1, n), max_size=5))),
        draw(st.lists(st.tuples(st.integers(0, n - 1), st.sampled_from(["keep", "set_aside", "undo"])), max_size=4)),
    )


def crowds_on_one_spot() -> Story:
    """Two teams, more visits than speak for a crowd, on one doorstep over three days."""
    visits = [Made(team=k % 2, day=k % 3, minute=3 * k, east_m=k % 4, eligible=1 + k % 2) for k in range(80)]
    return Story(visits, list(range(79, -1, -1)), [30, 55], [])


def an_invented_day() -> Story:
    """A day at the desk: even gaps, nobody missed; it stands out only once it is long enough."""
    desk = [Made(team=0, minute=6 * k, east_m=40.0 * k) for k in range(24)]
    real = [Made(team=1, day=1, minute=5 * k + k % 7, east_m=33.0 * k, absent=k % 2) for k in range(24)]
    return Story(
        [*desk, *real], [*range(24, 48), *range(24)], [24, 34, 40], [(3, "keep"), (3, "undo"), (5, "set_aside")]
    )


@pytest.fixture
def ground(database):
    """Three teams, two hamlets; every round of this module is over the same ground."""
    with Session(engine()) as session, session.begin():
        the_ground(session)
        a_hamlet(session, "KILI", IN_PESHAWAR)
        a_hamlet(session, "BANDA", metres_east_of(IN_PESHAWAR, 9_000))
    return database


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stories())
@example(crowds_on_one_spot())
@example(an_invented_day())
def test_any_order_and_any_batches_give_what_all_at_once_gives(ground, story):
    piecemeal, at_once = opened(), opened()

    for start, end in pairwise([0, *story.breaks, len(story.visits)]):
        arrive(piecemeal, story, story.order[start:end])
        follow(piecemeal)
    for k, action in story.decisions:
        say(piecemeal, k, action)
        follow(piecemeal)
    arrive(at_once, story, range(len(story.visits)))
    for k, action in story.decisions:
        say(at_once, k, action)
    follow(at_once)

    assert outcome(piecemeal) == outcome(at_once)
    assert counts(piecemeal) == counts(at_once)
    before = outcome(piecemeal)
    follow(piecemeal, everything=True)
    assert outcome(piecemeal) == before


def opened() -> int:
    """A new round with its teams and a plan for the first of them; its id."""
    with Session(engine(), expire_on_commit=False) as session, session.begin():
        campaign = a_round(session, f"R{uuid.uuid4().hex[:8]}")
        teams = [a_team(session, campaign, f"T{k}", type=kind, supervisor="S1") for k, kind in enumerate(TEAM_TYPES)]
        a_plan(session, campaign, (teams[0], FIRST_DAY, _settlement(session, "KILI"), 20))
        return campaign.id


def _settlement(session: Session, code: str) -> Settlement:
    return session.query(Settlement).filter_by(code=code).one()


def instance(campaign_id: int, k: int) -> uuid.UUID:
    """Ids in the order of the visits, in every round."""
    return uuid.UUID(int=campaign_id << 64 | k)


def arrive(campaign_id: int, story: Story, some) -> None:
    """One submission with these visits of the story."""
    with Session(engine()) as session, session.begin():
        teams = session.scalars(
            text("SELECT id FROM team WHERE campaign_id = :c ORDER BY id"), {"c": campaign_id}
        ).all()
        kili = _settlement(session, "KILI").id
        tehsil = session.scalar(text("SELECT area_id FROM settlement_place WHERE settlement_id = :s"), {"s": kili})
        submission = Submission(
            campaign_id=campaign_id, channel="api", sha256=bytes(32), media_type="application/json", body=b"[]"
        )
        session.add(submission)
        session.flush()
        for k in some:
            made = story.visits[k]
            lon, lat = metres_east_of(IN_PESHAWAR, made.east_m)
            session.add(
                Visit(
                    instance_id=instance(campaign_id, k),
                    submission_id=submission.id,
                    received_at=SHORTLY_AFTER_THE_ROUND,
                    row=1,
                    campaign_id=campaign_id,
                    team_id=teams[made.team],
                    visited_at=NINE_IN_THE_MORNING + timedelta(days=made.day, minutes=made.minute),
                    lon=lon,
                    lat=lat,
                    accuracy_m=made.accuracy_m,
                    settlement_id=kili if made.says_where else None,
                    unit_id=kili if made.says_where else None,
                    area_id=tehsil if made.says_where else None,
                    children_eligible=made.eligible,
                    vaccinated=max(0, made.eligible - made.absent),
                    absent=made.absent,
                    refused=0,
                    other_missed=0,
                    is_revisit=made.is_revisit,
                    replaces=None if made.replaces is None else instance(campaign_id, made.replaces),
                    replaces_team_id=teams[made.team] if made.only_own_team else None,
                )
            )
        if some:
            ids = sorted({teams[story.visits[k].team] for k in some})
            session.add(Waiting(campaign_id=campaign_id, submission_id=submission.id, team_ids=ids))


ACTS: dict[tuple[int, int], list[uuid.UUID]] = {}


def say(campaign_id: int, k: int, action: str) -> None:
    """A supervisor's word on visit k, or the last one taken back."""
    acts = ACTS.setdefault((campaign_id, k), [])
    with Session(engine()) as session, session.begin():
        campaign = session.get_one(Campaign, campaign_id)
        if action == "undo":
            if acts:
                undo(session, campaign, SERVER, acts.pop())
                acts.clear()
        else:
            acts.append(decide(session, campaign, SERVER, [instance(campaign_id, k)], action, "as I saw it"))


def outcome(campaign_id: int) -> dict:
    """Flags with their numbers, standing and place of every visit, by its number in the story."""
    with Session(engine()) as session:
        rows = session.execute(
            text("""
                SELECT v.instance_id, v.standing, v.unit_id, v.area_id, v.flags,
                       (SELECT jsonb_object_agg(f.rule, f.numbers || jsonb_build_object('severity', f.severity))
                        FROM flag f WHERE f.instance_id = v.instance_id) AS asked
                FROM visit v WHERE campaign_id = :campaign"""),
            {"campaign": campaign_id},
        ).all()
    return {row.instance_id.int & 0xFFFFFFFF: tuple(row[1:]) for row in rows}


def counts(campaign_id: int) -> list:
    """Kept counts, by the team's place in the round."""
    with Session(engine()) as session:
        return session.execute(
            text("""
                SELECT c.unit_id, c.day, t.code, c.visits, c.visits_valid, c.visits_doubtful, c.eligible, c.vaccinated,
                       c.vaccinated_confirmed, c.recovered, c.reached
                FROM coverage_count c JOIN team t ON t.id = c.team_id
                WHERE c.campaign_id = :campaign ORDER BY 1, 2, 3"""),
            {"campaign": campaign_id},
        ).all()
