"""`flask coverage pack`: the evening pack of an area as a PDF."""

import getpass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
from flask import current_app

from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.database import transaction
from tracker.evening.pack import evening_pack
from tracker.evening.printed import pack_as_pdf
from tracker.request_cycle import LANGUAGES


@click.command("pack")
@click.option("--campaign", "code", required=True, help="Code of the campaign.")
@click.option("--area", help="P-code; the round's own area unless told.")
@click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="The evening; today unless told.")
@click.option("--lang", type=click.Choice(tuple(LANGUAGES)), default="en")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
def pack(code: str, area: str | None, day: datetime | None, lang: str, out: Path) -> None:
    """One PDF (A4) for the evening meeting: claim and proof, gaps, reasons, teams not heard, orders."""
    now = datetime.now(UTC)
    with current_app.test_request_context(f"/?lang={lang}"):
        with transaction() as session:
            campaign = find_campaign(session, code)
            evening = day.date() if day else now.astimezone(ZoneInfo(campaign.timezone)).date()
            made = evening_pack(session, campaign, SERVER, area, evening, now=now)
        data = pack_as_pdf(made, campaign, f"{getpass.getuser()} (flask coverage pack)", now)
    out.write_bytes(data)
    click.echo(f"{out} ({len(data) / 1e3:.0f} kB)", err=True)
