"""What claims are measured against beside the ground: species, nursery stock, counts of survivors, walks around them.

Tables as people keep them, all or nothing each; loading one again replaces what it held for the campaign.
"""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

import shapely
from flask_babel import gettext as _
from geoalchemy2 import WKBElement
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from tracker.campaigns.models import Campaign
from tracker.campaigns.tables import Row, TableSummary, check_cells, whole_number
from tracker.errors import NotFound, WrongRequest
from tracker.plantations.models import Claim, ClaimTrack, NurseryStock, SpeciesLimit, SurvivalSurvey

MOST_PLANTS = 10_000_000_000
TRACK_LIMIT_BYTES = 50_000_000
OF_CAMPAIGN = text("SELECT code, id FROM claim WHERE campaign_id = :campaign")


def load_species(session: Session, campaign: Campaign, rows: list[Row]) -> TableSummary:
    """Columns species, lowest_m, highest_m, cap_share (0 to 1); an empty cell is no limit. Raises RowsRefused."""
    summary = TableSummary(read=len(rows))
    check_cells(rows, summary)
    made = [_made(summary, k, row, _species_limit) for k, row in enumerate(rows, 1)]
    summary.refuse_if_any()
    session.execute(delete(SpeciesLimit).where(SpeciesLimit.campaign_id == campaign.id))
    session.add_all(SpeciesLimit(campaign_id=campaign.id, **values) for values in _last_of_each(made, "species"))
    summary.created = len(rows)
    return summary


def _species_limit(row: Row) -> dict[str, Any]:
    values: dict[str, Any] = {name: _number(row, name) for name in ("lowest_m", "highest_m", "cap_share")}
    if not row["species"]:
        raise _Unfit("species")
    if values["cap_share"] is not None and not 0 < values["cap_share"] <= 1:
        raise _Unfit("cap_share")
    return {"species": row["species"].lower(), **values}


def load_nursery_stock(session: Session, campaign: Campaign, rows: list[Row]) -> TableSummary:
    """Columns nursery, issued_on, stems. Raises RowsRefused."""
    summary = TableSummary(read=len(rows))
    check_cells(rows, summary)
    made = [_made(summary, k, row, _stock) for k, row in enumerate(rows, 1)]
    summary.refuse_if_any()
    session.execute(delete(NurseryStock).where(NurseryStock.campaign_id == campaign.id))
    session.add_all(NurseryStock(campaign_id=campaign.id, **values) for values in made)
    summary.created = len(rows)
    return summary


def _stock(row: Row) -> dict[str, Any]:
    stems = whole_number(row["stems"], MOST_PLANTS)
    if stems is None:
        raise _Unfit("stems")
    return {"nursery": row["nursery"], "issued_on": _day(row, "issued_on"), "stems": stems}


def load_surveys(session: Session, campaign: Campaign, rows: list[Row]) -> TableSummary:
    """Columns claim, surveyed_on, survival (0 to 1), replanted (yes or no). Raises RowsRefused."""
    summary = TableSummary(read=len(rows))
    check_cells(rows, summary)
    known: dict[str, int] = {row.code: row.id for row in session.execute(OF_CAMPAIGN, {"campaign": campaign.id})}
    made = [_made(summary, k, row, lambda row: _survey(row, known)) for k, row in enumerate(rows, 1)]
    summary.refuse_if_any()
    session.execute(delete(SurvivalSurvey).where(SurvivalSurvey.claim_id.in_(list(known.values()))))
    session.add_all(SurvivalSurvey(**values) for values in _last_of_each(made, "claim_id", "surveyed_on"))
    summary.created = len(rows)
    return summary


def _survey(row: Row, known: dict[str, int]) -> dict[str, Any]:
    survival = _number(row, "survival")
    if row["claim"] not in known:
        raise _Unfit("claim")
    if survival is None or survival > 1:
        raise _Unfit("survival")
    replanted = row.get("replanted", "").lower() in ("yes", "true", "1")
    day = _day(row, "surveyed_on")
    return {"claim_id": known[row["claim"]], "surveyed_on": day, "survival": survival, "replanted": replanted}


class _Unfit(Exception):
    """A cell that cannot be read: the column's name."""


def _made(summary: TableSummary, number: int, row: Row, maker: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
    try:
        return maker(row)
    except _Unfit as unfit:
        column = str(unfit)
        message = _("“{value}” cannot be read as {column}.").format(value=row.get(column, "")[:80], column=column)
        summary.refuse(number, column, "not_readable", message)
        return {}


def _last_of_each(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return list({tuple(row[name] for name in names): row for row in rows}.values())


def _number(row: Row, name: str) -> float | None:
    words = row.get(name, "")
    if not words:
        return None
    try:
        number = float(words)
    except ValueError:
        raise _Unfit(name) from None
    if not 0 <= number < 1e6:
        raise _Unfit(name)
    return number


def _day(row: Row, name: str) -> date:
    try:
        return date.fromisoformat(row[name])
    except ValueError:
        raise _Unfit(name) from None


# the walk around a claim


def keep_track(session: Session, campaign: Campaign, code: str, file: Path) -> None:
    """Keep the walk around a claim, a GPX file. Raises NotFound, WrongRequest."""
    claim = session.query(Claim).filter_by(campaign_id=campaign.id, code=code).one_or_none()
    if claim is None:
        raise NotFound
    lines, recorded_at = read_gpx(file)
    path = WKBElement(shapely.to_wkb(shapely.multilinestrings(lines)), srid=4326)
    session.merge(ClaimTrack(claim_id=claim.id, path=path, recorded_at=recorded_at))


def read_gpx(file: Path) -> tuple[list[shapely.LineString], datetime | None]:
    """The lines of a GPX file, degrees, and when its first point was recorded. Raises WrongRequest."""
    reader, parser = _GpxReader(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.text, reader.refuse
    try:
        if file.stat().st_size > TRACK_LIMIT_BYTES:
            raise ValueError
        parser.Parse(file.read_bytes(), True)
        lines = [shapely.LineString(points) for points in reader.lines if len(points) > 1]
    except (expat.ExpatError, ValueError, KeyError, OSError):
        raise WrongRequest(field=file.name, why=_("it is no GPX file that can be read.")) from None
    if not lines:
        raise WrongRequest(field=file.name, why=_("it holds no track."))
    return lines, reader.recorded_at


class _GpxReader:
    """Follows the elements of one GPX document: a line for each segment of a track or route."""

    def __init__(self) -> None:
        self.lines: list[list[tuple[float, float]]] = []
        self.recorded_at: datetime | None = None
        self._words = ""

    def refuse(self, *_facts: object) -> None:
        raise ValueError

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._words = ""
        if name in ("trkseg", "rte"):
            self.lines.append([])
        elif name in ("trkpt", "rtept") and self.lines:
            lon, lat = float(attributes["lon"]), float(attributes["lat"])
            if not (abs(lon) <= 180 and abs(lat) <= 90):
                raise ValueError
            self.lines[-1].append((lon, lat))

    def text(self, words: str) -> None:
        self._words += words[:100]

    def end(self, name: str) -> None:
        if name == "time" and self.recorded_at is None and self.lines:
            self.recorded_at = datetime.fromisoformat(self._words.strip())
        self._words = ""
