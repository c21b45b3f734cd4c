"""The numbers of a campaign as DHIS2 takes them: `dataValueSets` JSON, by a mapping that the programme gives.

The mapping names the data set, the organisation unit of each area and the data element of each number:

    {"level": "district", "dataSet": "pBOMPrpg1QX", "period": "monthly",
     "orgUnits": {"PK201": "O6uvpzGd5pu"},
     "dataElements": {"vaccinated": "f7n9E0hX8qk",
                      "target": {"dataElement": "Ix2HsbDMLea", "categoryOptionCombo": "HllvX50cXC0"}}}

Areas without an organisation unit are told, not guessed. Reads the report; writes nothing.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from flask_babel import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import coverage_report
from tracker.errors import RowError, RowsRefused
from tracker.exports.columns import KNOWN, WHOLE
from tracker.exports.lists import LISTS

Uid = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9]{10}$")]
NUMBERS = {c.name for c in LISTS["areas"].columns if KNOWN[c.name].kind == WHOLE}
LARGEST_MAPPING_BYTES = 2_000_000


class Element(BaseModel):
    """Names as DHIS2 writes them."""

    model_config = ConfigDict(extra="forbid")
    dataElement: Uid
    categoryOptionCombo: Uid | None = None


class Mapping(BaseModel):
    """How our areas and numbers are called over there."""

    model_config = ConfigDict(extra="forbid")
    level: Literal["province", "division", "district", "tehsil", "union_council", "zone"] = "district"
    dataSet: Uid | None = None
    period: Annotated[str, Field(pattern=r"^(monthly|weekly|yearly|\d{4}(\d{2}|\d{4}|W\d{1,2}|Q\d)?)$")] = "monthly"
    attributeOptionCombo: Uid | None = None
    orgUnits: dict[str, Uid]
    dataElements: dict[str, Uid | Element] = Field(min_length=1)


@dataclass(frozen=True)
class ValueSet:
    document: dict[str, Any]
    unmapped: list[str]  # codes of areas for which the mapping has no organisation unit


def read_mapping(words: bytes) -> Mapping:
    """Raises RowsRefused with the field and what is wrong with it."""
    try:
        mapping = Mapping.model_validate_json(words)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RowsRefused(
            [RowError(0, ".".join(map(str, e["loc"])) or "file", e["type"], e["msg"]) for e in found]
        ) from None
    unknown = sorted(set(mapping.dataElements) - NUMBERS)
    if unknown:
        words_ = _("{name} is no number of ours. There are: {names}.")
        names = ", ".join(sorted(NUMBERS))
        told = [(name, words_.format(name=name, names=names)) for name in unknown]
        raise RowsRefused([RowError(0, f"dataElements.{name}", "unknown_number", why) for name, why in told])
    return mapping


def value_set(session: Session, campaign: Campaign, scope: Scope, mapping: Mapping, *, now: datetime) -> ValueSet:
    """One value per area and number; a number that is not known (suppressed, without target) is left out."""
    report = coverage_report(session, campaign, scope, mapping.level, now=now)
    period = _period(mapping.period, campaign.starts_on)
    values, unmapped = [], []
    for row in report["rows"]:
        unit = mapping.orgUnits.get(row["code"] or "")
        if unit is None:
            unmapped.append(row["code"] or "-")
            continue
        values += [_value(unit, period, element, row, name) for name, element in mapping.dataElements.items()]
    document = {
        "dataSet": mapping.dataSet, "completeDate": now.date().isoformat(), "period": period,
        "attributeOptionCombo": mapping.attributeOptionCombo, "dataValues": [value for value in values if value],
    }  # fmt: skip
    return ValueSet({key: value for key, value in document.items() if value is not None}, unmapped)


def _value(unit: str, period: str, element: str | Element, row: dict[str, Any], name: str) -> dict[str, Any] | None:
    number = (row["by_status"] or {}).get(name, row.get(name))
    if number is None:
        return None
    named = {"dataElement": element} if isinstance(element, str) else element.model_dump(exclude_none=True)
    return {**named, "orgUnit": unit, "period": period, "value": str(number)}


def _period(wish: str, first_day: date) -> str:
    """DHIS2's identifier of the period in which the round begins, or the one that the mapping names."""
    year, week, _day = first_day.isocalendar()
    return {"monthly": f"{first_day:%Y%m}", "weekly": f"{year}W{week}", "yearly": f"{first_day:%Y}"}.get(wish, wish)


def as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
