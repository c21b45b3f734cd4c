"""What does a tile of settlements cost under row security, with live status, when the round has 100,000 of them?

Floors, in the same run, as the owner of the tables: `ST_AsMVT` of the same features with the same properties, prepared
too, but without scope and without working out a status; at zoom 6 of all settlements one by one. Asked in turns; of
many, the lower quartile. Goals: at zoom 9 and 12 at most 1.2 times the floor, at zoom 6 under 20 ms and 150 kB.
`--size 10000` for a first look.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from benchmarks.made_round import CAMPAIGN, load_ground, make_round
from benchmarks.measure import installation, say, show_table, size_from_words
from geo.morton import tile_range
from tracker.accounts.people import create_person
from tracker.accounts.scope import SERVER, Scope, campaign_in_scope, reading, scope_of
from tracker.campaigns.models import Campaign
from tracker.coverage.tile_layers import TYPES, Tile, settlements_in
from tracker.database import transaction
from tracker.prepared import Prepared

ZOOMS = (6, 9, 12)
REPEATS = 30
VISITS_PER_SETTLEMENT = 2

BARE = """
    WITH shown AS (
        SELECT x.settlement_id AS id, s.code, x.area_id AS area, x.target,
               CASE WHEN :with_names THEN s.name_en END AS name, CASE WHEN :with_names THEN s.name_ur END AS name_ur,
               x.vaccinated_confirmed AS unreached, 'partly' AS status, planned.code AS team,
               ST_AsMVTGeom(ST_Transform(x.point, 3857), ST_TileEnvelope(:z, :x, :y), 4096, 64, false) AS geom
        FROM campaign_settlement x JOIN settlement s ON s.id = x.settlement_id
        LEFT JOIN team planned ON planned.id = x.team_id
        WHERE x.campaign_id = :campaign AND x.tile_key BETWEEN :first_key AND :last_key
    )
    SELECT ST_AsMVT(shown, 'settlements', 4096, 'geom', 'id') FROM shown"""
FLOOR = Prepared("bare_tile", BARE, TYPES)

FULLEST = text("""
    SELECT tile_key >> 2 * (20 - :z) FROM campaign_settlement WHERE campaign_id = :campaign
    GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1""")


def main() -> None:
    settlements = size_from_words(100_000, "settlements")
    with installation("tiles") as place:
        made = make_round(place.settings.data_dir / "round", settlements * VISITS_PER_SETTLEMENT, settlements)
        load_ground(place, made)
        say("importing and judging visits")
        place.flask("visits", "import", made.visits, "--campaign", CAMPAIGN, "--json", may_refuse=True)
        place.flask("visits", "check", "--campaign", CAMPAIGN, "--json")
        with place.connect() as connection, connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        with transaction() as session:
            person = create_person(session, SERVER, "bench@example.org", "coordinator", area_codes=["KP"])
            scope = scope_of(session, person)
        rows = [measured(zoom, scope) for zoom in ZOOMS]
    head = ("zoom", "features under the tile", "bare, ms", "bare, kB", "ours, ms", "ours, kB", "ours ÷ bare")
    show_table("Tiles of settlements under row security", head, rows)


def measured(zoom: int, scope: Scope) -> tuple[object, ...]:
    """The tile with the most settlements of a zoom: floor and ours in turns."""
    with transaction() as owner, reading(scope) as session:
        campaign = campaign_in_scope(session, CAMPAIGN, scope)
        tile = fullest(owner, campaign, zoom)
        first_key, last_key = tile_range(*tile)
        values = {
            "campaign": campaign.id, "z": zoom, "x": tile[1], "y": tile[2], "first_key": first_key,
            "last_key": last_key, "with_names": zoom >= 11,
        }  # fmt: skip
        now = datetime.now(UTC)
        bare_ms, ours_ms = [], []
        for _ in range(REPEATS):
            floor, ms = timed(lambda: FLOOR.scalar(owner, values))
            bare_ms.append(ms)
            ours, ms = timed(lambda: settlements_in(session, campaign, scope, tile, now=now))
            ours_ms.append(ms)
        under = owner.scalar(text("""
            SELECT count(*) FROM campaign_settlement
            WHERE campaign_id = :campaign AND tile_key BETWEEN :first_key AND :last_key"""), values)  # fmt: skip
    bare, own = (sorted(ms)[REPEATS // 4] for ms in (bare_ms, ours_ms))
    return (zoom, f"{under:,}", f"{bare:.1f}", f"{len(floor) / 1000:.0f}", f"{own:.1f}", f"{len(ours) / 1000:.0f}",
            f"{own / bare:.2f}")  # fmt: skip


def fullest(session: Session, campaign: Campaign, zoom: int) -> Tile:
    """The tile with the most settlements."""
    key = session.scalar(FULLEST, {"z": zoom, "campaign": campaign.id}) or 0
    x = sum((key >> 2 * bit & 1) << bit for bit in range(zoom))
    y = sum((key >> 2 * bit + 1 & 1) << bit for bit in range(zoom))
    return zoom, x, y


def timed(work: Callable[[], bytes]) -> tuple[bytes, float]:
    began = time.perf_counter()
    made = bytes(work())
    return made, (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
