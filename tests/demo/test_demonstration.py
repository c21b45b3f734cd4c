"""The demonstration: the same every time, on sound ground, loaded by everybody's commands, and its faults are found."""

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely

from geo.boundaries import geodesic_km2, overlapping_pairs
from tracker import create_app
from tracker.database import transaction
from tracker.demo import load
from tracker.demo.files import write_demonstration
from tracker.demo.ground import draw_ground
from tracker.demo.recall import measure_recall
from tracker.visits.rules import RULES

OUTLINE = Path(__file__).resolve().parents[2] / "tracker" / "static" / load.OUTLINE
FIRST_DAY, LONG_AFTER_S = date(2026, 11, 2), 2e9


def write(folder: Path, seed: int, until_s: float = LONG_AFTER_S):
    return write_demonstration(OUTLINE, folder, size=0.1, seed=seed, start=FIRST_DAY, until_s=until_s)


@pytest.fixture(scope="module")
def ground():
    return draw_ground(OUTLINE)


def test_the_province_has_its_real_size_and_is_divided_without_gap_or_overlap(ground):
    districts = np.array([d.shape for d in ground.districts])

    whole, parts = geodesic_km2(np.array([ground.province.shape]))[0], geodesic_km2(districts).sum()

    assert whole == pytest.approx(101_000, rel=0.03)  # Natural Earth's outline against the official 100,900 km²
    assert parts == pytest.approx(whole, rel=1e-5)  # long edges are cut: geodesic and straight differ a little
    assert overlapping_pairs(districts, 0.001) == []
    assert len(ground.districts) == 35
    assert {t.parent for t in ground.tehsils} == {d.code for d in ground.districts}


def test_every_tehsil_lies_in_its_district(ground):
    shapes = {d.code: d.shape for d in ground.districts}

    outside = [shapely.difference(t.shape, shapes[t.parent]).area / t.shape.area for t in ground.tehsils]

    assert max(outside) < 1e-6


def test_the_same_seed_gives_the_same_files_and_another_seed_other_visits(tmp_path):
    first, second, other = (write(tmp_path / name, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))

    for path in ("tehsil.geojson", "settlements-000.geojson", "teams.csv", "microplan.csv", "truth.csv"):
        assert (first.folder / path).read_bytes() == (second.folder / path).read_bytes()
    assert pq.read_table(first.visits(0)).equals(pq.read_table(second.visits(0)))
    assert not pq.read_table(first.visits(0)).equals(pq.read_table(other.visits(0)))


def test_a_round_that_is_still_running_has_no_visits_from_the_future(tmp_path):
    noon = 1_793_772_000.0  # 4 November 2026, 12:00 in Pakistan, the round's third day

    running = write(tmp_path / "running", 1, noon)
    times = pq.read_table(running.visits(0))["visited_at"].cast("int64").to_numpy() / 1e6

    assert 0 < len(times) < len(pq.read_table(write(tmp_path / "over", 1).visits(0)))
    assert times.max() <= noon


def test_a_block_more_needs_no_more_places_in_one_file(tmp_path):
    two = write_demonstration(OUTLINE, tmp_path, size=2, seed=0, start=FIRST_DAY, until_s=LONG_AFTER_S)

    settlements = [json.loads(two.settlements(b).read_text())["features"] for b in range(two.blocks)]

    assert [len(s) for s in settlements] == [2000, 2000]
    codes = [f["properties"]["code"] for s in settlements for f in s]
    assert len(set(codes)) == len(codes)


def test_loaded_through_the_commands_the_planted_faults_are_found(database, tmp_path, monkeypatch):
    monkeypatch.setenv("RASAI_LOCAL_DIR", str(tmp_path))
    app = create_app()

    answer = app.test_cli_runner().invoke(args=["demo", "load", "--size", "0.1", "--start", "2026-11-02", "--json"])

    assert answer.exit_code == 0, answer.stderr
    assert json.loads(answer.stdout)["campaign"] == load.CAMPAIGN
    logins = json.loads((tmp_path / "demo-logins.json").read_text())
    roles = {person["role"] for person in logins}
    assert roles == {"admin", "coordinator", "supervisor", "verifier", "team", "observer"}
    assert (tmp_path / "demo-logins.json").stat().st_mode & 0o077 == 0
    with transaction() as session:
        truth = tmp_path / "data" / "demo" / "truth.csv"
        found = measure_recall(session, truth, load.CAMPAIGN, [rule.name for rule in RULES])
    weak = {r.rule: r.recall for r in found.rules if r.planted and r.recall < 0.9}
    assert weak == {}
    assert found.false_alarms < 0.01
    assert found.honest > 3000


def test_the_truth_is_kept_apart_from_what_is_loaded(tmp_path):
    made = write(tmp_path, 3)

    columns = pq.read_schema(made.visits(0)).names
    with made.truth.open(newline="") as file:
        faults = {row["fault"] for row in csv.DictReader(file)}

    assert "fault" not in columns
    planted = {"invented_day", "wrong_settlement", "copied_rows", "drifting_position", "skipped_hamlet", "sent_twice"}
    assert planted <= faults
