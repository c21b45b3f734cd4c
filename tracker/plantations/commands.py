"""Plantation claims: import, check, evidence, report, and what they are measured against."""

import time
from pathlib import Path
from typing import Any

import click
from flask import current_app

from geo.features import Features
from geo.vector_files import FileNotReadable
from tracker import command_line
from tracker.accounts import audit
from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import SOME_ROWS_REFUSED, Group, json_option, rejects_option, say
from tracker.database import transaction
from tracker.errors import RowError, WrongRequest
from tracker.plantations.file_import import import_claims
from tracker.plantations.registering import RegisterSummary
from tracker.raw_files import readable_name

ELSEWHERE = {
    "check": "tracker.plantations.check_commands:check_command",
    "report": "tracker.plantations.check_commands:report_command",
    "evidence": "tracker.plantations.evidence_commands:evidence_command",
    "recompute": "tracker.plantations.evidence_commands:recompute_command",
    **{
        name: f"tracker.plantations.yardstick_commands:{name}"
        for name in ("layers", "species", "nursery", "surveys", "track")
    },
}
campaign_option = click.option("--campaign", "code", required=True)


@click.group("plantations", cls=Group, elsewhere=ELSEWHERE)
def plantations() -> None:
    """Plantation claims: import, check, evidence, report."""


@plantations.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@campaign_option
@click.option("--layer", help="Layer of the file, when it has several.")
@click.option("--field", "fields", multiple=True, metavar="OURS=THEIRS", help="Our field is called so in the file.")
@click.option("--channel", default="file", hidden=True)
@rejects_option
@json_option
def import_command(
    file: Path,
    code: str,
    layer: str | None,
    fields: tuple[str, ...],
    channel: str,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Take claims from GeoPackage, zipped Shapefile, GeoJSON, KML, KMZ, or CSV with wkt or lon, lat, radius_m."""
    started = time.monotonic()
    raw_folder = current_app.config["RASAI"].data_dir / "raw"
    named = _named(fields)
    with transaction() as session:
        campaign = find_campaign(session, code)
        try:
            summary, features = import_claims(session, campaign, file, raw_folder, named, layer=layer, channel=channel)
        except FileNotReadable as unreadable:
            raise click.ClickException(str(unreadable)) from None
        facts = {"file": readable_name(file), **summary.as_dict()}
        audit.record(session, SERVER, "import", "claims", campaign.code, facts)
    summary.seconds = round(time.monotonic() - started, 3)
    _finish(summary, features, rejects, as_json)


def _named(fields: tuple[str, ...]) -> dict[str, str]:
    named = {}
    for words in fields:
        ours, equals, theirs = words.partition("=")
        if not (ours and equals and theirs):
            raise WrongRequest(field="--field", why=f"{words} is not of the form OURS=THEIRS.")
        named[ours] = theirs
    return named


def _finish(summary: RegisterSummary, features: Features, rejects: Path | None, as_json: bool) -> None:
    def as_read(error: RowError) -> dict[str, Any]:
        return {name: column[error.row - 1] for name, column in features.attributes.items()}

    command_line.write_rejects(rejects, [(as_read(error), error) for error in summary.errors])
    for error in summary.errors[:20]:
        click.echo(f"  row {error.row}, {error.field} ({error.rule}): {error.message}", err=True)
    say(summary.as_dict(), as_json)
    if summary.errors:
        click.get_current_context().exit(SOME_ROWS_REFUSED)
