"""Can this visit be read? The contract of one row, for the API and for files alike, and the words of every refusal.

What cannot be read is refused and named by field and rule; what is merely strange is taken and judged later. JSON is
typed (a number is a number); a file's texts are given their types first (empty means nothing). Reads and writes nothing
else.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from flask_babel import lazy_gettext as _l
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from tracker.errors import RowError

LARGEST_COUNT = 2_147_483_647
LONGEST_NOTE = 2_000  # characters
LONGEST_CODE = 200
FIRST_YEAR = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_AHEAD = timedelta(days=1)  # a device's clock may be so far ahead of the server's


def _date_and_time(value: Any) -> str:
    """Only a text that begins with a date: pydantic would read digits as seconds since 1970, which say no zone."""
    if not isinstance(value, str) or value[4:5] != "-":
        raise ValueError
    return f"{value}:00" if value[-3:-2] in ("+", "-") and len(value) > len("2025-11-10") else value  # +05, as ISO 8601


Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Code = Annotated[str, Field(min_length=1, max_length=LONGEST_CODE)]
Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_date_and_time)]


class VisitRow(BaseModel):
    """One contact with a household, as sent. Unknown fields are refused: a misspelt one would be lost unsaid."""

    model_config = ConfigDict(strict=True, extra="forbid")

    instance_id: uuid.UUID = Field(description="Made on the device; the identity of the submission")
    replaces: uuid.UUID | None = Field(None, description="This is a correction of that submission")
    team: Code = Field(description="Code of a team of the campaign")
    visited_at: Time = Field(description="When, by the device's clock; ISO 8601 with zone")
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False, description="Degrees WGS 84; with lat")
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False, description="Degrees WGS 84; with lon")
    accuracy_m: float | None = Field(None, ge=0, allow_inf_nan=False, description="68 % radius in metres")
    settlement: Code | None = Field(None, description="Code as declared; empty: located from the position")
    children_eligible: Count = Field(description="Resident children under five; on a revisit those sought again")
    vaccinated: Count
    absent: Count
    refused: Count
    other_missed: Count
    guests_vaccinated: Count | None = Field(None, description="Not resident; empty counts as 0")
    zero_dose: Count | None = Field(None, description="Never vaccinated before; empty counts as 0")
    finger_marked: Count | None = Field(None, description="Marks seen; empty counts as 0")
    is_revisit: bool | None = Field(None, description="Empty counts as false")
    mock_location: bool | None = Field(None, description="The device says that its position is made up")
    note: str | None = Field(None, max_length=LONGEST_NOTE)


FIELDS = tuple(VisitRow.model_fields)
REQUIRED = tuple(name for name, field in VisitRow.model_fields.items() if field.is_required())
OPTIONAL = frozenset(FIELDS) - frozenset(REQUIRED)
MISSED = ("absent", "refused", "other_missed")
COUNTS = ("children_eligible", "vaccinated", *MISSED, "guests_vaccinated", "zero_dose", "finger_marked")
NUMBERS = ("lon", "lat", "accuracy_m")
YES_OR_NO = ("is_revisit", "mock_location")
ADDED_BY_EXPORT = ("settlement_resolved", "area_resolved", "standing", "flags")  # may stand in a file; not read
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


@dataclass(frozen=True)
class Unreadable(Exception):
    """Why a row was refused: one error per field at fault."""

    errors: list[RowError]
    instance_id: str | None = None  # as sent, where there was a text


def read_json(body: bytes, row: int, now: datetime) -> VisitRow:
    """One visit out of a JSON object; raises Unreadable."""
    try:
        return checked(VisitRow.model_validate_json(body), row, now)
    except ValidationError:
        pass
    value = _parsed(body, row)
    try:
        return checked(_read_patiently(value, row), row, now)
    except Unreadable as refused:
        sent = value.get("instance_id")
        raise Unreadable(refused.errors, _shown(sent) if isinstance(sent, str) else None) from None


def read_text(values: Mapping[str, str | None], row: int, now: datetime) -> VisitRow:
    """One visit out of a file's texts, in which bytes that are no UTF-8 stand as lone surrogates; raises Unreadable."""
    typed: dict[str, Any] = {}
    errors: list[RowError] = []
    for field, words in values.items():
        words = words or ""
        words = words if field == "note" else words.strip()
        try:
            if words:
                typed[field] = _typed(field, words)
        except ValueError:
            errors.append(_error(row, field, _RULE_OF_FIELD[field], words))
    try:
        visit = _read_patiently(typed, row)
    except Unreadable as refused:
        named = {e.field for e in errors}
        raise Unreadable(errors + [e for e in refused.errors if e.field not in named]) from None
    if errors:
        raise Unreadable(errors)
    return checked(visit, row, now)


def _typed(field: str, words: str) -> Any:
    """A text as the JSON value that says the same; raises ValueError."""
    if field in COUNTS or field in NUMBERS:
        if not words.isascii() or "_" in words:  # float() takes other scripts' digits and 1_000
            raise ValueError
        return int(words) if words.isdigit() and len(words) <= len(str(LARGEST_COUNT)) else float(words)
    if field in YES_OR_NO:
        if words.lower() not in BOOLEANS:
            raise ValueError
        return BOOLEANS[words.lower()]
    return words


