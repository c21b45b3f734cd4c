"""What does the coverage page show? Figures, list, map and panel of one view, from kept counts.

Reads the report, the list of settlements, the days and (for who may see them) visits; writes nothing. All judgement
about what to show lies here; templates only show it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import Area
from tracker.campaigns.listing import days_of
from tracker.campaigns.models import Campaign
from tracker.coverage.gaps import KNOWN_REASONS, reasons
from tracker.coverage.outlines import OwnAreas, Placed, around
from tracker.coverage.report import area_in_scope, coverage_report
from tracker.coverage.settlement_list import Wish, list_settlements
from tracker.coverage.units import SMALL_TARGET
from tracker.coverage.view import CLASSES, SETTLEMENT, View, level_below
from tracker.coverage.visits_behind import visits_of_unit
from tracker.errors import NotFound

ROWS_A_PAGE = 60
SPOTS_ON_MAP = 200  # settlements drawn from any distance, worst first; nearer the tiles hold all
WORST_IN_PANEL = 8
VISITS_IN_PANEL = 60
RAMP_PER_CENT = (50, 80, 90, 95)  # coverage below the first is class 0; from the last on class 4
CHECK_PER_CENT = (20, 10, 5, 1)  # share to check from the first on is class 0: the most to look at
GAP_SHARE_NAMED = 0.25  # the sentence names the fewest areas that hold so much of the gap,
GAP_AREAS_NAMED = 3  # but never more than these
GAP_SHARE_WORTH = 0.1  # and says nothing where even they hold less: the gap is everywhere
SILENT_AREA_SHARE = 0.5  # an area is striped when so many of its settlements have no word yet; our choice

ASKED_ABOUT = text("""
    SELECT t.code AS team, f.rule, f.undecided AS visits
    FROM team_flags f JOIN team t ON t.id = f.team_id
    WHERE f.campaign_id = :campaign AND f.undecided > 0 AND f.rule = ANY(:rules)
      AND t.area_id IN (SELECT w.area_id FROM area_within w WHERE w.ancestor_id = :area)
    ORDER BY f.undecided DESC, t.code, f.rule LIMIT 1""")

WITHOUT_POSITION = text("""
    SELECT coalesce(sum(f.visits), 0) FROM team_flags f
    WHERE f.campaign_id = :campaign AND f.rule = 'no_position'""")


@dataclass
class Overview:
    """Everything of one view. Rows are those of the coverage report, with `class` and `silent` added."""

    view: View
    own: OwnAreas
    total: dict[str, Any]  # of what is listed
    context: Placed | None  # the area that the list is of; None: all of the person's areas
    rows: list[dict[str, Any]]  # areas of the list, worst first
    elsewhere: list[dict[str, Any]]  # what counts in no area, or in no settlement
    settlements: list[Any]  # of the list, when it holds settlements
    spots: list[Any]  # settlements that the map draws from any distance, the worst
    found: int  # how many there are in all
    days: list[dict[str, Any]]
    on_map: list[dict[str, Any]]  # areas that the map colours
    classes: list[int]  # how many areas are in each class of the map's scale
    box: tuple[float, float, float, float] | None  # what the map shows
    without_position: int | None  # visits that cannot be on the map; None: not for this person's eyes
    counted_at: datetime
    holders: list[dict[str, Any]] = field(default_factory=list)  # areas that hold much of the gap
    panel: Any = None


@dataclass
class AreaPanel:
    place: Placed
    row: dict[str, Any]
    reasons: list[tuple[str, int]]
    worst: list[dict[str, Any]]
    inside: list[dict[str, Any]]  # areas of the next level
    inside_level: str
    asked: Any  # team, rule and number of visits that a rule asks most about; None: nothing, or not for these eyes


@dataclass
class SettlementPanel:
    row: Any
    place: Placed | None
    reasons: list[tuple[str, int]]
    visits: Any
    flags: Any
    without_position: int
    sees_visits: bool


@dataclass
class TeamPanel:
    row: dict[str, Any]
    worst: list[Any]
    found: int


def overview(
    session: Session, campaign: Campaign, scope: Scope, view: View, own: OwnAreas, areas: dict[str, Placed],
    *, now: datetime,
) -> Overview:  # fmt: skip
    """Raises NotFound for an area, settlement or team that is none of the person's."""
    asked = area_in_scope(session, campaign, scope, view.area.code) if view.area else None
    context = _context(view, own, areas)

    def report(level: str, within: Placed | None) -> dict[str, Any]:
        return coverage_report(
            session, campaign, scope, level, now=now, area=within.code if within else None, until=view.until
        )

    listed = report(view.list_level if view.list_level != SETTLEMENT else _coarsest(own, areas), context)
    drawn = listed if view.list_level == view.level and context is None else None
    if view.level != SETTLEMENT and drawn is None:
        drawn = report(view.level, None)
    on_map = [_judged(row, view.measure) for row in (drawn["rows"] if drawn else []) if row["code"]]
    rows = [_judged(row, view.measure) for row in listed["rows"]]
    wish = Wish(team=view.team, statuses=view.statuses, silent_only=view.silent_only)

    def settlements_of(limit: int, order: str = "unreached", offset: int = 0) -> list[Any]:
        found = list_settlements(
            session, campaign, scope, wish, now=now, until=view.until, area=asked, order=order, limit=limit,
            offset=offset,
        )  # fmt: skip
        return list(found)

    spots = settlements_of(SPOTS_ON_MAP) if view.level == SETTLEMENT else []
    settlements = []
    if view.lists_settlements:
        settlements = settlements_of(ROWS_A_PAGE, view.order, (view.page - 1) * ROWS_A_PAGE)
    shown = Overview(
        view=view, own=own, total=listed["total"], context=context,
        rows=[] if view.lists_settlements else _ordered([r for r in rows if r["code"] and _meant(r, view)], view.order),
        elsewhere=[row for row in rows if row["code"] is None and row["visits"]],
        settlements=settlements, spots=spots, found=settlements[0]["found"] if settlements else 0,
        days=_days(campaign, report("day", context), view, now), on_map=on_map, classes=_class_sizes(on_map),
        box=_box(view, own, areas), without_position=_without_position(session, campaign, scope),
        counted_at=datetime.fromisoformat(listed["counted_at"]),
    )  # fmt: skip
    shown.holders = _holders([row for row in rows if row["code"]], shown.total["unreached"] or 0)
    shown.panel = _panel(session, campaign, scope, shown, asked, areas, report, now)
    return shown


