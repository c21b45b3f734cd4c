"""Which settlements have children not yet reached, why, how often before, and what is ordered there?

One statement reads the settlements that the person sees from kept counts, as arrays; ranking, filters and reasons are
worked out over them, and names are read for one page only: a page costs the same at any number of visits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from geo.neighbourhoods import sums_within
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.gaps import KNOWN_REASONS, NEARBY_M
from tracker.coverage.report import area_in_scope
from tracker.coverage.statuses import STATUSES
from tracker.coverage.units import binds, moment, units
from tracker.orders.history import CHRONIC_FROM, CHRONIC_OF, earlier_rounds, statuses_then, times_missed
from tracker.orders.models import CLOSURES
from tracker.orders.orders import orders_for
from tracker.orders.reasons import standing_reasons
from tracker.orders.refusals import Cluster, refusal_clusters

ROWS_A_PAGE = 50
SPOTS_ON_MAP = 400
GAP_STATUSES = ("missed", "partly", "doubtful", "not_started")
REASONS = ("no_visit", *KNOWN_REASONS, *CLOSURES)
ORDERS = ("unreached", "days_waiting", "zero_dose", "missed_before")

Whole = npt.NDArray[np.int64]

# every settlement that the person sees; `unreached` null where a small target is hidden
SEEN = """
    SELECT u.unit_id, u.area_id, coalesce(u.team_id, 0), coalesce(u.unreached, 0), coalesce(u.target, 0),
           CASE u.status {statuses} ELSE 0 END, u.is_silent::int, u.visits, u.visits_rejected, u.vaccinated,
           u.vaccinated_confirmed, u.missed_absent, u.missed_refused, u.missed_other, u.recovered, u.zero_dose,
           u.eligible, (CAST(:today AS date) - u.last_day), x.lon_e6, x.lat_e6
    FROM units u JOIN (
        SELECT x.settlement_id, round(ST_X(x.point) * 1e6)::int AS lon_e6, round(ST_Y(x.point) * 1e6)::int AS lat_e6
        FROM campaign_settlement x WHERE x.campaign_id = :campaign
    ) x ON x.settlement_id = u.unit_id
    WHERE u.is_settlement""".format(
    statuses=" ".join(f"WHEN '{status}' THEN {number}" for number, status in enumerate(STATUSES, 1))
)
COLUMNS = (
    "id", "area", "team", "unreached", "target", "status", "silent", "visits", "visits_rejected", "vaccinated",
    "vaccinated_confirmed", "absent", "refused", "other", "recovered", "zero_dose_here", "eligible", "waiting",
    "lon_e6", "lat_e6",
)  # fmt: skip

NAMED = text("""
    SELECT s.id, s.code, s.name_en, s.name_ur, s.name_ps, s.type, s.high_risk FROM settlement s
    WHERE s.id = ANY(:ids)""")
AREAS = text("SELECT id, code, name_en, name_ur, name_ps FROM area WHERE id = ANY(:ids)")
TEAMS = text("SELECT id, code FROM team WHERE id = ANY(:ids)")
TEAM_ID = text("SELECT id FROM team WHERE campaign_id = :campaign AND code = :code")


@dataclass(frozen=True)
class Wish:
    """Which gaps; None, False: whichever."""

    area: str | None = None
    team: str | None = None
    status: str | None = None
    why: str | None = None  # a reason of REASONS under which children are counted
    chronic: bool = False  # missed in two of the last three rounds
    crowded: bool = False  # refusals cluster there
    unordered: bool = False  # no order stands
    order: str = "unreached"
    page: int = 1


@dataclass
class GapList:
    """One page of gaps, and the sums over all that fit."""

    rows: list[dict[str, Any]]
    spots: list[dict[str, Any]]  # the largest, for the map, with the page's rows among them
    found: int
    children: int
    by_reason: dict[str, int]  # children by reason, over all that fit
    all_found: int  # without filters other than the area
    all_children: int
    clusters: list[Cluster]
    rounds: list[Row[Any]]  # earlier ones, newest first
    counted_at: datetime
    teams: list[str] = field(default_factory=list)  # codes, of the rows shown


def list_gaps(
    session: Session, campaign: Campaign, scope: Scope, wish: Wish, *, now: datetime, until: date | None = None
) -> GapList:
    """With the visits up to a day, else all. Raises NotFound for an area that is none of the person's."""
    area = area_in_scope(session, campaign, scope, wish.area) if wish.area else None
    at = moment(campaign, now, until)
    values = {**binds(campaign, scope, at, area), "today": at.today}
    found = session.execute(text(f"{units(scope, until)} {SEEN}"), values).all()
    table = np.array([tuple(row) for row in found], np.int64).reshape(-1, len(COLUMNS))
    seen = dict(zip(COLUMNS, table.T, strict=True))
    rounds = earlier_rounds(session, campaign, scope)
    missed = times_missed(session, campaign, scope, rounds[: CHRONIC_OF - 1], now=now) if rounds else {}
    closed = standing_reasons(session, campaign, scope, at.today)
    clusters = refusal_clusters(session, campaign, scope, f"{wish.area} {until}", seen)
    why = _children_by_reason(seen, closed)
    gaps = _ranked(seen, missed, wish.order)
    fits = gaps[_fits(session, campaign, scope, wish, seen, gaps, why, missed, clusters, at.today)]
    page = fits[(wish.page - 1) * ROWS_A_PAGE : wish.page * ROWS_A_PAGE]
    drawn = np.unique(np.concatenate([fits[:SPOTS_ON_MAP], page]))
    names = _by_id(session, NAMED, seen["id"][drawn])
    shown = GapList(
        rows=_rows(session, campaign, scope, seen, page, why, missed, closed, rounds, names, fits, at.today),
        spots=[_spot(seen, row, names) for row in drawn if seen["id"][row] in names],
        found=len(fits), children=int(seen["unreached"][fits].sum()),
        by_reason={reason: int(children[fits].sum()) for reason, children in why.items()},
        all_found=len(gaps), all_children=int(seen["unreached"][gaps].sum()), clusters=clusters, rounds=rounds,
        counted_at=campaign.counted_at or now,
    )  # fmt: skip
    shown.teams = sorted({row["team"] for row in shown.rows if row["team"]})
    return shown


