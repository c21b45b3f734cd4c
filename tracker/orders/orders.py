"""What is asked of teams for tomorrow, and what became of it?

Writes `field_order` and the audit trail. Whether an order is done is never written: it follows from the kept counts of
that team in that settlement on that day or later, and is worked out when read.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.audit import record
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.units import SMALL_TARGET
from tracker.errors import CampaignClosed, NotAllowed, NotFound, RasaiError, WrongRequest

STATES = ("late", "open", "done", "not_needed")
LONGEST_NOTE = 500
MOST_AT_ONCE = 500  # settlements in one act
FARTHEST = timedelta(days=60)  # a later day is a slip of the finger

# with a team named all go there; else each to the team that has it in the plan
WANTED = text("""
    SELECT x.settlement_id, x.area_id, x.code, coalesce(CAST(:team AS integer), x.team_id) AS team_id,
           greatest(0, x.target - x.vaccinated_confirmed) AS children
    FROM campaign_settlement x
    WHERE x.campaign_id = :campaign AND x.code = ANY(:codes) AND in_areas(x.area_id, :areas)
    ORDER BY x.settlement_id""")

TEAM = text("""
    SELECT t.id FROM team t
    WHERE t.campaign_id = :campaign AND t.code = :code
      AND (in_areas(t.area_id, :areas)
           OR EXISTS (SELECT 1 FROM coverage_count c WHERE c.campaign_id = t.campaign_id AND c.team_id = t.id
                        AND in_areas(c.area_id, :areas))
           OR EXISTS (SELECT 1 FROM campaign_settlement x WHERE x.campaign_id = t.campaign_id AND x.team_id = t.id
                        AND in_areas(x.area_id, :areas)))""")

GIVE = text("""
    WITH wanted AS (
        SELECT * FROM unnest(CAST(:settlements AS integer[]), CAST(:areas_of AS integer[]), CAST(:teams AS integer[]),
                             CAST(:children AS integer[])) AS w (settlement_id, area_id, team_id, children)
    ), before AS (          -- what the team has there already on that day fulfils nothing
        SELECT w.settlement_id, w.team_id, sum(c.visits - c.visits_rejected) AS visits
        FROM wanted w JOIN coverage_count c ON c.campaign_id = :campaign AND c.unit_id = w.settlement_id
                                           AND c.team_id = w.team_id AND c.day >= :on_date
        GROUP BY 1, 2
    )
    INSERT INTO field_order (campaign_id, settlement_id, area_id, team_id, on_date, children, visits_before, note,
                             batch, given_by)
    SELECT :campaign, w.settlement_id, w.area_id, w.team_id, :on_date, w.children, coalesce(b.visits, 0), :note,
           :batch, :person
    FROM wanted w LEFT JOIN before b USING (settlement_id, team_id)
    ON CONFLICT (campaign_id, settlement_id, team_id, on_date) WHERE withdrawn_at IS NULL DO NOTHING
    RETURNING settlement_id""")

WITHDRAW = text("""
    UPDATE field_order SET withdrawn_at = now(), withdrawn_by = :person
    WHERE campaign_id = :campaign AND withdrawn_at IS NULL AND in_areas(area_id, :areas)
      AND (batch = :batch OR id = :id) RETURNING id""")

# of an order `o` and its settlement `x`: visits of that team there since, and what is left
LIST = """
    WITH meant AS (
        SELECT o.* FROM field_order o
        WHERE o.campaign_id = :campaign AND o.withdrawn_at IS NULL AND {which}
          AND (in_areas(o.area_id, :areas) OR o.team_id = :scope_team_id)
    ), since AS (
        SELECT o.id, sum(c.visits - c.visits_rejected) AS visits, sum(c.vaccinated) AS vaccinated,
               sum(c.vaccinated_confirmed) AS vaccinated_confirmed
        FROM meant o JOIN coverage_count c ON c.campaign_id = o.campaign_id AND c.unit_id = o.settlement_id
                                          AND c.team_id = o.team_id AND c.day >= o.on_date
        GROUP BY o.id
    )
    SELECT o.id, o.settlement_id, o.on_date, o.note, o.batch, o.given_at, p.name AS given_by, t.code AS team,
           t.type AS team_type, s.code, s.name_en, s.name_ur, s.name_ps, a.code AS area, a.name_en AS area_name,
           a.name_ur AS area_name_ur, a.name_ps AS area_name_ps, ST_X(s.centre) AS lon, ST_Y(s.centre) AS lat,
           CASE WHEN coalesce(x.target, :hide_below) >= :hide_below THEN o.children END AS children,
           CASE WHEN x.target >= :hide_below THEN greatest(0, x.target - x.vaccinated_confirmed) END AS unreached,
           coalesce(n.visits, 0) - o.visits_before AS visits, coalesce(n.vaccinated, 0) AS vaccinated,
           coalesce(n.vaccinated_confirmed, 0) AS vaccinated_confirmed,
           CASE WHEN coalesce(n.visits, 0) > o.visits_before THEN 'done'
                WHEN x.target <= x.vaccinated_confirmed THEN 'not_needed'
                WHEN o.on_date < :today THEN 'late' ELSE 'open' END AS state
    FROM meant o JOIN team t ON t.id = o.team_id JOIN settlement s ON s.id = o.settlement_id
    LEFT JOIN campaign_settlement x ON x.campaign_id = o.campaign_id AND x.settlement_id = o.settlement_id
    LEFT JOIN area a ON a.id = o.area_id LEFT JOIN person p ON p.id = o.given_by LEFT JOIN since n ON n.id = o.id
    WHERE (CAST(:area AS integer) IS NULL
           OR o.area_id IN (SELECT w.area_id FROM area_within w WHERE w.ancestor_id = CAST(:area AS integer)))
    ORDER BY o.on_date DESC, t.code, children DESC NULLS LAST, s.code LIMIT :limit"""


CHOICES = text("""
    SELECT t.code, t.type FROM team t
    WHERE t.campaign_id = :campaign AND in_areas(t.area_id, :areas) ORDER BY t.code LIMIT :most""")

STATE = text("""
    SELECT (SELECT coalesce(max(id), 0) FROM field_order WHERE campaign_id = :campaign),
           (SELECT count(withdrawn_at) FROM field_order WHERE campaign_id = :campaign),
           (SELECT coalesce(max(id), 0) FROM closure WHERE campaign_id = :campaign),
           (SELECT count(ended_at) FROM closure WHERE campaign_id = :campaign)""")
CHOICES_SHOWN = 400


class GivenMeanwhile(RasaiError):
    """Every one of these orders stands already."""

    message = _l("These orders were given already, by you or by somebody else. Nothing was changed.")
    status = 409


@dataclass(frozen=True)
class Given:
    """What came of giving orders."""

    batch: uuid.UUID
    orders: int
    children: int
    already: int  # stood already
    without_team: list[str]  # settlements that no plan gives to a team


def give_orders(
    session: Session, campaign: Campaign, scope: Scope, codes: Sequence[str], team: str | None, on_date: date,
    note: str, *, today: date,
) -> Given:  # fmt: skip
    """Ask a team, or each settlement's own, to go there on a day.

    Raises NotAllowed, NotFound for a settlement or team that is none of the person's, WrongRequest, CampaignClosed,
    GivenMeanwhile.
    """
    _may(scope)
    _check(campaign, codes, on_date, note, today)
    team_id = session.scalar(TEAM, {"campaign": campaign.id, "code": team, **scope.binds()}) if team else None
    if team and team_id is None:
        raise WrongRequest(field="team", why=_("there is no team {team} in your areas.").format(team=team))
    wanted = session.execute(
        WANTED, {"campaign": campaign.id, "codes": list(codes), "team": team_id, **scope.binds()}
    ).all()
    if len(wanted) < len(set(codes)):
        raise NotFound
    sent = [row for row in wanted if row.team_id is not None]
    batch, given = uuid.uuid4(), set[int]()
    if sent:
        given = set(session.scalars(GIVE, _columns(campaign, scope, sent, on_date, note.strip(), batch)))
    if sent and not given:
        raise GivenMeanwhile
    facts = {"settlements": [row.code for row in sent if row.settlement_id in given], "team": team, "on": str(on_date)}
    record(session, scope, "order", "campaign", campaign.code, {**facts, "batch": str(batch), "note": note.strip()})
    return Given(
        batch, len(given), sum(row.children for row in sent if row.settlement_id in given), len(sent) - len(given),
        [row.code for row in wanted if row.team_id is None],
    )  # fmt: skip


def withdraw_orders(
    session: Session, campaign: Campaign, scope: Scope, *, batch: uuid.UUID | None = None, order: int | None = None
) -> int:
    """Take orders back, all of an act or one; give how many. Raises NotAllowed, NotFound when none is left."""
    _may(scope)
    asked = {"campaign": campaign.id, "batch": batch, "id": order, "person": scope.person_id, **scope.binds()}
    ids = list(session.scalars(WITHDRAW, asked))
    if not ids:
        raise NotFound
    record(session, scope, "withdraw", "campaign", campaign.code, {"orders": ids})
    return len(ids)


def orders_between(
    session: Session, campaign: Campaign, scope: Scope, first: date, last: date, *, today: date,
    area_id: int | None = None, limit: int = 2_000,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Orders for these days with their state, newest day first."""
    values = {"first": first, "last": last, "area": area_id, "limit": limit}
    return _listed(session, campaign, scope, "o.on_date BETWEEN :first AND :last", values, today)


