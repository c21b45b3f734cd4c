"""Keep the counts of judged teams: from arrays into `coverage_count`, from there into `campaign_settlement`.

The key of a count is unit × day × team, so that a team's counts are replaced without looking at anybody else's. Runs in the
transaction that judges; nothing here looks at visits in the database.
"""
import io
from dataclasses import dataclass

import numpy as np
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.cells import OTHER_REACH_M, REACH_M
from geo.coverage import CellGrids, reached_cells
from tracker.campaigns.models import Campaign
from tracker.coverage.models import SUMS
from tracker.visits.judging import Judged
from tracker.visits.models import DOUBTFUL, REJECTED, REPLACED, VALID

GRIDS = text("""
    SELECT s.id, s.utm_epsg, coalesce(s.cell_m, 0) AS cell_m, s.type, s.cells, s.cell_east_m, s.cell_north_m
    FROM settlement s JOIN campaign_settlement c ON c.settlement_id = s.id
    WHERE c.campaign_id = :campaign ORDER BY s.id""")

COLUMNS = ("unit_id", "day", "team_id", "area_id", *SUMS, "reached", "west", "south", "east", "north")
KEY = ("unit_id", "day", "team_id")
VALUES = tuple(c for c in COLUMNS if c not in KEY)

CREATE_STAGING = """
    CREATE TEMP TABLE IF NOT EXISTS counted (LIKE coverage_count INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
    ALTER TABLE counted ALTER campaign_id DROP NOT NULL; TRUNCATE counted"""

DROP_GONE = """
    DELETE FROM coverage_count c WHERE c.campaign_id = %(campaign)s AND c.team_id = ANY(%(teams)s)
      AND NOT EXISTS (SELECT 1 FROM counted n WHERE (n.unit_id, n.day, n.team_id) = (c.unit_id, c.day, c.team_id))
    RETURNING unit_id"""

WRITE_CHANGED = f"""
    INSERT INTO coverage_count AS c (campaign_id, {", ".join(COLUMNS)}) SELECT %(campaign)s, {", ".join(COLUMNS)} FROM counted
    ON CONFLICT (campaign_id, unit_id, day, team_id) DO UPDATE SET {", ".join(f"{v} = excluded.{v}" for v in VALUES)}
    WHERE ({", ".join(f"c.{v}" for v in VALUES)}) IS DISTINCT FROM ({", ".join(f"excluded.{v}" for v in VALUES)})
    RETURNING unit_id"""

REFRESH_SETTLEMENTS = text(f"""
    UPDATE campaign_settlement s
    SET {", ".join(f"{c} = coalesce(n.{c}, 0)" for c in SUMS)}, cells_reached = coalesce(bit_count(n.reached), 0)
    FROM unnest(CAST(:units AS integer[])) AS touched (unit_id)
    LEFT JOIN (
        SELECT unit_id, bit_or(reached) AS reached, {", ".join(f"sum({c}) AS {c}" for c in SUMS)}
        FROM coverage_count WHERE campaign_id = :campaign AND unit_id = ANY(:units) GROUP BY unit_id
    ) n ON n.unit_id = touched.unit_id
    WHERE s.campaign_id = :campaign AND s.settlement_id = touched.unit_id""")


@dataclass(frozen=True)
class _Grids:
    """Cell grids of a campaign's settlements at one revision."""

    revision: int
    settlement_id: np.ndarray       # sorted
    grids: CellGrids


_KEPT: dict[int, _Grids] = {}


def keep(session: Session, judged: Judged) -> set[int]:
    """Replace the counts of these teams; give the units whose counts changed."""
    cursor: Cursor = session.connection().connection.cursor()
    cursor.execute(CREATE_STAGING)
    cursor.copy_expert(f"COPY counted ({', '.join(COLUMNS)}) FROM STDIN", io.StringIO(_rows(judged, _grids_of(session, judged.campaign))))
    values = {"campaign": judged.campaign.id, "teams": judged.team_ids}
    touched: set[int] = set()
    for statement in (DROP_GONE, WRITE_CHANGED):
        cursor.execute(statement, values)
        touched |= {unit for (unit,) in cursor.fetchall()}
    return touched


def refresh_settlement_sums(session: Session, campaign: Campaign, units: set[int]) -> None:
    """Bring the settlements of these units up to date with the counts."""
    settlements = sorted(u for u in units if u > 0)
    if settlements:
        session.execute(REFRESH_SETTLEMENTS, {"campaign": campaign.id, "units": settlements})