def _context(view: View, own: OwnAreas, areas: dict[str, Placed]) -> Placed | None:
    """The area that the list is of: the one asked for, or the one around it; None: all of the person's areas."""
    if view.area is None or view.inside or view.lists_settlements:
        return view.area
    parent = areas.get(view.area.parent or "")
    return parent if parent and parent.level in own.levels else None


def _coarsest(own: OwnAreas, areas: dict[str, Placed]) -> str:
    """A level that is certainly loaded; its total is the same as that of any."""
    return own.levels[0] if own.levels else next(iter(areas.values())).level


def _judged(row: dict[str, Any], measure: str) -> dict[str, Any]:
    silent = row["no_word"] > 0 and row["no_word"] >= SILENT_AREA_SHARE * row["settlements"]
    return {**row, "class": class_of(row, measure), "silent": silent}


def class_of(row: dict[str, Any], measure: str) -> int | None:
    """Which of the five classes of the map's scale; None: no target, or one under 10, whose share would say nothing."""
    target = row["target"]
    if not target or target < SMALL_TARGET:
        return None
    if measure == "check":
        part, whole = row["vaccinated"] - row["vaccinated_confirmed"], target
        return next((n for n, limit in enumerate(CHECK_PER_CENT) if part * 100 >= limit * whole), CLASSES - 1)
    part, whole = {
        "confirmed": (row["vaccinated_confirmed"], target), "reported": (row["vaccinated"], target),
        "geographic": (row["cells_reached"], row["cells"]),
    }[measure]  # fmt: skip
    if not whole:
        return None
    return next((n for n, limit in enumerate(RAMP_PER_CENT) if part * 100 < limit * whole), CLASSES - 1)


def _class_sizes(rows: list[dict[str, Any]]) -> list[int]:
    return [sum(row["class"] == number for row in rows) for number in range(CLASSES)]


def _meant(row: dict[str, Any], view: View) -> bool:
    return not view.classes or row["class"] in view.classes


