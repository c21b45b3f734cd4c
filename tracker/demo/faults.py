"""Which mistakes and inventions hide among the honest visits, and which rule should ask about each?

Each planter changes some rows of the columns in place and notes what it did in `fault` (text per visit, "" honest).
Rows that
a fault beside them may rightly draw into a question become "bystander"; they count neither as found nor as false alarm.
"""

from collections.abc import Callable

import numpy as np

from tracker.demo.places import DAYS, METRES_PER_DEGREE, Block
from tracker.demo.walk import COUNTS, Columns

# fault: the rule that should find it; "" where no rule of a single visit can (the coverage page shows those)
FINDS = {
    "invented_day": "team_pattern",
    "wrong_settlement": "settlement_mismatch",
    "copied_rows": "copied",
    "drifting_position": "settlement_mismatch",
    "one_doorstep": "stacked",
    "too_quick": "pace",
    "same_position": "repeated_position",
    "jump": "impossible_speed",
    "far_away": "outside_campaign_area",
    "night": "outside_hours",
    "long_before": "outside_hours",
    "no_fix": "no_position",
    "weak_fix": "weak_position",
    "rounded": "rounded_position",
    "mocked": "mock_location",
    "slip_of_the_pen": "arithmetic",
    "same_door": "repeated_household",
}
MOVES = (
    "jump",
    "far_away",
    "night",
    "long_before",
    "drifting_position",
    "no_fix",
    "rounded",
    "same_door",
    "wrong_settlement",
)


