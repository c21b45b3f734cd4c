"""Tomorrow's plan from today's gaps: what was left over goes into the days that remain, the rest stays as published.

Past team-days are frozen, fixed ones too. Orders given to a team are kept. The result is a new draft; a person
looks at the difference and publishes it.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.targets.replanning import ComingDay, LeftOver, replan
from geo.targets.rules import Rules
from tracker.accounts.scope import SERVER, Scope
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign, Microplan
from tracker.errors import CampaignClosed, WrongRequest
from tracker.targets.changing import fixed_days
from tracker.targets.inputs import NOMADIC, in_plane, rules_of
from tracker.targets.leftovers import left_over, visited_again
from tracker.targets.making import measures_of
from tracker.targets.models import TargetPlan
from tracker.targets.stops import Facts, Stop, TeamDayKey, homes_of, numbers_of, read_stops, walked, write_version

ABILITIES = text("""
    SELECT t.id, t.type, coalesce(p.abilities, '{}') AS abilities FROM team t LEFT JOIN plan_team p ON p.team_id = t.id
    WHERE t.campaign_id = :campaign""")


def replan_from(session: Session, campaign: Campaign, day: date, seed: int = 1, who: Scope = SERVER) -> dict[str, Any]:
    """A new draft from the published version for the days from `day` on. Raises WrongRequest, CampaignClosed."""
    started = time.monotonic()
    published, its, rules = _published(session, campaign, day)
    stops = read_stops(session, published.id)
    fixed = fixed_days(session, published)
    past, coming = [s for s in stops if s.on_date < day], [s for s in stops if s.on_date >= day]
    left = left_over(session, campaign, past, day)
    again = [visited_again(s, left[s.unit]) for s in past if s.unit in left]
    days = _coming_days(session, campaign, stops, day, fixed)
    everything = [*coming, *again]
    found = (
        replan(_arrays(everything, bits_of(stops)), range(len(coming), len(everything)), days, rules) if again else None
    )
    placed = {} if found is None else found.place
    for k, place in placed.items():
        everything[k] = replace(everything[k], team_id=days[place].team, on_date=date.fromordinal(days[place].day))
    changed = {everything[k].key for k in placed} | {coming[k].key for k in placed if k < len(coming)}
    unplaced = [k for k in range(len(coming), len(everything)) if k not in placed]
    kept_past = [replace(s, children=s.children - left.get(s.unit, 0)) for s in past]
    for k in unplaced:  # nobody who is left may serve it: it stays where it was, and is told
        kept_past = _given_back(kept_past, everything[k])
    new = [s for k, s in enumerate(everything) if k not in set(unplaced)]
    rewalked = walked([s for s in new if s.key in changed], rules, homes_of(session, campaign))
    result = sorted([*kept_past, *(s for s in new if s.key not in changed), *rewalked],
                    key=lambda s: (s.team_id, s.on_date, s.position))  # fmt: skip
    beyond = [] if found is None else found.beyond
    facts = Facts(
        source=f"replanned from {day.isoformat()}", travel=its.travel, rules=rules, area_ids=its.area_ids,
        parameters={**{k: v for k, v in its.parameters.items() if k != "rules"}, "seed": seed, "from": day.isoformat()},
        made_by=who.person_id, made_from=published.version, from_day=day,
    )  # fmt: skip
    facts.measures = measures_of(result, 0)
    facts.short_of = {
        "children": sum(everything[k].children for k in {*beyond, *unplaced}),
        "team_days": _team_days_short([everything[k] for k in {*beyond, *unplaced}], rules),
        "unplaced": len(unplaced), "beyond_cap": len(beyond),
    }  # fmt: skip
    made = write_version(session, campaign, result, facts, fixed=fixed, changed=changed)
    before = {s.key for s in coming}
    return {
        "version": made.version, "made_from": published.version, "from": day.isoformat(),
        "teams": len({s.team_id for s in result}), "days": len({s.on_date for s in result}),
        "settlements": len({s.settlement_id for s in result}), "blocks": sum(s.block > 0 for s in result),
        "children": sum(s.children for s in result), **facts.measures, "short_of": facts.short_of,
        "travel": facts.travel, "left_over": len(again), "children_left": sum(s.children for s in again),
        "moved_besides": 0 if found is None else len(found.moved), "kept_team_days": len(before - changed),
        "changed_team_days": len(changed & before), "new_team_days": len(changed - before),
        "seconds": round(time.monotonic() - started, 2),
    }  # fmt: skip


def _published(session: Session, campaign: Campaign, day: date) -> tuple[Microplan, TargetPlan, Rules]:
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    plan = session.get(Microplan, campaign.microplan_id) if campaign.microplan_id else None
    facts = session.get(TargetPlan, plan.id) if plan else None
    if plan is None or facts is None:
        raise WrongRequest(field="campaign", why=_("no plan made here is published. Make one and publish it first."))
    days = days_of(campaign)
    if not days[0] <= day <= days[-1]:
        why = _("{day} is not within the round: {first} to {last}.").format(day=day, first=days[0], last=days[-1])
        raise WrongRequest(field="from", why=why)
    return plan, facts, rules_of(session, campaign, **numbers_of(facts.parameters["rules"]))


def _coming_days(
    session: Session, campaign: Campaign, stops: Sequence[Stop], day: date, fixed: set[TeamDayKey]
) -> list[ComingDay]:  # fmt: skip
    """Team-days from `day` on, with the positions of their stops among the coming ones; catch-up days are empty."""
    able = {row.id: {*row.abilities, *([NOMADIC] if row.type == "nomadic" else [])}
            for row in session.execute(ABILITIES, {"campaign": campaign.id})}  # fmt: skip
    bit = bits_of(stops)
    zone_of = {s.team_id: s.zone for s in stops}
    coming = [s for s in stops if s.on_date >= day]
    units: dict[TeamDayKey, list[int]] = {}
    for k, stop in enumerate(coming):
        units.setdefault(stop.key, []).append(k)
    planned = {on for _team, on in units}
    for on in days_of(campaign):
        if on >= day and on not in planned:
            units |= {(team, on): [] for team in zone_of}
    return [
        ComingDay(
            team=team, day=on.toordinal(), zone=zone_of[team],
            abilities=sum(1 << bit[need] for need in able.get(team, set()) if need in bit), units=its,
            is_fixed=(team, on) in fixed, is_catch_up=on not in planned,
        )
        for (team, on), its in sorted(units.items())
    ]  # fmt: skip


def bits_of(stops: Sequence[Stop]) -> dict[str, int]:
    """A bit for every need there is."""
    return {need: k for k, need in enumerate(sorted({need for s in stops for need in s.needs}))}


def _arrays(stops: Sequence[Stop], bit: dict[str, int]) -> LeftOver:
    lon, lat = np.array([s.lon for s in stops]), np.array([s.lat for s in stops])
    epsg = 32600 + int((float(lon.mean()) + 180) // 6) + 1
    return LeftOver(
        lon, lat, in_plane(lon, lat, epsg), np.array([s.minutes for s in stops]),
        np.array([s.children for s in stops], np.int64),
        np.array([sum(1 << bit[need] for need in s.needs) for s in stops], np.int64),
        np.array([s.is_priority for s in stops]), np.array([s.zone for s in stops], np.int64),
        np.array([not s.is_fixed for s in stops]),
    )  # fmt: skip


def _given_back(past: list[Stop], again: Stop) -> list[Stop]:
    unit = (again.settlement_id, again.block, again.again - 1)
    return [replace(s, children=s.children + again.children) if s.unit == unit else s for s in past]


def _team_days_short(beyond: Sequence[Stop], rules: Rules) -> int:
    minutes = sum(s.minutes for s in beyond)
    children = sum(s.children for s in beyond)
    return int(np.ceil(max(minutes / rules.capacity_minutes, children / rules.children)))
