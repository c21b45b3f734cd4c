"""Whose first visits stand on the doorstep of another team's, or of another day's?

The one question that crosses teams. Reads the visits of other teams only near what changed: `walked_cell` knows which
team-days were near. Writes `walked_cell`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from psycopg2.extensions import cursor as Cursor

from geo.nearby import near_pairs, square_of
from geo.places import metres_per_degree
from geo.visits import HOUSEHOLD, household_key, repeated_households
from tracker.visits.binary_rows import POSTGRES_EPOCH_DAY, Columns, read_rows, since_1970_us, write_rows
from tracker.visits.fetching import local_days
from tracker.visits.models import REPLACED
from tracker.visits.yardsticks import Yardsticks

CELL_M = 250.0  # side of a walked cell
NEIGHBOUR = np.dtype(
    [
        ("team", np.int32),
        ("day", np.int32),
        ("at_us", np.int64),
        ("lon", np.float64),
        ("lat", np.float64),
        ("household", np.int64),
        ("asked", np.bool_),  # what was said of it before
        ("changed", np.bool_),  # new, or standing again
    ]
)

ROOM = 1_000_000  # visits; it takes memory only as far as it is filled, and nothing is copied to make it one array

CELL = np.dtype([("cell", np.int64), ("team_id", np.int32), ("day", np.int32)])  # day: since 2000
CELL_COLUMNS: Columns = [("cell", ">i8"), ("team_id", ">i4"), ("day", ">i4")]

CREATE_WALKED_NOW = """
    CREATE TEMP TABLE IF NOT EXISTS walked_now (cell bigint, team_id integer, day date) ON COMMIT DELETE ROWS;
    TRUNCATE walked_now"""

NEAR = """
    SELECT DISTINCT team_id, day FROM walked_cell
    WHERE campaign_id = %(campaign)s AND cell = ANY(%(cells)s) AND NOT team_id = ANY(%(judged)s)"""

OF_TEAM_DAYS = f"""
    SELECT v.team_id, v.visited_at, v.lon, v.lat, {", ".join(f"v.{c}" for c in HOUSEHOLD)},
           v.flags >> %(bit)s & 1 = 1
    FROM unnest(CAST(%(teams)s AS int[]), CAST(%(begins)s AS timestamptz[]), CAST(%(ends)s AS timestamptz[]))
         AS d (team_id, begins, ends)
    JOIN visit v ON v.campaign_id = %(campaign)s AND v.team_id = d.team_id
                AND v.visited_at >= d.begins AND v.visited_at < d.ends
    WHERE NOT v.is_revisit AND v.standing <> {REPLACED} AND v.lon IS NOT NULL
      AND NOT coalesce(v.accuracy_m > %(accuracy)s, false)"""

OF_TEAM_DAYS_COLUMNS: Columns = [
    ("team", ">i4"),
    ("at_us", ">i8"),
    ("lon", ">f8"),
    ("lat", ">f8"),
    *((name, ">i4") for name in HOUSEHOLD),
    ("asked", "?"),
]

REMEMBER = """
    INSERT INTO walked_cell (campaign_id, cell, team_id, day)
    SELECT %(campaign)s, cell, team_id, day FROM walked_now ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING"""


@dataclass
class Households:
    """First visits of mobile teams with a usable position, of all teams judged in this pass."""

    cursor: Cursor
    campaign_id: int
    yardsticks: Yardsticks
    bit: int  # of the rule in visit.flags
    whole_round: bool  # every team is judged: nobody else has to be read
    room: np.ndarray = field(default_factory=lambda: np.empty(ROOM, NEIGHBOUR))  # the first sum(sizes) rows are taken
    sizes: list[int] = field(default_factory=list)  # per portion of teams
    cells: list[np.ndarray] = field(default_factory=list)  # CELL, where they were
    left: list[np.ndarray] = field(
        default_factory=list
    )  # (n, 2) positions of visits that were counted and no longer are
    asked: list[np.ndarray] = field(default_factory=list)  # bool, per portion: the answer

    def add(self, fetched: Any, alive: np.ndarray, counted: np.ndarray, is_new: np.ndarray) -> None:
        """A portion of teams: of the `alive` visits those that are `counted` here.

        is_new : per alive visit, whether no pass has judged it yet
        """
        visits, rows = fetched.visits[alive], np.flatnonzero(counted)
        part = self._room_for(len(rows))
        for name in ("team", "at_us", "lon", "lat"):
            part[name] = visits[name][rows]
        part["day"] = fetched.day[alive[rows]]
        part["household"] = household_key(np.column_stack([visits[c][rows] for c in HOUSEHOLD]))
        part["asked"] = fetched.kept["flags"][alive[rows]] >> self.bit & 1 == 1
        part["changed"] = is_new[rows] | (fetched.kept["standing"][alive[rows]] == REPLACED)
        self.sizes.append(len(part))
        self.cells.append(_cells_of(part if self.whole_round else part[part["changed"]]))
        gone = np.ones(len(fetched.visits), bool)
        gone[alive] = False
        gone &= (fetched.kept["standing"] != REPLACED) & ~np.isnan(fetched.visits["lon"])
        self.left.append(np.column_stack([fetched.visits["lon"][gone], fetched.visits["lat"][gone]]))

    def answer(self, judged: set[int]) -> set[int]:
        """Decide for all portions; give the other teams whose visits must now be judged too."""
        mine = self.room[: sum(self.sizes)]
        within_m, apart_s = self._limits()
        if self.whole_round:
            everybody, subject = mine, np.ones(len(mine), bool)
        else:
            lon, lat = self._changes(mine)
            everybody = np.concatenate([mine, self._others_near(lon, lat, 3 * within_m, judged)])
            subject = _within(everybody, lon, lat, 2 * within_m)
        anew = repeated_households(
            everybody["team"],
            everybody["day"],
            everybody["at_us"],
            everybody["lon"],
            everybody["lat"],
            everybody["household"],
            subject,
            within_m,
            apart_s,
        )
        asked = np.where(subject, anew, everybody["asked"])
        self.asked = np.split(asked[: len(mine)], np.cumsum(self.sizes)[:-1]) if self.sizes else []
        others = everybody[len(mine) :]
        return set(others["team"][asked[len(mine) :] != others["asked"]].tolist())

    def remember(self) -> None:
        """Keep in which cells the judged teams were, a cell once written stays; the visits themselves are let go."""
        self.room = np.empty(0, NEIGHBOUR)
        cells = np.concatenate([*self.cells, np.empty(0, CELL)])
        self.cursor.execute(CREATE_WALKED_NOW)
        write_rows(self.cursor, "walked_now", CELL_COLUMNS, {name: cells[name] for name, _ in CELL_COLUMNS})
        self.cursor.execute(REMEMBER, {"campaign": self.campaign_id})

    def _room_for(self, visits: int) -> np.ndarray:
        """The next rows, to be filled."""
        taken = sum(self.sizes)
        if taken + visits > len(self.room):
            self.room.resize(taken + visits + ROOM // 10, refcheck=False)
        return self.room[taken : taken + visits]

    def _limits(self) -> tuple[float, float]:
        limits = self.yardsticks.limits["repeated_household"]
        return limits.within_m, limits.apart_s

    def _changes(self, mine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where something came or went: lon, lat."""
        left = np.concatenate([*self.left, np.empty((0, 2))])
        changed = mine[mine["changed"]]
        return np.r_[changed["lon"], left[:, 0]], np.r_[changed["lat"], left[:, 1]]

    def _others_near(self, lon: np.ndarray, lat: np.ndarray, reach_m: float, judged: set[int]) -> np.ndarray:
        """Visits of team-days that are not judged in this pass and were near a change: NEIGHBOUR.

        A change reaches those within twice the rule's distance (a crowd may choose other spokesmen); to answer for them
        their own neighbours are needed: three times the distance.
        """
        if not len(lon):
            return np.empty(0, NEIGHBOUR)
        found = read_rows(
            self.cursor,
            NEAR,
            {"campaign": self.campaign_id, "cells": _cells_around(lon, lat, reach_m), "judged": sorted(judged)},
            [("team", ">i4"), ("day", ">i4")],
        )
        found = found[~np.isin(found["team"], self.yardsticks.team_id[self.yardsticks.team_is_post])]
        zone = self.yardsticks.zone
        days = [date(2000, 1, 1) + timedelta(days=int(d)) for d in found["day"]]
        begins = [datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in days]
        ends = [datetime(d.year, d.month, d.day, tzinfo=zone).astimezone(UTC) for d in (d + timedelta(1) for d in days)]
        rows = read_rows(
            self.cursor,
            OF_TEAM_DAYS,
            {
                "campaign": self.campaign_id,
                "teams": found["team"].tolist(),
                "begins": begins,
                "ends": ends,
                "bit": self.bit,
                "accuracy": self.yardsticks.limits["weak_position"].doubt_above_m,
            },
            OF_TEAM_DAYS_COLUMNS,
        )
        others = np.zeros(len(rows), NEIGHBOUR)
        for name in ("team", "lon", "lat", "asked"):
            others[name] = rows[name]
        others["at_us"] = since_1970_us(rows["at_us"])
        others["day"] = local_days(others["at_us"], zone)[0]
        others["household"] = household_key(np.column_stack([rows[c] for c in HOUSEHOLD]))
        return others


