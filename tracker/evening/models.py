"""Who wants the evening pack and when, and about what somebody wants to be told at once."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Date, DateTime, ForeignKey, Index, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Small, Words

WATCHED = ("silent_team", "below_due", "refusals")


class PackWish(Base):
    """Somebody wants the pack of an area every evening of a round."""

    __tablename__ = "pack_wish"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[Code]
    at_minute: Mapped[int] = mapped_column(SmallInteger, server_default="1140")  # of the day, in the campaign's zone
    made_for: Mapped[date | None] = mapped_column(Date)  # the newest day for which it was made; None: not yet


class EveningPack(Base):
    """A pack that was made for somebody: a PDF of what this person may see, below the data folder."""

    __tablename__ = "evening_pack"
    __table_args__ = (Index(None, "person_id", "campaign_id"),)

    id: Mapped[BigKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"))
    day: Mapped[Day]
    language: Mapped[Code]
    file_name: Mapped[Words]
    made_at: Mapped[Instant] = mapped_column(server_default=NOW)
    mailed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # None: no mail server is set
    trouble: Mapped[str | None] = mapped_column(Text)  # why it could not be mailed; None: it was, or need not be


class Watch(Base):
    """Tell me when something happens in an area."""

    __tablename__ = "watch"
    __table_args__ = (
        CheckConstraint("kind IN ('" + "','".join(WATCHED) + "')", name="kind_known"),
        Index("watch_wish_idx", "person_id", "campaign_id", "area_id", "kind", unique=True),
    )

    id: Mapped[BigKey]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"))
    kind: Mapped[Code]
    at_least: Mapped[Small]  # hours of silence; per cent of what was due; settlements in a cluster


class Notice(Base):
    """What happened, once a day and thing."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("notice_once_idx", "watch_id", "thing", "day", unique=True),
        Index(None, "person_id", "seen_at"),
    )

    id: Mapped[BigKey]
    watch_id: Mapped[int] = mapped_column(ForeignKey("watch.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    kind: Mapped[Code]
    thing: Mapped[Code]  # code of the team, area or settlement
    day: Mapped[Day]  # in the campaign's zone
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[Instant] = mapped_column(server_default=NOW)
    seen_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # None: not yet
    mailed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
