"""The database: start, stop, status, upgrade, backup, restore."""
import click


@click.group("database")
def database() -> None:
    """The database: start, stop, status, upgrade, backup, restore."""
