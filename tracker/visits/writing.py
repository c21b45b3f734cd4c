"""Write what a judgement changed, and nothing else: visits, flags, and how many of a team's visits each rule asks
about.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from tracker.visits.binary_rows import Columns, write_rows
from tracker.visits.fetching import KEPT
from tracker.visits.rules import RULES
from tracker.visits.rules.rule import SEVERITY_NAMES, Asked

CHANGED_COLUMNS: Columns = [
    ("instance_id", "uuid"),
    ("flags", ">i4"),
    ("flags_digest", ">i4"),
    ("standing", ">i2"),
    ("unit_id", ">i4"),
    ("area_id", ">i4"),
]

CREATE_CHANGED = """
    CREATE TEMP TABLE IF NOT EXISTS judged_visit (instance_id uuid, flags integer, flags_digest integer, standing
    smallint,
                                                  unit_id integer, area_id integer) ON COMMIT DELETE ROWS;
    CREATE TEMP TABLE IF NOT EXISTS unflagged_visit (instance_id uuid) ON COMMIT DELETE ROWS;
    TRUNCATE judged_visit, unflagged_visit"""

UPDATE_VISITS = """
    UPDATE visit v
    SET flags = j.flags, flags_digest = j.flags_digest, standing = j.standing, unit_id = j.unit_id, area_id = j.area_id
    FROM judged_visit j WHERE v.instance_id = j.instance_id"""

DELETE_FLAGS = "DELETE FROM flag f USING unflagged_visit u WHERE f.instance_id = u.instance_id"
COPY_FLAGS = "COPY flag (instance_id, rule, campaign_id, severity, numbers) FROM STDIN"

TEAM_FLAGS = """
    SELECT team_id, rule, visits, undecided FROM team_flags
    WHERE campaign_id = %(campaign)s AND team_id = ANY(%(teams)s)"""
DELETE_TEAM_FLAGS = """
    DELETE FROM team_flags t USING (VALUES %s) gone (campaign_id, team_id, rule)
    WHERE (t.campaign_id, t.team_id, t.rule) = (gone.campaign_id, gone.team_id, gone.rule)"""
WRITE_TEAM_FLAGS = """
    INSERT INTO team_flags (campaign_id, team_id, rule, visits, undecided) VALUES %s
    ON CONFLICT (campaign_id, team_id, rule) DO UPDATE SET visits = excluded.visits, undecided = excluded.undecided"""


@dataclass(frozen=True)
class Answers:
    """What every rule asked of n visits; `rows` of each count from 0 among them."""

    asked: list[tuple[int, Asked]]  # (bit of the rule, its answer)
    count: int

    def severities(self, bit: int, answer: Asked) -> np.ndarray:
        if answer.severity is not None:
            return answer.severity
        return np.full(len(answer.rows), RULES[bit].severity)

    def flags(self) -> np.ndarray:
        """(n,) bit mask."""
        flags = np.zeros(self.count, np.int32)
        for bit, answer in self.asked:
            flags[answer.rows] |= np.int32(1 << bit)
        return flags

    def digest(self) -> np.ndarray:
        """(n,) int32: differs, all but surely, when a flag's severity or any of its numbers does. 0 without flags."""
        digest = np.zeros(self.count, np.uint64)
        with np.errstate(over="ignore", invalid="ignore"):
            for bit, answer in self.asked:
                h = np.uint64(bit + 1) * np.uint64(0x9E3779B97F4A7C15) + self.severities(bit, answer).astype(np.uint64)
                for values in answer.numbers.values():
                    h = (h ^ np.ascontiguousarray(values, np.float64).view(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
                    h ^= h >> np.uint64(31)
                digest[answer.rows] += h
        return (digest >> np.uint64(32)).astype(np.uint32).view(np.int32)


def write_visits(cursor: Cursor, visits: np.ndarray, kept: np.ndarray, digest: np.ndarray) -> np.ndarray:
    """Update the visits that differ from what is kept; (n,) bool: whose flags have to be written anew."""
    now = {"flags_digest": digest, **{name: visits[name] for name in KEPT if name != "flags_digest"}}
    differs = {name: values != kept[name] for name, values in now.items()}
    rows = np.flatnonzero(np.logical_or.reduce(list(differs.values())))
    cursor.execute(CREATE_CHANGED)
    if len(rows):
        write_rows(
            cursor,
            "judged_visit",
            CHANGED_COLUMNS,
            {
                "instance_id": visits["instance"][rows],
                "flags": visits["flags"][rows],
                "flags_digest": digest[rows],
                "standing": visits["standing"][rows],
                "unit_id": visits["unit"][rows],
                "area_id": visits["area"][rows],
            },
        )
        cursor.execute(UPDATE_VISITS)
    return np.asarray(differs["flags"] | differs["flags_digest"])


def write_flags(
    cursor: Cursor, campaign_id: int, instances: np.ndarray, renew: np.ndarray, kept_flags: np.ndarray, answers: Answers
) -> None:
    """Replace the flag rows of these visits. instances : of all visits; `renew` and `kept_flags` alike; answers' rows
    too.
    """
    gone = instances[renew & (kept_flags != 0)]
    if len(gone):
        write_rows(cursor, "unflagged_visit", [("instance_id", "uuid")], {"instance_id": gone})
        cursor.execute(DELETE_FLAGS)
    lines: list[str] = []
    for bit, answer in answers.asked:
        chosen = np.flatnonzero(renew[answer.rows])
        ids = instances[answer.rows[chosen]].tolist()
        severity = [SEVERITY_NAMES[s] for s in answers.severities(bit, answer)[chosen].tolist()]
        numbers = _as_json({name: values[chosen] for name, values in answer.numbers.items()}, len(chosen))
        middle = f"\t{RULES[bit].name}\t{campaign_id}\t"
        lines += [
            f"{hi:016x}{lo:016x}{middle}{s}\t{n}\n" for (hi, lo), s, n in zip(ids, severity, numbers, strict=True)
        ]
    if lines:
        cursor.copy_expert(COPY_FLAGS, io.StringIO("".join(lines)))


def _as_json(numbers: dict[str, np.ndarray], count: int) -> Iterable[str]:
    """One object of numbers per row; whole numbers without a point, missing ones null."""
    if not numbers:
        return ["{}"] * count
    pattern = "{" + ", ".join(f'"{name}": %s' for name in numbers) + "}"
    columns = [[_number(x) for x in np.asarray(values, float).tolist()] for values in numbers.values()]
    return [pattern % row for row in zip(*columns, strict=True)]


def _number(x: float) -> str:
    if x != x or x in (np.inf, -np.inf):
        return "null"
    return str(int(x)) if x == int(x) else repr(round(x, 4))


def write_team_flags(cursor: Cursor, campaign_id: int, teams: list[int], visits: np.ndarray) -> None:
    """How many visits of each team each rule asks about, and on how many of these nobody has decided."""
    order = np.array(sorted(teams))
    place = np.searchsorted(order, visits["team"])
    now: dict[tuple[int, str], tuple[int, int]] = {}
    for bit, rule in enumerate(RULES):
        on = visits["flags"] >> bit & 1 == 1
        total = np.bincount(place[on], minlength=len(order))
        undecided = np.bincount(place[on & (visits["decided"] == 0)], minlength=len(order))
        now |= {(int(order[k]), rule.name): (int(total[k]), int(undecided[k])) for k in np.flatnonzero(total)}
    cursor.execute(TEAM_FLAGS, {"campaign": campaign_id, "teams": teams})
    before = {(team, rule): (n, undecided) for team, rule, n, undecided in cursor.fetchall()}
    gone = [(campaign_id, *key) for key in before.keys() - now.keys()]
    changed = [(campaign_id, *key, *counts) for key, counts in now.items() if before.get(key) != counts]
    if gone:
        execute_values(cursor, DELETE_TEAM_FLAGS, gone)
    if changed:
        execute_values(cursor, WRITE_TEAM_FLAGS, changed, page_size=1000)
