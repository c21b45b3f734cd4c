"""Visits: import, check, export."""
import click


@click.group("visits")
def visits() -> None:
    """Visits: import, check, export."""
