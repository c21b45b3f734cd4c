"""Judge whole teams: locate, apply every rule, decide the standing, write what differs.

Reads the `waiting` rows of a campaign and all visits of the teams they concern; writes `visit` (flags, standing, unit, area), `flag`,
`team_day`, `team_flags`, `team.heard_at`. Runs inside one snapshot and under the campaign's lock (see coverage.following). Which visits
a team has decides the outcome; in which order they came does not.
"""
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo import patterns
from geo.local_time import local_clock
from geo.places import nearest_place
from geo.visits import repeated_households
from tracker.campaigns.models import Campaign
from tracker.visits.binary_rows import read_rows, seconds
from tracker.visits.corrections import read_corrections, replaced_ids, teams_touched_by
from tracker.visits.models import DOUBTFUL, KEEP, REJECTED, REPLACED, SET_ASIDE, VALID
from tracker.visits.rules import BY_NAME, RULES
from tracker.visits.rules.rule import DOUBT, REJECT, SEVERITY_NAMES, WARN, Asked, Evidence
from tracker.visits.yardsticks import Yardsticks, yardsticks_of

VISITS_AT_ONCE = 60_000         # about: teams are read in portions of so many visits, which bounds the memory
LOCATE_REACH_M = 150.0          # beyond accuracy; our choice: a village outgrows its drawn extent
SLACK_LIMIT_M = 100.0           # of a position's accuracy, no more is allowed for
UNLOCATED = -2_147_483_648      # stands for unit_id NULL in arrays
NEAR_DEGREES = 0.0005           # about 45 m: wider than a household's neighbourhood
COUNTS = ("children_eligible", "vaccinated", "absent", "refused", "other_missed", "guests_vaccinated", "zero_dose", "finger_marked")

COLUMNS = [("instance", "V16"), ("submission", ">i8"), ("team", ">i4"), ("at", ">i8"), ("received", ">i8"), ("lon", ">f8"), ("lat", ">f8"),
           ("accuracy_m", ">f8"), ("settlement", ">i4"), ("unit", ">i4"), ("area", ">i4"), *((c, ">i4") for c in COUNTS),
           ("is_revisit", "?"), ("mock", "?"), ("flags", ">i4"), ("standing", ">i2"), ("decided", ">i2")]

VISITS_OF_TEAMS = f"""
    SELECT instance_id, submission_id, team_id, visited_at, coalesce(received_at, '-infinity'), coalesce(lon, 'NaN'), coalesce(lat, 'NaN'),
           coalesce(accuracy_m, 'NaN'), coalesce(settlement_id, 0), coalesce(unit_id, {UNLOCATED}), coalesce(area_id, 0),
           {", ".join(COUNTS)}, is_revisit, mock_location, flags, standing, coalesce(decided, 0::smallint)
    FROM visit WHERE campaign_id = %(campaign)s AND team_id = ANY(%(teams)s) ORDER BY team_id, visited_at, instance_id"""

SURVEY_COLUMNS = [("instance", "V16"), ("submission", ">i8"), ("team", ">i4"), ("at", ">i8"), ("lon", ">f8"), ("lat", ">f8"),
                  ("accuracy_m", ">f8"), *((c, ">i4") for c in COUNTS[:5]), ("standing", ">i2")]

# first visits only: what the comparison of team-days and of neighbouring households looks at
FIRST_VISITS = f"""
    SELECT instance_id, submission_id, team_id, visited_at, coalesce(lon, 'NaN'), coalesce(lat, 'NaN'), coalesce(accuracy_m, 'NaN'),
           {", ".join(COUNTS[:5])}, standing
    FROM visit WHERE campaign_id = %(campaign)s AND team_id = ANY(%(teams)s) AND NOT is_revisit
    ORDER BY team_id, visited_at, instance_id"""

WAITING = text("SELECT id, submission_id, team_ids FROM waiting WHERE campaign_id = :campaign ORDER BY id")

