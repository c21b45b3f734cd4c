"""How areas of one vintage of boundaries lie in those of another."""

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Base


class AreaShare(Base):
    """Which share of an area's ground lies in an area of another vintage. Both of one level."""

    __tablename__ = "area_share"
    __table_args__ = (CheckConstraint("share > 0 AND share <= 1", name="share_is_part"), Index(None, "to_area_id"))

    from_area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"), primary_key=True)
    to_area_id: Mapped[int] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"), primary_key=True)
    share: Mapped[float] = mapped_column(Float)  # geodesic area of the intersection ÷ of `from_area`
