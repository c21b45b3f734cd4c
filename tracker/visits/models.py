"""Submissions (raw, never changed), visits (rows as received), and what the checks and people said of them.

Intake only adds rows. `standing`, `flags`, `unit_id` and `area_id` are written by judging, under one lock per campaign,
so that the kept counts always equal the judged visits. Visits whose submission still stands in `waiting` are in no
count.
"""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Small, Sum, Whole, Words

VALID, DOUBTFUL, REJECTED, REPLACED = 1, 2, 3, 4  # visit.standing
STANDINGS = {VALID: "valid", DOUBTFUL: "doubtful", REJECTED: "rejected", REPLACED: "replaced"}
KEEP, SET_ASIDE = 1, 3  # visit.decided: a person's word over the flags
NOWHERE = 0  # unit_id, area_id: the position lies in no area


class Submission(Base):
    """What arrived, byte for byte: one request body, or one file (kept whole under its hash in the data folder)."""

    __tablename__ = "submission"
    __table_args__ = (CheckConstraint("(body IS NULL) <> (file_name IS NULL)", name="body_or_file"),)

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    channel: Mapped[Code]  # api, file, demo, … where it came in
    received_at: Mapped[Instant] = mapped_column(server_default=NOW)
    sha256: Mapped[bytes]
    media_type: Mapped[Code]
    body: Mapped[bytes | None] = mapped_column(LargeBinary)  # None: a file
    file_name: Mapped[Words | None]  # as given by the sender; the bytes lie in data/raw/<sha256>
    submitter_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server


class Visit(Base):
    """One contact with a household, as received. A correction is a new visit that names the one it replaces."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("(lon IS NULL) = (lat IS NULL)", name="position_whole"),
        CheckConstraint("lon BETWEEN -180 AND 180 AND lat BETWEEN -90 AND 90", name="position_on_earth"),
        CheckConstraint("accuracy_m >= 0", name="accuracy_not_negative"),
        CheckConstraint(
            "least(children_eligible, vaccinated, absent, refused, other_missed, guests_vaccinated, zero_dose,"
            " finger_marked) >= 0",
            name="counts_not_negative",
        ),
        Index(None, "campaign_id", "team_id", "visited_at"),
        Index("visit_replaces_idx", "campaign_id", "replaces", postgresql_where=text("replaces IS NOT NULL")),
        {"postgresql_with": {"fillfactor": "85"}},  # three of four flag updates stay on their page
    )

    instance_id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True)
    submission_id: Mapped[int] = mapped_column(BigInteger)
    visited_at: Mapped[Instant]
    received_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # None: came by file, where receipt says nothing of the device's clock
    lon: Mapped[float | None]  # degrees WGS 84; None: the phone had no fix
    lat: Mapped[float | None]
    accuracy_m: Mapped[float | None]  # 68 % radius; None: not told
    campaign_id: Mapped[int] = mapped_column(Integer)
    team_id: Mapped[int] = mapped_column(Integer)
    settlement_id: Mapped[int | None] = mapped_column(Integer)  # as declared; None: the team named none
    unit_id: Mapped[int | None] = mapped_column(Integer)
    # where it counts: > 0 a settlement, < 0 minus the lowest area ("no settlement"), 0 nowhere; None: not yet located
    area_id: Mapped[int | None] = mapped_column(Integer)
    # lowest area of that unit in the campaign's vintage, for scopes; 0 nowhere; None: not yet located
    row: Mapped[int] = mapped_column("row_no", Integer)  # in its submission; the first is 1
    children_eligible: Mapped[Whole]
    vaccinated: Mapped[Whole]
    absent: Mapped[Whole]
    refused: Mapped[Whole]
    other_missed: Mapped[Whole]
    guests_vaccinated: Mapped[Sum]
    zero_dose: Mapped[Sum]
    finger_marked: Mapped[Sum]
    flags: Mapped[Sum]  # bit mask over visits.rules.RULES
    flags_digest: Mapped[Sum]  # of the numbers that its flags tell: they are rewritten when it differs
    standing: Mapped[int] = mapped_column(SmallInteger, server_default="1")
    decided: Mapped[Small | None]  # KEEP or SET_ASIDE by a person; None: the flags decide
    is_revisit: Mapped[bool] = mapped_column(server_default="false")
    mock_location: Mapped[bool] = mapped_column(server_default="false")
    replaces: Mapped[uuid.UUID | None] = mapped_column(UUID(as_uuid=True))
    replaces_team_id: Mapped[int | None] = mapped_column(Integer)
    # a team's own correction reaches only its own visits; None: sent by somebody who may correct any team
    note: Mapped[Words | None]


class Flag(Base):
    """What one rule asked about one visit, with its numbers. A flag is a question, never a verdict on a person."""

    __tablename__ = "flag"
    __table_args__ = (Index(None, "campaign_id", "rule", "instance_id"),)

    instance_id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True)
    rule: Mapped[Code] = mapped_column(primary_key=True)
    campaign_id: Mapped[int] = mapped_column(Integer)
    severity: Mapped[Code]  # warn, doubt, reject
    numbers: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Decision(Base):
    """A supervisor's word on a visit, with the reason; the newest counts, older ones stay."""

    __tablename__ = "decision"
    __table_args__ = (
        CheckConstraint("action IN ('keep','set_aside','undo')", name="action_known"),
        Index(None, "instance_id", "decided_at"),
        Index(None, "person_id"),
    )

    id: Mapped[BigKey]
    instance_id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True))
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    action: Mapped[Code]
    reason: Mapped[Words]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    decided_at: Mapped[Instant] = mapped_column(server_default=NOW)
    batch: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True))  # one per act: many visits are undone together
    undoes: Mapped[uuid.UUID | None] = mapped_column(UUID(as_uuid=True))  # action undo: the act that it takes back


