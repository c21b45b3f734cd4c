"""Keep the counts of judged teams: from arrays into `coverage_count`, from there into `campaign_settlement`.

The key of a count is unit × day × team, so that a team's counts are replaced without looking at anybody else's. Runs in
the transaction that judges; nothing here looks at visits in the database.
"""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from psycopg2.extensions import cursor as Cursor
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo.cells import OTHER_REACH_M, REACH_M
from geo.coverage import CellGrids, reached_cells
from tracker.campaigns.models import Campaign
from tracker.coverage.models import SUMS
from tracker.visits.binary_rows import read_rows
from tracker.visits.judging import Judged
from tracker.visits.models import DOUBTFUL, REJECTED, REPLACED, VALID

GRIDS = text("""
    SELECT s.id, s.utm_epsg, coalesce(s.cell_m, 0) AS cell_m, s.type, s.cells
    FROM settlement s JOIN campaign_settlement c ON c.settlement_id = s.id
    WHERE c.campaign_id = :campaign ORDER BY s.id""")

CELLS = """
    SELECT u.east_m, u.north_m
    FROM settlement s JOIN campaign_settlement c ON c.settlement_id = s.id,
         unnest(s.cell_east_m, s.cell_north_m) WITH ORDINALITY u (east_m, north_m, number)
    WHERE c.campaign_id = %(campaign)s ORDER BY s.id, u.number"""

KEY = ("unit_id", "day", "team_id")
VALUES = ("area_id", *SUMS, "reached", "west", "south", "east", "north")
COLUMNS = (*KEY, *VALUES)

CREATE_STAGING = """
    CREATE TEMP TABLE IF NOT EXISTS counted (LIKE coverage_count INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
    ALTER TABLE counted ALTER campaign_id DROP NOT NULL; TRUNCATE counted"""

DROP_GONE = """
    DELETE FROM coverage_count c WHERE c.campaign_id = %(campaign)s AND c.team_id = ANY(%(teams)s)
      AND NOT EXISTS (SELECT 1 FROM counted n WHERE (n.unit_id, n.day, n.team_id) = (c.unit_id, c.day, c.team_id))
    RETURNING unit_id"""

WRITE_CHANGED = f"""
    INSERT INTO coverage_count AS c (campaign_id, {", ".join(COLUMNS)})
    SELECT %(campaign)s, {", ".join(COLUMNS)} FROM counted
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

CAMPAIGNS_KEPT = 8  # whose grids stay in memory between passes


@dataclass(frozen=True)
class _Grids:
    """Cell grids of a campaign's settlements at one revision."""

    revision: int
    settlement_id: npt.NDArray[np.int64]  # sorted
    grids: CellGrids


_KEPT: dict[tuple[str, int], _Grids] = {}  # by database and campaign


def keep(session: Session, judged: Judged) -> set[int]:
    """Replace the counts of these teams; give the units whose counts changed."""
    cursor: Cursor = session.connection().connection.cursor()
    cursor.execute(CREATE_STAGING)
    rows = _rows(judged, _grids_of(session, judged.campaign))
    cursor.copy_expert(f"COPY counted ({', '.join(COLUMNS)}) FROM STDIN", io.StringIO(rows))
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
    """What each visit adds to each sum of SUMS, in its order.

    A replaced visit adds nothing, a rejected one only to `visits`, `visits_rejected` and `vaccinated_rejected`.
    """
    standing, revisit = visits["standing"], visits["is_revisit"]
    valid, doubtful, rejected = standing == VALID, standing == DOUBTFUL, standing == REJECTED
    counts = valid | doubtful
    first, again = counts & ~revisit, counts & revisit
    return {
        "visits": standing != REPLACED,
        "visits_valid": valid,
        "visits_doubtful": doubtful,
        "visits_rejected": rejected,
        "eligible": visits["children_eligible"] * first,
        "vaccinated": visits["vaccinated"] * counts,
        "vaccinated_confirmed": visits["vaccinated"] * valid,
        "vaccinated_rejected": visits["vaccinated"] * rejected,
        "guests": visits["guests_vaccinated"] * counts,
        "zero_dose": visits["zero_dose"] * counts,
        "missed_absent": visits["absent"] * first,
        "missed_refused": visits["refused"] * first,
        "missed_other": visits["other_missed"] * first,
        "recovered": visits["vaccinated"] * again,
    }


