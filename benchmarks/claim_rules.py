"""How long do the rules of ground take over 100,000 claims, of which one in fifty shares ground with its neighbour?

Baseline in the same run: shapely's index over all outlines in memory finds the pairs that share ground and measures
them in a plane, nothing else. Goal: minutes, the same pairs. `--size 5000` for a first look.
"""

import time
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import text

from benchmarks.measure import installation, say, show_table, size_from_words
from geo.claims.outlines import to_metres
from tracker.campaigns.models import Campaign
from tracker.database import transaction
from tracker.plantations.asking import ask_about_campaign, ask_about_claims
from tracker.plantations.fetching import claim_ids, portions

CODE = "BENCH"
GROUND = shapely.box(69, 32, 72.9, 36.9)
MADE = text("""
    INSERT INTO claim (campaign_id, code, submission_id, row_no, digest, claimed_ha, kind, species, species_share,
                       stems, planted_on, implementer, boundary, crs, measured_ha, utm_epsg, area_id)
    SELECT :campaign, 'C-' || n, 1, n, '', ST_Area(shape::geography) / 10000, 'block', '{poplar}', '{1}', 2000,
           '2024-03-10', 'Range ' || n % 40, ST_Multi(shape), 'EPSG:4326', ST_Area(shape::geography) / 10000, 32642, 0
    FROM (SELECT n, ST_Translate(
              ST_GeomFromText('POLYGON((0 0, 0.00121 -0.00013, 0.00163 0.00061, 0.00131 0.00142, 0.00042 0.00153,
                                        -0.00032 0.00083, 0 0))', 4326),
              69.5 + (n % side) * 0.0025 + CASE WHEN n % 50 = 0 THEN 0.00121 ELSE 0 END, 32.6 + (n / side) * 0.0025
          ) AS shape
          FROM generate_series(1, CAST(:claims AS int)) AS n, (SELECT ceil(sqrt(:claims))::int AS side) s) made""")
PAIRS = text("SELECT count(*) FROM finding WHERE rule = 'overlap'")
OUTLINES = text("SELECT ST_AsBinary(boundary) FROM claim ORDER BY id")


def main() -> None:
    claims = round(size_from_words(100_000, "claims"))
    with installation("claims") as place:
        ground = place.settings.data_dir / "ground.geojson"
        _write_ground(ground)
        place.flask("areas", "import", ground, "--level", "district", "--code-field", "code", "--name-field", "code")
        place.flask("campaigns", "create", CODE, "--kind", "plantation", "--name", CODE, "--start", "2024-01-01",
                    "--end", "2026-12-31", "--area", "GROUND")  # fmt: skip
        with transaction() as session:
            campaign = session.query(Campaign).filter_by(code=CODE).one()
            session.execute(MADE, {"campaign": campaign.id, "claims": claims})
            session.execute(text("ANALYZE claim"))
        seconds = _ask()
        with transaction() as session:
            found = session.scalar(PAIRS)
            outlines = np.array([shapely.from_wkb(bytes(w)) for w in session.scalars(OUTLINES)], dtype=object)
        started = time.monotonic()
        pairs = _pairs_in_memory(outlines)
        baseline = time.monotonic() - started
    figures = {
        "claims": f"{claims:,}",
        "rules s": f"{seconds:.1f}",
        "claims/s": f"{claims / seconds:,.0f}",
        "pairs found": f"{found // 2:,}",
        "index in memory s": f"{baseline:.1f}",
        "pairs there": f"{pairs:,}",
    }
    show_table("Rules of ground over claims", list(figures), [list(figures.values())])


def _write_ground(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = shapely.to_geojson(shapely.segmentize(GROUND, 0.05))
    path.write_text(
        '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "GROUND"},'
        f' "geometry": {shape}}}]}}'
    )


def _ask() -> float:
    """Seconds for all rules, portion by portion, as the check asks them."""
    started = time.monotonic()
    with transaction() as session:
        ids = claim_ids(session, session.query(Campaign).filter_by(code=CODE).one())
    for portion in portions(ids):
        with transaction() as session:
            campaign = session.query(Campaign).filter_by(code=CODE).one()
            ask_about_claims(session, campaign, portion, date(2026, 6, 1))
        say(f"{portion[-1]:,} claims after {time.monotonic() - started:.0f} s")
    with transaction() as session:
        ask_about_campaign(session, session.query(Campaign).filter_by(code=CODE).one())
    return time.monotonic() - started


def _pairs_in_memory(outlines: np.ndarray) -> int:
    """Pairs that share over 1 % of the smaller and over 0.01 ha."""
    metres = to_metres(outlines, np.full(len(outlines), 32642))
    first, second = shapely.STRtree(metres).query(metres, predicate="intersects")
    first, second = first[first < second], second[first < second]
    shared = shapely.area(shapely.intersection(metres[first], metres[second]))
    smaller = np.minimum(shapely.area(metres[first]), shapely.area(metres[second]))
    return int(((shared > 100) & (shared > 0.01 * smaller)).sum())


if __name__ == "__main__":
    main()
