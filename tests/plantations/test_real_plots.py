"""186 plots of a real programme, with the answers that were computed of them by other means."""

import json

import pytest
import shapely
from sqlalchemy import text

from tests.builders import an_area
from tests.plantations.claims_made import AS_OF, trees
from tracker.accounts.scope import SERVER
from tracker.plantations.asking import ask_about_claims
from tracker.plantations.fetching import claim_ids
from tracker.plantations.file_import import import_claims
from tracker.plantations.reading import campaign_report

FIELDS = {"claim": "id", "claimed_ha": "SurfacePro", "implementer": "Structure"}


@pytest.fixture
def checked(session, shared_data, tmp_path):
    file = shared_data / "plantations" / "reboisement_madagascar_A.geojson"
    outlines = [shapely.geometry.shape(f["geometry"]) for f in json.loads(file.read_text())["features"]]
    an_area(session, "MADA", outline=shapely.buffer(shapely.box(*shapely.total_bounds(outlines)), 0.02))
    campaign = trees(session)
    summary, _features = import_claims(session, campaign, file, tmp_path, FIELDS)
    again, _features = import_claims(session, campaign, file, tmp_path, FIELDS)
    ask_about_claims(session, campaign, claim_ids(session, campaign), AS_OF)
    return summary, again, campaign_report(session, campaign, SERVER), session


def test_the_known_answers(checked):
    summary, again, report, session = checked
    claims = {c["claim"]: c for c in report["claims"]}
    found = {code: {f["rule"]: f for f in c["findings"]} for code, c in claims.items()}

    assert (summary.created, summary.rejected, again.unchanged) == (186, 0, 186)
    assert report["totals"]["claimed_ha"] == pytest.approx(266.42, abs=0.01)
    assert report["totals"]["measured_ha"] == pytest.approx(258.78, abs=0.01)
    assert sum(abs(c["measured_ha"] / c["claimed_ha"] - 1) > 0.20 for c in claims.values()) == 92
    pairs = {frozenset((code, f["overlap"]["numbers"]["other"])) for code, f in found.items() if "overlap" in f}
    assert len(pairs) == 4
    assert [code for code, f in found.items() if "invalid_geometry" in f] == ["SAN_AMB_T11_L01_01"]
    assert not [code for code, f in found.items() if "drawn_shape" in f]
    every = "SELECT count(*) FROM finding WHERE shows IS NULL AND rule NOT IN ('data_missing')"
    assert session.scalar(text(every)) == 0
