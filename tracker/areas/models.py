"""Administrative areas and settlements.

Areas of several vintages (boundaries change) stand side by side; a campaign pins one. A settlement is located once
per vintage, at import. Geometry is EPSG:4326; areas and lengths are geodesic.
"""

from geoalchemy2 import Geography, Geometry, WKBElement
from sqlalchemy import BigInteger, CheckConstraint, Computed, ForeignKey, Index, Integer, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Base, Code, Day, Key, Small, Whole, Words

LEVELS = ("province", "division", "district", "tehsil", "union_council", "zone")  # coarse first
SETTLEMENT_RADIUS_M = {"urban": 500.0, "small": 200.0, "hamlet": 100.0}  # round extents of points
OTHER_RADIUS_M = 200.0


class Area(Base):
    """One administrative unit of one vintage."""

    __tablename__ = "area"
    __table_args__ = (
        UniqueConstraint("vintage", "code"),
        CheckConstraint(
            "level IN ('province','division','district','tehsil','union_council','zone')", name="level_known"
        ),
        Index(None, "parent_id"),
    )

    id: Mapped[Key]
    vintage: Mapped[Day]
    level: Mapped[Code]
    code: Mapped[Code]  # P-code
    name_en: Mapped[Words]
    name_ur: Mapped[Words | None]
    name_ps: Mapped[Words | None]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))  # None: the highest level loaded
    boundary: Mapped[WKBElement] = mapped_column(Geometry("MULTIPOLYGON", srid=4326))
    area_km2: Mapped[float]  # geodesic, WGS 84
    population: Mapped[Whole | None]
    population_year: Mapped[Small | None]


class AreaWithin(Base):
    """Every area with itself and all areas above it: roll-ups and scopes are one join."""

    __tablename__ = "area_within"
    __table_args__ = (Index(None, "ancestor_id", "area_id"),)

    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"), primary_key=True)
    ancestor_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"), primary_key=True)
    ancestor_level: Mapped[Code]


class AreaPiece(Base):
    """An area's boundary cut into small pieces: distances to it in metres stay cheap."""

    __tablename__ = "area_piece"
    __table_args__ = (Index(None, "area_id"),)

    id: Mapped[Key]
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"))
    piece: Mapped[WKBElement] = mapped_column(Geography("POLYGON", srid=4326))


class Settlement(Base):
    """An inhabited place. With `extent` its outline is known; without, it is round: `radius_m` about `centre`."""

    __tablename__ = "settlement"
    __table_args__ = (
        UniqueConstraint("code"),
        CheckConstraint("population >= 0 AND under_five >= 0", name="people_not_negative"),
        CheckConstraint(
            "cardinality(cell_east_m) = cardinality(cell_north_m) AND cardinality(cell_east_m) > 0", name="cells_paired"
        ),
    )

    id: Mapped[Key]
    code: Mapped[Code]
    name_en: Mapped[Words]
    name_ur: Mapped[Words | None]
    name_ps: Mapped[Words | None]
    type: Mapped[Code]  # urban, small, hamlet, camp, school, transit …
    population: Mapped[Whole | None]
    under_five: Mapped[Whole | None]  # None: not known, the target is then 0 until a microplan names one
    high_risk: Mapped[bool] = mapped_column(server_default="false")
    compound: Mapped[bool] = mapped_column(server_default="false")  # many households behind one door: not `stacked`
    centre: Mapped[WKBElement] = mapped_column(Geometry("POINT", srid=4326))
    extent: Mapped[WKBElement | None] = mapped_column(Geometry("GEOMETRY", srid=4326))  # None: given as a point
    radius_m: Mapped[float]  # of the round extent; of an outline: from centre to its farthest vertex
    utm_epsg: Mapped[Whole]  # zone of the centre: inhabited cells are counted in its grid
    cell_m: Mapped[Small | None]  # side of an inhabited cell; None: the settlement is one cell
    cell_east_m: Mapped[list[int]] = mapped_column(ARRAY(Integer))  # centres of the inhabited cells, in utm_epsg
    cell_north_m: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    tile_key: Mapped[int] = mapped_column(BigInteger)  # geo.morton of the centre
    cells: Mapped[int] = mapped_column(Integer, Computed("cardinality(cell_east_m)", persisted=True))


class SettlementPlace(Base):
    """The lowest area of a vintage in which a settlement lies."""

    __tablename__ = "settlement_place"
    __table_args__ = (Index(None, "area_id"),)

    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id", ondelete="CASCADE"), primary_key=True)
    vintage: Mapped[Day] = mapped_column(primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"))