TEAM_SIZES = text("""
    SELECT team_id, sum(visits) FROM coverage_count WHERE campaign_id = :campaign GROUP BY team_id""")

BOXES = text("""
    SELECT team_id, day, west, south, east, north FROM coverage_count
    WHERE campaign_id = :campaign AND west IS NOT NULL""")

HEARD = text("""
    UPDATE team t SET heard_at = news.at
    FROM (SELECT unnest(w.team_ids) AS team_id, max(s.received_at) AS at
          FROM waiting w JOIN submission s ON s.id = w.submission_id WHERE w.id = ANY(:ids) GROUP BY 1) news
    WHERE t.id = news.team_id AND (t.heard_at IS NULL OR t.heard_at < news.at)""")


@dataclass(frozen=True)
class Judged:
    """One portion of teams, judged whole: whatever these teams had in any count before is replaced by this.

    `visits`: structured array (COLUMNS), sorted by (team, at, instance), with final flags, standing, unit and area. `day`: local days.
    """

    campaign: Campaign
    yardsticks: Yardsticks
    team_ids: list[int]
    visits: np.ndarray
    day: np.ndarray


@dataclass
class Pass:
    """One run over what waits in a campaign."""

    campaign: Campaign
    yardsticks: Yardsticks
    cursor: Cursor
    waiting_ids: list[int]
    submissions: np.ndarray                 # whose visits are new
    teams: set[int]                         # to be judged
    everything: bool                        # every team, and every flag row written anew
    replaced: np.ndarray                    # instance ids, sorted
    surveyed: dict[int, np.ndarray] = field(default_factory=dict)      # team: its first visits
    stands_out: set[tuple[int, int]] = field(default_factory=set)      # (team, day) unlike real work
    beside: dict[int, np.ndarray] = field(default_factory=dict)        # team: mask over its counted first visits


def begin_pass(session: Session, campaign: Campaign, everything: bool = False) -> Pass | None:
    """What has to be judged in this campaign; None when nothing waits (and not everything is asked for)."""
    rows = session.execute(WAITING, {"campaign": campaign.id}).all()
    if not rows and not everything:
        return None
    yardsticks = yardsticks_of(session, campaign)
    everything = everything or any(r.team_ids is None for r in rows)
    cursor = session.connection().connection.cursor()
    corrections = read_corrections(session, campaign.id)
    submissions = np.array(sorted(r.submission_id for r in rows if r.submission_id), np.int64)
    teams = set(yardsticks.team_id.tolist()) if everything else {t for r in rows for t in r.team_ids}
    teams |= teams_touched_by(corrections, submissions)
    return Pass(campaign, yardsticks, cursor, [r.id for r in rows], submissions, teams, everything, replaced_ids(corrections))


def judge(session: Session, run: Pass) -> Iterator[Judged]:
    """Judge every team of the pass, portion by portion; the caller counts each portion before it asks for the next."""
    _survey(run, run.teams)
    _add_teams_nearby(session, run)
    _compare_team_days(session, run)
    _compare_households(session, run)
    for teams in _portions(session, run):
        judged = _judge_teams(run, teams)
        yield judged
    session.execute(HEARD, {"ids": run.waiting_ids})


def end_pass(session: Session, run: Pass) -> None:
    """What waited is done; in the same transaction as its outcome."""
    session.execute(text("DELETE FROM waiting WHERE id = ANY(:ids)"), {"ids": run.waiting_ids})


# before the rules: what crosses teams

def _survey(run: Pass, teams: set[int]) -> None:
    """Read the first visits of these mobile teams that are not replaced."""
    mobile = sorted(teams - set(run.yardsticks.team_id[run.yardsticks.team_is_post].tolist()) - run.surveyed.keys())
    for low in range(0, len(mobile), 200):
        some = mobile[low:low + 200]
        rows = read_rows(run.cursor, FIRST_VISITS, {"campaign": run.campaign.id, "teams": some}, SURVEY_COLUMNS)
        rows = rows[~_is_replaced(run, rows["instance"])]
        bounds = np.searchsorted(rows["team"], some), np.searchsorted(rows["team"], some, side="right")
        for team, start, end in zip(some, *bounds, strict=True):
            run.surveyed[team] = rows[start:end].copy()


