"""People, roles, tokens."""
import click


@click.group("users")
def users() -> None:
    """People, roles, tokens."""
