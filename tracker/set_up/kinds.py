"""What can be sent to set a campaign up: for each kind its fields, and the words by which a column is recognised.

Headings of districts come in English, Urdu and Pashto, with and without units; a guess is only ever a proposal.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from rapidfuzz import fuzz

from tracker.visits.visit_row import FIELDS, REQUIRED

NEAR_ENOUGH = 86  # of 100: a heading that is spelt otherwise


@dataclass(frozen=True)
class Field:
    """One of our fields. `known_as`: headings that mean it."""

    name: str
    words: Any
    required: bool
    known_as: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    name: str
    words: Any
    fields: tuple[Field, ...]
    of_campaign: bool
    can_go_back: bool = True


def _f(name: str, words: Any, required: bool = False, known_as: str = "") -> Field:
    return Field(name, words, required, tuple(filter(None, known_as.split("|"))))


CODE = "code|pcode|p code|admin3pcode|admin2pcode|admin1pcode|کوڈ|کوډ"
KINDS = {kind.name: kind for kind in (
    Kind("areas", _l("Boundaries"), (
        _f("code", _l("Code"), True, CODE),
        _f("name", _l("Name"), True, "name|name en|admin3name en|admin2name en|admin1name en|نام|نوم"),
        _f("name_ur", _l("Name in Urdu"), known_as="name ur|urdu name|اردو نام"),
        _f("name_ps", _l("Name in Pashto"), known_as="name ps|pashto name"),
        _f("parent", _l("Code of the area above"), known_as="parent|parent code"),
        _f("population", _l("All people"), known_as="population|pop|total pop|آبادی"),
    ), of_campaign=False),
    Kind("settlements", _l("Settlements"), (
        _f("code", _l("Code"), True, CODE + "|settlement|settlement code"),
        _f("name", _l("Name"), True, "name|settlement name|village|village name|گاؤں|آبادی کا نام|نام|کلی|نوم"),
        _f("name_ur", _l("Name in Urdu"), known_as="name ur|urdu name|اردو نام"),
        _f("name_ps", _l("Name in Pashto"), known_as="name ps|pashto name"),
        _f("type", _l("Type"), known_as="type|kind|قسم|ډول"),
        _f("population", _l("All people"), known_as="population|pop|کل آبادی"),
        _f("under_five", _l("Children under five"), known_as="under five|under 5|u5|children|target|بچے|ماشومان"),
        _f("high_risk", _l("High risk"), known_as="high risk|hr"),
        _f("compound", _l("Many households behind one door"), known_as="compound"),
        _f("lon", _l("Longitude (tables)"), known_as="lon|longitude|long|x|طول بلد"),
        _f("lat", _l("Latitude (tables)"), known_as="lat|latitude|y|عرض بلد"),
    ), of_campaign=False),
    Kind("teams", _l("Teams"), (
        _f("team", _l("Team"), True, "team|team code|team no|team number|ٹیم|ٹیم نمبر|ټيم"),
        _f("type", _l("Type"), True, "type|team type|kind|قسم|ډول"),
        _f("area", _l("Area (code)"), known_as="area|area code|uc|uc code|علاقہ|سيمه"),
        _f("supervisor", _l("Area in charge"), known_as="supervisor|aic|area in charge|سپروائزر|نگران"),
    ), of_campaign=True),
    Kind("microplan", _l("Microplan"), (
        _f("team", _l("Team"), True, "team|team code|team no|team number|ٹیم|ٹیم نمبر|ټيم"),
        _f("date", _l("Day"), True, "date|day|planned day|تاریخ|دن|نېټه"),
        _f("settlement", _l("Settlement (code)"), True, "settlement|settlement code|village code|code|آبادی|کلی|کوڈ"),
        _f("target_children", _l("Children"), True, "target children|target|children|under five|u5|ہدف|بچے|هدف"),
    ), of_campaign=True),
    Kind("targets", _l("Changes of targets"), (
        _f("settlement", _l("Settlement (code)"), True, "settlement|settlement code|village code|code|آبادی|کلی|کوڈ"),
        _f("target_children", _l("Children"), True, "target children|target|new target|children|ہدف|بچے|هدف"),
    ), of_campaign=True),
    Kind("visits", _l("Visits"), tuple(
        _f(name, name, name in REQUIRED, name.replace("_", " ")) for name in FIELDS
    ), of_campaign=True, can_go_back=False),
)}  # fmt: skip


def plain(heading: str) -> str:
    """A heading in small letters without units, marks and double spaces; vowel signs of Urdu do not matter."""
    words = unicodedata.normalize("NFKC", re.sub(r"\(.*?\)|\[.*?\]", " ", heading)).lower()
    words = "".join(c for c in unicodedata.normalize("NFD", words) if not unicodedata.combining(c))
    words = unicodedata.normalize("NFC", words).translate({0x64A: 0x6CC, 0x643: 0x6A9, 0x6D0: 0x6CC, 0x6CD: 0x6CC})
    return " ".join(re.sub(r"[^\w]+|_+", " ", words).split())


def guess(kind: Kind, columns: Sequence[str]) -> dict[str, str]:
    """{our field: column}; each column once, the same heading before a near one."""
    found: dict[str, str] = {}
    free = {column: plain(column) for column in columns}
    for near in (False, True):
        for field in kind.fields:
            if field.name in found:
                continue
            known = [plain(word) for word in (field.name, *field.known_as)]
            column = next((c for c in free if _means(free[c], known, near)), None)
            if column is not None:
                found[field.name] = column
                del free[column]
    return found


def _means(heading: str, known: Sequence[str], near: bool) -> bool:
    last = heading.rsplit(" / ", 1)[-1]
    if not near:
        return heading in known or last in known
    return len(heading) > 3 and any(len(k) > 3 and fuzz.ratio(heading, k) >= NEAR_ENOUGH for k in known)
