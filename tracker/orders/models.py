"""What a control room asks for tomorrow, and why a settlement could not be worked in."""

import uuid
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Sum, Whole, Words

CLOSURES = ("snow", "flood", "insecurity", "boycott", "no_vaccine", "team_absent", "moved_away", "empty")


class FieldOrder(Base):
    """One team is asked to go to one settlement on one day. Done when its visits of that day or later arrive."""

    __tablename__ = "field_order"
    __table_args__ = (
        Index("field_order_standing_idx", "campaign_id", "settlement_id", "team_id", "on_date", unique=True,
              postgresql_where=text("withdrawn_at IS NULL")),
        Index(None, "campaign_id", "on_date"),
        Index(None, "team_id"),
        Index(None, "batch"),
    )  # fmt: skip

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"))
    area_id: Mapped[Whole]  # lowest area of the settlement in the campaign's vintage, for scopes
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    on_date: Mapped[Day]
    children: Mapped[Whole]  # not yet reached when the order was given
    visits_before: Mapped[Sum]  # of this team there on that day or later, not rejected: they fulfil no order
    note: Mapped[Words]
    batch: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True))  # one per act: given together, taken back together
    given_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    given_at: Mapped[Instant] = mapped_column(server_default=NOW)
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # None: it stands


class Closure(Base):
    """Why nobody could work in a settlement, as somebody said. Its children stay in the target, under this reason."""

    __tablename__ = "closure"
    __table_args__ = (
        CheckConstraint("reason IN ('" + "','".join(CLOSURES) + "')", name="reason_known"),
        Index("closure_standing_idx", "campaign_id", "settlement_id", unique=True,
              postgresql_where=text("ended_at IS NULL")),
    )  # fmt: skip

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"))
    area_id: Mapped[Whole]  # as of the order
    reason: Mapped[Code]
    said_by: Mapped[Words]  # who said so, by function: "supervisor", "village elder"; never a child's or parent's name
    note: Mapped[Words]
    until: Mapped[date | None] = mapped_column(Date)  # the last day on which it holds; None: until further notice
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[Instant] = mapped_column(server_default=NOW)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # None: nobody took it back
