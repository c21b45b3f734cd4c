"""Photos that came with visits: the bytes lie under their hash; here is what they say, and whose they are."""

import uuid

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index
from sqlalchemy.dialects.postgresql import ARRAY, UUID
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, Code, Instant, Whole


class Photo(Base):
    """One photo, by the hash of its bytes as sent. What is served is drawn anew, without anything but the picture."""

    __tablename__ = "photo"
    __table_args__ = (
        CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="position_whole"),
        CheckConstraint("cardinality(phash) = cardinality(dhash)", name="hashes_paired"),
    )

    sha256: Mapped[Code] = mapped_column(primary_key=True)
    shown_sha256: Mapped[Code]  # of the picture that is served
    size_bytes: Mapped[Whole]
    width: Mapped[Whole]  # pixels, upright
    height: Mapped[Whole]
    camera: Mapped[Code | None]  # make and model; None: not told
    taken_at: Mapped[Instant | None]  # by the camera's clock, taken as the campaign's zone when it names none
    gps_at: Mapped[Instant | None]  # by the satellites; None: no fix
    lon: Mapped[float | None]  # degrees WGS 84; None: the photo has no position
    lat: Mapped[float | None]
    phash: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))  # of the whole, then of ten windows of it
    dhash: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    received_at: Mapped[Instant] = mapped_column(server_default=NOW)


class VisitPhoto(Base):
    """This photo came with that visit."""

    __tablename__ = "visit_photo"
    __table_args__ = (Index(None, "sha256"), Index(None, "campaign_id", "team_id"))

    instance_id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True)
    sha256: Mapped[Code] = mapped_column(ForeignKey("photo.sha256"), primary_key=True)
    campaign_id: Mapped[Whole]
    team_id: Mapped[Whole]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    received_at: Mapped[Instant] = mapped_column(server_default=NOW)