class Waiting(Base):
    """Teams whose visits have to be judged anew. Written in the same transaction as what makes it necessary."""

    __tablename__ = "waiting"
    __table_args__ = (Index(None, "campaign_id"),)

    id: Mapped[BigKey]
    campaign_id: Mapped[int] = mapped_column(Integer)
    submission_id: Mapped[int | None] = mapped_column(BigInteger)  # None: no new visits, but a decision or threshold
    team_ids: Mapped[list[int] | None] = mapped_column(ARRAY(Integer))  # None: every team of the campaign
    since: Mapped[Instant] = mapped_column(server_default=NOW)


class TeamDay(Base):
    """A team's day in figures: what `team_pattern` compares over the round."""

    __tablename__ = "team_day"

    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    team_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[Day] = mapped_column(primary_key=True)
    visits: Mapped[Whole]  # first visits that are not replaced
    digit_chi2: Mapped[float | None]
    # χ² of the 5th decimals of lon and lat against equal shares, 18 degrees of freedom; None: too few positions
    gap_variation: Mapped[float | None]  # coefficient of variation of the gaps between visits; None: too few
    eligible: Mapped[Whole]
    missed: Mapped[Whole]
    unlike_real_work: Mapped[bool] = mapped_column(server_default="false")


class WalkedCell(Base):
    """Which teams were near here, on which days? Finds those who may have been at the same door.

    One row per square of some 200 m in which a team-day has first visits. A square that is left again by a correction
    may stay: it costs a look, never an answer.
    """

    __tablename__ = "walked_cell"

    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # geo.nearby.squares
    team_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    day: Mapped[Day] = mapped_column(primary_key=True)


class TeamFlags(Base):
    """How many visits of a team each rule questions: the quality page reads this, never visits."""

    __tablename__ = "team_flags"

    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    team_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    rule: Mapped[Code] = mapped_column(primary_key=True)
    visits: Mapped[Whole]
    undecided: Mapped[Whole]  # of these, on how many no person has decided


class Heartbeat(Base):
    """When a background process last said that it is at work."""

    __tablename__ = "heartbeat"

    worker: Mapped[Code] = mapped_column(primary_key=True)
    beat_at: Mapped[Instant]
