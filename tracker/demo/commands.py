"""Demonstration data: a round on real places with invented work, and what the rules find in it."""

import contextlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from flask import current_app

from tracker.campaigns.planning import find_campaign
from tracker.command_line import Group
from tracker.database import transaction
from tracker.demo import claims_recall, load, recall
from tracker.visits.rules import RULES


@click.group("demo", cls=Group)
def demo() -> None:
    """Demonstration data."""


@demo.command("load")
@click.option("--size", default=1.0, show_default=True, help="1 is about 2,000 settlements, 300 teams, 60,000 visits.")
@click.option("--seed", default=0, show_default=True)
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day; by default three days ago.")
@click.option("--json", "as_json", is_flag=True)
def load_command(size: float, seed: int, start: datetime | None, as_json: bool) -> None:
    """Make a round with planted faults and load it through the commands that everybody uses."""
    started = time.monotonic()
    settings = current_app.config["RASAI"]
    load.load_demonstration(
        _run,
        settings,
        Path(current_app.static_folder or ""),
        size=size,
        seed=seed,
        start=start.date() if start else None,
    )
    load.load_claims(_run, settings, seed=seed, as_of=datetime.now(UTC).date())
    with transaction() as session:
        logins = load.make_people(session, settings)
    (settings.data_dir / "demo" / "made.json").write_text(json.dumps({"size": size, "seed": seed}))
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        click.echo(json.dumps({"campaign": load.CAMPAIGN, "logins": str(logins), "seconds": seconds}))
    else:
        click.echo(f"Round {load.CAMPAIGN} is loaded ({seconds} s). Who may sign in: {logins}")


@demo.command("recall")
@click.option("--out", type=click.Path(path_type=Path), help="Write the table there (Markdown).")
def recall_command(out: Path | None) -> None:
    """How much of what was planted the rules found, and how often they asked about honest work."""
    folder = current_app.config["RASAI"].data_dir / "demo"
    made = json.loads((folder / "made.json").read_text())
    with transaction() as session:
        measured = recall.measure_recall(session, folder / "truth.csv", load.CAMPAIGN, [rule.name for rule in RULES])
    table = recall.as_markdown(measured, made["size"], made["seed"])
    if out:
        out.write_text(table, encoding="utf-8")
    click.echo(table)


@demo.command("claims-recall")
@click.option("--out", type=click.Path(path_type=Path), help="Write the tables there (Markdown).")
def claims_recall_command(out: Path | None) -> None:
    """How much of what was planted among the claims was found, and how often honest ones were accused."""
    folder = current_app.config["RASAI"].data_dir / "demo"
    seed = json.loads((folder / "made.json").read_text())["seed"]
    with transaction() as session:
        claims = claims_recall.told_claims(session, find_campaign(session, load.TREES), folder / "claims-truth.csv")
    tables = claims_recall.as_markdown(claims, seed)
    if out:
        out.write_text(tables, encoding="utf-8")
    click.echo(tables)


def _run(*words: object) -> None:
    """One of our own commands, in this process; what it says goes to standard error."""
    shown = " ".join(w.name if isinstance(w, Path) else str(w) for w in words)
    click.echo(f"flask {shown}", err=True)
    with contextlib.redirect_stdout(sys.stderr):
        code = current_app.cli.main([str(w) for w in words], prog_name="flask", standalone_mode=False)
    if code:  # it has said why; what follows would build on what is not there
        click.echo(f"The demonstration stops here: flask {shown} ended with {code}.", err=True)
        click.get_current_context().exit(1)
