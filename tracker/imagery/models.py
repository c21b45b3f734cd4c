"""Satellite scenes that may speak about claims."""

from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, Code, Day, Instant, Key, Words

USABLE, SUSPECT, SHOWN = "usable", "suspect", "shown"


class SceneRow(Base):
    """One satellite image of one day. `item` is its STAC item: bands, files, scales, mask, all that is needed to read.

    `suspect` looks as if its offset were wrong, and is used by nothing until a person decides; `shown` gives no index.
    """

    __tablename__ = "scene"
    __table_args__ = (
        UniqueConstraint("name"),
        UniqueConstraint("digest"),
        CheckConstraint("status IN ('usable','suspect','shown')", name="status_known"),
        Index(None, "taken_on"),
    )

    id: Mapped[Key]
    name: Mapped[Code]
    taken_on: Mapped[Day]
    sensor: Mapped[Code]
    status: Mapped[Code]
    reason: Mapped[str | None] = mapped_column(Text)  # why it is not usable, or who decided that it is
    footprint: Mapped[WKBElement] = mapped_column(Geometry("POLYGON", srid=4326))
    sha256: Mapped[list[str]] = mapped_column(ARRAY(Text))  # of the files as given
    digest: Mapped[Code]  # of the files and of all that was said of them: the same again changes nothing
    folder: Mapped[Words]  # below data/scenes, with the files as they are kept
    item: Mapped[dict[str, Any]] = mapped_column(JSONB)
    added_at: Mapped[Instant] = mapped_column(server_default=NOW)
    decided_by: Mapped[int | None] = mapped_column(
        ForeignKey("person.id")
    )  # of a suspect one; None: nobody, or a command
    decided_at: Mapped[Instant | None]