def _ordered(rows: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    if order == "name":
        return sorted(rows, key=lambda row: row["name"])
    if order == "confirmed":
        return sorted(rows, key=lambda row: (row["confirmed_coverage"] is None, row["confirmed_coverage"]))
    return rows


def _holders(rows: list[dict[str, Any]], unreached: int) -> list[dict[str, Any]]:
    """The areas that the sentence names: few that hold much of the children left."""
    named, held = [], 0
    for row in rows[:GAP_AREAS_NAMED]:
        named.append(row)
        held += row["unreached"] or 0
        if held >= GAP_SHARE_NAMED * unreached:
            break
    return named if unreached and len(named) < len(rows) and held >= GAP_SHARE_WORTH * unreached else []


def _days(campaign: Campaign, report: dict[str, Any], view: View, now: datetime) -> list[dict[str, Any]]:
    """The round's days: children vaccinated on each, whether it lies ahead, and whether the view reaches so far."""
    today = now.astimezone(ZoneInfo(campaign.timezone)).date()
    counted = {row["code"]: row for row in report["rows"]}
    most = max((row["vaccinated"] for row in report["rows"]), default=0) or 1
    days = []
    for number, day in enumerate(days_of(campaign), 1):
        row = counted.get(day.isoformat(), {})
        vaccinated = row.get("vaccinated", 0)
        days.append({
            "day": day, "number": number, "catch_up": day in campaign.catch_up, "vaccinated": vaccinated,
            "share_of_most": vaccinated / most, "ahead": day > today, "target": row.get("target"),
            "counted": day <= (view.until or today),
        })  # fmt: skip
    begun = [d["day"] for d in days if not d["ahead"]]
    last = view.until or (begun[-1] if begun else None)
    for d in days:
        d["chosen"] = d["day"] == last
        d["until"] = None if begun and d["day"] == begun[-1] else d["day"]  # the newest day is "now"
    return days


def _box(view: View, own: OwnAreas, areas: dict[str, Placed]) -> tuple[float, float, float, float] | None:
    if view.area and view.area.level != view.level:  # among its neighbours it is only outlined
        return view.area.box
    return around([areas[code].box for code in own.highest if code in areas])


def _without_position(session: Session, campaign: Campaign, scope: Scope) -> int | None:
    return session.scalar(WITHOUT_POSITION, {"campaign": campaign.id}) if scope.sees_visits else None


# the panel beside the map


def _panel(
    session: Session, campaign: Campaign, scope: Scope, shown: Overview, asked: Area | None, areas: dict[str, Placed],
    report: Any, now: datetime,
) -> Any:  # fmt: skip
    view = shown.view
    if view.settlement:
        return _settlement_panel(session, campaign, scope, view, areas, now)
    if view.team:
        return _team_panel(session, campaign, scope, view, now)
    if view.area is None or asked is None:
        return None
    inside = report(SETTLEMENT, view.area)
    rows = [row for row in inside["rows"] if row["code"]]
    below = level_below(view.area, view.levels)
    drawn = [row for row in shown.on_map if areas[row["code"]].parent == view.area.code]
    return AreaPanel(
        place=view.area, row=_with_instant(inside["total"]), reasons=_reasons(rows),
        worst=[row for row in rows if row["unreached"]][:WORST_IN_PANEL],
        inside=drawn if below != SETTLEMENT else [], inside_level=below,
        asked=_asked_about(session, campaign, scope, asked),
    )  # fmt: skip


def _reasons(rows: list[Any]) -> list[tuple[str, int]]:
    """Why the children of these settlements were not reached: "no visit" first, then the known reasons."""
    each = [reasons(row) for row in rows if row["unreached"] is not None]
    return [(why, sum(one[why] for one in each)) for why in ("no_visit", *KNOWN_REASONS)]


def _with_instant(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "heard_at": row["heard_at"] and datetime.fromisoformat(row["heard_at"])}


QUESTIONS_ABOUT_TEAMS = ("team_pattern", "copied", "stacked", "pace")  # of a team's way to work, not of one visit


def _asked_about(session: Session, campaign: Campaign, scope: Scope, area: Area) -> Any:
    if not scope.sees_visits:
        return None
    asked = {"campaign": campaign.id, "area": area.id, "rules": list(QUESTIONS_ABOUT_TEAMS)}
    return session.execute(ASKED_ABOUT, asked).one_or_none()


def _settlement_panel(
    session: Session, campaign: Campaign, scope: Scope, view: View, areas: dict[str, Placed], now: datetime
) -> SettlementPanel:
    found = list_settlements(
        session, campaign, scope, Wish(settlement=view.settlement), now=now, until=view.until, limit=1
    )
    if not found:
        raise NotFound
    row = found[0]
    visits, flags = visits_of_unit(session, campaign, scope, row["id"], until=view.until, limit=VISITS_IN_PANEL)
    return SettlementPanel(
        row=row, place=areas.get(row["area"] or ""), reasons=_reasons([row]), visits=visits, flags=flags,
        without_position=visits[0].without_position if visits else 0, sees_visits=scope.sees_visits,
    )  # fmt: skip


def _team_panel(session: Session, campaign: Campaign, scope: Scope, view: View, now: datetime) -> TeamPanel:
    teams = coverage_report(session, campaign, scope, "team", now=now, until=view.until)["rows"]
    row = next((row for row in teams if row["code"] == view.team), None)
    if row is None:
        raise NotFound
    worst = list_settlements(
        session, campaign, scope, Wish(team=view.team), now=now, until=view.until, limit=WORST_IN_PANEL
    )
    return TeamPanel(row=_with_instant(row), worst=list(worst), found=worst[0]["found"] if worst else 0)
