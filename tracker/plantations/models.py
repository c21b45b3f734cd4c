"""Plantation claims, what the rules found in them, and what claims are measured against.

A claim is what somebody says was planted: an outline with its facts. Its row holds the newest version; a correction
moves the version before to `claim_version`, which only grows. `finding` and `risk` are written by checking, `evidence`
by measuring satellite scenes, `decision` by a person. Geometry is EPSG:4326, areas are geodesic hectares.
"""

from datetime import date, datetime
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Key, Small, Words

KINDS = ("block", "enclosure", "farm_forestry", "linear", "nursery")
LAND_KINDS = ("water", "built_up", "glacier", "cliff", "cropland")
QUESTIONS = ("gain", "open_before", "prepared", "kept", "plantable")
ACCEPTED, REJECTED = "accepted", "rejected"  # claim.decision
NOWHERE = 0  # claim.area_id: it lies in no area of the campaign's vintage


class Claim(Base):
    """A plantation as claimed, in its newest version. Whatever was not told is None, and a finding says so."""

    __tablename__ = "claim"
    __table_args__ = (
        UniqueConstraint("campaign_id", "code"),
        CheckConstraint("kind IN ('block','enclosure','farm_forestry','linear','nursery')", name="kind_known"),
        CheckConstraint("claimed_ha >= 0 AND stems >= 0", name="amounts_not_negative"),
        CheckConstraint("cardinality(species) = cardinality(species_share)", name="species_paired"),
        CheckConstraint("decision IN ('accepted','rejected')", name="decision_known"),
        Index(None, "campaign_id", "risk"),
        Index(None, "area_id"),
        Index(None, "implementer"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"))
    code: Mapped[Code]
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    submission_id: Mapped[int] = mapped_column(BigInteger)  # the raw file or body that this version came with
    row: Mapped[int] = mapped_column("row_no", Integer)  # in it; the first is 1
    registered_at: Mapped[Instant] = mapped_column(server_default=NOW)  # of this version
    digest: Mapped[bytes] = mapped_column(LargeBinary)  # of all that was claimed: the same again is no new version
    claimed_ha: Mapped[float | None]
    kind: Mapped[str | None] = mapped_column(Text)
    species: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")  # names as given
    species_share: Mapped[list[float]] = mapped_column(ARRAY(Float), server_default="{}")  # of the stems; add up to 1
    stems: Mapped[int | None] = mapped_column(BigInteger)
    planted_on: Mapped[date | None] = mapped_column(Date)
    implementer: Mapped[str | None] = mapped_column(Text)
    tenure: Mapped[str | None] = mapped_column(Text)
    boundary: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=4326))
    # valid: repaired where it had to be; everything is measured on it
    drawn: Mapped[WKBElement | None] = mapped_column(Geometry("GEOMETRY", srid=4326, spatial_index=False))
    # as it came where it had to be repaired; None: as `boundary`
    ring_was_open: Mapped[bool] = mapped_column(server_default="false")
    crs: Mapped[Code]  # in which it came, such as EPSG:4326
    measured_ha: Mapped[float]  # geodesic, holes subtracted
    utm_epsg: Mapped[int] = mapped_column(Integer)  # zone of the centroid: shapes are looked at in it
    area_id: Mapped[int] = mapped_column(Integer)
    # lowest area of the campaign's vintage that covers a point inside, for scopes; NOWHERE
    altitude_m: Mapped[float | None]  # median of the elevation model over it; None: none was loaded there
    risk: Mapped[Small | None]  # 0…100; None: not checked yet
    risk_parts: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB)  # [{"part", "points", …}]
    checked_at: Mapped[Instant | None]  # by the rules; None: not since this version came
    decision: Mapped[str | None] = mapped_column(Text)  # None: nobody has decided
    decided_at: Mapped[Instant | None]


class ClaimVersion(Base):
    """What a claim said before it was corrected."""

    __tablename__ = "claim_version"

    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    submission_id: Mapped[int] = mapped_column(BigInteger)
    row: Mapped[int] = mapped_column("row_no", Integer)
    registered_at: Mapped[Instant]
    superseded_at: Mapped[Instant] = mapped_column(server_default=NOW)
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    claimed_ha: Mapped[float | None]
    kind: Mapped[str | None] = mapped_column(Text)
    species: Mapped[list[str]] = mapped_column(ARRAY(Text))
    species_share: Mapped[list[float]] = mapped_column(ARRAY(Float))
    stems: Mapped[int | None] = mapped_column(BigInteger)
    planted_on: Mapped[date | None] = mapped_column(Date)
    implementer: Mapped[str | None] = mapped_column(Text)
    tenure: Mapped[str | None] = mapped_column(Text)
    boundary: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=4326, spatial_index=False))
    drawn: Mapped[WKBElement | None] = mapped_column(Geometry("GEOMETRY", srid=4326, spatial_index=False))
    crs: Mapped[Code]
    measured_ha: Mapped[float]


