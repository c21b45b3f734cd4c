"""What stands in a report before it is added up: the settlements of a campaign, and what counts in none of them.

A unit is a settlement in the campaign, or a "no settlement" bucket (of an area, of a settlement outside the campaign,
of nowhere) that counts like one settlement without target. Read from kept counts, narrowed to what a person may see.
Everything that depends on the date follows from the moment that is given.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tracker.accounts.scope import Scope
from tracker.areas.models import Area
from tracker.campaigns.models import Campaign
from tracker.campaigns.settlements import last_day
from tracker.coverage.models import SUMS
from tracker.coverage.statuses import STATUS, STATUSES

SMALL_TARGET = 10  # a lower target could point at families: observers do not see it


@dataclass(frozen=True)
class Moment:
    """What "now" and "until" mean for days that end at midnight in the campaign's zone."""

    today: date
    until: date | None

    @property
    def over_before(self) -> date:
        """The first day that is not over yet."""
        return self.today if self.until is None or self.until >= self.today else self.until + timedelta(days=1)

    @property
    def begun_by(self) -> date:
        """The last day that has begun."""
        return min(self.today, self.until) if self.until else self.today

    @property
    def due_by(self) -> date:
        """Up to this planned day children are due; an `until` that lies ahead asks how many will be."""
        return self.until or self.today


def moment(campaign: Campaign, now: datetime, until: date | None = None) -> Moment:
    return Moment(now.astimezone(ZoneInfo(campaign.timezone)).date(), until)


def binds(campaign: Campaign, scope: Scope, at: Moment, area: Area | None) -> dict[str, Any]:
    """Parameters of all statements made of these fragments."""
    return {
        "campaign": campaign.id,
        "vintage": campaign.vintage,
        "microplan": campaign.microplan_id,
        "zone": campaign.timezone,
        "area": area and area.id,
        "until": at.until,
        "over_before": at.over_before,
        "begun_by": at.begun_by,
        "due_by": at.due_by,
        "campaign_over": at.due_by > last_day(campaign),
        "hide_below": SMALL_TARGET if scope.role == "observer" else 0,
        **scope.binds(),
    }


SUM_COLUMNS = ", ".join(SUMS)
SUMMED = ", ".join(f"CAST(sum(c.{name}) AS bigint) AS {name}" for name in SUMS)

SETTLEMENT_SEEN = "(in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))"

# a team user sees the team's own work; what lies in no area belongs to those who answer for the team
COUNT_SEEN = """(CASE WHEN CAST(:scope_team_id AS integer) IS NOT NULL THEN c.team_id = :scope_team_id
    ELSE in_areas(c.area_id, :areas)
         OR (c.area_id = 0 AND EXISTS (SELECT 1 FROM team k
                                       WHERE k.id = c.team_id AND in_areas(k.area_id, :areas))) END)"""

COUNTS = f"""
    FROM coverage_count c
    WHERE c.campaign_id = :campaign AND (CAST(:until AS date) IS NULL OR c.day <= :until) AND {COUNT_SEEN}"""


def counts_of(scope: Scope, until: date | None) -> str:
    """The same counts as COUNTS, said so that the planner sees how many they are."""
    day = "" if until is None else "AND c.day <= :until"
    seen = "" if scope.everything else f"AND {COUNT_SEEN}"
    return f"FROM coverage_count c WHERE c.campaign_id = :campaign {day} {seen}"


# as they stand now
STANDING = f"""
    SELECT x.settlement_id AS unit_id, x.area_id, x.team_id, x.target, x.first_day, x.last_day, x.cells,
           x.cells_reached, {", ".join(f"x.{name}" for name in SUMS)}
    FROM campaign_settlement x WHERE x.campaign_id = :campaign AND {SETTLEMENT_SEEN}"""


def _recounted(counts: str) -> str:
    """With the visits up to a day, or of one team and with its part of the plan."""
    return f"""
    SELECT x.settlement_id AS unit_id, x.area_id, x.team_id,
           CASE WHEN CAST(:scope_team_id AS integer) IS NULL THEN x.target ELSE coalesce(own.target, 0) END AS target,
           x.first_day, coalesce(own.last_day, x.last_day) AS last_day, x.cells,
           coalesce(n.cells_reached, 0) AS cells_reached,
           {", ".join(f"coalesce(n.{name}, 0) AS {name}" for name in SUMS)}
    FROM campaign_settlement x LEFT JOIN (
        SELECT c.unit_id, CAST(bit_count(bit_or(c.reached)) AS bigint) AS cells_reached, {SUMMED}
        {counts} AND c.unit_id > 0 GROUP BY c.unit_id
    ) n ON n.unit_id = x.settlement_id LEFT JOIN (
        SELECT settlement_id, sum(target_children) AS target, max(on_date) AS last_day
        FROM plan_stop WHERE microplan_id = :microplan AND team_id = CAST(:scope_team_id AS integer)
        GROUP BY settlement_id
    ) own ON own.settlement_id = x.settlement_id
    WHERE x.campaign_id = :campaign AND {SETTLEMENT_SEEN}"""