def orders_for(
    session: Session, campaign: Campaign, scope: Scope, settlements: Sequence[int], *, today: date
) -> dict[int, list[Row[Any]]]:
    """Standing orders of these settlements, by settlement id, newest day first."""
    values = {"settlements": list(settlements), "area": None, "limit": 5 * len(settlements) + 5}
    found: dict[int, list[Row[Any]]] = {}
    for row in _listed(session, campaign, scope, "o.settlement_id = ANY(:settlements)", values, today):
        found.setdefault(row.settlement_id, []).append(row)
    return found


def team_choices(session: Session, campaign: Campaign, scope: Scope) -> Sequence[Row[Any]]:
    """Teams of one's areas, to be named in an order: code, type. Others can still be typed."""
    return session.execute(CHOICES, {"campaign": campaign.id, "most": CHOICES_SHOWN, **scope.binds()}).all()


def orders_state(session: Session, campaign: Campaign) -> tuple[Any, ...]:
    """Differs whenever an order or a reason came or went: for the tag of an answer that shows them."""
    return tuple(session.execute(STATE, {"campaign": campaign.id}).one())


def _listed(
    session: Session, campaign: Campaign, scope: Scope, which: str, values: dict[str, Any], today: date
) -> Sequence[Row[Any]]:
    asked = {
        "campaign": campaign.id, "today": today, "hide_below": SMALL_TARGET if scope.role == "observer" else 0,
        **scope.binds(), **values,
    }  # fmt: skip
    return session.execute(text(LIST.format(which=which)), asked).all()


