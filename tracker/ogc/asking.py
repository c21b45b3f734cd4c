"""What is asked for, read strictly as the standard says: an unknown parameter or a wrong value is refused with 400."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from tracker.errors import WrongRequest
from tracker.ogc.crs import CODES, CRS84, Box, box_in_degrees

FEATURES_A_PAGE, LARGEST_PAGE = 1_000, 10_000
ALWAYS = ("lang", "f")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class WrongParameter(WrongRequest):
    status = 400


@dataclass(frozen=True)
class Span:
    """From moment to moment, both in; None: open."""

    begins: datetime | None
    ends: datetime | None


@dataclass(frozen=True)
class Asking:
    limit: int
    crs: str
    box: Box | None  # degrees
    span: Span | None
    named: dict[str, str]  # of the collection's own parameters those that are given


def read_asking(query: Mapping[str, str], own: Iterable[str], zone: ZoneInfo) -> Asking:
    """`own` are the collection's parameters; `zone` is that in which a day without a time lies."""
    refuse_unknown(query, ("limit", "bbox", "bbox-crs", "crs", "datetime", "cursor", *own))
    return Asking(
        read_limit(query), read_crs(query, "crs"), read_box(query), read_span(query, zone),
        {name: query[name] for name in own if query.get(name)},
    )  # fmt: skip


def refuse_unknown(query: Mapping[str, str], known: Iterable[str]) -> None:
    for name in query:
        if name not in (*known, *ALWAYS):
            raise WrongParameter(field=name, why=_("there is no such parameter."))
    if query.get("f", "json") not in ("json", "geojson", "application/geo+json", "mvt"):
        raise WrongParameter(field="f", why=_("the answer is JSON."))


def read_limit(query: Mapping[str, str]) -> int:
    """More than the largest page is a page of that size, as the standard wishes."""
    words = query.get("limit")
    if words is None:
        return FEATURES_A_PAGE
    if not (words.isascii() and words.isdigit() and len(words) < 10 and int(words) >= 1):
        raise WrongParameter(field="limit", why=_("a whole number from 1 to {largest}.").format(largest=LARGEST_PAGE))
    return min(int(words), LARGEST_PAGE)


def read_crs(query: Mapping[str, str], name: str) -> str:
    """Its URI; also in the angle brackets in which headers have it, or as EPSG:32642."""
    words = query.get(name, CRS84).strip("<>[]")
    short = re.fullmatch(r"(?:EPSG:|urn:ogc:def:crs:EPSG::)(\d+)", words)
    uri = f"http://www.opengis.net/def/crs/EPSG/0/{short[1]}" if short else words
    if uri not in CODES:
        known = ", ".join(CODES)
        raise WrongParameter(field=name, why=_("{word} is none of {known}.").format(word=words[:100], known=known))
    return uri


def read_box(query: Mapping[str, str]) -> Box | None:
    words = query.get("bbox")
    system = read_crs(query, "bbox-crs")
    if words is None:
        return None
    try:
        numbers = [float(part) for part in words.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        raise WrongParameter(field="bbox", why=_("four numbers: west, south, east, north."))
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    if south > north or (west > east and system != CRS84):
        raise WrongParameter(field="bbox", why=_("four numbers: west, south, east, north."))
    return box_in_degrees((west, south, east, north), system)


def read_span(query: Mapping[str, str], zone: ZoneInfo) -> Span | None:
    """A moment, a day, or an interval of them with `..` or nothing for an open end."""
    words = query.get("datetime")
    if words is None:
        return None
    parts = words.split("/")
    if len(parts) > 2 or all(part in ("", "..") for part in parts):
        raise _no_time(words)
    begins, ends = (_moments(part, zone) for part in (parts * 2)[:2])
    if begins[0] and ends[1] and begins[0] > ends[1]:
        raise _no_time(words)
    return Span(begins[0], ends[1])


def _moments(words: str, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """First and last moment that the words name."""
    if words in ("", ".."):
        return None, None
    try:
        if DATE.fullmatch(words):
            begins = datetime.combine(date.fromisoformat(words), time(), zone)
            return begins, begins + timedelta(days=1) - timedelta(microseconds=1)
        at = datetime.fromisoformat(words.replace(" ", "+"))
    except (ValueError, OverflowError):
        raise _no_time(words) from None
    if at.tzinfo is None:
        raise _no_time(words)
    return at, at


def _no_time(words: str) -> WrongParameter:
    example = "2026-10-12T08:00:00Z/.."
    why = _("{words} is no time or interval such as {example}.").format(words=words[:100], example=example)
    return WrongParameter(field="datetime", why=why)