def plant(visits: Columns, block: Block, rng: np.random.Generator) -> Columns:
    """Plant every kind of fault; visits are sorted by (team, time) and stay so but for the moved times."""
    visits["fault"] = np.full(len(visits["team"]), "", dtype="U20")
    pick = _Picker(visits, block, rng)
    few = max(3, len(visits["team"]) // 3000)  # of the kinds that span several visits
    some = max(6, len(visits["team"]) // 1500)  # of single visits
    _invented_days(visits, pick, max(2, block.mobile_teams // 40))
    for fault, length, change in _RUNS:
        for rows in pick.runs(fault, few, length):
            change(visits, rows, rng)
    for fault, change_one in _SINGLES:
        for row in pick.singles(fault, some):
            change_one(visits, row, block, rng)
    _same_door(visits, pick, some, rng)
    _mark_bystanders(visits)
    return visits


class _Picker:
    """Hands out rows that no other fault uses: first visits of mobile teams on the planned days."""

    def __init__(self, visits: Columns, block: Block, rng: np.random.Generator) -> None:
        self.visits, self.rng = visits, rng
        self.team_day = visits["team"] * 10 + visits["day"]
        self.free = (visits["team"] < block.mobile_teams) & ~visits["is_revisit"] & (visits["day"] < DAYS)

    def runs(self, fault: str, count: int, length: int) -> list[np.ndarray]:
        """`count` runs of successive visits of one team-day in one settlement, with free rows around them."""
        found: list[np.ndarray] = []
        starts = self.rng.permutation(len(self.free) - length)
        for start in starts[:20_000].tolist():
            if len(found) == count:
                break
            around = slice(max(0, start - 2), start + length + 2)
            first, last = start, start + length - 1
            if (
                self.free[around].all()
                and self.team_day[first] == self.team_day[last]
                and (self.visits["settlement"][first : last + 1] == self.visits["settlement"][first]).all()
            ):
                rows = np.arange(start, start + length)
                self.take(rows, fault)
                self.free[around] = False
                found.append(rows)
        return found

    def singles(self, fault: str, count: int) -> list[int]:
        return [int(rows[0]) for rows in self.runs(fault, count, 1)]

    def take(self, rows: np.ndarray, fault: str) -> None:
        self.visits["fault"][rows] = fault
        self.free[rows] = False


def _everybody_vaccinated(v: Columns, rows: np.ndarray) -> None:
    v["vaccinated"][rows] = v["children_eligible"][rows]
    for count in ("absent", "refused", "other_missed"):
        v[count][rows] = 0


def _invented_days(v: Columns, pick: _Picker, count: int) -> None:
    """A day written at a table: a steady beat, nobody missed, last digits as people choose them."""
    days, size = np.unique(pick.team_day[pick.free], return_counts=True)
    for day in pick.rng.permutation(days[size >= 30])[:count]:
        rows = np.flatnonzero((pick.team_day == day) & pick.free)
        beat = (v["at_s"][rows[-1]] - v["at_s"][rows[0]]) / len(rows)
        v["at_s"][rows] = v["at_s"][rows[0]] + np.round(
            np.arange(len(rows)) * beat + pick.rng.uniform(-3, 3, len(rows))
        ).astype(np.int64)
        for axis in ("lon", "lat"):
            v[axis][rows] = (
                np.floor(v[axis][rows] * 1e4) / 1e4
                + pick.rng.choice([2e-5, 5e-5, 8e-5], len(rows))
                + pick.rng.integers(0, 99, len(rows)) * 1e-7
            )
        _everybody_vaccinated(v, rows)
        pick.take(rows, "invented_day")


def _hurry(v: Columns, rows: np.ndarray, seconds: np.ndarray) -> None:
    """Visits follow each other after these gaps, none later than it really was."""
    v["at_s"][rows] = np.minimum(v["at_s"][rows[0]] + np.r_[0, np.cumsum(seconds[1:])], v["at_s"][rows])


def _copied_rows(v: Columns, rows: np.ndarray, rng: np.random.Generator) -> None:
    for axis in ("lon", "lat"):
        v[axis][rows] = np.round(v[axis][rows[0]] + np.cumsum(rng.uniform(-1.5, 1.5, len(rows))) / METRES_PER_DEGREE, 7)
    for count in COUNTS:
        v[count][rows] = v[count][rows[0]]
    beat_s = max(25, (v["at_s"][rows[-1]] - v["at_s"][rows[0]]) // (len(rows) + 1))
    v["at_s"][rows] = v["at_s"][rows[0]] + beat_s * np.arange(len(rows))


def _one_doorstep(v: Columns, rows: np.ndarray, rng: np.random.Generator) -> None:
    for axis in ("lon", "lat"):
        v[axis][rows] = np.round(v[axis][rows[0]] + rng.uniform(-4, 4, len(rows)) / METRES_PER_DEGREE, 7)
    _hurry(v, rows, rng.integers(90, 260, len(rows)))


def _too_quick(v: Columns, rows: np.ndarray, rng: np.random.Generator) -> None:
    _hurry(v, rows, rng.integers(50, 90, len(rows)))


def _same_position(v: Columns, rows: np.ndarray, rng: np.random.Generator) -> None:
    for axis in ("lon", "lat"):
        v[axis][rows] = v[axis][rows[0]]


def _drifting(v: Columns, rows: np.ndarray, rng: np.random.Generator) -> None:
    """A phone that lost its fix and guesses on: each position farther off than the one before."""
    turn, away_m = rng.uniform(0, 2 * np.pi), np.linspace(900, 2600, len(rows))
    v["lon"][rows] = np.round(v["lon"][rows] + away_m * np.cos(turn) / METRES_PER_DEGREE, 7)
    v["lat"][rows] = np.round(v["lat"][rows] + away_m * np.sin(turn) / METRES_PER_DEGREE, 7)
    v["declared"][rows] = True


def _other_place(v: Columns, row: int, block: Block, rng: np.random.Generator, low: float, high: float) -> int:
    """A settlement between `low` and `high` degrees away; the farthest there is when none lies between."""
    away = np.hypot(block.lon - v["lon"][row], block.lat - v["lat"][row])
    between = np.flatnonzero((away > low) & (away < high))
    return int(rng.choice(between)) if len(between) else int(away.argmax())


def _wrong_settlement(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v["settlement"][row] = _other_place(v, row, block, rng, 0.04, 0.5)
    v["declared"][row] = True


def _jump(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    place = _other_place(v, row, block, rng, 0.6, 3.0)
    v["settlement"][row] = place
    v["lon"][row], v["lat"][row] = (
        round(block.lon[place] + rng.normal(0, 3e-4), 7),
        round(block.lat[place] + rng.normal(0, 3e-4), 7),
    )


def _far_away(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v["lon"][row], v["lat"][row] = (
        round(74.2 + rng.uniform(0, 0.3), 7),
        round(31.4 + rng.uniform(0, 0.3), 7),
    )  # another province
    v["declared"][row] = True


def _night(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    midnight = (v["at_s"][row] + 5 * 3600) // 86400 * 86400 - 5 * 3600
    v["at_s"][row] = midnight + int(
        rng.choice([rng.integers(2 * 3600, 6 * 3600), rng.integers(int(19.5 * 3600), 23 * 3600)])
    )


def _long_before(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v["at_s"][row] -= 86400 * int(rng.integers(6, 20))


def _no_fix(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    for c in ("lon", "lat", "accuracy_m"):
        v[c][row] = np.nan
    v["declared"][row] = rng.random() < 0.9


def _weak_fix(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v["accuracy_m"][row] = round(rng.choice([rng.uniform(60, 400), rng.uniform(600, 3000)]), 1)
    v["declared"][row] = True


def _rounded(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v["lon"][row], v["lat"][row] = round(v["lon"][row], 3), round(v["lat"][row], 3)
    v["declared"][row] = True


def _mocked(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v["mock_location"][row] = True


def _slip(v: Columns, row: int, block: Block, rng: np.random.Generator) -> None:
    v[str(rng.choice(["vaccinated", "absent", "refused"]))][row] += int(rng.integers(1, 4))


_RUNS: tuple[tuple[str, int, Callable[[Columns, np.ndarray, np.random.Generator], None]], ...] = (
    ("copied_rows", 7, _copied_rows),
    ("one_doorstep", 10, _one_doorstep),
    ("too_quick", 30, _too_quick),
    ("same_position", 4, _same_position),
    ("drifting_position", 5, _drifting),
)
_SINGLES: tuple[tuple[str, Callable[[Columns, int, Block, np.random.Generator], None]], ...] = (
    ("wrong_settlement", _wrong_settlement),
    ("jump", _jump),
    ("far_away", _far_away),
    ("night", _night),
    ("long_before", _long_before),
    ("no_fix", _no_fix),
    ("weak_fix", _weak_fix),
    ("rounded", _rounded),
    ("mocked", _mocked),
    ("slip_of_the_pen", _slip),
)


def _same_door(v: Columns, pick: _Picker, count: int, rng: np.random.Generator) -> None:
    """A household counted again by another team or on another day, with one child more."""
    order = np.argsort(v["settlement"], kind="stable")
    bounds = np.searchsorted(v["settlement"][order], np.arange(v["settlement"].max() + 2))
    for row in pick.singles("same_door", count * 8):
        mates = order[bounds[v["settlement"][row]] : bounds[v["settlement"][row] + 1]]
        mates = mates[(pick.team_day[mates] != pick.team_day[row]) & pick.free[mates]]
        if count == 0 or not len(mates):
            v["fault"][row] = ""
            continue
        mate = int(rng.choice(mates))
        for axis in ("lon", "lat"):
            v[axis][row] = round(v[axis][mate] + rng.uniform(-3, 3) / METRES_PER_DEGREE, 7)
        v["children_eligible"][row] = v["children_eligible"][mate] + 1
        v["vaccinated"][row] = (
            v["children_eligible"][row] - v["absent"][row] - v["refused"][row] - v["other_missed"][row]
        )
        pick.take(np.array([mate]), "bystander")
        count -= 1


def _mark_bystanders(v: Columns) -> None:
    """Honest visits just before or after a moved one, and those of a team-day that holds a run of faults."""
    order = np.lexsort((v["at_s"], v["team"]))
    moved = np.isin(v["fault"][order], MOVES)
    beside = np.zeros(len(order), bool)
    beside[1:] |= moved[:-1]
    beside[:-1] |= moved[1:]
    near = np.zeros(len(order), bool)
    near[order] = beside
    team_day = v["team"] * 10 + v["day"]
    spoiled = np.isin(team_day, team_day[np.isin(v["fault"], [name for name, *_ in _RUNS] + ["invented_day"])])
    v["fault"][(near | spoiled) & (v["fault"] == "")] = "bystander"
