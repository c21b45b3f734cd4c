"""In which lowest area of a vintage does each settlement lie? Answered once, at import, for all that changed."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.areas.models import LEVELS

ONE_IMPORT_AT_A_TIME = text("LOCK TABLE area, settlement IN SHARE ROW EXCLUSIVE MODE")

PLACE = text("""
    WITH placed AS (        -- areas outside, settlements inside: each outline is prepared once
        SELECT DISTINCT ON (s.id) s.id AS settlement_id, a.id AS area_id
        FROM area a JOIN settlement s ON ST_Covers(a.boundary, s.centre)
        WHERE a.vintage = :vintage AND (CAST(:ids AS integer[]) IS NULL OR s.id = ANY(:ids))
        ORDER BY s.id, array_position(CAST(:levels AS text[]), a.level) DESC, a.code COLLATE "C"
    ), gone AS (
        DELETE FROM settlement_place p
        WHERE p.vintage = :vintage AND (CAST(:ids AS integer[]) IS NULL OR p.settlement_id = ANY(:ids))
          AND NOT EXISTS (SELECT 1 FROM placed WHERE placed.settlement_id = p.settlement_id)
    )
    INSERT INTO settlement_place (settlement_id, vintage, area_id) SELECT settlement_id, :vintage, area_id FROM placed
    ON CONFLICT (settlement_id, vintage) DO UPDATE SET area_id = excluded.area_id
    WHERE settlement_place.area_id <> excluded.area_id""")


def one_import_at_a_time(session: Session) -> None:
    """Wait for other imports of areas or settlements, and keep later ones waiting until the end; readers go on."""
    session.execute(ONE_IMPORT_AT_A_TIME)


def place_settlements(session: Session, vintage: date, ids: list[int] | None = None) -> None:
    """Locate these settlements (None: all) in the areas of one vintage; ties go to the first code."""
    session.execute(PLACE, {"vintage": vintage, "ids": ids, "levels": list(LEVELS)})


def vintages(session: Session) -> list[date]:
    return list(session.scalars(text("SELECT DISTINCT vintage FROM area ORDER BY vintage")))
