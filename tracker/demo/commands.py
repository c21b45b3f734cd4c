"""Demonstration data."""

import click


@click.group("demo")
def demo() -> None:
    """Demonstration data."""
