"""Which visits are replaced by a correction?

A correction reaches the visit that it names, in its own campaign, when its sender may correct that visit's team. A
visit with its corrections, their corrections and so on is one contact with a household: exactly one of them counts. It
is one that nobody corrected; where several were corrected side by side, the one with the latest `visited_at`, for what
counts must not depend on which arrived first. Where all name each other in a circle, likewise.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from psycopg2.extensions import cursor as Cursor
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

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
        rows, contact = self.rows, self.contact
        uncorrected = ~is_among(rows["instance"], np.unique(rows["replaces"][self.reaches]))
        last = np.full(len(rows), -1)  # per contact its last row; one that nobody corrected before any other
        np.maximum.at(last, contact, np.arange(len(rows)) + len(rows) * uncorrected)
        counts = last[contact] % max(1, len(rows)) == np.arange(len(rows))
        aside = np.concatenate([rows["instance"][~counts], rows["replaces"][self.reaches]])
        return np.setdiff1d(np.unique(aside), rows["instance"][counts])

    def teams_touched_by(self, submissions: np.ndarray) -> set[int]:
        """Teams whose visits may become replaced, or come to stand again, through these submissions."""
        rows = self.rows
        news = np.isin(rows["submission"], submissions) | np.isin(rows["original_submission"], submissions)
        concerned = np.isin(self.contact, self.contact[news])
        teams = np.concatenate([rows["team"][concerned], rows["original_team"][concerned]])
        return set(teams[teams > 0].tolist())

    @cached_property
    def contact(self) -> np.ndarray:
        """Which corrections belong to one contact: (n,) the same number for the same contact.

        While a visit has not arrived, only corrections that may reach the same team belong together through it.
        """
        rows, n = self.rows, len(self.rows)
        if n == 0:
            return np.empty(0, int)
        awaited = rows["original_team"] == 0
        names = np.unique(np.concatenate([rows["instance"], rows["replaces"]]), return_inverse=True)[1]
        own, named = names[:n], names[n:]
        right = np.unique(np.where(awaited, rows["only_team"] + 1, 0), return_inverse=True)[1]
        at_gate = (
            own.max(initial=0) + named.max(initial=0) + 1 + named * (right.max() + 1) + right
        )  # of what is awaited
        linked = self.reaches | awaited
        to = np.where(awaited, at_gate, named)
        nodes, ends = np.unique(np.concatenate([own, to]), return_inverse=True)
        links = coo_array((np.ones(linked.sum(), bool), (ends[:n][linked], ends[n:][linked])), (len(nodes), len(nodes)))
        components = connected_components(links, directed=False)[1][ends[:n]]
        return np.asarray(np.unique(components, return_inverse=True)[1])  # numbered without gaps


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
