"""Do the kept counts equal a count from the raw rows? Counted here once more, in SQL, by other code than keeps them.

Both sides are read in one snapshot, under the campaign's lock and after everything that waited was judged; visits that
came since are in neither. With `repair` the kept counts are replaced, where they differ, by those of the raw rows.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.cells import OTHER_REACH_M, REACH_M
from tracker.campaigns.models import Campaign
from tracker.coverage.following import follow, locked
from tracker.coverage.models import SUMS
from tracker.visits.models import DOUBTFUL, REJECTED, REPLACED, VALID

VALUES = ("area_id", *SUMS, "reached", "west", "south", "east", "north")

JUDGED = """
    SELECT v.*, CAST(v.visited_at AT TIME ZONE :zone AS date) AS day FROM visit v
    WHERE v.campaign_id = :campaign AND v.standing <> :replaced
      AND v.submission_id NOT IN (SELECT submission_id FROM waiting
                                  WHERE campaign_id = :campaign AND submission_id IS NOT NULL)"""

# each step is a table whose size is known to the planner: as one statement it guesses, and loops for minutes
COUNT_RAW = {
    "raw_sum": f"""
        SELECT unit_id, day, team_id, max(area_id) AS area_id, count(*) AS visits,
               count(*) FILTER (WHERE standing = :valid) AS visits_valid,
               count(*) FILTER (WHERE standing = :doubtful) AS visits_doubtful,
               count(*) FILTER (WHERE standing = :rejected) AS visits_rejected,
               sum(children_eligible) FILTER (WHERE standing <> :rejected AND NOT is_revisit) AS eligible,
               sum(vaccinated) FILTER (WHERE standing <> :rejected) AS vaccinated,
               sum(vaccinated) FILTER (WHERE standing = :valid) AS vaccinated_confirmed,
               sum(vaccinated) FILTER (WHERE standing = :rejected) AS vaccinated_rejected,
               sum(guests_vaccinated) FILTER (WHERE standing <> :rejected) AS guests,
               sum(zero_dose) FILTER (WHERE standing <> :rejected) AS zero_dose,
               sum(absent) FILTER (WHERE standing <> :rejected AND NOT is_revisit) AS missed_absent,
               sum(refused) FILTER (WHERE standing <> :rejected AND NOT is_revisit) AS missed_refused,
               sum(other_missed) FILTER (WHERE standing <> :rejected AND NOT is_revisit) AS missed_other,
               sum(vaccinated) FILTER (WHERE standing <> :rejected AND is_revisit) AS recovered,
               min(lon) AS west, min(lat) AS south, max(lon) AS east, max(lat) AS north
        FROM ({JUDGED}) judged GROUP BY unit_id, day, team_id""",
    "raw_cell": """         -- of settlements of the campaign, in metres of their zone
        SELECT s.id AS unit_id, s.utm_epsg, u.number, u.east_m, u.north_m,
               CASE WHEN s.type = 'urban' THEN :urban_reach_m ELSE :other_reach_m END AS reach_m
        FROM settlement s JOIN campaign_settlement c ON c.settlement_id = s.id,
             unnest(s.cell_east_m, s.cell_north_m) WITH ORDINALITY u (east_m, north_m, number)
        WHERE c.campaign_id = :campaign""",
    "raw_spot": f"""        -- valid visits, likewise
        SELECT j.unit_id, j.day, j.team_id, ST_X(at) AS east_m, ST_Y(at) AS north_m
        FROM ({JUDGED}) j JOIN (SELECT DISTINCT unit_id, utm_epsg FROM raw_cell) zone USING (unit_id),
             ST_Transform(ST_SetSRID(ST_MakePoint(j.lon, j.lat), 4326), zone.utm_epsg) at
        WHERE j.standing = :valid AND j.lon IS NOT NULL""",
    "raw_hit": """
        SELECT DISTINCT spot.unit_id, spot.day, spot.team_id, cell.number
        FROM raw_spot spot JOIN raw_cell cell ON cell.unit_id = spot.unit_id
         AND (spot.east_m - cell.east_m) * (spot.east_m - cell.east_m)
             + (spot.north_m - cell.north_m) * (spot.north_m - cell.north_m) <= cell.reach_m * cell.reach_m""",
    "raw_count": """
        WITH bits AS (
            SELECT sums.unit_id, sums.day, sums.team_id,
                   CAST(string_agg(CASE WHEN hit.number IS NULL THEN '0' ELSE '1' END, '' ORDER BY cell.number)
                        AS bit varying) AS reached
            FROM raw_sum sums JOIN raw_cell cell ON cell.unit_id = sums.unit_id
            LEFT JOIN raw_hit hit ON (hit.unit_id, hit.day, hit.team_id, hit.number)
                                   = (sums.unit_id, sums.day, sums.team_id, cell.number)
            GROUP BY 1, 2, 3
        )
        SELECT sums.*, bits.reached
        FROM raw_sum sums LEFT JOIN bits ON (bits.unit_id, bits.day, bits.team_id)
                                          = (sums.unit_id, sums.day, sums.team_id)""",
}


def _filled(table: str) -> str:
    """The values of a count; a sum over no visits is 0."""
    return ", ".join(f"coalesce({table}.{name}, 0)" if name in SUMS else f"{table}.{name}" for name in VALUES)


DIFFERENT_COUNTS = text(f"""
    SELECT count(*) AS cells, count(*) FILTER (
        WHERE kept.unit_id IS NULL OR raw.unit_id IS NULL
           OR ({_filled("kept")}) IS DISTINCT FROM ({_filled("raw")})) AS different
    FROM (SELECT * FROM coverage_count WHERE campaign_id = :campaign) kept
    FULL JOIN raw_count raw ON (raw.unit_id, raw.day, raw.team_id) = (kept.unit_id, kept.day, kept.team_id)""")

_SUMMED = f"""
    SELECT unit_id, coalesce(bit_count(bit_or(reached)), 0) AS cells_reached,
           {", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in SUMS)}
    FROM raw_count GROUP BY unit_id"""
_KEPT = ", ".join(f"kept.{name}" for name in (*SUMS, "cells_reached"))
_RAW = ", ".join(f"coalesce(raw.{name}, 0)" for name in (*SUMS, "cells_reached"))

DIFFERENT_SETTLEMENTS = text(f"""
    SELECT count(*) AS cells,
           count(*) FILTER (WHERE ({_KEPT}, kept.cells) IS DISTINCT FROM ({_RAW}, s.cells)) AS different
    FROM campaign_settlement kept JOIN settlement s ON s.id = kept.settlement_id
    LEFT JOIN ({_SUMMED}) raw ON raw.unit_id = kept.settlement_id
    WHERE kept.campaign_id = :campaign""")

DROP_COUNTS = text("""
    DELETE FROM coverage_count kept WHERE kept.campaign_id = :campaign
      AND NOT EXISTS (SELECT 1 FROM raw_count raw
                      WHERE (raw.unit_id, raw.day, raw.team_id) = (kept.unit_id, kept.day, kept.team_id))""")

WRITE_COUNTS = text(f"""
    INSERT INTO coverage_count AS kept (campaign_id, unit_id, day, team_id, {", ".join(VALUES)})
    SELECT :campaign, raw.unit_id, raw.day, raw.team_id, {_filled("raw")} FROM raw_count raw
    ON CONFLICT (campaign_id, unit_id, day, team_id)
    DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in VALUES)}
    WHERE ({_filled("kept")}) IS DISTINCT FROM ({_filled("excluded")})""")

WRITE_SETTLEMENTS = text(f"""
    UPDATE campaign_settlement kept
    SET {", ".join(f"{name} = coalesce(raw.{name}, 0)" for name in (*SUMS, "cells_reached"))}, cells = s.cells
    FROM settlement s LEFT JOIN ({_SUMMED}) raw ON raw.unit_id = s.id
    WHERE kept.campaign_id = :campaign AND s.id = kept.settlement_id
      AND ({_KEPT}, kept.cells) IS DISTINCT FROM ({_RAW}, s.cells)""")

SAY_CHANGED = text("UPDATE campaign SET counted_at = clock_timestamp() WHERE id = :campaign")


@dataclass(frozen=True)
class Recount:
    """`cells`: counts compared (unit × day × team, and settlements); `different`: how many of them disagreed."""

    cells: int
    different: int
    repaired: int


def recount(campaign_id: int, repair: bool = False) -> Recount:
    """Compare the kept counts with the raw rows; with `repair` set right what differs."""
    follow(campaign_id)
    with locked(campaign_id) as connection, Session(connection) as session, session.begin():
        return _compare(session, session.get_one(Campaign, campaign_id), repair)


def _compare(session: Session, campaign: Campaign, repair: bool) -> Recount:
    its = {"campaign": campaign.id}
    standings = {"valid": VALID, "doubtful": DOUBTFUL, "rejected": REJECTED, "replaced": REPLACED}
    reach = {"urban_reach_m": REACH_M["urban"], "other_reach_m": OTHER_REACH_M}
    for table, query in COUNT_RAW.items():
        step = text(f"CREATE TEMPORARY TABLE {table} ON COMMIT DROP AS {query}")
        session.execute(step, {**its, "zone": campaign.timezone, **standings, **reach})
        session.execute(text(f"ANALYZE {table}"))
    counts = session.execute(DIFFERENT_COUNTS, its).one()
    settlements = session.execute(DIFFERENT_SETTLEMENTS, its).one()
    different = counts.different + settlements.different
    if repair and different:
        for statement in (DROP_COUNTS, WRITE_COUNTS, WRITE_SETTLEMENTS, SAY_CHANGED):
            session.execute(statement, its)
    return Recount(counts.cells + settlements.cells, different, different if repair else 0)