def _is_replaced(run: Pass, instances: np.ndarray) -> np.ndarray:
    return np.isin(instances.view("S16"), run.replaced) if len(run.replaced) else np.zeros(len(instances), bool)


def _add_teams_nearby(session: Session, run: Pass) -> None:
    """Teams that visited near what is new (or newly replaced): their households have a new neighbour, or one less."""
    if run.everything or len(run.teams) == len(run.yardsticks.team_id):
        return
    changed = [rows[np.isin(rows["submission"], run.submissions) | (rows["standing"] == REPLACED)] for rows in run.surveyed.values()]
    lon, lat = (np.concatenate([r[c] for r in changed]) if changed else np.empty(0) for c in ("lon", "lat"))
    lon, lat = np.append(lon, _newly_replaced(run)[0]), np.append(lat, _newly_replaced(run)[1])
    there = ~np.isnan(lon)
    boxes = [b for b in session.execute(BOXES, {"campaign": run.campaign.id}).all() if b.team_id not in run.teams]
    if not boxes or not there.any():
        return
    tree = shapely.STRtree(shapely.box(*(np.array([getattr(b, side) for b in boxes]) + pad for side, pad in (
        ("west", -NEAR_DEGREES), ("south", -NEAR_DEGREES), ("east", NEAR_DEGREES), ("north", NEAR_DEGREES)))))
    _, met = tree.query(shapely.points(lon[there], lat[there]), predicate="intersects")
    nearby = {boxes[k].team_id for k in np.unique(met)}
    run.teams |= nearby
    _survey(run, nearby)


def _newly_replaced(run: Pass) -> tuple[np.ndarray, np.ndarray]:
    """Positions of visits that this pass finds replaced and that still stood before."""
    if not len(run.replaced):
        return np.empty(0), np.empty(0)
    run.cursor.execute(
        "SELECT lon, lat FROM visit WHERE campaign_id = %s AND team_id = ANY(%s) AND standing <> %s AND lon IS NOT NULL AND instance_id = ANY(%s::uuid[])",
        (run.campaign.id, sorted(run.teams), REPLACED, [bytes(i).hex() for i in _as_bytes(run.replaced)]))
    found = np.array(run.cursor.fetchall(), float).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def _as_bytes(instances: np.ndarray) -> list[bytes]:
    """16-byte ids; numpy cuts zero bytes at the end of S16 values."""
    return [bytes(i).ljust(16, b"\0") for i in instances.tolist()]


def _compare_team_days(session: Session, run: Pass) -> None:
    """Renew the figures of the surveyed teams' days, test all days of the round, and judge the teams whose outcome flips."""
    limits = run.yardsticks.limits["team_pattern"]
    _write_team_days(run)
    stored = session.execute(text(
        "SELECT team_id, day, visits, digits, gap_variation, eligible, missed, unlike_real_work FROM team_day WHERE campaign_id = :campaign"
        " ORDER BY team_id, day"), {"campaign": run.campaign.id}).all()
    days = [d for d in stored if d.visits >= limits.least_visits]
    place = dict(zip(run.yardsticks.team_id.tolist(), run.yardsticks.team_neighbourhood.tolist(), strict=True))
    p = patterns.p_values(patterns.TeamDays(
        visits=np.array([d.visits for d in days]), digits=np.array([d.digits for d in days]).reshape(-1, 20),
        gap_variation=np.array([np.nan if d.gap_variation is None else d.gap_variation for d in days], float),
        eligible=np.array([d.eligible for d in days], float), missed=np.array([d.missed for d in days], float),
        neighbourhood=np.array([place[d.team_id] for d in days])), limits.miss_rate_above) if days else np.empty(0)
    outstanding = patterns.significant(p, limits.level)
    now = {(d.team_id, d.day) for d, odd in zip(days, outstanding, strict=True) if odd}
    flipped = now ^ {(d.team_id, d.day) for d in stored if d.unlike_real_work}
    if flipped:
        execute_values(run.cursor, """
            UPDATE team_day t SET unlike_real_work = f.odd FROM (VALUES %s) f (team_id, day, odd)
            WHERE t.campaign_id = {} AND t.team_id = f.team_id AND t.day = f.day""".format(int(run.campaign.id)),
                       [(team, day, (team, day) in now) for team, day in flipped])
        run.teams |= {team for team, _ in flipped}
        _survey(run, {team for team, _ in flipped})
    run.stands_out = {(team, int(np.datetime64(day).astype(int))) for team, day in now}