def _children_by_reason(seen: dict[str, Whole], closed: dict[int, Row[Any]]) -> dict[str, Whole]:
    """Per reason the unreached children of each settlement: known reasons first, the rest "no visit"; where the
    settlement is closed to teams the rest is counted under that reason. As coverage.gaps.reasons, over arrays.
    """
    left, recovered = seen["unreached"].copy(), seen["recovered"].copy()
    why: dict[str, Whole] = {}
    for reason in KNOWN_REASONS:
        found_again = np.minimum(seen[reason], recovered)
        recovered = recovered - found_again
        why[reason] = np.minimum(seen[reason] - found_again, left)
        left = left - why[reason]
    said = np.array([CLOSURES.index(closed[i].reason) if i in closed else -1 for i in seen["id"].tolist()], np.int64)
    for number, reason in enumerate(CLOSURES):
        why[reason] = np.where(said == number, left, 0)
    why["no_visit"] = np.where(said < 0, left, 0)
    return {reason: why[reason] for reason in REASONS}


def _ranked(seen: dict[str, Whole], missed: dict[int, int], order: str) -> Whole:
    """Rows with a gap; unless told most unreached first, then zero-dose seen nearby, then days waiting, then the id."""
    seen["waiting"] = np.maximum(0, seen["waiting"])
    seen["zero_dose"] = _zero_dose_nearby(seen)
    seen["missed_before"] = np.array([missed.get(i, 0) for i in seen["id"].tolist()], np.int64)
    gaps = np.flatnonzero(seen["unreached"] > 0)
    first = {"days_waiting": "waiting", "unreached": "unreached"}.get(order, order)
    keys = (seen["id"], -seen["waiting"], -seen["zero_dose"], -seen["unreached"], -seen[first])
    return gaps[np.lexsort(tuple(key[gaps] for key in keys))]


def _zero_dose_nearby(seen: dict[str, Whole]) -> Whole:
    if not seen["zero_dose_here"].any():
        return np.zeros(len(seen["id"]), np.int64)
    return sums_within(seen["lon_e6"] / 1e6, seen["lat_e6"] / 1e6, seen["zero_dose_here"], NEARBY_M)


