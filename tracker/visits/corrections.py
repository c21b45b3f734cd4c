"""Which visits are replaced by a correction?

A correction reaches the visit that it names, in its own campaign, when its sender may correct that visit's team. Of
several corrections of one visit the last made counts, the others are replaced with it. Corrections that name each
other in a circle cannot all be right: the last made of them stays.
"""

from dataclasses import dataclass

import numpy as np
from psycopg2.extensions import cursor as Cursor

from geo.visits import UUID_HALVES
from tracker.visits.binary_rows import read_rows

CORRECTIONS = """
    SELECT c.instance_id, c.replaces, c.visited_at, c.team_id, c.submission_id, coalesce(c.replaces_team_id, 0),
           coalesce(o.team_id, 0), coalesce(o.submission_id, 0)
    FROM visit c LEFT JOIN visit o ON o.instance_id = c.replaces AND o.campaign_id = c.campaign_id
    WHERE c.campaign_id = %(campaign)s AND c.replaces IS NOT NULL AND c.replaces <> c.instance_id"""

COLUMNS = [
    ("instance", "uuid"),
    ("replaces", "uuid"),
    ("at", ">i8"),
    ("team", ">i4"),
    ("submission", ">i8"),
    ("only_team", ">i4"),  # 0: sent by somebody who may correct any team
    ("original_team", ">i4"),  # 0: the visit that it names has not arrived
    ("original_submission", ">i8"),
]


@dataclass(frozen=True)
class Corrections:
    """All corrections of a campaign, in the order in which they were made."""

    rows: np.ndarray

    @property
    def reaches(self) -> np.ndarray:
        """Whether each correction may replace what it names: (n,) bool."""
        original, only = self.rows["original_team"], self.rows["only_team"]
        return np.asarray((original > 0) & ((only == 0) | (only == original)))

    def replaced(self) -> np.ndarray:
        """Ids of replaced visits: UUID_HALVES, sorted."""
        named = self.rows["replaces"][self.reaches]
        found = np.unique(np.concatenate([named, self._superseded()]))
        return np.setdiff1d(found, self._last_of_circles())

    def teams_touched_by(self, submissions: np.ndarray) -> set[int]:
        """Teams whose visits may become replaced, or come to stand again, through these submissions."""
        rows = self.rows
        news = np.isin(rows["submission"], submissions) | np.isin(rows["original_submission"], submissions)
        concerned = np.isin(rows["replaces"], rows["replaces"][news]) | np.isin(
            rows["instance"], rows["replaces"][news]
        )
        teams = np.concatenate([rows["team"][concerned], rows["original_team"][concerned]])
        return set(teams[teams > 0].tolist())

    def _superseded(self) -> np.ndarray:
        """Corrections of a visit that was corrected again, later, with the same right.

        While the visit has not arrived, only corrections that may reach the same team are set against each other.
        """
        rows, reaches = self.rows, self.reaches
        open_ = np.flatnonzero(reaches | (rows["original_team"] == 0))
        right = np.where(reaches[open_], 0, rows["only_team"][open_])
        seen: set[tuple[int, int, int]] = set()
        superseded = []
        halves = rows["replaces"][open_]
        keys = zip(halves["hi"].tolist(), halves["lo"].tolist(), right.tolist(), strict=True)
        for row, key in reversed(list(zip(open_.tolist(), keys, strict=True))):
            if key in seen:
                superseded.append(row)
            seen.add(key)
        return np.asarray(rows["instance"][superseded])

    def _last_of_circles(self) -> np.ndarray:
        """Of each circle of corrections the one made last."""
        rows = self.rows[self.reaches]
        place = {pair: k for k, pair in enumerate(rows["instance"].tolist())}
        step = [place.get(pair) for pair in rows["replaces"].tolist()]
        done, lasts = set[int](), list[int]()
        for start in range(len(rows)):
            path: list[int] = []
            at: int | None = start
            while at is not None and at not in done:
                done.add(at)
                path.append(at)
                at = step[at]
            if at in path:
                lasts.append(max(path[path.index(at) :]))
        return np.asarray(rows["instance"][lasts])


def read_corrections(cursor: Cursor, campaign_id: int) -> Corrections:
    rows = read_rows(cursor, CORRECTIONS, {"campaign": campaign_id}, COLUMNS)
    return Corrections(rows[np.lexsort((rows["instance"]["lo"], rows["instance"]["hi"], rows["at"]))])


def is_among(instances: np.ndarray, some: np.ndarray) -> np.ndarray:
    """Which instances are among some others, which are sorted UUID_HALVES: (n,) bool."""
    found = np.zeros(len(instances), bool)
    maybe = np.flatnonzero(np.isin(instances["hi"], some["hi"])) if len(some) else np.empty(0, int)
    found[maybe] = np.isin(np.ascontiguousarray(instances[maybe]), some)
    return found


NOBODY = np.empty(0, UUID_HALVES)
