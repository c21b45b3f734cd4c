"""Visits from files and to files: import, export."""

import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from tracker.accounts import audit
from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import SOME_ROWS_REFUSED, existing_file, json_option, rejects_option, say
from tracker.database import transaction
from tracker.errors import RowsRefused
from tracker.raw_files import readable_name
from tracker.visits.exporting import FORMATS, export_visits
from tracker.visits.file_formats import NotAVisitsFile
from tracker.visits.file_import import Progress, import_visits, rejects_to
from tracker.visits.staging import Refused

campaign_option = click.option("--campaign", "code", required=True)


@click.command("import")
@existing_file
@campaign_option
@click.option("--channel", default="file", hidden=True)
@rejects_option
@json_option
@with_appcontext
def import_command(file: Path, code: str, channel: str, rejects: Path | None, as_json: bool) -> None:
    """Take visits from CSV, NDJSON, GeoPackage or Parquet, recognised by content."""
    started = time.monotonic()
    raw_folder = current_app.config["RASAI"].data_dir / "raw"
    with rejects_to(rejects) as refused, transaction() as session:
        campaign = find_campaign(session, code)
        try:
            summary = import_visits(
                session, campaign, file, raw_folder, refused, channel=channel, progress=_every_second("rows read")
            )
        except NotAVisitsFile as unreadable:
            raise click.ClickException(str(unreadable)) from None
        except RowsRefused as head:
            refused.add(Refused({}, head.errors))
            raise
        facts = {"file": readable_name(file), **summary.as_dict()}
        audit.record(session, SERVER, "import", "visits", campaign.code, facts)
    summary.seconds = round(time.monotonic() - started, 3)
    for error in refused.shown:
        click.echo(f"  row {error.row}, {error.field} ({error.rule}): {error.message}", err=True)
    say(summary.as_dict(), as_json)
    if summary.rejected or summary.conflict:
        click.get_current_context().exit(SOME_ROWS_REFUSED)


def _every_second(what: str) -> Progress:
    """Tells on standard error how far it is, at most once a second."""
    told_at = time.monotonic()

    def tell(rows: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= 1:
            told_at = time.monotonic()
            click.echo(f"{rows:,} {what}", err=True)

    return tell


@click.command("export")
@campaign_option
@click.option("--format", "how", type=click.Choice(FORMATS), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@with_appcontext
def export_command(code: str, how: str, out: Path) -> None:
    """Every column as sent, and where each visit counts, its standing and its flags."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        count = export_visits(session, campaign, how, out, progress=_every_second("visits written"))
    click.echo(f"{count:,} visits → {out}", err=True)
