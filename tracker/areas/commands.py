"""Boundaries and settlements: import and list."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from geo.features import Features
from geo.vector_files import FileNotReadable, Position, read_features
from tracker import command_line
from tracker.accounts import audit
from tracker.accounts.scope import SERVER
from tracker.areas.importing import AreaFields, import_areas, newest_vintage
from tracker.areas.incoming import ImportSummary
from tracker.areas.models import LEVELS
from tracker.areas.reading import list_areas
from tracker.areas.settlements import SettlementFields, import_settlements
from tracker.campaigns.settlements import refresh_all, refresh_pinned_to
from tracker.command_line import Group, existing_file, json_option, rejects_option, say
from tracker.database import transaction
from tracker.errors import RowError, RowsRefused

DAY = click.DateTime(["%Y-%m-%d"])
layer_option = click.option("--layer", help="Layer of the file, when it has several.")
keep_good_option = click.option("--keep-good", is_flag=True, help="Take the good rows although others are refused.")


@click.group("areas", cls=Group)
def areas() -> None:
    """Boundaries: import and list."""


@click.group("settlements", cls=Group)
def settlements() -> None:
    """Settlements: import."""


@areas.command("import")
@existing_file
@click.option("--level", type=click.Choice(LEVELS), required=True)
@click.option("--code-field", required=True)
@click.option("--name-field", required=True)
@click.option("--name-ur-field")
@click.option("--name-ps-field")
@click.option("--parent-field", help="Holds the parent's code; without it the parent is the area that covers most.")
@click.option("--population-field")
@click.option("--population-year", type=int)
@layer_option
@click.option("--vintage", type=DAY, help="Day from which the boundaries hold; default: the newest loaded, else today.")
@keep_good_option
@rejects_option
@json_option
def import_areas_command(
    file: Path,
    level: str,
    population_year: int | None,
    layer: str | None,
    vintage: datetime | None,
    keep_good: bool,
    rejects: Path | None,
    as_json: bool,
    **fields: str,
) -> None:
    """Take the boundaries of one level. One file is all or nothing."""
    started = time.monotonic()
    features = _read(file, layer)
    named = AreaFields(**_by_column(fields), population_year=population_year)
    with transaction() as session:
        of = vintage.date() if vintage else newest_vintage(session) or datetime.now(UTC).date()
        summary = import_areas(session, features, named, level, of, keep_good)
        if summary.created or summary.updated:
            refresh_pinned_to(session, of)
            _record(session, file, "areas", f"{level} of {of}", summary)
    summary.seconds = round(time.monotonic() - started, 3)
    _finish(summary, features, rejects, as_json, keep_good)


@areas.command("list")
@click.option("--level", type=click.Choice(LEVELS))
@click.option("--vintage", type=DAY)
@json_option
def list_areas_command(level: str | None, vintage: datetime | None, as_json: bool) -> None:
    """The areas of one vintage; the newest unless told."""
    with transaction() as session:
        rows = list_areas(session, level, vintage.date() if vintage else None)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        click.echo(f"{row['code']:<14} {row['level']:<14} {row['area_km2']:>12,.1f} km²  {row['name']}")


@settlements.command("import")
@existing_file
@click.option("--code-field", required=True)
@click.option("--name-field", required=True)
@click.option("--name-ur-field")
@click.option("--name-ps-field")
@click.option("--population-field")
@click.option("--under-five-field")
@click.option("--type-field")
@click.option("--high-risk-field")
@click.option("--compound-field", help="Yes where many households live behind one door.")
@click.option("--lon", default="lon", show_default=True, help="Of a CSV file: the column with the longitude, WGS 84.")
@click.option("--lat", default="lat", show_default=True)
@layer_option
@keep_good_option
@rejects_option
@json_option
def import_settlements_command(
    file: Path,
    lon: str,
    lat: str,
    layer: str | None,
    keep_good: bool,
    rejects: Path | None,
    as_json: bool,
    **fields: str,
) -> None:
    """Take settlements, as points or outlines; CSV too, with a position in two columns."""
    started = time.monotonic()
    features = _read(file, layer, Position(lon, lat))
    with transaction() as session:
        summary = import_settlements(session, features, SettlementFields(**_by_column(fields)), keep_good)
        if summary.created or summary.updated:
            refresh_all(session)
            _record(session, file, "settlements", "all", summary)
    summary.seconds = round(time.monotonic() - started, 3)
    _finish(summary, features, rejects, as_json, keep_good)


def _by_column(fields: dict[str, str]) -> dict[str, Any]:
    """`--name-ur-field F`, which click calls name_ur_field, fills our column name_ur."""
    return {option.removesuffix("_field"): field for option, field in fields.items()}


def _read(file: Path, layer: str | None, position: Position | None = None) -> Features:
    try:
        return read_features(file, layer, position)
    except FileNotReadable as error:
        raise click.ClickException(str(error)) from None


def _record(session: Session, file: Path, kind: str, thing: str, summary: ImportSummary) -> None:
    """What denominators and maps rest on has changed: that stands in the audit trail."""
    name = file.name.encode("utf-8", "backslashreplace").decode()  # a file name need not be UTF-8
    audit.record(session, SERVER, "import", kind, thing, {"file": name, **summary.as_dict()})


def _finish(summary: ImportSummary, features: Features, rejects: Path | None, as_json: bool, keep_good: bool) -> None:
    """Write the refused rows, tell the summary, and end with the right code."""

    def as_read(error: RowError) -> dict[str, str]:
        return {name: str(column[error.row - 1]) for name, column in features.attributes.items()}

    command_line.write_rejects(rejects, [(as_read(error), error) for error in summary.errors])
    say(summary.as_dict(), as_json)
    if summary.errors and not keep_good:
        raise RowsRefused(summary.errors)
    if summary.errors:
        click.get_current_context().exit(command_line.SOME_ROWS_REFUSED)
