"""Which area does a name in a census table mean? Pure: names in, proposals out.

A name that is the same once "TEHSIL", "DISTRICT" and punctuation are gone is the same only if exactly one area and one
row bear it, or their parents agree. Anything else is a proposal with a score, the nearest name by rapidfuzz among the
areas of the same parent, or none. Nothing is joined here: a person confirms.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

KINDS = re.compile(
    r"\b(TEHSIL|TALUKA|DISTRICT|DIVISION|AGENCY|SUB|SUBDIVISION|TRIBAL|AREA|FR|DE EXCLUDED|EXCLUDED|PROVINCE)\b"
)
PROPOSED_FROM = 82  # score of WRatio; below, a name is nobody's: our choice
SAME_PARENT_FROM = 85
RUNNER_UP_BELOW = 4  # a proposal stands out by so much, else it is none


@dataclass(frozen=True)
class Place:
    """An area that may be meant."""

    id: int
    code: str
    name: str
    parent: str | None  # name of the area above


@dataclass(frozen=True)
class Named:
    """A row of the table."""

    name: str
    parent: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class Proposal:
    how: str  # code, same_name, proposed, left
    area_id: int | None = None
    score: int | None = None


def plain_name(name: str | None) -> str:
    """Capital Latin letters and single spaces; without the kind of area and without accents."""
    words = unicodedata.normalize("NFKD", name or "").encode("ascii", "ignore").decode().upper()
    words = re.sub(r"[^A-Z0-9]+", " ", re.sub(r"\(.*?\)", " ", words))
    return " ".join(KINDS.sub(" ", words).split())


def propose(rows: Sequence[Named], places: Sequence[Place]) -> list[Proposal]:
    """One proposal per row, in order. No area is proposed to two rows."""
    found: list[Proposal | None] = [_by_code(row, {p.code: p for p in places}) for row in rows]
    taken = {p.area_id for p in found if p}
    _by_same_name(rows, places, found, taken)
    _by_near_name(rows, places, found, taken)
    return [proposal or Proposal("left") for proposal in found]


def _closed(name: str | None) -> str:
    """Without spaces too: Lal Qila and Lalqila are one."""
    return plain_name(name).replace(" ", "")


def _by_code(row: Named, by_code: dict[str, Place]) -> Proposal | None:
    place = by_code.get(row.code or "")
    return Proposal("code", place.id, 100) if place else None


def _by_same_name(
    rows: Sequence[Named], places: Sequence[Place], found: list[Proposal | None], taken: set[int | None]
) -> None:
    by_name = defaultdict(list)
    for place in places:
        by_name[_closed(place.name)].append(place)
    bearers = Counter(_closed(row.name) for row in rows)
    for at, row in enumerate(rows):
        name = _closed(row.name)
        if found[at] or not name:
            continue
        same = [p for p in by_name[name] if p.id not in taken]
        agreeing = [p for p in same if _same_parent(row.parent, p.parent)]
        if len(agreeing) == 1:
            same = agreeing
        elif bearers[name] > 1 or (row.parent and not agreeing and len(by_name[name]) != 1):
            continue
        if len(same) == 1:
            found[at] = Proposal("same_name", same[0].id, 100)
            taken.add(same[0].id)


def _same_parent(written: str | None, known: str | None) -> bool:
    ours, theirs = plain_name(written), plain_name(known)
    return bool(ours and theirs) and (ours == theirs or fuzz.ratio(ours, theirs) >= SAME_PARENT_FROM)


def _by_near_name(
    rows: Sequence[Named], places: Sequence[Place], found: list[Proposal | None], taken: set[int | None]
) -> None:
    """Best first over all rows, so that the surest of two rows gets the area."""
    free = [p for p in places if p.id not in taken]
    candidates = []
    for at, row in enumerate(rows):
        if found[at]:
            continue
        near = [p for p in free if not row.parent or _near_parent(row.parent, p.parent)]
        scored = process.extract(plain_name(row.name), {p.id: plain_name(p.name) for p in near}, scorer=_score, limit=2)
        if not scored or scored[0][1] < PROPOSED_FROM:
            continue
        if len(scored) > 1 and scored[0][1] - scored[1][1] < RUNNER_UP_BELOW:
            continue
        candidates.append((scored[0][1], at, scored[0][2]))
    for score, at, area_id in sorted(candidates, key=lambda c: (-c[0], c[1])):
        if area_id not in taken:
            found[at] = Proposal("proposed", area_id, round(score))
            taken.add(area_id)


def _near_parent(written: str, known: str | None) -> bool:
    ours, theirs = plain_name(written), plain_name(known)
    return _same_parent(written, known) or bool(ours and theirs and (set(ours.split()) & set(theirs.split())))


def _score(one: str, other: str, **_more: object) -> float:
    """With and without the spaces: Dera and D.I. are written in many ways."""
    return max(fuzz.ratio(one, other), fuzz.ratio(one.replace(" ", ""), other.replace(" ", "")))
