"""Files that set a campaign up, from the moment they are sent: what they hold, what was tried, what was done, and how
to take it back."""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Instant, Whole, Words

KINDS = ("areas", "settlements", "teams", "microplan", "visits", "targets")


class Upload(Base):
    """One file and what somebody does with it. The bytes lie on the shelf `uploads` under their hash."""

    __tablename__ = "upload"
    __table_args__ = (
        CheckConstraint("kind IN ('areas','settlements','teams','microplan','visits','targets')", name="kind_known"),
        Index(None, "campaign_id"),
    )

    id: Mapped[BigKey]
    kind: Mapped[Code]
    campaign_id: Mapped[int | None] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    # None: boundaries and settlements belong to no round
    file_name: Mapped[Words]
    sha256: Mapped[Code]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    sent_at: Mapped[Instant] = mapped_column(server_default=NOW)
    columns: Mapped[list[str]] = mapped_column(JSONB)  # as found in the file
    sample: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)  # its first rows
    row_count: Mapped[Whole]
    choice: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")  # {"fields": {ours: theirs}, option: …}
    tried: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # what a dry run said; None: not tried as it stands
    done: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # what came of it; None: nothing written
    back: Mapped[dict[str, Any] | None] = mapped_column(JSONB)  # what taking it back needs; None: it cannot be
    job_id: Mapped[int | None] = mapped_column(BigInteger)  # of the newest job
    undone_at: Mapped[Instant | None]
