"""Boundaries and settlements: import and list."""
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from geo.vector_files import FileNotReadable, Features, read_features
from tracker.areas.importing import AreaFields, ImportSummary, import_areas, newest_vintage
from tracker.areas.models import LEVELS
from tracker.areas.reading import list_areas
from tracker.areas.settlements import SettlementFields, import_settlements
from tracker.campaigns.settlements import refresh_pinned_to, refresh_all
from tracker.command_line import SOME_ROWS_REFUSED, Group, existing_file, json_option, rejects_option, say, write_rejects
from tracker.database import transaction
from tracker.errors import RowError, RowsRefused

layer_option = click.option("--layer", help="Layer of the file, when it has several.")
keep_good_option = click.option("--keep-good", is_flag=True, help="Take the good rows although others are refused (exit 3).")


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
@click.option("--vintage", type=click.DateTime(["%Y-%m-%d"]), help="Day from which the boundaries hold; default: the newest loaded.")
@keep_good_option
@rejects_option
@json_option
def import_areas_command(file: Path, level: str, code_field: str, name_field: str, name_ur_field: str | None, name_ps_field: str | None,
                         parent_field: str | None, population_field: str | None, population_year: int | None, layer: str | None,
                         vintage: datetime | None, keep_good: bool, rejects: Path | None, as_json: bool) -> None:
    """Take the boundaries of one level. One file is all or nothing."""
    fields = AreaFields(code_field, name_field, name_ur_field, name_ps_field, parent_field, population_field, population_year)
    features = _read(file, layer)
    started = time.monotonic()
    with transaction() as session:
        of = vintage.date() if vintage else newest_vintage(session) or datetime.now(UTC).date()
        summary = import_areas(session, features, fields, level, of, keep_good)
        if summary.created or summary.updated:
            refresh_pinned_to(session, of)
    _finish(summary, started, features, rejects, as_json, keep_good)


@areas.command("list")
@click.option("--level", type=click.Choice(LEVELS))
@click.option("--vintage", type=click.DateTime(["%Y-%m-%d"]))
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
@layer_option
@keep_good_option
@rejects_option
@json_option
def import_settlements_command(file: Path, code_field: str, name_field: str, name_ur_field: str | None, name_ps_field: str | None,
                               population_field: str | None, under_five_field: str | None, type_field: str | None,
                               high_risk_field: str | None, compound_field: str | None, layer: str | None, keep_good: bool,
                               rejects: Path | None, as_json: bool) -> None:
    """Take settlements, as points or outlines."""
    fields = SettlementFields(code_field, name_field, name_ur_field, name_ps_field, population_field, under_five_field, type_field,
                              high_risk_field, compound_field)
    features = _read(file, layer)
    started = time.monotonic()
    with transaction() as session:
        summary = import_settlements(session, features, fields, keep_good)
        if summary.created or summary.updated:
            refresh_all(session)
    _finish(summary, started, features, rejects, as_json, keep_good)


def _read(file: Path, layer: str | None) -> Features:
    try:
        return read_features(file, layer)
    except FileNotReadable as error:
        raise click.ClickException(str(error)) from None


def _finish(summary: ImportSummary, started: float, features: Features, rejects: Path | None, as_json: bool, keep_good: bool) -> None:
    summary.seconds = round(time.monotonic() - started, 3)
    as_read: Callable[[RowError], dict[str, str]] = lambda e: {
        name: str(values[e.row - 1]) for name, values in features.attributes.items()}
    write_rejects(rejects, [(as_read(e), e) for e in summary.errors])
    say(summary.as_dict(), as_json)
    if summary.errors and not keep_good:
        raise RowsRefused(summary.errors)
    if summary.errors:
        click.get_current_context().exit(SOME_ROWS_REFUSED)
