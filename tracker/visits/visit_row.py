"""Can this visit be read? The contract of one row, for the API and for files alike, and the words of every refusal.

What cannot be read is refused and named by field and rule; what is merely strange is taken and judged later. Typed values come from
JSON (strict: a number is a number), text from files (empty means nothing, "true" and "false" are booleans).
"""
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from flask_babel import gettext as _
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from tracker.errors import RowError

LARGEST_COUNT = 2_147_483_647
LONGEST_NOTE = 2_000
FIRST_YEAR = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_AHEAD = timedelta(days=1)

Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Code = Annotated[str, Field(min_length=1, max_length=200)]


class VisitRow(BaseModel):
    """One contact with a household, as sent. Unknown fields are refused: a misspelt one would be lost without a word."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    instance_id: uuid.UUID = Field(description="Made on the device; the identity of the submission")
    replaces: uuid.UUID | None = Field(None, description="This is a correction of that submission")
    team: Code = Field(description="Code of a team of the campaign")
    visited_at: AwareDatetime = Field(description="When, by the device's clock; ISO 8601 with zone")
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False, description="Degrees WGS 84; with lat, or neither")
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    accuracy_m: float | None = Field(None, ge=0, allow_inf_nan=False, description="68 % radius in metres")
    settlement: str | None = Field(None, max_length=200, description="Code as declared; empty: located from the position")
    children_eligible: Count = Field(description="Resident children under five; on a revisit those sought again")
    vaccinated: Count
    absent: Count
    refused: Count
    other_missed: Count
    guests_vaccinated: Count | None = None
    zero_dose: Count | None = None
    finger_marked: Count | None = None
    is_revisit: bool = False
    mock_location: bool = False
    note: str | None = Field(None, max_length=LONGEST_NOTE)


FIELDS = tuple(VisitRow.model_fields)
COUNTS = ("children_eligible", "vaccinated", "absent", "refused", "other_missed", "guests_vaccinated", "zero_dose", "finger_marked")
NUMBERS = ("lon", "lat", "accuracy_m")
BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


@dataclass(frozen=True)
class Unreadable(Exception):
    """Why a row was refused: one error per field at fault."""

    errors: list[RowError]


def read_json(body: bytes, row: int, now: datetime) -> VisitRow:
    """One visit out of a JSON object; raises Unreadable."""
    try:
        return checked(VisitRow.model_validate_json(body), row, now)
    except ValidationError as error:
        if error.errors(include_url=False)[0]["type"] != "json_invalid":
            raise Unreadable(_told(error, row)) from None
    return read_object(_parsed(body, row), row, now)


def _parsed(body: bytes, row: int) -> Any:
    """A second, more patient reader, so that a broken text inside a good document is named by its field."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise Unreadable([RowError(row, "body", "not_json", _("This is not readable as JSON in UTF-8."))]) from None


def read_object(value: Any, row: int, now: datetime) -> VisitRow:
    """One visit out of parsed JSON; raises Unreadable."""
    if not isinstance(value, dict):
        raise Unreadable([RowError(row, "body", "not_an_object", _("A visit is a JSON object."))])
    broken = [field for field, words in value.items() if isinstance(words, str) and _is_broken(words)]
    if broken:
        raise Unreadable([_error(row, str(field), "text_broken", value[field]) for field in broken])
    try:
        text = json.dumps(value, allow_nan=True)
        return checked(VisitRow.model_validate_json(text), row, now)
    except ValidationError as error:
        raise Unreadable(_told(error, row)) from None


def read_text(values: Mapping[str, str | None], row: int, now: datetime) -> VisitRow:
    """One visit out of a file's texts; raises Unreadable."""
    typed: dict[str, Any] = {}
    errors: list[RowError] = []
    for field, words in values.items():
        words = (words or "").strip() if field != "note" else (words or "")
        if field not in VisitRow.model_fields:
            errors.append(_error(row, field, "unknown_field", words))
        elif _is_broken(words):
            errors.append(_error(row, field, "text_broken", words))
        elif words == "":
            continue
        else:
            try:
                typed[field] = _typed(field, words)
            except ValueError:
                errors.append(_error(row, field, _RULE_OF_FIELD.get(field, "not_readable"), words))
    named = {e.field for e in errors}
    try:
        visit = VisitRow.model_validate(typed)
    except ValidationError as error:
        errors += [e for e in _told(error, row) if e.field not in named]
        raise Unreadable(errors) from None
    if errors:
        raise Unreadable(errors)
    return checked(visit, row, now)


def _typed(field: str, words: str) -> Any:
    if field in COUNTS:
        return int(words) if words.isascii() and words.isdigit() else _refuse()
    if field in NUMBERS:
        return float(words) if words.isascii() and "_" not in words else _refuse()
    if field in ("is_revisit", "mock_location"):
        return BOOLEANS[words.lower()] if words.lower() in BOOLEANS else _refuse()
    if field in ("instance_id", "replaces"):
        return uuid.UUID(words) if len(words) == 36 else _refuse()
    if field == "visited_at":
        return datetime.fromisoformat(words) if "T" in words or " " in words else _refuse()
    return words


