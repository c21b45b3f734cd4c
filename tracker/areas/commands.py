"""Boundaries and settlements."""
import click


@click.group("areas")
def areas() -> None:
    """Boundaries and settlements."""


@click.group("settlements")
def settlements() -> None:
    """Boundaries and settlements."""