def _fits(
    session: Session, campaign: Campaign, scope: Scope, wish: Wish, seen: dict[str, Whole], gaps: Whole,
    why: dict[str, Whole], missed: dict[int, int], clusters: list[Cluster], today: date,
) -> npt.NDArray[np.bool_]:  # fmt: skip
    """Which of the gaps the filters let through."""
    fits = np.ones(len(gaps), bool)
    if wish.status in GAP_STATUSES:
        fits &= seen["status"][gaps] == STATUSES.index(wish.status) + 1
    if wish.why in why:
        fits &= why[wish.why][gaps] > 0
    if wish.team:
        team = session.scalar(TEAM_ID, {"campaign": campaign.id, "code": wish.team})
        fits &= seen["team"][gaps] == (team or -1)
    if wish.chronic:
        fits &= is_chronic(seen, gaps)
    if wish.crowded:
        fits &= np.isin(seen["id"][gaps], [i for cluster in clusters for i in cluster.settlements])
    if wish.unordered:
        ordered = orders_for(session, campaign, scope, seen["id"][gaps].tolist(), today=today)
        waits = [i for i, orders in ordered.items() if any(o.state == "open" for o in orders)]
        fits &= ~np.isin(seen["id"][gaps], waits)
    return fits


def is_chronic(seen: dict[str, Whole], rows: Whole) -> npt.NDArray[np.bool_]:
    """Missed in two of the last three rounds, this one among them."""
    now = seen["status"][rows] == STATUSES.index("missed") + 1
    chronic: npt.NDArray[np.bool_] = seen["missed_before"][rows] + now >= CHRONIC_FROM
    return chronic


def _by_id(session: Session, statement: Any, ids: Sequence[int] | Whole) -> dict[int, Any]:
    wanted = {"ids": [int(i) for i in ids]}
    return {row["id"]: dict(row) for row in session.execute(statement, wanted).mappings()}


def _rows(
    session: Session, campaign: Campaign, scope: Scope, seen: dict[str, Whole], page: Whole, why: dict[str, Whole],
    missed: dict[int, int], closed: dict[int, Row[Any]], rounds: list[Row[Any]], names: dict[int, Any], fits: Whole,
    today: date,
) -> list[dict[str, Any]]:  # fmt: skip
    """What the table shows of one page."""
    ids = seen["id"][page].tolist()
    then = statuses_then(session, scope, rounds, ids, today=today) if rounds else {}
    orders = orders_for(session, campaign, scope, ids, today=today)
    areas, teams = (
        _by_id(session, AREAS, np.unique(seen["area"][page])),
        _by_id(session, TEAMS, np.unique(seen["team"][page])),
    )
    chronic = is_chronic(seen, page)
    rank = {int(row): number for number, row in enumerate(fits.tolist(), 1)} if len(page) else {}
    rows = []
    for number, row in enumerate(page.tolist()):
        its = {name: int(values[row]) for name, values in seen.items()}
        if its["id"] not in names:
            continue
        status = STATUSES[its["status"] - 1] if its["status"] else None
        rows.append({
            **names[its["id"]], "rank": rank[row], "status": status, "no_word": bool(its["silent"]),
            "unreached": its["unreached"], "target": its["target"], "vaccinated_confirmed": its["vaccinated_confirmed"],
            "vaccinated": its["vaccinated"], "visits": its["visits"],
            "zero_dose": its["zero_dose"], "days_waiting": its["waiting"],
            "reasons": [(reason, int(children[row])) for reason, children in why.items() if children[row]],
            "area": areas.get(its["area"]), "team": teams[its["team"]]["code"] if its["team"] in teams else None,
            "closed": closed.get(its["id"]), "chronic": bool(chronic[number]), "missed_before": its["missed_before"],
            "rounds": [then.get(its["id"], {}).get(earlier.id) for earlier in reversed(rounds)],
            "orders": [o for o in orders.get(its["id"], []) if o.state != "not_needed"],
        })  # fmt: skip
    return rows


def _spot(seen: dict[str, Whole], row: int, names: dict[int, Any]) -> dict[str, Any]:
    its = names[int(seen["id"][row])]
    status = int(seen["status"][row])
    return {
        **its, "lon": seen["lon_e6"][row] / 1e6, "lat": seen["lat_e6"][row] / 1e6,
        "status": STATUSES[status - 1] if status else None, "unreached": int(seen["unreached"][row]),
        "is_silent": bool(seen["silent"][row]),
    }  # fmt: skip
