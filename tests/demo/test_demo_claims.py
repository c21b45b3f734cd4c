"""The demonstration's claims: the same every time; what rules can see is found, honest claims are left alone."""

import json
from datetime import date

import pytest
import shapely
from sqlalchemy import text

from tests.builders import PESHAWAR, an_area
from tracker import create_app
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.demo import claims_recall, load
from tracker.demo.claim_scenes import days_of_scenes
from tracker.demo.claims import CLAIMS, FAULTS, QUESTIONS, country_in, make_campaign

AS_OF = date(2026, 6, 1)


def test_the_same_seed_gives_the_same_claims_and_another_seed_others():
    first, second, other = (make_campaign(PESHAWAR, AS_OF, seed) for seed in (1, 1, 2))

    assert first.claims == second.claims
    assert first.claims != other.claims


def test_the_land_is_a_square_within_the_district_and_claims_stand_apart():
    made = make_campaign(PESHAWAR, AS_OF, 3)
    whole = [c for c in made.claims if c.fault not in ("double claim", "same ground twice", "outside the district")]

    assert made.country == country_in(PESHAWAR)
    assert all(made.country.outline.contains(c.ground) for c in made.claims)
    tree = shapely.STRtree([c.outline for c in whole])
    assert tree.query([c.outline for c in whole], predicate="intersects").shape[1] == len(whole)
    assert {c.fault for c in made.claims} == {*FAULTS, ""}


def test_scenes_are_enough_for_every_question_and_not_too_many():
    days = days_of_scenes(AS_OF, 0)

    assert len(days) == len(set(days)) < 200
    assert sum((AS_OF - day).days <= 365 for day in days) >= 24


@pytest.fixture
def loaded(database, tmp_path, monkeypatch):
    """The plantation campaign alone, loaded through the commands."""
    monkeypatch.setenv("RASAI_LOCAL_DIR", str(tmp_path))
    app = create_app()
    with transaction() as session:
        an_area(session, load.HOME, outline=PESHAWAR)

    def run(*words: object) -> None:
        assert not app.cli.main([str(w) for w in words], prog_name="flask", standalone_mode=False)

    with app.app_context():
        load.load_claims(run, app.config["RASAI"], seed=0, as_of=AS_OF)
    return app


def test_what_rules_can_find_is_found_honest_claims_are_left_alone_and_tables_tell_it(loaded):
    truth = loaded.config["RASAI"].data_dir / "demo" / "claims-truth.csv"
    with transaction() as session:
        campaign = session.query(Campaign).filter_by(code=load.TREES).one()
        claims = claims_recall.told_claims(session, campaign, truth)
        scenes = session.execute(text("SELECT subject FROM job WHERE task = 'demo_scenes'")).all()

    assert len(claims) == CLAIMS
    by_rules = [c for c in claims if c.fault and c.finder not in QUESTIONS]
    assert [c.fault for c in by_rules if not c.is_found] == []
    assert [c for c in claims if not c.fault and not c.beside_fault and c.rules] == []
    assert [tuple(row) for row in scenes] == [(load.TREES,)]
    folder = loaded.config["RASAI"].data_dir / "demo"
    (folder / "made.json").write_text(json.dumps({"size": 0, "seed": 0}))

    said = loaded.test_cli_runner().invoke(args=["demo", "claims-recall", "--out", str(folder / "table.md")])

    assert said.exit_code == 0, said.output
    table = (folder / "table.md").read_text()
    assert all(f"| {fault} |" in table for fault in FAULTS)
    assert "| spike | `spike` | 8 | 8 | 100% | 0 |" in table