def _write_team_days(run: Pass) -> None:
    """Figures of every day of the surveyed teams; days that no longer have visits go."""
    teams = sorted(run.surveyed)
    if not teams:
        return
    rows = np.concatenate([run.surveyed[t] for t in teams])
    at_s = seconds(rows["at"])
    day, _ = local_clock(at_s, run.yardsticks.zone)
    new = np.r_[True, (np.diff(rows["team"]) != 0) | (np.diff(day) != np.timedelta64(0, "D"))] if len(rows) else np.empty(0, bool)
    group, n = np.cumsum(new) - 1, int(new.sum())
    digits = patterns.fifth_decimals(rows["lon"], rows["lat"], group, n)
    variation = patterns.gap_variation(at_s, group, n)
    missed = rows["absent"] + rows["refused"] + rows["other_missed"]
    values = [
        (run.campaign.id, int(team), when.item(), int(visits), digit.tolist(), None if np.isnan(v) else float(v), int(eligible), int(miss))
        for team, when, visits, digit, v, eligible, miss in zip(
            rows["team"][new], day[new], np.bincount(group, minlength=n), digits, variation, np.bincount(group, rows["children_eligible"], n),
            np.bincount(group, missed, n), strict=True)]
    run.cursor.execute("CREATE TEMP TABLE IF NOT EXISTS day_kept (team_id integer, day date) ON COMMIT DELETE ROWS; TRUNCATE day_kept")
    execute_values(run.cursor, "INSERT INTO day_kept VALUES %s", [v[1:3] for v in values] or [(0, "2000-01-01")], page_size=1000)
    run.cursor.execute("""
        DELETE FROM team_day t WHERE campaign_id = %s AND team_id = ANY(%s)
        AND NOT EXISTS (SELECT 1 FROM day_kept k WHERE k.team_id = t.team_id AND k.day = t.day)""", (run.campaign.id, teams))
    execute_values(run.cursor, """
        INSERT INTO team_day AS t (campaign_id, team_id, day, visits, digits, gap_variation, eligible, missed) VALUES %s
        ON CONFLICT (campaign_id, team_id, day) DO UPDATE SET visits = excluded.visits, digits = excluded.digits,
            gap_variation = excluded.gap_variation, eligible = excluded.eligible, missed = excluded.missed
        WHERE (t.visits, t.digits, t.gap_variation, t.eligible, t.missed)
            IS DISTINCT FROM (excluded.visits, excluded.digits, excluded.gap_variation, excluded.eligible, excluded.missed)""",
                   values, page_size=500)


def _compare_households(session: Session, run: Pass) -> None:
    """For every counted first visit of the teams to be judged: does another household's record stand on its doorstep?"""
    limits = run.yardsticks.limits["repeated_household"]
    mine = [t for t in sorted(run.surveyed) if t in run.teams]
    parts = [_counted(run, run.surveyed[t]) for t in mine] + [_counted(run, r) for r in _neighbours_of(session, run, mine)]
    rows = np.concatenate(parts) if parts else np.empty(0)
    if not len(rows):
        return
    at_s = seconds(rows["at"])
    day, _ = local_clock(at_s, run.yardsticks.zone)
    mask = repeated_households(
        rows["team"], day, at_s, rows["lon"], rows["lat"], np.column_stack([rows[c] for c in COUNTS[:5]]), np.ones(len(rows), bool),
        limits.within_m, limits.apart_s)
    for team, part in zip(mine, np.split(mask, np.cumsum([len(p) for p in parts])[:-1]), strict=False):
        run.beside[team] = part


