"""The demonstration as files, such as a province would send them: boundaries, settlements, teams, microplan, visits.

Block after block, so that a hundredfold demonstration needs no more memory than one. The truth of what was planted
goes to a
file of its own that nothing but `flask demo recall` reads.
"""

import csv
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from tracker.demo import faults, places, walk
from tracker.demo.ground import DrawnArea, Ground, draw_ground

NOTES = (
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "والدین کھیت میں تھے",
    "gate closed, asked the neighbour",
    "ماشومان په ښوونځي کې وو",
    "مہمان آئے ہوئے تھے",
)
SILENT_SHARE = 0.012  # of the mobile teams: never heard, their phones have no signal


@dataclass(frozen=True)
class DemoFiles:
    """Where everything was written. Blocks of settlements and visits are numbered from 0."""

    folder: Path
    start: date
    blocks: int

    @property
    def days(self) -> list[date]:
        """Three planned days and one catch-up day."""
        return [self.start + timedelta(days=d) for d in range(places.DAYS + 1)]

    def areas(self, level: str) -> Path:
        return self.folder / f"{level}.geojson"

    def settlements(self, block: int) -> Path:
        return self.folder / f"settlements-{block:03}.geojson"

    def visits(self, block: int) -> Path:
        return self.folder / f"visits-{block:03}.parquet"

    @property
    def teams(self) -> Path:
        return self.folder / "teams.csv"

    @property
    def microplan(self) -> Path:
        return self.folder / "microplan.csv"

    @property
    def truth(self) -> Path:
        return self.folder / "truth.csv"


def write_demonstration(
    outline: Path,
    folder: Path,
    *,
    size: float,
    seed: int,
    start: date,
    until_s: float,
    settlements: int = places.SETTLEMENTS,
) -> DemoFiles:
    """Write all files. `size` 1 is about 2,000 settlements, 300 teams and 60,000 visits.

    until_s : seconds since the epoch; visits that would be made later than that are left out (the round may be
    running).   settlements : of a full block; the same visits in fewer settlements make a denser round.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ground = draw_ground(outline, seed)
    blocks = max(1, round(size))
    written = DemoFiles(folder, start, blocks)
    for level, areas in (("province", [ground.province]), ("district", ground.districts), ("tehsil", ground.tehsils)):
        _write_areas(written.areas(level), areas)
    with (
        _table(written.teams, ("team", "type", "area", "supervisor")) as teams,
        _table(written.microplan, ("team", "date", "settlement", "target_children")) as microplan,
        _table(written.truth, ("instance_id", "settlement", "fault", "rule")) as truth,
    ):
        for number in range(blocks):
            rng = np.random.default_rng([seed, 3, number])
            block = places.make_block(ground, seed, number, min(1.0, size), settlements)
            _write_settlements(written.settlements(number), block)
            teams.writerows(_team_rows(block, ground))
            microplan.writerows(_plan_rows(block, written, rng))
            truth.writerows(_write_visits(written, block, ground, until_s, rng))
    return written


def _write_areas(path: Path, areas: list[DrawnArea]) -> None:
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(a.shape)),
            "properties": {
                "code": a.code,
                "name": a.name,
                "name_ur": a.name_ur,
                "name_ps": a.name_ps,
                "parent": a.parent,
            },
        }
        for a in areas
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )


def _write_settlements(path: Path, block: places.Block) -> None:
    under_five = block.under_five
    features = [
        {
            "type": "Feature",
            "geometry": json.loads(shapely.to_geojson(block.outline(k))),
            "properties": {
                "code": str(block.code[k]),
                "name": str(block.name[k]),
                "name_ur": str(block.name_ur[k]),
                "type": str(block.type[k]),
                "population": round(float(under_five[k]) / 0.156),
                "under_five": int(under_five[k]),
                "high_risk": bool(block.high_risk[k]),
            },
        }
        for k in range(len(block.code))
    ]
    path.write_text(
        json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), encoding="utf-8"
    )


@contextmanager
def _table(path: Path, columns: tuple[str, ...]) -> Iterator[Any]:
    """A CSV file being written: its csv.writer."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        yield writer


