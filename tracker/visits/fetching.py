"""All visits of some teams, as arrays: what they are, and what was kept of them at the last judgement."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from psycopg2.extensions import cursor as Cursor

from geo.local_time import local_clock
from geo.visits import COUNTS, VISIT
from tracker.visits.binary_rows import Columns, rows_as_sent, since_1970_us

UNLOCATED = -2_147_483_648  # stands for unit_id NULL in arrays

ALL_OF_TEAMS = f"""
    SELECT instance_id, team_id, visited_at, coalesce(received_at, '-infinity'),
           coalesce(lon, 'NaN'), coalesce(lat, 'NaN'), coalesce(accuracy_m, 'NaN'), {", ".join(COUNTS)},
           is_revisit, mock_location, coalesce(settlement_id, 0), coalesce(unit_id, {UNLOCATED}),
           coalesce(area_id, 0), standing, coalesce(decided, 0::smallint), flags, flags_digest, submission_id
    FROM visit WHERE campaign_id = %(campaign)s AND team_id = ANY(%(teams)s)"""

COLUMNS: Columns = [
    ("instance", "uuid"),
    ("team", ">i4"),
    ("at_us", ">i8"),
    ("received_us", ">i8"),
    ("lon", ">f8"),
    ("lat", ">f8"),
    ("accuracy_m", ">f8"),
    *((name, ">i4") for name in COUNTS),
    ("is_revisit", "?"),
    ("mock_location", "?"),
    ("settlement", ">i4"),
    ("unit", ">i4"),
    ("area", ">i4"),
    ("standing", ">i2"),
    ("decided", ">i2"),
    ("flags", ">i4"),
    ("flags_digest", ">i4"),
    ("submission", ">i8"),
]

KEPT = ("flags", "flags_digest", "standing", "unit", "area")


@dataclass(frozen=True)
class Fetched:
    """Visits sorted by (team, at_us, instance), and beside them what the database holds now; all of one length."""

    visits: np.ndarray  # geo.visits.VISIT
    kept: np.ndarray  # KEPT and `submission`
    day: np.ndarray  # int, days since 1970 in the campaign's zone
    clock_s: np.ndarray  # whole seconds since local midnight


def fetch_visits(cursor: Cursor, campaign_id: int, teams: list[int], zone: ZoneInfo) -> Fetched:
    """All visits of these teams, replaced ones too."""
    rows = rows_as_sent(cursor, ALL_OF_TEAMS, {"campaign": campaign_id, "teams": teams}, COLUMNS)
    order = _order(rows)
    visits = np.empty(len(rows), VISIT)
    for name in VISIT.names or ():
        visits[name] = rows[name][order]
    for name in ("at_us", "received_us"):
        visits[name] = since_1970_us(visits[name])
    kept = np.empty(len(rows), [(name, dict(COLUMNS)[name].replace(">", "=")) for name in (*KEPT, "submission")])
    for name in kept.dtype.names or ():
        kept[name] = rows[name][order]
    day, clock_s = local_days(visits["at_us"], zone)
    return Fetched(visits, kept, day, clock_s)


def _order(rows: np.ndarray) -> np.ndarray:
    """By team, then time, then id; they come nearly so, and few have one time."""
    team, at = rows["team"].astype(np.int64), rows["at_us"].astype(np.int64)
    order = np.lexsort((at, team))
    tied = (np.diff(team[order]) == 0) & (np.diff(at[order]) == 0)
    if tied.any():
        some = np.flatnonzero(np.r_[tied, False] | np.r_[False, tied])
        those = rows[order[some]]
        halves = (those["instance"]["lo"], those["instance"]["hi"], those["at_us"], those["team"])
        order[some] = order[some][np.lexsort(halves)]
    return order


def local_days(at_us: np.ndarray, zone: ZoneInfo) -> tuple[Any, Any]:
    """Local day (int, days since 1970) and whole seconds since local midnight of instants in microseconds."""
    day, clock_s = local_clock(at_us // 1_000_000, zone)
    return day.astype(np.int64), clock_s.astype(np.int64)
