"""Kept counts: the only thing that pages read. Written by `coverage.counts` in the transaction that judges the
visits."""

from typing import Annotated

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import BigInteger, Float, ForeignKey, Index, Integer, SmallInteger, text
from sqlalchemy.dialects.postgresql import BIT
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Base, Code, Day, Whole, Words

# a single form may claim two thousand million children: stored, rejected, and it must not break the sum
Sum = Annotated[int, mapped_column(BigInteger, server_default="0")]

# summed over visits; names are CONTRACTS' and the report's
SUMS = (
    "visits",
    "visits_valid",
    "visits_doubtful",
    "visits_rejected",
    "eligible",
    "vaccinated",
    "vaccinated_confirmed",
    "vaccinated_rejected",
    "guests",
    "zero_dose",
    "missed_absent",
    "missed_refused",
    "missed_other",
    "recovered",
)


class CountedSums:
    """The columns that add up over visits; replaced visits are in none of them."""

    visits: Mapped[Sum]
    visits_valid: Mapped[Sum]
    visits_doubtful: Mapped[Sum]
    visits_rejected: Mapped[Sum]
    eligible: Mapped[Sum]  # first visits, valid or doubtful
    vaccinated: Mapped[Sum]  # valid or doubtful: the claim
    vaccinated_confirmed: Mapped[Sum]  # valid only
    vaccinated_rejected: Mapped[Sum]
    guests: Mapped[Sum]
    zero_dose: Mapped[Sum]
    missed_absent: Mapped[Sum]  # first visits, valid or doubtful
    missed_refused: Mapped[Sum]
    missed_other: Mapped[Sum]
    recovered: Mapped[Sum]  # vaccinated on revisits, valid or doubtful


class CoverageCount(CountedSums, Base):
    """The finest count: one unit (settlement, or an area's "no settlement"), one local day, one team."""

    __tablename__ = "coverage_count"
    __table_args__ = (
        Index(None, "campaign_id", "team_id"),
        Index("coverage_count_no_settlement_idx", "campaign_id", postgresql_where=text("reached IS NULL")),
    )

    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    unit_id: Mapped[int] = mapped_column(Integer, primary_key=True)  # as visit.unit_id
    day: Mapped[Day] = mapped_column(primary_key=True)  # in the campaign's zone
    team_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    area_id: Mapped[Whole]  # lowest area of the unit in the campaign's vintage; 0: nowhere
    reached: Mapped[str | None] = mapped_column(BIT(varying=True))
    # one bit per inhabited cell of the settlement, set when a valid visit reached it; None: no cell, or no settlement
    west: Mapped[float | None] = mapped_column(Float)  # box of the positions, degrees; None: no visit has one
    south: Mapped[float | None] = mapped_column(Float)
    east: Mapped[float | None] = mapped_column(Float)
    north: Mapped[float | None] = mapped_column(Float)


class CampaignSettlement(CountedSums, Base):
    """A settlement in a campaign: its target, its day, its counts so far. Tiles, lists and roll-ups read this row."""

    __tablename__ = "campaign_settlement"
    __table_args__ = (
        Index(None, "campaign_id", "tile_key"),
        Index(None, "campaign_id", "area_id"),
        {"postgresql_with": {"fillfactor": "70"}},
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True)
    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"), primary_key=True)
    area_id: Mapped[Whole]  # lowest area in the campaign's vintage
    team_id: Mapped[Whole | None]  # of its last planned day; None: unplanned
    target: Mapped[Sum]  # children under five, current base
    target_fixed: Mapped[Sum]  # as published with the microplan
    first_day: Mapped[Day]  # first planned day, else the campaign's first
    last_day: Mapped[Day]  # last planned day, else the campaign's last, catch-up included
    tile_key: Mapped[int] = mapped_column(BigInteger)  # Morton code of its tile at zoom 20: a tile is a key range
    point: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326, spatial_index=False))
    code: Mapped[Code]  # with its names as the settlement's: a tile reads this row and no other
    name_en: Mapped[Words]
    name_ur: Mapped[Words | None]
    cells: Mapped[Sum]  # inhabited cells
    cells_reached: Mapped[Sum]


class SettlementGrid(Base):
    """Settlements seen from afar: sums over the cells of a 64 × 64 grid in each tile, for zooms at which a tile holds
    too many to send. Kept by a trigger on `campaign_settlement` (migration 0002), apart by area so that scopes hold.
    """

    __tablename__ = "settlement_grid"

    campaign_id: Mapped[int] = mapped_column(Integer, primary_key=True)
    zoom: Mapped[int] = mapped_column(SmallInteger, primary_key=True)  # of the tile, 0 … 8
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)  # Morton code at zoom + 6
    area_id: Mapped[int] = mapped_column(Integer, primary_key=True)  # lowest area, as the settlement's
    small: Mapped[bool] = mapped_column(primary_key=True)  # targets under 10, kept apart for those who may not see them
    settlements: Mapped[Sum]
    target: Mapped[Sum]
    unreached: Mapped[Sum]
    vaccinated_confirmed: Mapped[Sum]
    lon_e6: Mapped[Sum]  # sums over the settlements, in millionths of a degree: whole numbers add up exactly
    lat_e6: Mapped[Sum]
