"""Which visits are to be believed? Every visit of the teams with news is located, asked about and given its standing.

Reads the `waiting` rows of a campaign and all visits of the teams that they concern, as arrays; writes `visit`
(flags, standing, unit, area), `flag`, `team_flags`, `team_day`, `walked_cell` and `team.heard_at` where they differ
from what is kept. Runs in one snapshot and under the campaign's lock (see coverage.following). Which visits there are
decides the outcome; in which order and in which batches they came does not.

Two looks: the first, portion by portion, answers all that a team's own visits can tell. What needs the round (unlike
team-days, households of other teams) is then answered once, and may call in more teams. The second look decides and
writes.
"""

import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.places import metres_to_centre_and_extent, nearest_place
from geo.visits import COUNTS
from tracker import settings
from tracker.campaigns.models import Campaign
from tracker.visits.corrections import is_among, read_corrections
from tracker.visits.fetching import UNLOCATED, Fetched, fetch_visits
from tracker.visits.households import Households
from tracker.visits.models import DOUBTFUL, KEEP, NOWHERE, REJECTED, REPLACED, SET_ASIDE, VALID
from tracker.visits.rules import RULES, bit_of
from tracker.visits.rules.rule import DOUBT, REJECT, SLACK_LIMIT_M, WARN, Asked, Evidence, RoundEvidence
from tracker.visits.team_days import TeamDayBook, figures_of
from tracker.visits.thresholds import LOCATING
from tracker.visits.writing import Answers, write_flags, write_team_flags, write_visits
from tracker.visits.yardsticks import Yardsticks, yardsticks_of

VISITS_AT_ONCE = 30_000  # about: teams are read in portions of so many visits, which bounds the memory
TEAMS_AT_FIRST = 50  # in a portion, before it is known how many visits a team has
IN_MEMORY_BYTES = 8_000_000  # of what the first look found; more goes to a file until the second

WAITING = text("SELECT id, submission_id, team_ids FROM waiting WHERE campaign_id = :campaign ORDER BY id")

HEARD = text("""
    UPDATE team t SET heard_at = news.at
    FROM (SELECT unnest(w.team_ids) AS team_id, max(s.received_at) AS at
          FROM waiting w JOIN submission s ON s.id = w.submission_id WHERE w.id = ANY(:ids) GROUP BY 1) news
    WHERE t.id = news.team_id AND (t.heard_at IS NULL OR t.heard_at < news.at)""")

DONE = text("DELETE FROM waiting WHERE id = ANY(:ids)")


@dataclass(frozen=True)
class Judged:
    """Some teams of a campaign, judged whole: whatever counts these teams had before is to be replaced."""

    campaign: Campaign
    team_ids: list[int]  # also those that have no visit any more
    visits: (
        np.ndarray
    )  # (n,) geo.visits.VISIT, sorted by (team, at_us, instance); replaced ones are there, with standing 4
    day: np.ndarray  # (n,) datetime64[D]: the visit's day in the campaign's zone


@dataclass
class Pass:
    """One run over what waits in a campaign."""

    campaign: Campaign
    yardsticks: Yardsticks
    cursor: Cursor
    waiting_ids: list[int]
    submissions: np.ndarray  # whose visits are new
    teams: set[int]  # to be judged
    everything: bool  # every team, and every place looked up anew
    replaced: np.ndarray  # instances, sorted
    households: Households
    team_days: TeamDayBook
    judged: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class FirstLook:
    """A portion of teams with what their own visits told; kept until the round has been compared."""

    teams: list[int]
    fetched: Fetched
    alive: np.ndarray  # rows that are not replaced
    counted: np.ndarray  # of these, who has a part in `Households`
    asked: list[tuple[int, Asked]]  # (bit, answer), rows count among the alive


def begin_pass(session: Session, campaign: Campaign, everything: bool = False) -> Pass | None:
    """What has to be judged in this campaign; None when nothing waits (and not everything is asked for)."""
    rows = session.execute(WAITING, {"campaign": campaign.id}).all()
    if not rows and not everything:
        return None
    yardsticks = yardsticks_of(session, campaign)
    everything = everything or any(r.team_ids is None for r in rows)
    cursor = session.connection().connection.cursor()
    corrections = read_corrections(cursor, campaign.id)
    submissions = np.array(sorted(r.submission_id for r in rows if r.submission_id), np.int64)
    every_team = set(yardsticks.team_id.tolist())
    teams = (
        every_team if everything else {t for r in rows for t in r.team_ids} | corrections.teams_touched_by(submissions)
    )
    whole_round = teams >= every_team
    return Pass(
        campaign,
        yardsticks,
        cursor,
        [r.id for r in rows],
        submissions,
        teams,
        everything,
        corrections.replaced(),
        Households(cursor, campaign.id, yardsticks, bit_of("repeated_household"), whole_round),
        TeamDayBook(cursor, campaign.id, yardsticks),
    )