def read_exported_json(body: bytes, row: int, now: datetime) -> VisitRow:
    """As `read_json`, for a line that may come from an export of ours; raises Unreadable."""
    try:
        return read_json(body, row, now)
    except Unreadable as refused:
        if not any(e.field in ADDED_BY_EXPORT for e in refused.errors):
            raise
    sent = {field: value for field, value in _parsed(body, row).items() if field not in ADDED_BY_EXPORT}
    return read_json(json.dumps(sent).encode(), row, now)


def texts_of(body: bytes) -> dict[str, str]:
    """The fields of a JSON object as a table shows them; none where it cannot be read at all."""
    try:
        value = _parsed(body, 0)
    except Unreadable:
        return {}
    return {f: v if isinstance(v, str) else _shown(v) for f, v in value.items() if v is not None}


def each_object(body: bytes) -> Iterator[bytes]:
    """The elements of a JSON array one by one, as they were sent; ValueError where it is none.

    For arrays that no strict reader takes as a whole: so each row can be told by itself what is wrong with it.
    """
    text = body.decode("utf-8", "surrogateescape")
    at = _after_space(text, 0)
    if text[at : at + 1] != "[":
        raise ValueError
    at = _after_space(text, at + 1)
    while text[at : at + 1] != "]":
        _value, end = _PATIENT.raw_decode(text, at)
        yield text[at:end].encode("utf-8", "surrogateescape")
        at = _after_space(text, end)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)
            if text[at : at + 1] == "]":
                raise ValueError
        elif text[at : at + 1] != "]":
            raise ValueError
    if _after_space(text, at + 1) != len(text):
        raise ValueError


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n") and at < len(text):
        at += 1
    return at


# a second, patient reading, so that what is wrong inside a readable document is named by its field


def _whole_number(digits: str) -> int | float:
    """Python refuses to read thousands of digits; so long a number is refused here, with its field."""
    return int(digits) if len(digits) < 300 else float("inf")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a field that is given twice the last counts, unless another cannot be read: that is not passed over."""
    return dict(pairs) | {field: value for field, value in pairs if isinstance(value, str) and _is_broken(value)}


_PATIENT = json.JSONDecoder(parse_int=_whole_number, object_pairs_hook=_object)


def _parsed(body: bytes, row: int) -> dict[str, Any]:
    try:
        value = _PATIENT.decode(body.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError):
        raise Unreadable([_error(row, "body", "not_json", "")]) from None
    if not isinstance(value, dict):
        raise Unreadable([_error(row, "body", "not_an_object", "")])
    return value


def _read_patiently(value: dict[str, Any], row: int) -> VisitRow:
    """A visit out of parsed JSON: what is empty or says the same in another way is mended, the rest is named."""
    broken = {f: v for f, v in value.items() if _is_broken(f) or (isinstance(v, str) and _is_broken(v))}
    errors = [_error(row, f, "text_broken" if f in FIELDS else "unknown_field", v) for f, v in broken.items()]
    mended = {f: _mended(f, v) for f, v in value.items() if f not in broken and not (v in ("", None) and f in OPTIONAL)}
    try:
        visit = VisitRow.model_validate_json(json.dumps(mended))
    except ValidationError as error:
        raise Unreadable(errors + [e for e in _told(error, row) if e.field not in broken]) from None
    if errors:
        raise Unreadable(errors)
    return visit


def _mended(field: str, value: Any) -> Any:
    if isinstance(value, (list, dict)):
        return []  # refused for any field, however deep it goes
    if field in COUNTS and isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_COUNT:
        return int(value)  # 2.0 says the same as 2
    return value


def _is_broken(words: str) -> bool:
    """A NUL, or a lone half of a character: no database can hold it. Bytes that are no UTF-8 were read as halves."""
    return "\0" in words or (not words.isascii() and any("\ud800" <= c <= "\udfff" for c in words))


def checked(visit: VisitRow, row: int, now: datetime) -> VisitRow:
    """What holds between fields and against the server's clock; raises Unreadable."""
    errors = []
    if (visit.lon is None) != (visit.lat is None):
        errors.append(_error(row, "lat" if visit.lat is None else "lon", "position_half", None))
    if visit.visited_at < FIRST_YEAR:
        errors.append(_error(row, "visited_at", "before_2000", visit.visited_at))
    elif visit.visited_at > now + CLOCK_AHEAD:
        errors.append(_error(row, "visited_at", "in_the_future", visit.visited_at))
    if visit.replaces == visit.instance_id:
        errors.append(_error(row, "replaces", "replaces_itself", None))
    for field in ("team", "settlement", "note"):
        words = getattr(visit, field)
        if words and "\0" in words:
            errors.append(_error(row, field, "text_broken", words))
    if errors:
        raise Unreadable(errors, str(visit.instance_id))
    return visit


