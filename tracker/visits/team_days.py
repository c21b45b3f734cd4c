"""Which team-days of a round are unlike real work?

Keeps the figures of every team-day in `team_day`. A new visit changes the figures of its own day only, but the
comparison is over the round: days elsewhere may come to stand out, or no longer do.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import execute_values

from geo.patterns import TeamDays, digit_chi2, gap_variation, p_values, significant
from tracker.visits.binary_rows import POSTGRES_EPOCH_DAY, Columns, read_rows
from tracker.visits.rules.rule import team_day_key
from tracker.visits.yardsticks import Yardsticks

FIGURES = np.dtype(
    [
        ("team", np.int32),
        ("day", np.int32),  # days since 1970
        ("visits", np.int32),
        ("digit_chi2", np.float64),  # NaN: too few
        ("gap_variation", np.float64),  # NaN: too few
        ("eligible", np.int32),
        ("missed", np.int32),
        ("unlike_real_work", np.bool_),
    ]
)
NUMBERS = ("visits", "digit_chi2", "gap_variation", "eligible", "missed")

STORED = """
    SELECT team_id, day, visits, coalesce(digit_chi2, 'NaN'), coalesce(gap_variation, 'NaN'),
           eligible, missed, unlike_real_work
    FROM team_day WHERE campaign_id = %(campaign)s"""
STORED_COLUMNS: Columns = [
    ("team", ">i4"),
    ("day", ">i4"),
    ("visits", ">i4"),
    ("digit_chi2", ">f8"),
    ("gap_variation", ">f8"),
    ("eligible", ">i4"),
    ("missed", ">i4"),
    ("unlike_real_work", "?"),
]

REMOVE = """
    DELETE FROM team_day t USING (VALUES %s) gone (campaign_id, team_id, day)
    WHERE (t.campaign_id, t.team_id, t.day) = (gone.campaign_id, gone.team_id, gone.day)"""

WRITE = """
    INSERT INTO team_day (campaign_id, team_id, day, visits, digit_chi2, gap_variation,
                          eligible, missed, unlike_real_work)
    VALUES %s ON CONFLICT (campaign_id, team_id, day) DO UPDATE
    SET visits = excluded.visits, digit_chi2 = excluded.digit_chi2, gap_variation = excluded.gap_variation,
        eligible = excluded.eligible, missed = excluded.missed, unlike_real_work = excluded.unlike_real_work"""


def figures_of(visits: np.ndarray, day: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Figures of each team-day among these visits, sorted by (team, time): FIGURES, sorted by (team, day).

    visits : VISIT, none replaced.   counted : first visits of mobile teams; only they make figures
    """
    rows = np.flatnonzero(counted)
    v, key = visits[rows], team_day_key(visits["team"][rows], day[rows])
    new = np.r_[True, np.diff(key) != 0] if len(key) else np.empty(0, bool)
    group, n = np.cumsum(new) - 1, int(new.sum())
    out = np.zeros(n, FIGURES)
    out["team"], out["day"] = v["team"][new], day[rows][new]
    out["visits"] = np.bincount(group, minlength=n)
    out["digit_chi2"] = digit_chi2(v["lon"], v["lat"], group, n)
    out["gap_variation"] = gap_variation(v["at_us"], group, n)
    for name, counts in (("eligible", ("children_eligible",)), ("missed", ("absent", "refused", "other_missed"))):
        out[name] = np.minimum(sum(np.bincount(group, v[c], n) for c in counts), 2**31 - 1)
    return out


@dataclass
class TeamDayBook:
    """Figures of the round's team-days, with those of the judged teams renewed."""

    cursor: Cursor
    campaign_id: int
    yardsticks: Yardsticks
    renewed: list[np.ndarray] = field(default_factory=list)  # FIGURES of judged teams
    stored: np.ndarray | None = None
    now: np.ndarray = field(default_factory=lambda: np.empty(0, FIGURES))  # sorted by (team, day)

    def compare(self, judged: set[int]) -> set[int]:
        """Test all team-days of the round; give the other teams of which a day has come to stand out, or no longer
        does.
        """
        if self.stored is None:
            self.stored = read_rows(self.cursor, STORED, {"campaign": self.campaign_id}, STORED_COLUMNS).astype(FIGURES)
            self.stored["day"] += POSTGRES_EPOCH_DAY
        others = self.stored[~np.isin(self.stored["team"], np.fromiter(judged, int))]
        before = np.concatenate([*self.renewed, others])
        now = before[np.argsort(team_day_key(before["team"], before["day"]))]
        was = now["unlike_real_work"].copy()
        now["unlike_real_work"] = self._unlike(now)
        self.now = now
        flipped = now["team"][now["unlike_real_work"] != was]
        return set(flipped.tolist()) - judged

    def of_visits(self, team: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Whether each visit's team-day stands out, and its figures; False and 0 for a team-day without figures."""
        key, wanted = team_day_key(self.now["team"], self.now["day"]), team_day_key(team, day)
        row = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
        known = key[row] == wanted if len(key) else np.zeros(len(wanted), bool)
        found = np.zeros(len(wanted), FIGURES)
        found[known] = self.now[row[known]]
        return found["unlike_real_work"], {name: found[name] for name in NUMBERS}

    def write(self) -> None:
        """Store what differs from what is stored."""
        if self.stored is None:  # the campaign has no team yet: nothing was compared
            return
        before = {(r[0], r[1]): r for r in self.stored.tolist()}
        now = {(r[0], r[1]): r for r in self.now.tolist()}
        gone = [(self.campaign_id, team, _date(day)) for team, day in before.keys() - now.keys()]
        if gone:
            execute_values(self.cursor, REMOVE, gone, template="(%s, %s, CAST(%s AS date))")
        changed = [r for key, r in now.items() if not _same(r, before.get(key))]
        rows = [
            (self.campaign_id, r[0], _date(r[1]), r[2], *(None if x != x else x for x in r[3:5]), *r[5:])
            for r in changed
        ]
        if rows:
            execute_values(self.cursor, WRITE, rows, page_size=1000)

    def _unlike(self, days: np.ndarray) -> np.ndarray:
        """Which team-days stand out: those with enough visits, tested together."""
        limits = self.yardsticks.limits["team_pattern"]
        eligible, missed = self._neighbours(days)
        enough = np.flatnonzero(days["visits"] >= limits.least_visits)
        p = p_values(
            TeamDays(*(days[name][enough] for name in NUMBERS)),
            eligible[enough],
            missed[enough],
            limits.miss_rate_above,
        )
        unlike = np.zeros(len(days), bool)
        unlike[enough[significant(p, limits.level)]] = True
        return unlike

    def _neighbours(self, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Children eligible and missed of the other teams of each team's neighbourhood, over the round."""
        team = np.searchsorted(self.yardsticks.team_id, days["team"])
        place = self.yardsticks.team_neighbourhood[team]
        sums = []
        for name in ("eligible", "missed"):
            of_place = np.bincount(place, days[name]) if len(days) else np.empty(0)
            of_team = np.bincount(team, days[name]) if len(days) else np.empty(0)
            sums.append(of_place[place] - of_team[team])
        return sums[0], sums[1]


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _same(row: tuple[float, ...], other: tuple[float, ...] | None) -> bool:
    """Equal in every figure; missing ones (NaN) are equal."""
    return other is not None and all(a == b or (a != a and b != b) for a, b in zip(row, other, strict=True))