def judge(session: Session, run: Pass) -> Iterator[Judged]:
    """Judge every team of the pass, portion by portion; the caller counts each portion before it asks for the next."""
    with _shelf() as shelf:
        portions = 0
        while run.teams - run.judged:
            news = run.teams - run.judged
            for look in _first_looks(run, sorted(news)):
                pickle.dump(look, shelf, protocol=pickle.HIGHEST_PROTOCOL)
                portions += 1
            run.judged |= news
            run.teams |= run.team_days.compare(run.judged) | run.households.answer(run.judged)
        run.team_days.write()
        run.households.remember()
        shelf.seek(0)
        for portion in range(portions):
            yield _decide(run, pickle.load(shelf), portion)  # noqa: S301 (written above)


def end_pass(session: Session, run: Pass) -> None:
    """What waited is done, in the same transaction as its outcome."""
    session.execute(HEARD, {"ids": run.waiting_ids})
    session.execute(DONE, {"ids": run.waiting_ids})


def _shelf() -> Any:
    """Where first looks lie until the second: in memory, or in a nameless file when they are many."""
    folder = settings.from_environment().run_dir
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES, dir=str(folder))


# the first look: what a team's own visits tell


def _first_looks(run: Pass, teams: list[int]) -> Iterator[FirstLook]:
    at, size = 0, TEAMS_AT_FIRST
    while at < len(teams):
        portion = teams[at : at + size]
        look = _first_look(run, portion)
        at += size
        per_team = max(1, len(look.fetched.visits) // len(portion))
        size = int(np.clip(VISITS_AT_ONCE // per_team, 1, 4 * size))
        yield look


def _first_look(run: Pass, teams: list[int]) -> FirstLook:
    fetched = fetch_visits(run.cursor, run.campaign.id, teams, run.yardsticks.zone)
    _locate(run, fetched.visits)
    alive = np.flatnonzero(~is_among(fetched.visits["instance"], run.replaced))
    evidence = _evidence(run.yardsticks, fetched, alive)
    at_doors = evidence.first & ~evidence.post
    counted = at_doors & evidence.usable
    run.team_days.renewed.append(figures_of(fetched.visits[alive], evidence.day, at_doors))
    is_new = np.isin(fetched.kept["submission"][alive], run.submissions)
    run.households.add(fetched, alive, counted, is_new)
    limits = run.yardsticks.limits
    asked = [(bit, rule.ask(evidence, limits[rule.name])) for bit, rule in enumerate(RULES) if not rule.over_the_round]
    return FirstLook(teams, fetched, alive, counted, asked)


def _locate(run: Pass, visits: np.ndarray) -> None:
    """Where each visit counts: its declared settlement, else by position, else in the lowest area, else nowhere."""
    sticks = run.yardsticks
    declared = visits["settlement"] > 0
    visits["unit"][declared] = visits["settlement"][declared]
    visits["area"][declared] = sticks.place_area[sticks.places.index_of(visits["settlement"][declared])]
    unknown = ~declared if run.everything else ~declared & (visits["unit"] == UNLOCATED)
    visits["unit"][unknown], visits["area"][unknown] = NOWHERE, NOWHERE
    rows = np.flatnonzero(unknown & ~np.isnan(visits["lon"]))
    reach_m = sticks.limits[LOCATING].locate_reach_m + _slack_m(visits["accuracy_m"][rows])
    place = nearest_place(sticks.places, visits["lon"][rows], visits["lat"][rows], reach_m)
    found, lost = rows[place >= 0], rows[place < 0]
    visits["unit"][found] = sticks.places.id[place[place >= 0]]
    visits["area"][found] = sticks.place_area[place[place >= 0]]
    visits["area"][lost] = sticks.lowest_area(visits["lon"][lost], visits["lat"][lost])
    visits["unit"][lost] = -visits["area"][lost]


def _slack_m(accuracy_m: np.ndarray) -> np.ndarray:
    """What accuracy is allowed for: at most 100 m of it; unknown counts as 0."""
    return np.asarray(np.minimum(np.nan_to_num(accuracy_m), SLACK_LIMIT_M))


def _evidence(sticks: Yardsticks, fetched: Fetched, alive: np.ndarray) -> Evidence:
    v = fetched.visits[alive]
    with np.errstate(invalid="ignore"):
        usable = ~np.isnan(v["lon"]) & ~(v["accuracy_m"] > sticks.limits["weak_position"].doubt_above_m)
    place = _place_rows(sticks, v["unit"])
    placed = np.flatnonzero(usable & (place >= 0))
    from_centre_m, away_m = np.full(len(v), np.nan), np.full(len(v), np.nan)
    from_centre_m[placed], away_m[placed] = metres_to_centre_and_extent(
        sticks.places, place[placed], v["lon"][placed], v["lat"][placed]
    )
    return Evidence(
        team=v["team"],
        at_us=v["at_us"],
        received_us=v["received_us"],
        lon=v["lon"].copy(),
        lat=v["lat"].copy(),
        accuracy_m=v["accuracy_m"],
        slack_m=_slack_m(v["accuracy_m"]),
        usable=usable,
        counts={name: v[name] for name in COUNTS},
        first=~v["is_revisit"],
        mock=v["mock_location"],
        post=sticks.team_is_post[np.searchsorted(sticks.team_id, v["team"])],
        declared=_place_rows(sticks, v["settlement"]),
        place=place,
        from_centre_m=from_centre_m,
        away_m=away_m,
        day=fetched.day[alive],
        clock_s=fetched.clock_s[alive],
        days=sticks.days,
        places=sticks.places,
        compound=sticks.compound,
        ground=sticks.ground,
        inside_m=sticks.inside_m,
        plan=sticks.plan,
    )


def _place_rows(sticks: Yardsticks, settlement: np.ndarray) -> np.ndarray:
    """Row in `places` of each settlement id; -1 for what is none."""
    return np.where(settlement > 0, sticks.places.index_of(settlement), -1)


# the second look: decide and write


def _decide(run: Pass, look: FirstLook, portion: int) -> Judged:
    visits, kept, alive = look.fetched.visits, look.fetched.kept, look.alive
    answers = Answers([*look.asked, *_asked_over_the_round(run, look, portion)], len(alive))
    visits["flags"], visits["standing"] = 0, REPLACED
    visits["flags"][alive] = answers.flags()
    visits["standing"][alive] = _standing(answers, visits["decided"][alive])
    digest = np.zeros(len(visits), np.int32)
    digest[alive] = answers.digest()
    renew = write_visits(run.cursor, visits, kept, digest)
    placed = Answers([(bit, Asked(alive[a.rows], a.numbers, a.severity)) for bit, a in answers.asked], len(visits))
    write_flags(run.cursor, run.campaign.id, visits["instance"], renew, kept["flags"], placed)
    write_team_flags(run.cursor, run.campaign.id, look.teams, visits)
    return Judged(run.campaign, look.teams, visits, look.fetched.day.astype("datetime64[D]"))


def _asked_over_the_round(run: Pass, look: FirstLook, portion: int) -> list[tuple[int, Asked]]:
    alive = look.alive
    beside = np.zeros(len(alive), bool)
    beside[look.counted] = run.households.asked[portion]
    unlike, figures = run.team_days.of_visits(look.fetched.visits["team"][alive], look.fetched.day[alive])
    evidence = RoundEvidence(beside, unlike, figures)
    limits = run.yardsticks.limits
    return [(bit, rule.ask(evidence, limits[rule.name])) for bit, rule in enumerate(RULES) if rule.over_the_round]


def _standing(answers: Answers, decided: np.ndarray) -> np.ndarray:
    """A person's word, else rejected by any reject, else doubtful by any doubt or two warnings, else valid: (n,)
    int8.
    """
    warnings = np.zeros(answers.count, int)
    doubt, reject = np.zeros(answers.count, bool), np.zeros(answers.count, bool)
    for bit, answer in answers.asked:
        severity = answers.severities(bit, answer)
        warnings[answer.rows] += severity == WARN
        doubt[answer.rows] |= severity == DOUBT
        reject[answer.rows] |= severity == REJECT
    by_flags = np.where(reject, REJECTED, np.where(doubt | (warnings >= 2), DOUBTFUL, VALID))
    return np.where(decided == KEEP, VALID, np.where(decided == SET_ASIDE, REJECTED, by_flags)).astype(np.int8)
