"""What claims are measured against: layers of land, species, nursery stock, counts of survivors, walks around them."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy.orm import Session

from geo.vector_files import FileNotReadable, read_features
from tracker.accounts import audit
from tracker.accounts.scope import SERVER
from tracker.campaigns.models import Campaign
from tracker.campaigns.planning import find_campaign
from tracker.campaigns.tables import Row, TableSummary, read_table
from tracker.command_line import existing_file, json_option, say
from tracker.database import transaction
from tracker.plantations import yardsticks
from tracker.plantations.land import LayerFacts, load_layer
from tracker.plantations.models import LAND_KINDS
from tracker.raw_files import readable_name

campaign_option = click.option("--campaign", "code", required=True)


@click.group("layers")
def layers() -> None:
    """Land on which nothing can be planted: water, built-up, glaciers, cliffs; cropland but for farm forestry."""


@layers.command("import")
@existing_file
@click.option("--code", "layer_code", required=True, help="Name of the layer; loaded again, it is replaced.")
@click.option("--kind", type=click.Choice(LAND_KINDS), required=True)
@click.option("--source", required=True, help="Who drew it.")
@click.option("--dated", type=click.DateTime(["%Y-%m-%d"]), help="As of when it was drawn.")
@click.option("--layer", help="Layer of the file, when it has several.")
@json_option
def layers_import_command(
    file: Path, layer_code: str, kind: str, source: str, dated: datetime | None, layer: str | None, as_json: bool
) -> None:
    """Load polygons of one kind of land from a vector file of any kind."""
    try:
        features = read_features(file, layer, outlines={})
    except FileNotReadable as unreadable:
        raise click.ClickException(str(unreadable)) from None
    digest = hashlib.sha256(file.read_bytes()).digest() if file.is_file() else b""
    facts = LayerFacts(layer_code, kind, source, dated.date() if dated else None, digest)
    with transaction() as session:
        outlines = load_layer(session, features, facts)
        audit.record(session, SERVER, "import", "land layer", layer_code, {"kind": kind, "outlines": outlines})
    say({"layer": layer_code, "kind": kind, "read": len(features), "outlines": outlines}, as_json)


def _table_command(
    name: str, help_words: str, columns: tuple[str, ...], load: Callable[[Session, Campaign, list[Row]], TableSummary]
) -> click.Command:
    @click.command(name, help=help_words)
    @existing_file
    @campaign_option
    @json_option
    def command(file: Path, code: str, as_json: bool) -> None:
        with transaction() as session:
            campaign = find_campaign(session, code)
            summary = load(session, campaign, read_table(file, columns))
            facts = {"file": readable_name(file), **summary.as_dict()}
            audit.record(session, SERVER, "import", name, campaign.code, facts)
        say(summary.as_dict(), as_json)

    return command


species = _table_command(
    "species",
    "What the campaign expects of species: columns species, lowest_m, highest_m, cap_share.",
    ("species",),
    yardsticks.load_species,
)
nursery = _table_command(
    "nursery",
    "Plants that nurseries gave out: columns nursery, issued_on, stems.",
    ("nursery", "issued_on", "stems"),
    yardsticks.load_nursery_stock,
)
surveys = _table_command(
    "surveys",
    "Counts of survivors: columns claim, surveyed_on, survival, replanted.",
    ("claim", "surveyed_on", "survival"),
    yardsticks.load_surveys,
)


@click.command("track")
@click.argument("claim")
@existing_file
@campaign_option
def track(claim: str, file: Path, code: str) -> None:
    """Keep the walk around a claim, as a GPX file recorded it."""
    with transaction() as session:
        campaign = find_campaign(session, code)
        yardsticks.keep_track(session, campaign, claim, file)
        audit.record(session, SERVER, "import", "track", f"{campaign.code}/{claim}", {"file": readable_name(file)})
    click.echo(f"Kept: the walk around {claim}.", err=True)
