"""Coverage: report, gaps, recount, map."""
import click


@click.group("coverage")
def coverage() -> None:
    """Coverage: report, gaps, recount, map."""