def _counted(run: Pass, rows: np.ndarray) -> np.ndarray:
    """First visits whose position can be compared."""
    limit = run.yardsticks.limits["weak_position"].doubt_above_m
    return rows[~np.isnan(rows["lon"]) & ~(rows["accuracy_m"] > limit)]


def _neighbours_of(session: Session, run: Pass, teams: list[int]) -> list[np.ndarray]:
    """First visits of other teams that worked where these did; they are compared with, not judged."""
    if run.everything or len(run.teams) == len(run.yardsticks.team_id):
        return []
    boxes = session.execute(BOXES, {"campaign": run.campaign.id}).all()
    others = [b for b in boxes if b.team_id not in run.teams]
    if not others:
        return []
    own = np.concatenate([run.surveyed[t][["lon", "lat"]] for t in teams]) if teams else np.empty(0)
    own = own[~np.isnan(own["lon"])] if len(own) else own
    if not len(own):
        return []
    tree = shapely.STRtree([shapely.box(b.west - NEAR_DEGREES, b.south - NEAR_DEGREES, b.east + NEAR_DEGREES, b.north + NEAR_DEGREES) for b in others])
    squares = np.unique(np.round(np.column_stack([own["lon"], own["lat"]]) / NEAR_DEGREES).astype(int), axis=0) * NEAR_DEGREES
    _, met = tree.query(shapely.points(squares), predicate="dwithin", distance=NEAR_DEGREES)
    near = {others[k].team_id for k in np.unique(met)}
    before = set(run.surveyed)
    _survey(run, near)
    return [run.surveyed.pop(t) if t not in before else run.surveyed[t] for t in sorted(near & run.surveyed.keys())]


# the rules

def _portions(session: Session, run: Pass) -> Iterator[list[int]]:
    """The teams of the pass in portions of about VISITS_AT_ONCE visits."""
    size = dict(session.execute(TEAM_SIZES, {"campaign": run.campaign.id}).all())
    portion, filled = [], 0
    for team in sorted(run.teams):
        portion.append(team)
        filled += max(size.get(team, 0), len(run.surveyed.get(team, ())), 50)
        if filled >= VISITS_AT_ONCE:
            yield portion
            portion, filled = [], 0
    if portion:
        yield portion


def _judge_teams(run: Pass, teams: list[int]) -> Judged:
    visits = read_rows(run.cursor, VISITS_OF_TEAMS, {"campaign": run.campaign.id, "teams": teams}, COLUMNS)
    before = visits[["flags", "standing", "unit", "area"]].copy()
    day, clock_s = local_clock(seconds(visits["at"]), run.yardsticks.zone)
    _locate(run, visits)
    replaced = _is_replaced(run, visits["instance"])
    alive = np.flatnonzero(~replaced)
    evidence = _evidence(run, visits[alive], day[alive], clock_s[alive])
    asked = [(rule, rule.ask(evidence, run.yardsticks.limits[rule.name])) for rule in RULES]
    visits["flags"], visits["standing"] = 0, REPLACED
    visits["flags"][alive], visits["standing"][alive] = _stand(asked, visits["decided"][alive])
    _write(run, visits, before, alive, asked, teams)
    return Judged(run.campaign, run.yardsticks, teams, visits, day)


