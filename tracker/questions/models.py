"""Questions that a flag gave rise to, put to those who supervise the team, and what they answered."""

import uuid
from datetime import date, datetime

from sqlalchemy import Date, DateTime, ForeignKey, Index, Text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Instant, Whole, Words


class Question(Base):
    """One question about some visits of one team. The answer returns to the visits; a decision may cite it."""

    __tablename__ = "question"
    __table_args__ = (Index(None, "campaign_id", "answered_at"), Index(None, "team_id"))

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"))
    area_id: Mapped[Whole | None]  # of the team, for scopes; None: the team has none
    rule: Mapped[str | None] = mapped_column(Text)  # that asked; None: a person's own question
    day: Mapped[date | None] = mapped_column(Date)  # of all the visits; None: of several days
    visits: Mapped[Whole]
    words: Mapped[Words]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    asked_at: Mapped[Instant] = mapped_column(server_default=NOW)
    answer: Mapped[str | None] = mapped_column(Text)  # None: not answered yet
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # None: it stands
    decided: Mapped[uuid.UUID | None] = mapped_column(UUID(as_uuid=True))
    # the act (decision.batch) on its visits that cites the answer; None: no decision cites it


class QuestionVisit(Base):
    """A visit that a question is about."""

    __tablename__ = "question_visit"
    __table_args__ = (Index(None, "instance_id"),)

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id", ondelete="CASCADE"), primary_key=True)
    instance_id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True)
