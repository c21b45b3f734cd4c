"""Campaigns, teams, microplans."""
import click


@click.group("campaigns")
def campaigns() -> None:
    """Campaigns, teams, microplans."""


@click.group("teams")
def teams() -> None:
    """Campaigns, teams, microplans."""


@click.group("targets")
def targets() -> None:
    """Campaigns, teams, microplans."""
