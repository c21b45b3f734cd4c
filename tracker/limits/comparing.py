"""Which teams are questioned more than chance explains? Teams of one kind on a funnel, never in a table of ranks.

Reads kept counts through the quality verbs; writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from geo.funnel import share_limits
from tracker.accounts.scope import Scope
from tracker.campaigns.models import TEAM_TYPES, Campaign
from tracker.visits.quality import TeamAsked, teams_asked

LEAST_VISITS = 20  # of a team that is drawn: fewer say nothing
INNER, OUTER = 0.95, 0.998  # of all teams, if chance alone were at work
WIDTH, HEIGHT = 720.0, 360.0  # of the drawing
LEFT, BOTTOM, TOP, RIGHT = 44.0, 34.0, 12.0, 12.0
STEPS = 48  # of the curves
NAME_ROOM = (52.0, 14.0)  # of a team's code, in units of the drawing


@dataclass(frozen=True)
class Dot:
    team: TeamAsked
    share: float
    x: float
    y: float
    outside: str  # "", above, far_above, below
    named: bool = False  # its name stands beside it


@dataclass(frozen=True)
class Funnel:
    """Shares against visits, with the limits about the common share."""

    type: str
    common: float
    teams: int
    left_out: int  # teams with too few visits
    dots: list[Dot]
    curves: dict[str, str]  # inner_low, inner_high, outer_low, outer_high: SVG points
    line_y: float
    ticks_x: list[tuple[float, int]]
    ticks_y: list[tuple[float, float]]

    def with_names(self) -> "Funnel":
        """Names beside those above the limits, as far as they do not stand on each other."""
        placed: list[Dot] = []
        for dot in self.outside():
            if all(abs(dot.x - p.x) > NAME_ROOM[0] or abs(dot.y - p.y) > NAME_ROOM[1] for p in placed):
                placed.append(dot)
        return replace(self, dots=[replace(dot, named=dot in placed) for dot in self.dots])

    def outside(self) -> list[Dot]:
        """Above the limits, farthest first: whom to ask."""
        found = [dot for dot in self.dots if dot.outside in ("above", "far_above")]
        return sorted(found, key=lambda dot: (dot.outside != "far_above", -dot.share))


def compare_teams(
    session: Session, campaign: Campaign, scope: Scope, rule: str | None, type: str, report: Sequence[dict[str, Any]]
) -> Funnel | None:
    """Teams of one kind that the person sees; None when fewer than two have enough visits. `report`: by team."""
    questioned = {team.team: team for team in teams_asked(session, campaign, scope, rule, report)}
    its = [row for row in report if row.get("type") == type]
    teams = [
        questioned.get(row["code"]) or TeamAsked(row["code"], type, row["visits"], 0, 0) for row in its if row["visits"]
    ]
    drawn = [team for team in teams if team.visits >= LEAST_VISITS]
    visits = sum(team.visits for team in drawn)
    if len(drawn) < 2 or not visits:
        return None
    common = sum(team.asked for team in drawn) / visits
    return _drawn(type, common, drawn, len(teams) - len(drawn)).with_names()


def team_types(report: Sequence[dict[str, Any]]) -> list[str]:
    return [type for type in TEAM_TYPES if any(row.get("type") == type for row in report)]


def _drawn(type: str, common: float, teams: list[TeamAsked], left_out: int) -> Funnel:
    sizes = np.array([team.visits for team in teams], np.int64)
    shares = np.array([team.asked / team.visits for team in teams])
    inner_low, inner_high = share_limits(common, sizes, INNER)
    _, outer_high = share_limits(common, sizes, OUTER)
    grid = np.unique(np.linspace(LEAST_VISITS, max(int(sizes.max()), LEAST_VISITS + 1), STEPS).astype(np.int64))
    curves = {
        f"{name}_{side}": limits for name, within in (("inner", INNER), ("outer", OUTER))
        for side, limits in zip(("low", "high"), share_limits(common, grid, within), strict=True)
    }  # fmt: skip
    top = max(0.05, float(shares.max()), float(min(curves["outer_high"].max(), 2 * shares.max() + 0.05)))
    most = int(grid.max())

    def x(visits: float) -> float:
        return round(LEFT + (visits - LEAST_VISITS) / (most - LEAST_VISITS) * (WIDTH - LEFT - RIGHT), 1)

    def y(share: float) -> float:
        return round(HEIGHT - BOTTOM - min(share, top) / top * (HEIGHT - BOTTOM - TOP), 1)

    above = np.where(shares > outer_high, "far_above", np.where(shares > inner_high, "above", ""))
    outside = np.where(shares < inner_low, "below", above)
    return Funnel(
        type, common, len(teams), left_out,
        [Dot(team, float(share), x(team.visits), y(float(share)), str(where))
         for team, share, where in zip(teams, shares, outside, strict=True)],
        {name: " ".join(f"{x(int(n))},{y(float(v))}" for n, v in zip(grid, values, strict=True))
         for name, values in curves.items()},
        y(common), [(x(n), n) for n in _steps(most) if n >= LEAST_VISITS], [(y(t), t) for t in _shares(top)],
    )  # fmt: skip


def _steps(most: int) -> list[int]:
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 5000, 100_000) if most / s <= 8)
    return list(range(step, most + 1, step))


def _shares(top: float) -> list[float]:
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25) if top / s <= 6 or s == 0.25)
    return [round(step * n, 2) for n in range(int(top / step) + 1)]
