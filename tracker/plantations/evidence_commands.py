"""Evidence of one claim: as it is kept, and made anew."""

import click

from tracker.database import transaction
from tracker.plantations.evidence import evidence_of, recompute

claim_argument = click.argument("claim")
campaign_option = click.option("--campaign", help="Needed only when several campaigns have a claim of that code.")
format_option = click.option("--format", "_how", type=click.Choice(("json",)), default="json", show_default=True)


@click.command("evidence")
@claim_argument
@campaign_option
@format_option
def evidence_command(claim: str, campaign: str | None, _how: str) -> None:
    """What scenes say of a claim, with every number that it rests on."""
    with transaction() as session:
        click.echo(evidence_of(session, claim, campaign))


@click.command("recompute")
@claim_argument
@campaign_option
@format_option
def recompute_command(claim: str, campaign: str | None, _how: str) -> None:
    """The same made anew from the scenes: the same bytes as long as scenes, claims and code are the same."""
    with transaction() as session:
        click.echo(recompute(session, claim, campaign))
