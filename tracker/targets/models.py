"""Plans of daily target areas: versions, their team-days, and every stop in walking order.

A version is a row of `microplan`. While it is a draft it stands here alone; publishing copies its stops to `plan_stop`,
which counts and rules read, and makes it immutable.
"""

from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TEXT
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Small, Sum, Whole, Words


class TargetPlan(Base):
    """How a version was made, from what, and how good it is."""

    __tablename__ = "target_plan"

    microplan_id: Mapped[int] = mapped_column(ForeignKey("microplan.id", ondelete="CASCADE"), primary_key=True)
    made_at: Mapped[Instant] = mapped_column(server_default=NOW)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    made_from: Mapped[Whole | None]  # version that it changes; None: made afresh
    from_day: Mapped[Day | None]  # replanned: days before it are as they were; None: all days planned
    area_ids: Mapped[list[int]] = mapped_column(ARRAY(Integer))  # planned: these and all below
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)  # rules, seed, teams, days, versions of the code
    travel: Mapped[Code]  # how walking was measured: distance, slope, roads, with barriers
    measures: Mapped[dict[str, Any]] = mapped_column(JSONB)  # balance, walking, connectedness
    short_of: Mapped[dict[str, Any]] = mapped_column(JSONB)  # what is missing, largest scope first


class TargetDay(Base):
    """One team's one day in a version: its totals, kept with its stops."""

    __tablename__ = "target_day"
    __table_args__ = (Index(None, "team_id"),)

    microplan_id: Mapped[int] = mapped_column(ForeignKey("microplan.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    on_date: Mapped[Day] = mapped_column(primary_key=True)
    stops: Mapped[Whole]
    children: Mapped[Whole]
    minutes: Mapped[float]  # of work and walking
    walk_km: Mapped[float]
    is_connected: Mapped[bool]
    is_fixed: Mapped[bool] = mapped_column(server_default="false")  # planning anew leaves it alone
    changed_at: Mapped[Instant | None]  # by hand, or on the day itself; None: as first made


class TargetStop(Base):
    """A settlement, or a block of one, in a team-day."""

    __tablename__ = "target_stop"
    __table_args__ = (
        ForeignKeyConstraint(
            ["microplan_id", "team_id", "on_date"],
            ["target_day.microplan_id", "target_day.team_id", "target_day.on_date"],
            ondelete="CASCADE", deferrable=True, initially="DEFERRED",
        ),
        CheckConstraint("children >= 0 AND minutes >= 0 AND block >= 0 AND position > 0", name="numbers_not_negative"),
        Index(None, "microplan_id", "team_id", "on_date"),
        Index(None, "settlement_id"),
    )  # fmt: skip

    microplan_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    block: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # 0: the settlement is whole
    again: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # 0: first time; then left over and replanned
    team_id: Mapped[Whole]
    on_date: Mapped[Day]
    position: Mapped[Small]  # in walking order, from 1
    children: Mapped[Whole]
    minutes: Mapped[float]  # of work
    lon: Mapped[float]  # of the block's middle, else the settlement's
    lat: Mapped[float]
    box: Mapped[list[float] | None] = mapped_column(ARRAY(Float))  # west, south, east, north of a block; None: whole
    walk_km: Mapped[float]  # from the stop before; 0 for the first
    walk_minutes: Mapped[float]
    arrive_minute: Mapped[Whole]  # of the local day
    zone: Mapped[Whole]  # which teams answer for each other
    is_priority: Mapped[bool]
    needs: Mapped[list[str]] = mapped_column(ARRAY(TEXT))
    is_fixed: Mapped[bool] = mapped_column(server_default="false")  # a person put it here


class PlanChange(Base):
    """A change by hand to a version: who moved what from where to where. Teams see those of their own day."""

    __tablename__ = "plan_change"
    __table_args__ = (Index(None, "microplan_id"),)

    id: Mapped[BigKey]
    microplan_id: Mapped[int] = mapped_column(ForeignKey("microplan.id", ondelete="CASCADE"))
    at: Mapped[Instant] = mapped_column(server_default=NOW)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    what: Mapped[Code]  # moved, fixed
    settlement_id: Mapped[int | None] = mapped_column(ForeignKey("settlement.id"))  # None: a whole team-day
    block: Mapped[Sum]
    from_team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    from_date: Mapped[Day | None]
    to_team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    to_date: Mapped[Day | None]


class PlanPlace(Base):
    """What planners know of a settlement in a campaign beyond its row."""

    __tablename__ = "plan_place"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"), primary_key=True)
    needs: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")  # abilities that its team must have
    is_priority: Mapped[bool] = mapped_column(server_default="false")
    households: Mapped[Whole | None]  # as listed; None: from the population
    landmark: Mapped[Words | None]


class PlanTeam(Base):
    """What planners know of a team: what it can do, and whom it calls."""

    __tablename__ = "plan_team"

    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    abilities: Mapped[list[str]] = mapped_column(ARRAY(TEXT), server_default="{}")
    supervisor_phone: Mapped[Words | None]


class PlanRules(Base):
    """Where a campaign plans by other figures than the defaults: {name of a rule: value}."""

    __tablename__ = "plan_rules"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    rules: Mapped[dict[str, float]] = mapped_column(JSONB)
