"""Make a plan: settlements and teams of a campaign become a new version of team-days.

Fixed team-days, and stops of settlements outside the areas planned, stay as they are in the version that it starts
from. The plan stores its parameters, seed, and the versions of code and libraries.
"""

import hashlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

import geo.targets
from geo.targets.measures import TeamDayTotals, max_over_mean, percentile_over_mean, shortage, totals
from geo.targets.planning import NOBODY, Plan, Teams, Terrain, plan
from geo.targets.rules import Rules
from tracker.accounts.scope import SERVER, Scope
from tracker.campaigns.models import Campaign, Microplan
from tracker.errors import CampaignClosed
from tracker.targets.inputs import Inputs, read_inputs
from tracker.targets.models import TargetDay
from tracker.targets.stops import Facts, Stop, TeamDayKey, homes_of, read_stops, walked, whole_days, write_version

LIBRARIES = ("numpy", "scipy", "ortools", "shapely", "pyproj")
DISTANCE = "distance"  # straight lines with a detour


@dataclass(frozen=True)
class Asked:
    """What a planner asks for."""

    teams: int
    days: int
    areas: tuple[str, ...] = ()
    seed: int = 1
    keep: int | None = None  # id of the plan whose fixed team-days and stops stay; None: none
    processes: int = 0  # 0: one per core


def make_plan(session: Session, campaign: Campaign, asked: Asked, rules: Rules, who: Scope = SERVER) -> dict[str, Any]:
    """Write a new version and give its summary. Raises WrongRequest, CampaignClosed."""
    started = time.monotonic()
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    inputs = read_inputs(session, campaign, teams=asked.teams, days=asked.days, area_codes=asked.areas, rules=rules)
    kept, fixed_days = _kept(session, campaign, asked, inputs)
    inputs = _without(inputs, kept)
    found = plan(
        inputs.units, inputs.teams, rules, seed=asked.seed, zone=inputs.zone, fixed=_fixed(session, asked, inputs),
        terrain=Terrain(), processes=asked.processes or os.cpu_count() or 1,
    )  # fmt: skip
    stops = walked(_stops(inputs, found), rules, homes_of(session, campaign))
    facts = Facts(
        source=f"planned with seed {asked.seed}", travel=DISTANCE, rules=rules, area_ids=inputs.area_ids,
        parameters=_parameters(asked, inputs, found), made_by=who.person_id,
    )  # fmt: skip
    everything = sorted([*stops, *kept], key=lambda s: (s.team_id, s.on_date, s.position))
    seats = sum(len(free) for free in inputs.teams.free)
    facts.measures = measures_of(everything, max(min(seats, len(stops)), 0) + len({s.key for s in kept}))
    facts.short_of = short_of(inputs, stops, seats, len(inputs.days), rules)
    made = write_version(session, campaign, everything, facts, fixed=fixed_days)
    return summary(made, everything, facts, inputs, time.monotonic() - started)


def _kept(session: Session, campaign: Campaign, asked: Asked, inputs: Inputs) -> tuple[list[Stop], set[TeamDayKey]]:
    """Stops that stay as they are: those of fixed team-days, and those of settlements that are not planned now."""
    base = asked.keep or campaign.microplan_id
    if base is None:
        return [], set()
    fixed_days: set[TeamDayKey] = set()
    if asked.keep:
        rows = session.query(TargetDay).filter_by(microplan_id=asked.keep, is_fixed=True)
        fixed_days = {(row.team_id, row.on_date) for row in rows}
    planned = set(inputs.parts.settlement_id.tolist())
    stops = read_stops(session, base)
    return [s for s in stops if s.key in fixed_days or s.settlement_id not in planned], fixed_days


def _without(inputs: Inputs, kept: Sequence[Stop]) -> Inputs:
    """The inputs less what is kept: units that have their place, and days of teams that are taken."""
    if not kept:
        return inputs
    placed, parts = {s.unit[:2] for s in kept}, inputs.parts
    rows = np.array([
        k for k, unit in enumerate(zip(parts.settlement_id.tolist(), parts.block.tolist(), strict=True))
        if unit not in placed
    ], np.int64)  # fmt: skip
    taken: dict[int, set[date]] = {}
    for stop in kept:
        taken.setdefault(stop.team_id, set()).add(stop.on_date)
    free = [
        [d for d in its if inputs.days[d] not in taken.get(team, set())]
        for team, its in zip(inputs.team_ids, inputs.teams.free, strict=True)
    ]
    able = [k for k, its in enumerate(free) if its]
    teams = Teams(
        [inputs.teams.code[k] for k in able], [inputs.teams.abilities[k] for k in able], inputs.teams.home[able],
        [free[k] for k in able],
    )  # fmt: skip
    return replace(
        inputs, units=inputs.units.taken(rows), teams=teams, team_ids=[inputs.team_ids[k] for k in able],
        parts=replace(
            parts, settlement_id=parts.settlement_id[rows], block=parts.block[rows],
            box=[parts.box[k] for k in rows], needs=[parts.needs[k] for k in rows],
        ), zone=None if inputs.zone is None else inputs.zone[rows],
    )  # fmt: skip


