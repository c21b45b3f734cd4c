"""Who lies within whom? Keeps `area_within` and `area_piece` in step with the areas of a vintage."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

REBUILD = (
    text("DELETE FROM area_within w USING area a WHERE a.id = w.area_id AND a.vintage = :vintage"),
    text("""
        WITH RECURSIVE climb AS (       -- every area, then the areas above it one by one
            SELECT id AS area_id, id AS ancestor_id, level, parent_id FROM area WHERE vintage = :vintage
            UNION ALL
            SELECT c.area_id, p.id, p.level, p.parent_id FROM climb c JOIN area p ON p.id = c.parent_id
        )
        INSERT INTO area_within (area_id, ancestor_id, ancestor_level)
        SELECT area_id, ancestor_id, level FROM climb"""),
    text("DELETE FROM area_piece WHERE area_id = ANY(:changed)"),
    text("""
        INSERT INTO area_piece (area_id, piece)
        SELECT id, CAST(ST_Subdivide(boundary, 64) AS geography) FROM area WHERE id = ANY(:changed)"""),
)


def rebuild_tree(session: Session, vintage: date, changed: Sequence[int]) -> None:
    """Areas of this vintage came or changed: `changed` are the ids of those whose outline is new."""
    for statement in REBUILD:
        session.execute(statement, {"vintage": vintage, "changed": list(changed)})