def _locate(run: Pass, visits: np.ndarray) -> None:
    """Where each visit counts: its declared settlement, else by position, else in the lowest area, else nowhere."""
    sticks = run.yardsticks
    declared = visits["settlement"] > 0
    visits["unit"][declared] = visits["settlement"][declared]
    if declared.any():
        visits["area"][declared] = sticks.place_area[sticks.places.index_of(visits["settlement"][declared])]
    open_ = ~declared if run.everything else ~declared & (visits["unit"] == UNLOCATED)
    visits["unit"][open_], visits["area"][open_] = 0, 0
    rows = np.flatnonzero(open_ & ~np.isnan(visits["lon"]))
    if not len(rows):
        return
    slack = np.minimum(np.nan_to_num(visits["accuracy_m"][rows]), SLACK_LIMIT_M)
    place = nearest_place(sticks.places, visits["lon"][rows], visits["lat"][rows], LOCATE_REACH_M + slack)
    found = rows[place >= 0]
    visits["unit"][found] = sticks.places.id[place[place >= 0]]
    visits["area"][found] = sticks.place_area[place[place >= 0]]
    lost = rows[place < 0]
    visits["area"][lost] = sticks.lowest_area(visits["lon"][lost], visits["lat"][lost])
    visits["unit"][lost] = -visits["area"][lost]


def _evidence(run: Pass, v: np.ndarray, day: np.ndarray, clock_s: np.ndarray) -> Evidence:
    sticks = run.yardsticks
    team = np.searchsorted(sticks.team_id, v["team"])
    post = sticks.team_is_post[team] if len(v) else np.empty(0, bool)
    has_position = ~np.isnan(v["lon"])
    usable = has_position & ~(v["accuracy_m"] > sticks.limits["weak_position"].doubt_above_m)
    declared = np.where(v["settlement"] > 0, sticks.places.index_of(v["settlement"]), -1)
    odd_days = np.array([(t, d) in run.stands_out for t, d in zip(v["team"].tolist(), day.astype(int).tolist(), strict=True)], bool)
    counted = np.flatnonzero(usable & ~v["is_revisit"] & ~post)

    def beside(within_m: float, apart_s: float) -> np.ndarray:
        mask = np.zeros(len(v), bool)
        teams = np.unique(v["team"][counted])
        mask[counted] = np.concatenate([run.beside.get(int(t), np.empty(0, bool)) for t in teams]) if len(teams) else False
        return mask

    return Evidence(
        team=v["team"], at_s=seconds(v["at"]), received_s=seconds(v["received"]), lon=v["lon"], lat=v["lat"], accuracy_m=v["accuracy_m"],
        slack_m=np.minimum(np.nan_to_num(v["accuracy_m"]), SLACK_LIMIT_M), usable=usable, counts={c: v[c] for c in COUNTS},
        first=~v["is_revisit"], mock=v["mock"], post=post, declared=declared, day=day, clock_s=clock_s, days=sticks.days, places=sticks.places,
        compound=sticks.compound, ground=sticks.ground, inside_m=sticks.inside_m, plan=sticks.plan, unlike_real_work=odd_days,
        beside_other_household=beside)


