"""Campaigns, their teams, and microplans: which team does which settlement on which day, with how many children."""

import uuid
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Key, Whole, Words

KINDS = ("vaccination", "plantation", "inspection")
TEAM_TYPES = ("mobile", "fixed", "transit", "nomadic")
POSTS = ("fixed", "transit")  # teams to which children come: they stand still by design


class Campaign(Base):
    """A round: its days, its areas in one boundary vintage, its thresholds where they differ from the defaults."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("kind IN ('vaccination','plantation','inspection')", name="kind_known"),
        CheckConstraint("state IN ('open','closed')", name="state_known"),
        CheckConstraint("ends_on >= starts_on", name="days_in_order"),
    )

    id: Mapped[Key]
    code: Mapped[Code]
    kind: Mapped[Code]
    name: Mapped[Words]
    starts_on: Mapped[Day]
    ends_on: Mapped[Day]
    catch_up: Mapped[list[date]] = mapped_column(ARRAY(Date), server_default="{}")
    timezone: Mapped[Code]  # IANA name; days end at midnight there
    vintage: Mapped[Day]  # of the boundaries that this campaign counts in
    thresholds: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSONB, server_default="{}")  # {rule: {name: value}}
    state: Mapped[Code] = mapped_column(server_default="open")
    practice: Mapped[bool] = mapped_column(server_default="false")  # to learn by: stands in no comparison of rounds
    illustration: Mapped[bool] = mapped_column(server_default="false")  # demonstration: areas are drawn, not official
    microplan_id: Mapped[int | None] = mapped_column(ForeignKey("microplan.id", use_alter=True))  # None: none published
    revision: Mapped[Whole] = mapped_column(server_default="0")
    # counts up with every change of what visits are measured against: settlements, plan, teams, thresholds
    counted_at: Mapped[Instant | None]  # when the kept counts last followed the visits; None: never yet
    created_at: Mapped[Instant] = mapped_column(server_default=NOW)


class CampaignArea(Base):
    """The areas that a campaign covers, as chosen; everything below them belongs to it."""

    __tablename__ = "campaign_area"
    __table_args__ = (Index(None, "area_id"),)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)


class Team(Base):
    """Two or more people who walk together in one campaign. Known by code; no person's name is kept here."""

    __tablename__ = "team"
    __table_args__ = (
        UniqueConstraint("campaign_id", "code"),
        CheckConstraint("type IN ('mobile','fixed','transit','nomadic')", name="type_known"),
        Index(None, "area_id"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    code: Mapped[Code]
    type: Mapped[Code]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    supervisor: Mapped[Code | None]  # code of the area in charge
    heard_at: Mapped[Instant | None]  # receipt of the newest submission; None: not heard yet


class Microplan(Base):
    """One version of the plan of a campaign; published ones never change."""

    __tablename__ = "microplan"
    __table_args__ = (UniqueConstraint("campaign_id", "version"),)

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    version: Mapped[Whole]
    source: Mapped[Words]  # file name, or how it was made
    published_at: Mapped[Instant | None]


class PlanStop(Base):
    """One settlement (or a part of it) of one team's one day."""

    __tablename__ = "plan_stop"
    __table_args__ = (
        CheckConstraint("target_children >= 0", name="target_not_negative"),
        Index(None, "team_id"),
    )

    microplan_id: Mapped[int] = mapped_column(ForeignKey("microplan.id", ondelete="CASCADE"), primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True)
    on_date: Mapped[Day] = mapped_column(primary_key=True)
    target_children: Mapped[Whole]  # parts of one settlement add up


class TargetChange(Base):
    """Somebody changed how many children a settlement has; rows are only added, an undo is a change too.

    The newest since the microplan went out is the current base; the fixed one stays as it was published.
    """

    __tablename__ = "target_change"
    __table_args__ = (
        CheckConstraint("old_target >= 0 AND new_target >= 0", name="targets_not_negative"),
        CheckConstraint("length(btrim(reason)) > 0", name="reason_given"),
        Index(None, "campaign_id", "settlement_id"),
        Index(None, "batch"),
    )

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"))
    area_id: Mapped[Whole]  # lowest area of the settlement at that time: whose change it is to see
    old_target: Mapped[Whole]
    new_target: Mapped[Whole]
    reason: Mapped[Words]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    changed_at: Mapped[Instant] = mapped_column(server_default=NOW)
    batch: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True))  # one per act: its changes are undone together
    undoes: Mapped[uuid.UUID | None] = mapped_column(UUID(as_uuid=True))  # the act that this one takes back