def _rows(judged: Judged, kept: _Grids) -> str:
    """The teams' counts as rows of COLUMNS, for COPY."""
    counted = judged.visits["standing"] != REPLACED
    visits, day = judged.visits[counted], judged.day[counted]
    if not len(visits):
        return ""
    order = np.lexsort((day, visits["unit"], visits["team"]))
    visits, day = visits[order], day[order]
    is_first = np.r_[True, _differs(visits["team"]) | _differs(visits["unit"]) | _differs(day)]
    starts, group = np.flatnonzero(is_first), np.cumsum(is_first) - 1
    first = visits[starts]
    sums = visit_sums(visits)
    columns = [
        first["unit"].tolist(),
        day[starts].astype(str).tolist(),
        first["team"].tolist(),
        first["area"].tolist(),
        *(np.add.reduceat(sums[name].astype(np.int64), starts).tolist() for name in SUMS),
        _reached_bits(visits, group, first["unit"], kept),
        _degrees(np.fmin.reduceat(visits["lon"], starts)),
        _degrees(np.fmin.reduceat(visits["lat"], starts)),
        _degrees(np.fmax.reduceat(visits["lon"], starts)),
        _degrees(np.fmax.reduceat(visits["lat"], starts)),
    ]
    return "".join("\t".join(map(str, row)) + "\n" for row in zip(*columns, strict=True))


def _differs(values: np.ndarray) -> npt.NDArray[np.bool_]:
    """Whether each value differs from the one before it; one shorter than `values`."""
    differs: npt.NDArray[np.bool_] = values[1:] != values[:-1]
    return differs


def _degrees(values: np.ndarray) -> list[str]:
    """As PostgreSQL reads them back bit by bit; NULL where no visit has a position."""
    return [r"\N" if v != v else repr(v) for v in values.tolist()]


def _reached_bits(visits: np.ndarray, group: np.ndarray, units: np.ndarray, kept: _Grids) -> list[str]:
    """Per group one bit per cell of its settlement, "1" where a valid visit came within reach.

    NULL outside the campaign's settlements.
    """
    place = np.searchsorted(kept.settlement_id, units)
    known = place < len(kept.settlement_id)
    known[known] = kept.settlement_id[place[known]] == units[known]
    cells = np.zeros(len(units), np.int64)
    cells[known] = kept.grids.cells[place[known]]
    start = np.r_[0, np.cumsum(cells)]
    bits = np.full(start[-1], ord("0"), np.uint8)
    rows = np.flatnonzero((visits["standing"] == VALID) & ~np.isnan(visits["lon"]) & known[group])
    visit, cell = reached_cells(kept.grids, place[group[rows]], visits["lon"][rows], visits["lat"][rows])
    bits[start[group[rows[visit]]] + cell] = ord("1")
    words = bits.tobytes().decode("ascii")
    spans = zip(start[:-1].tolist(), start[1:].tolist(), strict=True)
    return [words[low:high] or r"\N" for low, high in spans]


def _grids_of(session: Session, campaign: Campaign) -> _Grids:
    key = (str(session.connection().engine.url), campaign.id)
    kept = _KEPT.pop(key, None)
    if kept is None or kept.revision != campaign.revision:
        kept = _read_grids(session, campaign)
    while len(_KEPT) >= CAMPAIGNS_KEPT:
        _KEPT.pop(next(iter(_KEPT)))  # the one not used for longest
    _KEPT[key] = kept
    return kept


def _read_grids(session: Session, campaign: Campaign) -> _Grids:
    rows = session.execute(GRIDS, {"campaign": campaign.id}).all()
    cursor = session.connection().connection.cursor()
    cells = read_rows(cursor, CELLS, {"campaign": campaign.id}, [("east_m", ">i4"), ("north_m", ">i4")])
    grids = CellGrids(
        utm_epsg=np.array([r.utm_epsg for r in rows], np.int64),
        cell_m=np.array([r.cell_m for r in rows], np.int64),
        reach_m=np.array([REACH_M.get(r.type, OTHER_REACH_M) for r in rows], np.float64),
        start=np.cumsum([0, *(r.cells for r in rows)], dtype=np.int64),
        east_m=cells["east_m"].astype(np.int64),
        north_m=cells["north_m"].astype(np.int64),
    )
    return _Grids(campaign.revision, np.array([r.id for r in rows], np.int64), grids)
