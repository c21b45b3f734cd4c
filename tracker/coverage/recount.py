"""Do the kept counts equal a count from the raw rows? Counted here once more, in SQL, by other code than keeps them.

Both sides are read in one snapshot, under the campaign's lock and after everything that waited was judged; visits that came since are in
neither. With `repair` the teams concerned are judged and counted anew.
"""
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.coverage.following import follow, locked
from tracker.coverage.models import SUMS

RAW = """
    SELECT v.unit_id, CAST(v.visited_at AT TIME ZONE c.timezone AS date) AS day, v.team_id,
           count(*) AS visits, count(*) FILTER (WHERE standing = 1) AS visits_valid, count(*) FILTER (WHERE standing = 2) AS visits_doubtful,
           count(*) FILTER (WHERE standing = 3) AS visits_rejected,
           coalesce(sum(children_eligible) FILTER (WHERE standing <= 2 AND NOT is_revisit), 0) AS eligible,
           coalesce(sum(vaccinated) FILTER (WHERE standing <= 2), 0) AS vaccinated,
           coalesce(sum(vaccinated) FILTER (WHERE standing = 1), 0) AS vaccinated_confirmed,
           coalesce(sum(vaccinated) FILTER (WHERE standing = 3), 0) AS vaccinated_rejected,
           coalesce(sum(guests_vaccinated) FILTER (WHERE standing <= 2), 0) AS guests,
           coalesce(sum(zero_dose) FILTER (WHERE standing <= 2), 0) AS zero_dose,
           coalesce(sum(absent) FILTER (WHERE standing <= 2 AND NOT is_revisit), 0) AS missed_absent,
           coalesce(sum(refused) FILTER (WHERE standing <= 2 AND NOT is_revisit), 0) AS missed_refused,
           coalesce(sum(other_missed) FILTER (WHERE standing <= 2 AND NOT is_revisit), 0) AS missed_other,
           coalesce(sum(vaccinated) FILTER (WHERE standing <= 2 AND is_revisit), 0) AS recovered
    FROM visit v JOIN campaign c ON c.id = v.campaign_id
    WHERE v.campaign_id = :campaign AND v.standing <> 4
      AND v.submission_id NOT IN (SELECT submission_id FROM waiting WHERE campaign_id = :campaign AND submission_id IS NOT NULL)
    GROUP BY 1, 2, 3"""

_KEPT_SUMS = ", ".join(f"kept.{c}" for c in SUMS)
_RAW_SUMS = ", ".join(f"raw.{c}" for c in SUMS)

COMPARE_COUNTS = text(f"""
    WITH raw AS ({RAW}), kept AS (SELECT * FROM coverage_count WHERE campaign_id = :campaign)
    SELECT count(*) AS cells, count(*) FILTER (WHERE ({_KEPT_SUMS}) IS DISTINCT FROM ({_RAW_SUMS})) AS different,
           coalesce(array_agg(DISTINCT coalesce(kept.team_id, raw.team_id)) FILTER (WHERE ({_KEPT_SUMS}) IS DISTINCT FROM ({_RAW_SUMS})), '{{}}') AS teams
    FROM kept FULL JOIN raw ON (raw.unit_id, raw.day, raw.team_id) = (kept.unit_id, kept.day, kept.team_id)""")

COMPARE_SETTLEMENTS = text(f"""
    WITH raw AS ({RAW}), summed AS (SELECT unit_id, {", ".join(f"sum({c}) AS {c}" for c in SUMS)} FROM raw GROUP BY unit_id)
    SELECT count(*) AS cells,
           count(*) FILTER (WHERE ({_KEPT_SUMS}) IS DISTINCT FROM ({", ".join(f"coalesce(summed.{c}, 0)" for c in SUMS)})) AS different
    FROM campaign_settlement kept LEFT JOIN summed ON summed.unit_id = kept.settlement_id WHERE kept.campaign_id = :campaign""")


@dataclass(frozen=True)
class Recount:
    """`cells`: counts compared (units × days × teams, and settlements); `different`: how many of them disagree."""

    cells: int
    different: int
    repaired: int


def recount(campaign_id: int, repair: bool = False) -> Recount:
    """Compare the kept counts with the raw rows; with `repair` set right what differs."""
    follow(campaign_id)
    found = _compare(campaign_id)
    if not repair or not found.different:
        return found
    follow(campaign_id, everything=True)
    left = _compare(campaign_id)
    return Recount(found.cells, left.different, found.different - left.different)


def _compare(campaign_id: int) -> Recount:
    with locked(campaign_id) as connection, Session(connection) as session, session.begin():
        counts = session.execute(COMPARE_COUNTS, {"campaign": campaign_id}).one()
        settlements = session.execute(COMPARE_SETTLEMENTS, {"campaign": campaign_id}).one()
    return Recount(counts.cells + settlements.cells, counts.different + settlements.different, 0)