# the words of a refusal


def refusal(row: int, field: str, rule: str, read: Any = None) -> RowError:
    """A refusal that only the database could tell: an unknown code, a conflict, a circle of corrections."""
    return _error(row, field, rule, read)


_RULE_OF_FIELD = {
    **dict.fromkeys(COUNTS, "not_a_count"),
    **dict.fromkeys(NUMBERS, "not_a_number"),
    **dict.fromkeys(YES_OR_NO, "not_true_or_false"),
    **dict.fromkeys(("instance_id", "replaces"), "not_a_uuid"),
    **dict.fromkeys(("team", "settlement", "note"), "not_text"),
    "visited_at": "not_a_time",
}

_RULE_OF_KIND = {  # pydantic's finding, where it says more than the field does
    "extra_forbidden": "unknown_field",
    "missing": "missing",
    "timezone_aware": "no_time_zone",
    "string_too_long": "too_long",
}


def _told(error: ValidationError, row: int) -> list[RowError]:
    """pydantic's findings in our words, one per field."""
    told: dict[str, RowError] = {}
    for found in error.errors(include_url=False, include_context=False):
        field, kind, read = str(found["loc"][0]) if found["loc"] else "body", found["type"], found.get("input")
        if field in REQUIRED and read in (None, ""):
            rule = "missing"
        elif kind in ("greater_than_equal", "less_than_equal") and field in ("lon", "lat"):
            rule = "outside_the_earth"
        else:
            rule = _RULE_OF_KIND.get(kind) or _RULE_OF_FIELD.get(field, "not_readable")
        told.setdefault(field, _error(row, field, rule, "" if rule == "missing" else read))
    return list(told.values())


def _error(row: int, field: str, rule: str, read: Any) -> RowError:
    field, longest = _shown(field), LONGEST_NOTE if field == "note" else LONGEST_CODE
    words = str(_WORDS.get(rule, _WORDS["not_readable"]))
    return RowError(row, field, rule, words.format(field=field, read=_shown(read), longest=longest))


def _shown(read: Any) -> str:
    """The beginning of what was read, in characters that any reader can show."""
    words = "[…]" if isinstance(read, (list, dict)) else str(read)
    return words[:60].encode(errors="replace").decode().replace("\0", "␀")


_WORDS = {
    "missing": _l("{field} is missing. Every visit needs it."),
    "unknown_field": _l("There is no field {field}. Check its name, or leave it out."),
    "not_a_count": _l("{field} must be a whole number from 0 upwards; this says: {read}"),
    "not_a_number": _l("{field} must be a number such as 71.5249 (with a point); this says: {read}"),
    "outside_the_earth": _l(
        "{field} lies beyond the earth: {read}. Longitude reaches from -180 to 180, latitude from -90 to 90."
    ),
    "position_half": _l("Only one of lon and lat is given. Give both, or neither."),
    "not_a_uuid": _l("{field} must be a UUID such as 6f1cf1a5-7f7e-4c9c-9a53-0a3c3f0f9a11; this says: {read}"),
    "not_a_time": _l("{field} must be a time with zone such as 2026-10-12T09:30:00+05:00; this says: {read}"),
    "no_time_zone": _l("{field} does not say its time zone. Add it, such as +05:00; this says: {read}"),
    "before_2000": _l("{field} lies before the year 2000: {read}. Set the phone's clock."),
    "in_the_future": _l("{field} lies over a day ahead of the server's clock: {read}. Set the phone's clock."),
    "not_true_or_false": _l("{field} must be true or false; this says: {read}"),
    "not_text": _l("{field} must be a text that is not empty; this says: {read}"),
    "too_long": _l("{field} is too long. It may have {longest} characters."),
    "text_broken": _l("{field} holds characters that cannot be read. Send it in UTF-8, without NUL bytes."),
    "unknown_team": _l("There is no team {read} in this campaign, or it is none of yours."),
    "unknown_settlement": _l("There is no settlement {read}, or it is none of yours."),
    "columns": _l("The row has another number of columns than the head. Look for a missing quote or comma."),
    "unclosed_quote": _l("A quote opens in this row and nothing closes it. Take it out, or double it inside quotes."),
    "line_too_long": _l("This line is far too long for a visit. Write one object a line."),
    "not_json": _l("This is not readable as JSON in UTF-8."),
    "not_an_object": _l("A visit is a JSON object."),
    "too_many": _l("At most {read} visits in one request. Send the rest in the next one."),
    "campaign_closed": _l("Campaign {read} is closed. Ask a coordinator to reopen it."),
    "replaces_itself": _l("replaces names this very visit. Name the visit that it corrects, under a new instance_id."),
    "circle": _l("The visit named in replaces is itself a correction of this one. Correct the last of them instead."),
    "conflict": _l(
        "A visit with this instance_id is there with other content; nothing was changed. To correct it, send a new"
        " visit that names it in replaces."
    ),
    "not_readable": _l("{field} cannot be read: {read}"),
}
