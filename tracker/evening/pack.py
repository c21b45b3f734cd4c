"""What does the evening meeting need to know of an area? One page: claim and proof, gaps, reasons, teams, orders.

Reads kept counts through other capabilities' verbs, as far as the person may see them; writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign
from tracker.coverage.outlines import Placed, own_areas, placed_areas
from tracker.coverage.report import area_in_scope, coverage_report, levels_loaded
from tracker.coverage.units import moment
from tracker.errors import NotFound
from tracker.figures import percent_words
from tracker.orders.gap_list import GapList, Wish, list_gaps
from tracker.orders.orders import STATES, orders_between
from tracker.questions.questions import count_questions
from tracker.questions.team_days import teams_of_day

GAPS_SHOWN = 15
NAMED_IN_LINES = 3
ORDERS_SHOWN = 40


# a team user has no areas: where most of its settlements lie
WHERE_PLANNED = text("""
    SELECT a.code FROM campaign_settlement x JOIN area a ON a.id = x.area_id
    WHERE x.campaign_id = :campaign AND x.settlement_id = ANY(:settlement_ids)
    GROUP BY a.code ORDER BY count(*) DESC, a.code LIMIT 1""")


@dataclass(frozen=True)
class Pack:
    """One area's evening. Nothing in it tells where a team is."""

    place: Placed
    day: date
    counted_at: datetime
    total: dict[str, Any]
    parts: list[dict[str, Any]]  # rows of the level below, worst first; none for the lowest
    parts_level: str | None
    gaps: GapList
    silent: list[Row[Any]]  # teams of the day without a word
    teams: int  # teams of the day
    today: Sequence[Row[Any]]  # orders for this day
    tomorrow: Sequence[Row[Any]]
    questions: dict[str, int] | None  # None: not for these eyes

    @property
    def done(self) -> int:
        return sum(order.state == "done" for order in self.today)

    def states(self) -> dict[str, int]:
        return {state: sum(order.state == state for order in self.today) for state in STATES}


def evening_pack(
    session: Session, campaign: Campaign, scope: Scope, area: str | None, day: date, *, now: datetime
) -> Pack:
    """Of an area (the person's own unless told) at the end of a day. Raises NotFound."""
    areas = placed_areas(session, campaign)
    place = _place(session, campaign, scope, areas, area)
    found, today = area_in_scope(session, campaign, scope, place.code), moment(campaign, now).today
    until = day if day < today else None
    below = _level_below(place, levels_loaded(session, campaign))
    report = coverage_report(session, campaign, scope, below or place.level, now=now, area=place.code, until=until)
    tomorrow = day + timedelta(days=1)
    teams = teams_of_day(session, campaign, scope, day, area_id=found.id)
    return Pack(
        place=place, day=day, counted_at=datetime.fromisoformat(report["counted_at"]), total=report["total"],
        parts=[row for row in report["rows"] if row["code"]] if below else [], parts_level=below,
        gaps=list_gaps(session, campaign, scope, Wish(area=place.code), now=now, until=until),
        silent=[team for team in teams if team.no_word], teams=len(teams),
        today=orders_between(session, campaign, scope, day, day, today=today, area_id=found.id),
        tomorrow=orders_between(session, campaign, scope, tomorrow, tomorrow, today=today, area_id=found.id),
        questions=count_questions(session, campaign, scope) if scope.decides else None,
    )  # fmt: skip


def three_lines(pack: Pack, campaign: Campaign, name: str, day: str, clock: str) -> list[str]:
    """For the chat group: what stands, what is left, what happens. Counts beside every share; no team, no position."""
    total = pack.total
    named = ", ".join(f"{_named(row)} {row['unreached']:,}" for row in pack.gaps.rows[:NAMED_IN_LINES])
    if total["target"]:
        stands = _("%(name)s, %(day)s: %(confirmed)s confirmed (%(n)s of %(target)s), %(reported)s reported.",
                   name=name, day=day, confirmed=percent_words(total["confirmed_coverage"]),
                   n=f"{total['vaccinated_confirmed']:,}", target=f"{total['target']:,}",
                   reported=percent_words(total["reported_coverage"]))  # fmt: skip
    else:
        stands = _("%(name)s, %(day)s: no target.", name=name, day=day)
    left = ngettext(
        "%(children)s children not yet reached in %(num)s settlement.",
        "%(children)s children not yet reached in %(num)s settlements.",
        pack.gaps.found, children=f"{pack.gaps.children:,}",
    )  # fmt: skip
    if named:
        left += " " + _("Most: %(named)s.", named=named)
    happens = _("Orders today %(done)s of %(today)s done, for tomorrow %(tomorrow)s. Teams without a word: %(silent)s."
                " As of %(clock)s.", done=pack.done, today=len(pack.today), tomorrow=len(pack.tomorrow),
                silent=len(pack.silent), clock=clock)  # fmt: skip
    return [stands, left, happens]


def _named(row: dict[str, Any]) -> str:
    return str(row.get(f"name_{get_locale()}") or row["name_en"])


def _place(session: Session, campaign: Campaign, scope: Scope, areas: dict[str, Placed], code: str | None) -> Placed:
    """The area asked for, else the first of the person's highest, else the round's first."""
    if code is None:
        own = own_areas(session, campaign, scope)
        code = next((c for c in own.highest if c in areas), None) or session.scalar(
            WHERE_PLANNED, {"campaign": campaign.id, **scope.binds()}
        )
    if code is None or code not in areas:
        raise NotFound
    return areas[code]


def _level_below(place: Placed, loaded: list[str]) -> str | None:
    finer = LEVELS[LEVELS.index(place.level) + 1 :]
    return next((level for level in loaded if level in finer), None)