def _stand(asked: list[tuple[Any, Asked]], decided: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Flags as a bit mask, and the standing: a person's word, else any reject, else any doubt or two warnings, else valid."""
    n = len(decided)
    flags, warnings = np.zeros(n, np.int32), np.zeros(n, int)
    doubt, reject = np.zeros(n, bool), np.zeros(n, bool)
    for bit, (rule, answer) in enumerate(asked):
        severity = np.full(len(answer.rows), rule.severity) if answer.severity is None else answer.severity
        flags[answer.rows] |= 1 << bit
        warnings[answer.rows] += severity == WARN
        doubt[answer.rows] |= severity == DOUBT
        reject[answer.rows] |= severity == REJECT
    standing = np.where(reject, REJECTED, np.where(doubt | (warnings >= 2), DOUBTFUL, VALID))
    return flags, np.where(decided == KEEP, VALID, np.where(decided == SET_ASIDE, REJECTED, standing))


# writing what differs

def _write(run: Pass, visits: np.ndarray, before: np.ndarray, alive: np.ndarray, asked: list[tuple[Any, Asked]], teams: list[int]) -> None:
    moved = np.zeros(len(visits), bool)
    for column in ("flags", "standing", "unit", "area"):
        moved |= visits[column] != before[column]
    rows = np.flatnonzero(moved)
    if len(rows):
        ids = [bytes(i).hex() for i in visits["instance"][rows].tolist()]
        _copy(run.cursor, "judged_visit", "instance_id uuid, flags integer, standing smallint, unit_id integer, area_id integer",
              zip(ids, *(visits[c][rows].tolist() for c in ("flags", "standing", "unit", "area")), strict=True))
        run.cursor.execute("""
            UPDATE visit v SET flags = j.flags, standing = j.standing, unit_id = j.unit_id, area_id = j.area_id
            FROM judged_visit j WHERE v.instance_id = j.instance_id""")
    _write_flags(run, visits, before, alive, asked)
    _write_team_flags(run, visits, teams)


def _write_flags(run: Pass, visits: np.ndarray, before: np.ndarray, alive: np.ndarray, asked: list[tuple[Any, Asked]]) -> None:
    """Flag rows of visits whose flags changed; numbers that depend on neighbours are written anew each time."""
    renew = (visits["flags"] != before["flags"]) | (visits["flags"] & NEIGHBOUR_NUMBERS > 0)
    if run.everything:
        renew |= visits["flags"] > 0
    gone = np.flatnonzero(renew & (before["flags"] > 0))
    if len(gone):
        _copy(run.cursor, "unflagged_visit", "instance_id uuid", ([bytes(i).hex()] for i in visits["instance"][gone].tolist()))
        run.cursor.execute("DELETE FROM flag f USING unflagged_visit u WHERE f.instance_id = u.instance_id")
    lines = []
    for rule, answer in asked:
        kept = np.flatnonzero(renew[alive[answer.rows]])
        rows = answer.rows[kept]
        severity = [SEVERITY_NAMES[s] for s in answer.severity[kept].tolist()] if answer.severity is not None else [SEVERITY_NAMES[rule.severity]] * len(rows)
        names, columns = list(answer.numbers), [values[kept].tolist() for values in answer.numbers.values()]
        numbers = [json.dumps(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)] if names else ["{}"] * len(rows)
        ids = [bytes(i).hex() for i in visits["instance"][alive[rows]].tolist()]
        lines += [f"{i}\t{rule.name}\t{run.campaign.id}\t{s}\t{n}\n" for i, s, n in zip(ids, severity, numbers, strict=True)]
    if lines:
        run.cursor.copy_expert("COPY flag (instance_id, rule, campaign_id, severity, numbers) FROM STDIN", io.StringIO("".join(lines)))


NEIGHBOUR_NUMBERS = sum(1 << bit for bit, rule in enumerate(RULES) if rule is BY_NAME["impossible_speed"])


def _write_team_flags(run: Pass, visits: np.ndarray, teams: list[int]) -> None:
    """How many visits of each team each rule asks about, and on how many of these nobody has decided."""
    run.cursor.execute("DELETE FROM team_flags WHERE campaign_id = %s AND team_id = ANY(%s)", (run.campaign.id, teams))
    values = []
    place = np.searchsorted(teams, visits["team"])
    for bit, rule in enumerate(RULES):
        on = visits["flags"] >> bit & 1 > 0
        total = np.bincount(place[on], minlength=len(teams))
        open_ = np.bincount(place[on & (visits["decided"] == 0)], minlength=len(teams))
        values += [(run.campaign.id, teams[k], rule.name, int(total[k]), int(open_[k])) for k in np.flatnonzero(total)]
    if values:
        execute_values(run.cursor, "INSERT INTO team_flags (campaign_id, team_id, rule, visits, undecided) VALUES %s", values, page_size=1000)


def _copy(cursor: Cursor, table: str, columns: str, rows: Any) -> None:
    """Fill a temporary table of this transaction."""
    cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} ({columns}) ON COMMIT DELETE ROWS; TRUNCATE {table}")
    text_rows = "".join("\t".join(map(str, row)) + "\n" for row in rows)
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text_rows))
    cursor.execute(f"ANALYZE {table}")