def settled(scope: Scope, until: date | None) -> str:
    """A row per settlement of the campaign: as it stands, or recounted up to a day or for one team alone."""
    return STANDING if until is None and scope.team_id is None else _recounted(counts_of(scope, until))


def _buckets(counts: str, scope: Scope) -> str:
    """Counts of no settlement of the campaign have no cells; to a team user those that it was not sent to are none."""
    others = "" if scope.team_id is None else "OR NOT c.unit_id = ANY(:settlement_ids)"
    return f"""
    SELECT c.unit_id, c.area_id, {SUMMED} {counts} AND (c.reached IS NULL {others}) GROUP BY c.unit_id, c.area_id"""


def units(scope: Scope, until: date | None) -> str:
    """`WITH …, units AS (…)`: one row per unit with its sums and what follows from the date.

    `target`, `status` and `unreached` are null where a small target is hidden, so that no sum can give it away.
    """
    counts = counts_of(scope, until)
    return f"""
    WITH campaign_scope AS MATERIALIZED (       -- the campaign's areas and all below
        SELECT DISTINCT w.area_id FROM campaign_area k JOIN area_within w ON w.ancestor_id = k.area_id
        WHERE k.campaign_id = :campaign
    ), asked_for AS MATERIALIZED (              -- the area of the question and all below; empty when none is asked for
        SELECT w.area_id FROM area_within w WHERE w.ancestor_id = CAST(:area AS integer)
    ), teams AS MATERIALIZED (
        SELECT id, heard_at FROM team WHERE campaign_id = :campaign
    ), heard AS (                               -- from those who worked there
        SELECT c.unit_id, max(t.heard_at) AS heard_at
        FROM (SELECT c.unit_id, c.team_id {counts}) c JOIN teams t ON t.id = c.team_id GROUP BY c.unit_id
    ), counted AS (
        SELECT *, true AS is_settlement FROM ({settled(scope, until)}) s
        UNION ALL
        SELECT unit_id, area_id, CAST(NULL AS integer), 0, CAST(NULL AS date), CAST(NULL AS date), 0, 0,
               {SUM_COLUMNS}, false
        FROM ({_buckets(counts, scope)}) b
    ), units AS (
        SELECT x.unit_id, x.area_id, x.team_id, x.is_settlement, x.last_day, x.cells, x.cells_reached,
               {", ".join(f"x.{name}" for name in SUMS)},
               CASE WHEN {SHOWN} THEN x.target END AS target,
               CASE WHEN x.is_settlement AND {SHOWN} THEN {STATUS} END AS status,
               greatest(0, x.missed_absent + x.missed_refused + x.missed_other - x.recovered) AS still_missed,
               CASE WHEN {SHOWN} THEN greatest(0, x.target - x.vaccinated_confirmed) END AS unreached,
               {_DUE} AS is_due, {SILENT} AS is_silent, greatest(planned.heard_at, heard.heard_at) AS heard_at
        FROM counted x LEFT JOIN teams planned ON planned.id = x.team_id LEFT JOIN heard ON heard.unit_id = x.unit_id
        WHERE CAST(:area AS integer) IS NULL OR x.area_id IN (SELECT area_id FROM asked_for)
    )"""


SHOWN = "(NOT x.is_settlement OR x.target >= :hide_below)"
_DUE = """(x.is_settlement AND (:campaign_over
    OR CASE WHEN CAST(:microplan AS integer) IS NULL THEN x.first_day ELSE x.last_day END <= :due_by))"""
# its day has begun, it has no visit, and its team has not been heard since that day began
SILENT = """(x.is_settlement AND x.last_day <= :begun_by AND x.visits = 0 AND planned.id IS NOT NULL
    AND (planned.heard_at IS NULL OR planned.heard_at < CAST(x.last_day AS timestamp) AT TIME ZONE :zone))"""


def _whole(column: str, where: str = "true") -> str:
    """Their sum as a bigint: numeric would be slower here, and again in Python."""
    return f"CAST(coalesce(sum({column}) FILTER (WHERE {where}), 0) AS bigint)"


# units added up
TOTALLED = f"""
    count(*) FILTER (WHERE is_settlement) AS settlements,
    count(*) FILTER (WHERE is_settlement AND visits > visits_rejected) AS settlements_visited,
    {_whole("target")} AS target, count(*) FILTER (WHERE target IS NULL) AS hidden,
    {", ".join(f"{_whole(name)} AS {name}" for name in SUMS)},
    {_whole("vaccinated", "target IS NOT NULL")} AS claimed_of_target,
    {_whole("vaccinated_confirmed", "target IS NOT NULL")} AS confirmed_of_target,
    {_whole("still_missed")} AS still_missed, {_whole("target", "is_due")} AS due,
    count(*) FILTER (WHERE is_silent) AS no_word, {_whole("unreached")} AS unreached,
    {_whole("cells")} AS cells, {_whole("cells_reached")} AS cells_reached, max(heard_at) AS heard_at,
    {", ".join(f"count(*) FILTER (WHERE status = '{status}') AS is_{status}" for status in STATUSES)}"""
