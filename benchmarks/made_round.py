"""A round to measure with: the demonstration's ground and way of working, as many visits and settlements as wanted.

Visits carry what a real round carries, faults among them (about 5 %), so that rules have something to write. One CSV
holds all visits in order of arrival per block of some 60,000. Loading goes through everybody's commands.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from benchmarks.measure import Installation, say
from tracker.demo.files import DemoFiles, write_demonstration
from tracker.demo.load import OUTLINE
from tracker.settings import PROJECT

CAMPAIGN = "BENCH"
SEED = 7
VISITS_OF_A_BLOCK = 60_000  # about
DAYS_AGO = 10  # that the round began: it is over


@dataclass(frozen=True)
class Round:
    """What has been written: everything but the visits is shared by all sizes of one shape."""

    files: DemoFiles
    settlements: Path
    visits: Path
    visit_count: int


def make_round(folder: Path, visits: float, settlements: float) -> Round:
    """Write a round of about so many visits in about so many settlements."""
    say(f"making {visits:,.0f} visits in {settlements:,.0f} settlements")
    size = visits / VISITS_OF_A_BLOCK
    blocks = max(1, round(size))
    made = write_demonstration(
        PROJECT / "tracker" / "static" / OUTLINE, folder, size=size, seed=SEED,
        start=datetime.now(UTC).date() - timedelta(days=DAYS_AGO), until_s=time.time(),
        settlements=round(settlements / min(size, 1) / blocks),
    )  # fmt: skip
    one_file = folder / "settlements.geojson"
    one_file.write_text(json.dumps({"type": "FeatureCollection", "features": list(_features(made))}))
    return Round(made, one_file, *_as_csv(made))


def _features(made: DemoFiles) -> Iterator[object]:
    for block in range(made.blocks):
        yield from json.loads(made.settlements(block).read_text())["features"]


def _as_csv(made: DemoFiles) -> tuple[Path, int]:
    path, count = made.folder / "visits.csv", 0
    with path.open("wb") as file:
        for block in range(made.blocks):
            table = pq.read_table(made.visits(block))
            at = table.schema.get_field_index("visited_at")
            seconds = table["visited_at"].cast(pa.timestamp("s", "UTC"))
            table = table.set_column(at, "visited_at", pc.strftime(seconds, "%Y-%m-%dT%H:%M:%SZ"))
            how = pcsv.WriteOptions(include_header=block == 0, quoting_style="needed")
            pcsv.write_csv(table, file, how)
            count += table.num_rows
            made.visits(block).unlink()
    return path, count


def load_ground(place: Installation, made: Round) -> None:
    """Areas, settlements, campaign, teams and microplan: all that visits refer to."""
    say("loading areas, settlements, teams and microplan")
    names = ("--code-field", "code", "--name-field", "name")
    for level, parent in (
        ("province", ()),
        ("district", ("--parent-field", "parent")),
        ("tehsil", ("--parent-field", "parent")),
    ):
        place.flask("areas", "import", made.files.areas(level), "--level", level, *names, *parent)
    place.flask(
        "settlements", "import", made.settlements, *names, "--under-five-field", "under_five", "--type-field", "type"
    )
    create_campaign(place, CAMPAIGN, made.files.days)
    place.flask("teams", "import", made.files.teams, "--campaign", CAMPAIGN)
    place.flask("targets", "import", made.files.microplan, "--campaign", CAMPAIGN)


def create_campaign(place: Installation, code: str, days: list[date]) -> None:
    place.flask("campaigns", "create", code, "--kind", "vaccination", "--name", f"Round {code}", "--start", days[0],
                "--end", days[-2], "--catch-up", days[-1], "--area", "KP", "--timezone", "Asia/Karachi")  # fmt: skip