def _cells_of(visits: np.ndarray) -> np.ndarray:
    """Each cell of each team-day once: CELL."""
    cells = np.empty(len(visits), CELL)
    cells["cell"] = square_of(visits["lon"], visits["lat"], CELL_M)
    cells["team_id"], cells["day"] = visits["team"], visits["day"] - POSTGRES_EPOCH_DAY
    cells = cells[np.lexsort((cells["day"], cells["team_id"], cells["cell"]))]
    return cells[np.r_[True, cells[1:] != cells[:-1]]] if len(cells) else cells


def _within(rows: np.ndarray, lon: np.ndarray, lat: np.ndarray, within_m: float) -> np.ndarray:
    """Which rows lie within so many metres of any of the positions: (n,) bool."""
    near = np.zeros(len(rows), bool)
    for i, _ in near_pairs(rows["lon"], rows["lat"], lon, lat, within_m):
        near[i] = True
    return near


def _cells_around(lon: np.ndarray, lat: np.ndarray, reach_m: float) -> list[int]:
    """All walked cells that a circle about any of the positions touches; reach_m is less than half a cell."""
    east, north = metres_per_degree(np.minimum(np.abs(lat), 89.0))
    corners: Iterable[np.ndarray] = (
        square_of(lon + dx * reach_m / east * 1.01, lat + dy * reach_m / north * 1.01, CELL_M)
        for dx in (-1, 1)
        for dy in (-1, 0, 1)
    )
    cells: list[int] = np.unique(np.concatenate(list(corners))).tolist()
    return cells