def visit_sums(visits: np.ndarray) -> dict[str, np.ndarray]:
    """What each visit adds to each sum: a replaced one nothing, a rejected one only to `visits…` and `vaccinated_rejected`."""
    standing, revisit = visits["standing"], visits["is_revisit"]
    alive, counts, valid = standing != REPLACED, (standing == VALID) | (standing == DOUBTFUL), standing == VALID
    first, again = counts & ~revisit, counts & revisit
    return {
        "visits": alive.astype(int), "visits_valid": valid.astype(int), "visits_doubtful": (standing == DOUBTFUL).astype(int),
        "visits_rejected": (standing == REJECTED).astype(int), "eligible": visits["children_eligible"] * first,
        "vaccinated": visits["vaccinated"] * counts, "vaccinated_confirmed": visits["vaccinated"] * valid,
        "vaccinated_rejected": visits["vaccinated"] * (standing == REJECTED), "guests": visits["guests_vaccinated"] * counts,
        "zero_dose": visits["zero_dose"] * counts, "missed_absent": visits["absent"] * first, "missed_refused": visits["refused"] * first,
        "missed_other": visits["other_missed"] * first, "recovered": visits["vaccinated"] * again}


def _rows(judged: Judged, kept: _Grids) -> str:
    """The teams' counts as rows of COLUMNS, for COPY."""
    alive = judged.visits["standing"] != REPLACED
    visits, day = judged.visits[alive], judged.day[alive]
    if not len(visits):
        return ""
    order = np.lexsort((day, visits["unit"], visits["team"]))
    visits, day = visits[order], day[order]
    new = np.r_[True, (np.diff(visits["team"]) != 0) | (np.diff(visits["unit"]) != 0) | (np.diff(day) != np.timedelta64(0, "D"))]
    starts = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    sums = [np.add.reduceat(values.astype(np.int64), starts) for values in visit_sums(visits).values()]
    boxes = [_no_nan(np.fmin.reduceat(visits["lon"], starts)), _no_nan(np.fmin.reduceat(visits["lat"], starts)),
             _no_nan(np.fmax.reduceat(visits["lon"], starts)), _no_nan(np.fmax.reduceat(visits["lat"], starts))]
    reached = _reached_bits(visits, group, visits["unit"][starts], kept)
    columns = [visits["unit"][starts].tolist(), day[starts].astype(str).tolist(), visits["team"][starts].tolist(), visits["area"][starts].tolist(),
               *(s.tolist() for s in sums), reached, *boxes]
    return "".join("\t".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def _no_nan(values: np.ndarray) -> list[object]:
    return [r"\N" if v != v else repr(v) for v in values.tolist()]


def _reached_bits(visits: np.ndarray, group: np.ndarray, units: np.ndarray, kept: _Grids) -> list[str]:
    """Per group the bit string of its settlement's cells, "1" where a valid visit came within reach; NULL outside settlements."""
    place = np.searchsorted(kept.settlement_id, units)
    known = np.zeros(len(units), bool)
    inside = place < len(kept.settlement_id)
    known[inside] = kept.settlement_id[place[inside]] == units[inside]
    rows = np.flatnonzero((visits["standing"] == VALID) & ~np.isnan(visits["lon"]) & known[group])
    visit, cell = reached_cells(kept.grids, place[group[rows]], visits["lon"][rows], visits["lat"][rows])
    pairs = np.unique(np.column_stack([group[rows[visit]], cell]), axis=0)
    bits = [bytearray(b"0" * kept.grids.cells(int(place[g]))) if known[g] else bytearray(rb"\N") for g in range(len(units))]
    for g, c in pairs.tolist():
        bits[g][c] = 0x31
    return [b.decode() for b in bits]


def _grids_of(session: Session, campaign: Campaign) -> _Grids:
    kept = _KEPT.get(campaign.id)
    if kept is None or kept.revision != campaign.revision:
        rows = session.execute(GRIDS, {"campaign": campaign.id}).all()
        kept = _KEPT[campaign.id] = _Grids(campaign.revision, np.array([r.id for r in rows], int), CellGrids(
            utm_epsg=np.array([r.utm_epsg for r in rows], int), cell_m=np.array([r.cell_m for r in rows], int),
            reach_m=np.array([REACH_M.get(r.type, OTHER_REACH_M) for r in rows], float),
            start=np.r_[0, np.cumsum([r.cells for r in rows])].astype(int),
            east_m=np.array([x for r in rows for x in r.cell_east_m], int), north_m=np.array([y for r in rows for y in r.cell_north_m], int)))
    return kept


def forget_grids() -> None:
    """Drop what is kept; for tests that use many databases in one process."""
    _KEPT.clear()
