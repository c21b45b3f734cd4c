"""Numbers for other systems, on the command line."""

from datetime import UTC, datetime
from pathlib import Path

import click

from tracker.accounts.scope import SERVER
from tracker.campaigns.planning import find_campaign
from tracker.command_line import SOME_ROWS_REFUSED, Group, json_option, say
from tracker.database import transaction
from tracker.exports.dhis2 import as_text, read_mapping, value_set


@click.group("dhis2", cls=Group)
def dhis2() -> None:
    """DHIS2: numbers as dataValueSets."""


@dhis2.command("export")
@click.option("--campaign", "code", required=True, help="Code of the campaign.")
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True)
@json_option
@click.pass_context
def export_command(ctx: click.Context, code: str, mapping: Path, out: Path, as_json: bool) -> None:
    """Write the value set; areas that the mapping does not know are told, and the exit code is 3."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        made = value_set(session, campaign, SERVER, read_mapping(mapping.read_bytes()), now=datetime.now(UTC))
    out.write_text(as_text(made.document), encoding="utf-8")
    say({"values": len(made.document["dataValues"]), "not_mapped": made.unmapped}, as_json)
    for area in made.unmapped:
        click.echo(f"{area}: no organisation unit in {mapping.name}", err=True)
    if made.unmapped:
        ctx.exit(SOME_ROWS_REFUSED)
