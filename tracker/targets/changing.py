"""Change a draft by hand: move a stop to another team or day, fix a team-day so that planning anew leaves it alone.

A published version does not change: the change begins a new draft from it. Every change is kept with who made it.
"""

from dataclasses import replace
from datetime import date
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from tracker.accounts.scope import SERVER, Scope
from tracker.areas.models import Settlement
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import POSTS, Campaign, Microplan
from tracker.campaigns.planning import find_team
from tracker.errors import WrongRequest
from tracker.targets.inputs import rules_of
from tracker.targets.making import measures_of
from tracker.targets.models import PlanChange, TargetDay, TargetPlan
from tracker.targets.publishing import find_version
from tracker.targets.stops import Facts, Stop, TeamDayKey, homes_of, numbers_of, read_stops, walked, write_version


def move_stop(
    session: Session, campaign: Campaign, *, settlement: str, block: int, team: str, on: date,
    number: int | None = None, who: Scope = SERVER,
) -> dict[str, Any]:  # fmt: skip
    """A new draft in which this stop is another team-day's, and stays there. Raises WrongRequest, NotFound."""
    plan = find_version(session, campaign, number)
    to = find_team(session, campaign, team)
    if to.type in POSTS or on not in days_of(campaign):
        raise WrongRequest(field="team", why=_("a stop goes to a team that walks, on a day of the round."))
    stops, fixed = read_stops(session, plan.id), fixed_days(session, plan)
    place = session.query(Settlement).filter_by(code=settlement).one_or_none()
    its = [s for s in stops if place and s.settlement_id == place.id and s.block == block]
    if not its:
        raise WrongRequest(field="settlement", why=_("the plan has no stop {code}.").format(code=settlement))
    moved = max(its, key=lambda s: s.again)
    zone = next((s.zone for s in stops if s.team_id == to.id), moved.zone)
    new = replace(moved, team_id=to.id, on_date=on, zone=zone, is_fixed=True)
    result = [new if s is moved else s for s in stops]
    made = _draft(session, campaign, plan, result, fixed, {moved.key, new.key}, who)
    session.add(PlanChange(
        microplan_id=made.id, person_id=who.person_id, what="moved", settlement_id=moved.settlement_id, block=block,
        from_team_id=moved.team_id, from_date=moved.on_date, to_team_id=to.id, to_date=on,
    ))  # fmt: skip
    return {"version": made.version, "made_from": plan.version}


def fix_day(
    session: Session, campaign: Campaign, *, team: str, on: date, number: int | None = None, who: Scope = SERVER
) -> dict[str, Any]:
    """A new draft in which this team-day is fixed. Raises WrongRequest, NotFound."""
    plan = find_version(session, campaign, number)
    its = find_team(session, campaign, team)
    stops = read_stops(session, plan.id)
    if (its.id, on) not in {s.key for s in stops}:
        raise WrongRequest(field="date", why=_("the plan has no stops of that day and team."))
    made = _draft(session, campaign, plan, stops, fixed_days(session, plan) | {(its.id, on)}, set(), who)
    session.add(PlanChange(
        microplan_id=made.id, person_id=who.person_id, what="fixed", from_team_id=its.id, from_date=on,
    ))  # fmt: skip
    return {"version": made.version, "made_from": plan.version}


def fixed_days(session: Session, plan: Microplan) -> set[TeamDayKey]:
    rows = session.query(TargetDay).filter_by(microplan_id=plan.id, is_fixed=True)
    return {(row.team_id, row.on_date) for row in rows}


def _draft(
    session: Session, campaign: Campaign, plan: Microplan, stops: list[Stop], fixed: set[TeamDayKey],
    changed: set[TeamDayKey], who: Scope,
) -> Microplan:  # fmt: skip
    """These stops as a new version, with the team-days that changed walked anew."""
    its = session.get_one(TargetPlan, plan.id)
    rules = rules_of(session, campaign, **numbers_of(its.parameters["rules"]))
    again = walked([s for s in stops if s.key in changed], rules, homes_of(session, campaign))
    result = sorted(
        [*(s for s in stops if s.key not in changed), *again], key=lambda s: (s.team_id, s.on_date, s.position)
    )
    facts = Facts(
        source=f"changed by hand from version {plan.version}", travel=its.travel, rules=rules, area_ids=its.area_ids,
        parameters={name: value for name, value in its.parameters.items() if name != "rules"}, made_by=who.person_id,
        made_from=plan.version, from_day=its.from_day, measures=measures_of(result, 0), short_of=its.short_of,
    )  # fmt: skip
    return write_version(session, campaign, result, facts, fixed=fixed, changed=changed)
