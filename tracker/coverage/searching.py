"""Where is this place? The search box: settlements in every script, areas, and codes, of one campaign.

Reads areas and the campaign's settlements within the person's scope; writes nothing. All words must be found, in any
order; letters that Arabic, Urdu and Pashto keyboards write differently are the same. Order: the exact code, then names
that begin so, then areas before settlements and large ones first.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign

MOST_WORDS = 6
LETTERS = "يىېۍكةهۀأإآګ"
AS_LETTERS = "ییییکہہہاااگ"
MARKS = "".join(map(chr, (*range(0x064B, 0x0653), 0x0670, 0x0640)))  # above and below letters, and the stretched line
FOLDS = str.maketrans(LETTERS, AS_LETTERS, MARKS)
FOLDED = "translate(lower(concat_ws(' ', n.name_en, n.name_ur, n.name_ps, n.code)), :letters, :as_letters)"

SEARCH = text(f"""
    WITH found AS (
        SELECT 'settlement' AS kind, n.code, n.name_en, n.name_ur, n.name_ps, n.type, x.area_id AS within_id, x.target,
               x.point AS shape, {FOLDED} AS words
        FROM campaign_settlement x JOIN settlement n ON n.id = x.settlement_id
        WHERE x.campaign_id = :campaign
          AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))
        UNION ALL
        SELECT 'area', n.code, n.name_en, n.name_ur, n.name_ps, n.level, n.parent_id, NULL, n.boundary, {FOLDED}
        FROM area n
        WHERE n.vintage = :vintage AND in_areas(n.id, :areas)
          AND EXISTS (SELECT 1 FROM campaign_area c JOIN area_within w ON w.ancestor_id = c.area_id
                      WHERE c.campaign_id = :campaign AND w.area_id = n.id)
    )
    SELECT f.kind, f.code, f.name_en AS name, f.name_ur, f.name_ps, f.type,
           a.code AS area, a.name_en AS area_name, a.name_ur AS area_name_ur,
           ST_XMin(f.shape) AS west, ST_YMin(f.shape) AS south, ST_XMax(f.shape) AS east, ST_YMax(f.shape) AS north
    FROM found f LEFT JOIN area a ON a.id = f.within_id
    WHERE f.words LIKE ALL(:patterns)
    ORDER BY lower(f.code) <> :whole, NOT starts_with(f.words, :whole),
             array_position(CAST(:levels AS text[]), f.type), f.target DESC NULLS LAST, f.code
    LIMIT :limit""")


@dataclass(frozen=True)
class Place:
    """Something found: a settlement or an area, and the box (degrees; of a settlement its point) to show."""

    kind: str  # settlement, area
    code: str
    name: str
    name_ur: str | None
    name_ps: str | None
    type: str  # of a settlement; an area's level
    area: str | None  # code of the area around it; None: the highest level
    area_name: str | None
    area_name_ur: str | None
    west: float
    south: float
    east: float
    north: float


def search_places(session: Session, scope: Scope, campaign: Campaign, words: str, limit: int = 20) -> list[Place]:
    """Places of the campaign that the person may see and whose names or code hold all these words; none for none."""
    whole = " ".join(words.lower().translate(FOLDS).replace("\0", "").split())
    if not whole:
        return []
    patterns = [f"%{_literally(word)}%" for word in whole.split(" ")[:MOST_WORDS]]
    asked = {
        "campaign": campaign.id, "vintage": campaign.vintage, "whole": whole, "patterns": patterns, "limit": limit,
        "letters": LETTERS + MARKS, "as_letters": AS_LETTERS, "levels": list(LEVELS), **scope.binds(),
    }  # fmt: skip
    return [Place(**row) for row in session.execute(SEARCH, asked).mappings()]


def _literally(word: str) -> str:
    """A word for LIKE in which % and _ stand for themselves."""
    return word.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
