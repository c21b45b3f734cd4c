"""Can this claim be read? The facts of one row, for files, the API and the form alike, and the words of every refusal.

What cannot be read is refused and named by field and rule; what is merely missing or strange is taken and judged by the
rules. Reads and writes nothing else.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.errors import RowError
from tracker.plantations.models import KINDS

FIELDS = ("claim", "claimed_ha", "kind", "species", "stems", "planted_on", "implementer", "tenure")
OUTLINE_COLUMNS = ("wkt", "lon", "lat", "radius_m")
LONGEST_CODE, LONGEST_WORDS, MOST_SPECIES = 100, 300, 50
LARGEST_HA, LARGEST_STEMS, FIRST_YEAR = 10_000_000.0, 10_000_000_000, 1900
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")

WORDS: dict[str, Any] = {
    "code_missing": _l("The claim has no code. Give it one."),
    "code_too_long": _l("A code has at most {most} letters."),
    "not_text": _l("This is no text: it holds control characters, or is too long."),
    "not_hectares": _l("“{value}” is no number of hectares from 0 upwards."),
    "not_a_count": _l("“{value}” is not a whole number from 0 upwards."),
    "unknown_kind": _l("“{value}” is no kind of plantation. Known: {known}."),
    "not_a_day": _l("“{value}” is no day such as 2026-08-14."),
    "not_species": _l("“{value}” is no list such as poplar:70;chir pine:30."),
    "unknown_field": _l("There is no field of this name. Known: {known}."),
    "no_outline": _l("The claim has no outline. Draw it as a polygon."),
    "not_an_outline": _l("A {value} encloses no ground. Draw the outline as a polygon."),
    "encloses_nothing": _l("The outline encloses nothing, or crosses itself too often to be mended. Draw it anew."),
    "too_many_corners": _l("The outline has {value} corners; at most {most} are taken. Simplify it."),
    "coordinates": _l("It lies beyond 180° or 90°. Check the coordinate system."),
    "not_wkt": _l("The outline is no WKT such as POLYGON ((71.1 34.0, 71.2 34.0, 71.2 34.1, 71.1 34.0))."),
    "not_finite": _l("A position or radius is no number that can be used."),
    "not_a_number": _l("lon and lat must be numbers in degrees."),
    "no_radius": _l("A point needs radius_m, in metres."),
    "too_many_cells": _l("The row has more cells than the header. Is a comma in a name without quotes?"),
    "not_geometry": _l("The geometry is no GeoJSON polygon."),
    "duplicate_code": _l("{value} stands in this file already: every claim needs a code of its own."),
    "outside_your_areas": _l("The outline lies outside your areas. Ask a coordinator of that place."),
    "code_taken": _l("There is a claim {value} already that you may not change. Give yours another code."),
}


def refusal(row: int, field: str, rule: str, value: Any = "", most: Any = "", known: Any = "") -> RowError:
    """Why a row is refused, in words; `value`: what was read, `most`: what may be."""
    shown = str(value)[:80]
    return RowError(row, field, rule, str(WORDS[rule]).format(value=shown, most=most, known=known))


@dataclass(frozen=True)
class ClaimFacts:
    """What is claimed beside the outline; None: not told."""

    code: str
    claimed_ha: float | None = None
    kind: str | None = None
    species: tuple[tuple[str, float], ...] = ()  # name and share of the stems; shares add up to 1
    stems: int | None = None
    planted_on: date | None = None
    implementer: str | None = None
    tenure: str | None = None


class Unfit(Exception):
    """A value that cannot be read."""

    def __init__(self, rule: str, value: Any = "", **more: Any) -> None:
        self.rule, self.value, self.more = rule, value, more
        super().__init__(rule)


def read_facts(row: int, values: Mapping[str, Any]) -> tuple[ClaimFacts | None, list[RowError]]:
    """The facts of a row out of what a file or a request holds for FIELDS, or why it is refused."""
    read: dict[str, Any] = {}
    errors = []
    for field, reader in _READERS.items():
        try:
            read["code" if field == "claim" else field] = reader(_told(values.get(field)))
        except Unfit as unfit:
            errors.append(refusal(row, field, unfit.rule, unfit.value, **unfit.more))
    return (None, errors) if errors else (ClaimFacts(**read), [])


def _told(value: Any) -> Any:
    """None where nothing is told; texts without the space around them."""
    if value is None or (isinstance(value, (float, np.floating)) and math.isnan(value)):
        return None
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)[:10]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, str):
        return value.strip() or None
    return value


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a code that the file keeps as a number
    words = str(value)
    if CONTROL.search(words) or len(words) > LONGEST_WORDS or not _is_unicode(words):
        raise Unfit("not_text")
    return words


def _is_unicode(words: str) -> bool:
    """Whether the database can hold it: no lone surrogates."""
    try:
        words.encode()
    except UnicodeEncodeError:
        return False
    return True


def _code(value: Any) -> str:
    words = _text(value)
    if words is None:
        raise Unfit("code_missing")
    if len(words) > LONGEST_CODE:
        raise Unfit("code_too_long", most=LONGEST_CODE)
    return words


def _number(value: Any, rule: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool):
        raise Unfit(rule, value)
    try:
        number = float(value.translate(DIGITS) if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise Unfit(rule, value) from None
    if not math.isfinite(number) or number < 0:
        raise Unfit(rule, value)
    return number


def _hectares(value: Any) -> float | None:
    hectares = _number(value, "not_hectares")
    if hectares is not None and hectares > LARGEST_HA:
        raise Unfit("not_hectares", value)
    return hectares


def _count(value: Any) -> int | None:
    count = _number(value, "not_a_count")
    if count is not None and (not count.is_integer() or count > LARGEST_STEMS):
        raise Unfit("not_a_count", value)
    return None if count is None else int(count)


def _kind(value: Any) -> str | None:
    words = _text(value)
    if words is None:
        return None
    kind = words.lower().replace(" ", "_").replace("-", "_")
    if kind not in KINDS:
        raise Unfit("unknown_kind", words, known=", ".join(KINDS))
    return kind


def _day(value: Any) -> date | None:
    if value is None:
        return None
    words = str(value).translate(DIGITS)
    try:
        day = date.fromisoformat(words[:10]) if words[10:11] in ("", "T", " ") else None
    except ValueError:
        day = None
    if day is None or day.year < FIRST_YEAR or words[4:5] != "-":
        raise Unfit("not_a_day", value)
    return day


def _species(value: Any) -> tuple[tuple[str, float], ...]:
    """NAME, or NAME:SHARE;NAME:SHARE; shares are made to add up to 1, where none is told all are equal."""
    words = _text(value)
    if words is None:
        return ()
    parts = [part.partition(":") for part in words.split(";") if part.strip()]
    names = [name.strip() for name, _colon, _share in parts]
    told = [share.strip() for _name, colon, share in parts if colon]
    shares = [_number(share.rstrip("% "), "not_species") for share in told] or [1.0] * len(parts)
    total = sum(share or 0 for share in shares)
    fits = len(shares) == len(parts) and all(names) and len({name.lower() for name in names}) == len(names)
    if not parts or not fits or total <= 0 or len(parts) > MOST_SPECIES:
        raise Unfit("not_species", words)
    return tuple((name, (share or 0) / total) for name, share in zip(names, shares, strict=True))


_READERS: dict[str, Any] = {
    "claim": _code,
    "claimed_ha": _hectares,
    "kind": _kind,
    "species": _species,
    "stems": _count,
    "planted_on": _day,
    "implementer": _text,
    "tenure": _text,
}