def _may(scope: Scope) -> None:
    if scope.role not in ("admin", "coordinator"):
        raise NotAllowed


def _check(campaign: Campaign, codes: Sequence[str], on_date: date, note: str, today: date) -> None:
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    if not codes:
        raise WrongRequest(field="settlement", why=_("tick at least one settlement."))
    if len(set(codes)) > MOST_AT_ONCE:
        raise WrongRequest(field="settlement", why=_("at most {most} at once.").format(most=MOST_AT_ONCE))
    if on_date < today:
        raise WrongRequest(field="on_date", why=_("this day is over. Choose today or a later one."))
    if on_date > today + FARTHEST:
        raise WrongRequest(field="on_date", why=_("at most {days} days ahead.").format(days=FARTHEST.days))
    if len(note) > LONGEST_NOTE:
        raise WrongRequest(field="note", why=_("at most {most} characters.").format(most=LONGEST_NOTE))


def _columns(
    campaign: Campaign, scope: Scope, rows: Sequence[Row[Any]], on_date: date, note: str, batch: uuid.UUID
) -> dict[str, Any]:
    return {
        "campaign": campaign.id, "on_date": on_date, "note": note, "batch": batch, "person": scope.person_id,
        "settlements": [r.settlement_id for r in rows], "areas_of": [r.area_id for r in rows],
        "teams": [r.team_id for r in rows], "children": [r.children for r in rows],
    }  # fmt: skip