def _fixed(session: Session, asked: Asked, inputs: Inputs) -> np.ndarray | None:
    """(n, 2) team and day of the units that a person fixed one by one."""
    if asked.keep is None:
        return None
    seat = {team: k for k, team in enumerate(inputs.team_ids)}
    day = {on: k for k, on in enumerate(inputs.days)}
    where = {
        s.unit[:2]: (seat[s.team_id], day[s.on_date]) for s in read_stops(session, asked.keep)
        if s.is_fixed and s.team_id in seat and s.on_date in day
    }  # fmt: skip
    parts = zip(inputs.parts.settlement_id.tolist(), inputs.parts.block.tolist(), strict=True)
    return np.array([where.get(unit, (NOBODY, NOBODY)) for unit in parts], np.int64).reshape(-1, 2)


def _stops(inputs: Inputs, found: Plan) -> list[Stop]:
    units, parts = inputs.units, inputs.parts
    return [
        Stop(
            settlement_id=int(parts.settlement_id[k]), block=int(parts.block[k]), again=0,
            team_id=inputs.team_ids[int(found.team[k])], on_date=inputs.days[int(found.day[k])],
            children=int(units.children[k]), minutes=round(float(units.minutes[k]), 2), lon=float(units.lon[k]),
            lat=float(units.lat[k]), box=parts.box[k], zone=int(found.zone[k]), is_priority=bool(units.priority[k]),
            needs=parts.needs[k],
        )
        for k in range(len(units))
    ]  # fmt: skip


def _parameters(asked: Asked, inputs: Inputs, found: Plan) -> dict[str, Any]:
    return {
        "teams": len(inputs.team_ids), "teams_asked": asked.teams, "days": [on.isoformat() for on in inputs.days],
        "seed": asked.seed, "uneven_zones": found.uneven_zones, "code": code_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
    }  # fmt: skip


def code_version() -> str:
    """A fingerprint of what makes plans: the same fingerprint, input and seed give the same plan."""
    files = sorted(Path(geo.targets.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]


def measures_of(stops: Sequence[Stop], team_days: int) -> dict[str, Any]:
    """Balance, walking and connectedness of a version, over so many team-days."""
    its = totals_of(stops)
    whole = whole_days(stops)
    count = max(team_days, len(its.team))
    return {
        "team_days": len(its.team), "empty_team_days": count - len(its.team),
        "children_max_over_mean": round(max_over_mean(its.children, count), 4),
        "children_p95_over_mean": round(percentile_over_mean(its.children, count, 95), 4),
        "hours_max_over_mean": round(max_over_mean(its.minutes, count), 4),
        "hours_p95_over_mean": round(percentile_over_mean(its.minutes, count, 95), 4),
        "walk_km": round(float(its.walk_km.sum()), 1),
        "connected_share": round(float(np.mean(list(whole.values()))) if whole else 1.0, 4),
    }  # fmt: skip


def totals_of(stops: Sequence[Stop]) -> TeamDayTotals:
    return totals(
        np.array([s.team_id for s in stops], np.int64), np.array([s.on_date.toordinal() for s in stops], np.int64),
        np.array([s.minutes for s in stops], float), np.array([s.walk_minutes for s in stops], float),
        np.array([s.children for s in stops], np.int64), np.array([s.walk_km for s in stops], float),
    )  # fmt: skip


def short_of(inputs: Inputs, stops: Sequence[Stop], seats: int, days: int, rules: Rules) -> dict[str, Any]:
    """What is missing, largest scope first: the whole, needs, priority days, single stops over a cap."""
    minutes = sum(s.minutes + s.walk_minutes for s in stops)
    whole = shortage(minutes, sum(s.children for s in stops), seats, max(1, days), rules)
    able = dict(zip(inputs.team_ids, inputs.teams.abilities, strict=True))
    bit = {name: int(need) for name, need in zip(inputs.units.name.tolist(), inputs.units.needs.tolist(), strict=True)}
    name_of = {(int(s), int(b)): name for s, b, name in zip(
        inputs.parts.settlement_id, inputs.parts.block, inputs.units.name.tolist(), strict=True)}  # fmt: skip
    unmet = [s for s in stops if bit[name_of[s.settlement_id, s.block]] & ~able[s.team_id]]
    late = [s for s in stops if s.is_priority and inputs.days.index(s.on_date) >= rules.latest_day]
    over = [s for s in stops if s.minutes > rules.capacity_minutes or s.children > rules.children]
    return {
        "children": whole.children, "team_days": whole.team_days, "teams": whole.teams,
        "hours": round(whole.minutes / 60, 1),
        "needs": {
            need: {"stops": sum(need in s.needs for s in unmet),
                   "hours": round(sum(s.minutes for s in unmet if need in s.needs) / 60, 1)}
            for need in sorted({need for s in unmet for need in s.needs})
        }, "priority_late": len(late), "over_cap": [s.unit[:2] for s in over],
    }  # fmt: skip


def summary(made: Microplan, stops: Sequence[Stop], facts: Facts, inputs: Inputs, seconds: float) -> dict[str, Any]:
    """What is said of a plan."""
    return {
        "version": made.version, "teams": len({s.team_id for s in stops}), "days": len({s.on_date for s in stops}),
        "settlements": len({s.settlement_id for s in stops}), "blocks": sum(s.block > 0 for s in stops),
        "children": sum(s.children for s in stops), **facts.measures, "short_of": facts.short_of,
        "travel": facts.travel, "teams_asked": inputs.seats_wanted, 
        "uneven_zones": len(facts.parameters["uneven_zones"]),
        "seconds": round(seconds, 2),
    }  # fmt: skip