class Finding(Base):
    """What one rule found in one claim, with the numbers compared and the ground that shows it."""

    __tablename__ = "finding"
    __table_args__ = (
        Index(None, "claim_id"),
        Index(None, "campaign_id", "rule"),
        Index(None, "other_claim_id", postgresql_where=text("other_claim_id IS NOT NULL")),
    )

    id: Mapped[BigKey]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id", ondelete="CASCADE"))
    campaign_id: Mapped[int] = mapped_column(Integer)
    rule: Mapped[Code]
    severity: Mapped[Code]  # warn, doubt, reject
    numbers: Mapped[dict[str, Any]] = mapped_column(JSONB)
    other_claim_id: Mapped[int | None] = mapped_column(ForeignKey("claim.id", ondelete="CASCADE"))
    # of a pair; told by code only to those who may see that claim
    shows: Mapped[WKBElement | None] = mapped_column(Geometry("GEOMETRY", srid=4326, spatial_index=False))
    # the overlap, the spike, the part outside; None: it is about numbers alone


class Evidence(Base):
    """What satellite scenes say of one version of a claim, as of a day: one record that anyone can compute again."""

    __tablename__ = "evidence"

    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id", ondelete="CASCADE"), primary_key=True)
    campaign_id: Mapped[int] = mapped_column(Integer, index=True)
    claim_version: Mapped[int] = mapped_column(Integer)
    as_of: Mapped[Day]
    key: Mapped[bytes] = mapped_column(LargeBinary)  # of everything that goes in: the same key is not computed again
    record: Mapped[Words]  # the JSON document, byte for byte as `flask plantations evidence` prints it
    questions: Mapped[dict[str, Any]] = mapped_column(JSONB)  # {question: {"verdict", "reason", …}}, as in the record
    computed_at: Mapped[Instant] = mapped_column(server_default=NOW)


class LandLayer(Base):
    """A layer of ground on which nothing can be planted, or nothing new: who drew it, and as of when."""

    __tablename__ = "land_layer"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("kind IN ('water','built_up','glacier','cliff','cropland')", name="kind_known"),
    )

    id: Mapped[Key]
    code: Mapped[Code]
    kind: Mapped[Code]
    source: Mapped[Words]
    dated: Mapped[date | None] = mapped_column(Date)  # None: not told
    loaded_at: Mapped[Instant] = mapped_column(server_default=NOW)
    sha256: Mapped[bytes] = mapped_column(LargeBinary)  # of the file


class LandPiece(Base):
    """Ground of a layer, cut into small pieces so that questions about one claim read few of them."""

    __tablename__ = "land_piece"
    id: Mapped[BigKey]
    layer_id: Mapped[int] = mapped_column(ForeignKey("land_layer.id", ondelete="CASCADE"), index=True)
    piece: Mapped[WKBElement] = mapped_column(Geometry("POLYGON", srid=4326))


class SpeciesLimit(Base):
    """What a campaign expects of a species: where it grows, and how much of an implementer's stems it may be."""

    __tablename__ = "species_limit"
    __table_args__ = (CheckConstraint("cap_share > 0 AND cap_share <= 1", name="cap_is_share"),)

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    species: Mapped[Code] = mapped_column(primary_key=True)  # lower case
    lowest_m: Mapped[float | None]  # None: no limit is known
    highest_m: Mapped[float | None]
    cap_share: Mapped[float | None]  # 0…1; None: no cap


class NurseryStock(Base):
    """Plants that nurseries gave out for a campaign."""

    __tablename__ = "nursery_stock"
    __table_args__ = (CheckConstraint("stems >= 0", name="stems_not_negative"),)

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), index=True)
    nursery: Mapped[Words]
    issued_on: Mapped[Day]
    stems: Mapped[int] = mapped_column(BigInteger)


class ClaimTrack(Base):
    """The walk around a claim, as a device recorded it."""

    __tablename__ = "claim_track"

    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[WKBElement] = mapped_column(Geometry("MULTILINESTRING", srid=4326, spatial_index=False))
    recorded_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # None: the file tells no time


class SurvivalSurvey(Base):
    """How many of a claim's plants lived when somebody counted."""

    __tablename__ = "survival_survey"
    __table_args__ = (CheckConstraint("survival BETWEEN 0 AND 1", name="survival_is_share"),)

    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id", ondelete="CASCADE"), primary_key=True)
    surveyed_on: Mapped[Day] = mapped_column(primary_key=True)
    survival: Mapped[float]  # 0…1
    replanted: Mapped[bool] = mapped_column(server_default="false")  # since the survey before
