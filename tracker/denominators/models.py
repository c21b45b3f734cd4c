"""Census tables that somebody joined to areas by name: every row, what was proposed for it, and who confirmed it."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import NOW, Base, BigKey, Code, Day, Instant, Key, Whole, Words

HOWS = ("code", "same_name", "proposed", "left")  # how a row came by its area; left: nothing near enough
FIGURES = ("under_five", "population")


class CensusTable(Base):
    """One table as read, of one level in one boundary vintage."""

    __tablename__ = "census_table"
    __table_args__ = (CheckConstraint("figure IN ('under_five','population')", name="figure_known"),)

    id: Mapped[Key]
    title: Mapped[Words]  # name of the file, or as the person called it
    level: Mapped[Code]
    vintage: Mapped[Day]
    figure: Mapped[Code]  # what its numbers count
    year: Mapped[Whole]
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))  # None: a command on the server
    read_at: Mapped[Instant] = mapped_column(server_default=NOW)


class CensusRow(Base):
    """One row: a name with a number. `area_id` counts only once `confirmed_at` says that a person looked."""

    __tablename__ = "census_row"
    __table_args__ = (
        CheckConstraint("how IN ('code','same_name','proposed','left')", name="how_known"),
        CheckConstraint("confirmed_at IS NULL OR area_id IS NOT NULL", name="confirmed_has_area"),
        Index(
            "census_row_one_per_area",
            "table_id",
            "area_id",
            unique=True,
            postgresql_where=text("confirmed_at IS NOT NULL"),
        ),
    )

    id: Mapped[BigKey]
    table_id: Mapped[int] = mapped_column(ForeignKey("census_table.id", ondelete="CASCADE"), index=True)
    row_no: Mapped[Whole]  # in the file; the first data row is 1
    name: Mapped[Words]  # as written
    parent_name: Mapped[Words | None]  # of the area above, as written
    code: Mapped[Code | None]  # where the table has codes
    number: Mapped[Whole]
    how: Mapped[Code]
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id", ondelete="CASCADE"))  # proposed, or confirmed
    score: Mapped[Whole | None]  # of a proposal, 0 to 100
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    confirmed_at: Mapped[Instant | None]