def _refuse() -> Any:
    raise ValueError


def _is_broken(words: str) -> bool:
    """A NUL, a lone half of a character, or bytes that were no UTF-8: no database and no reader can hold it."""
    return "\0" in words or any("\ud800" <= c <= "\udfff" or c == "\ufffd" for c in words)


def checked(visit: VisitRow, row: int, now: datetime) -> VisitRow:
    """What holds between fields and against the server's clock; raises Unreadable."""
    errors = []
    if (visit.lon is None) != (visit.lat is None):
        errors.append(_error(row, "lat" if visit.lat is None else "lon", "position_half", None))
    if visit.visited_at < FIRST_YEAR:
        errors.append(_error(row, "visited_at", "before_2000", visit.visited_at))
    elif visit.visited_at > now + CLOCK_AHEAD:
        errors.append(_error(row, "visited_at", "in_the_future", visit.visited_at))
    for field in ("team", "settlement", "note"):
        words = getattr(visit, field)
        if words and _is_broken(words):
            errors.append(_error(row, field, "text_broken", words))
    if errors:
        raise Unreadable(errors)
    return visit


def unknown(row: int, field: str, code: Any) -> RowError:
    """A team or settlement code that does not exist for the sender."""
    return _error(row, field, f"unknown_{field}", code)


_RULE_OF_FIELD = dict.fromkeys(COUNTS, "not_a_count") | dict.fromkeys(NUMBERS, "not_a_number") | {
    "is_revisit": "not_true_or_false", "mock_location": "not_true_or_false", "instance_id": "not_a_uuid", "replaces": "not_a_uuid",
    "visited_at": "not_a_time", "note": "not_text", "team": "not_text", "settlement": "not_text"}


def _told(error: ValidationError, row: int) -> list[RowError]:
    """pydantic's findings in our words, one per field."""
    told: dict[str, RowError] = {}
    for found in error.errors(include_url=False, include_context=False):
        field, kind = str(found["loc"][0]) if found["loc"] else "body", found["type"]
        if kind == "extra_forbidden":
            rule = "unknown_field"
        elif kind == "missing" or (found.get("input") in (None, "") and field in ("instance_id", "team", "visited_at", *COUNTS)):
            rule = "missing"
        elif kind == "timezone_aware":
            rule = "no_time_zone"
        elif kind == "string_too_long":
            rule = "too_long"
        elif kind in ("greater_than_equal", "less_than_equal") and field in ("lon", "lat"):
            rule = "outside_the_earth"
        else:
            rule = _RULE_OF_FIELD.get(field, "not_readable")
        told.setdefault(field, _error(row, field, rule, found.get("input")))
    return list(told.values())


def _error(row: int, field: str, rule: str, read: Any) -> RowError:
    shown = str(read)[:60].encode(errors="replace").decode().replace("\0", "␀")
    return RowError(row, field, rule, _words(rule).format(field=field, read=shown, longest=LONGEST_NOTE))


def _words(rule: str) -> str:
    return {
        "missing": _("{field} is missing. Every visit needs it."),
        "unknown_field": _("There is no field {field}. Check its name, or leave it out."),
        "not_a_count": _("{field} must be a whole number from 0 upwards; this says: {read}"),
        "not_a_number": _("{field} must be a number such as 71.5249 (with a point); this says: {read}"),
        "outside_the_earth": _("{field} lies beyond the earth: {read}. Longitude reaches from -180 to 180, latitude from -90 to 90."),
        "position_half": _("Only one of lon and lat is given. Give both, or neither."),
        "not_a_uuid": _("{field} must be a UUID such as 6f1cf1a5-7f7e-4c9c-9a53-0a3c3f0f9a11; this says: {read}"),
        "not_a_time": _("{field} must be a time with zone such as 2026-10-12T09:30:00+05:00; this says: {read}"),
        "no_time_zone": _("{field} does not say its time zone. Add it, such as +05:00; this says: {read}"),
        "before_2000": _("{field} lies before the year 2000: {read}. Set the phone's clock."),
        "in_the_future": _("{field} lies over a day ahead of the server's clock: {read}. Set the phone's clock."),
        "not_true_or_false": _("{field} must be true or false; this says: {read}"),
        "not_text": _("{field} must be a text that is not empty; this says: {read}"),
        "too_long": _("{field} is too long. A note may have {longest} characters."),
        "text_broken": _("{field} holds characters that cannot be read. Save the file in UTF-8, without NUL bytes."),
        "unknown_team": _("There is no team {read} in this campaign, or it is none of yours."),
        "unknown_settlement": _("There is no settlement {read}."),
        "columns": _("The row has another number of columns than the head. Look for a missing quote or comma."),
    }.get(rule, _("{field} cannot be read: {read}"))


def odd_columns(row: int) -> RowError:
    return _error(row, "row", "columns", None)