def _team_rows(block: places.Block, ground: Ground) -> Iterator[tuple[str, str, str, str]]:
    home = block.tehsil[block.house_settlement[np.searchsorted(block.house_team, np.arange(block.mobile_teams))]]
    busy = np.argsort(-np.bincount(block.house_settlement, minlength=len(block.code)))[: block.posts]
    kinds = ["mobile"] * block.mobile_teams + ["fixed" if k % 2 == 0 else "transit" for k in range(block.posts)]
    for team, (kind, tehsil) in enumerate(zip(kinds, [*home, *block.tehsil[busy]], strict=True)):
        yield str(block.team_code(team)), kind, ground.tehsils[tehsil].code, f"S{block.number}{team // 5:03}"


def _plan_rows(
    block: places.Block, written: DemoFiles, rng: np.random.Generator
) -> Iterator[tuple[str, str, str, int]]:
    """Each team-day's settlements with target children, as estimated: a few per cent off the truth."""
    key = (block.house_team * places.DAYS + block.house_day) * len(block.code) + block.house_settlement
    stops, of = np.unique(key, return_inverse=True)
    children = np.bincount(of, block.house_children)
    target = np.maximum(1, np.round(children * rng.uniform(0.92, 1.03, len(stops)))).astype(int)
    team_day, settlement = np.divmod(stops, len(block.code))
    codes = block.team_code(team_day // places.DAYS)
    for k in range(len(stops)):
        yield (
            str(codes[k]),
            written.days[team_day[k] % places.DAYS].isoformat(),
            str(block.code[settlement[k]]),
            int(target[k]),
        )


def _write_visits(
    written: DemoFiles, block: places.Block, ground: Ground, until_s: float, rng: np.random.Generator
) -> Iterator[tuple[object, ...]]:
    """Write a block's visits as they would arrive, late ones and repeats among them; give the rows of the truth."""
    hamlets = np.flatnonzero(block.type == "hamlet")
    skipped = rng.choice(hamlets, max(1, len(hamlets) // 30), replace=False)
    silent = rng.choice(block.mobile_teams, max(1, round(SILENT_SHARE * block.mobile_teams)), replace=False)
    visits = faults.plant(
        walk.honest_visits(block, ground, written.start, rng, skipped=skipped, silent=silent), block, rng
    )
    made = visits["at_s"] <= until_s
    visits = {name: values[made] for name, values in visits.items()}
    n = len(visits["team"])
    ids = np.array([str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(n)])
    sent_twice = rng.choice(n, max(2, n // 250), replace=False)
    order = np.concatenate([np.argsort(visits["at_s"] + rng.exponential(2500, n), kind="stable"), sent_twice])
    pq.write_table(_as_table(visits, ids, block, rng).take(pa.array(order)), written.visits(block.number))
    for k in np.flatnonzero(visits["fault"] != ""):
        yield (
            ids[k],
            block.code[visits["settlement"][k]],
            visits["fault"][k],
            faults.FINDS.get(str(visits["fault"][k]), ""),
        )
    for k in sent_twice:
        yield ids[k], block.code[visits["settlement"][k]], "sent_twice", ""
    for k in skipped:
        yield "", block.code[k], "skipped_hamlet", ""


def _as_table(visits: walk.Columns, ids: np.ndarray, block: places.Block, rng: np.random.Generator) -> pa.Table:
    """The visit contract's columns; what a phone does not know is null."""
    nothing = np.isnan(visits["lon"])
    return pa.table(
        {
            "instance_id": ids,
            "team": block.team_code(visits["team"]),
            "visited_at": pa.array(visits["at_s"] * 1_000_000, pa.timestamp("us", tz="UTC")),
            "lon": pa.array(visits["lon"], mask=nothing),
            "lat": pa.array(visits["lat"], mask=nothing),
            "accuracy_m": pa.array(visits["accuracy_m"], mask=np.isnan(visits["accuracy_m"])),
            "settlement": pa.array(block.code[visits["settlement"]], mask=~visits["declared"]),
            **{count: visits[count].astype(np.int32) for count in walk.COUNTS},
            "is_revisit": visits["is_revisit"],
            "mock_location": visits["mock_location"],
            "note": rng.choice(NOTES, len(ids)),
        }
    )
