"""Which collections of features does a person have? Of each campaign its settlements, its areas and its visits.

An id is kind, underscore and the campaign's code: `settlements_POLIO-3`. The attributes are those of the list of the
same name, so that what is read live equals what is taken out as a file.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope, campaign_in_scope
from tracker.areas.models import LEVELS
from tracker.campaigns.listing import last_day
from tracker.campaigns.models import Campaign
from tracker.campaigns.reading import campaigns_in_scope
from tracker.coverage.outlines import around, own_areas, placed_areas
from tracker.coverage.report import area_in_scope, levels_loaded
from tracker.coverage.settlement_stream import Wanted, count_settlements, settlement_page
from tracker.coverage.statuses import STATUSES
from tracker.errors import NotAllowed, NotFound
from tracker.exports.columns import Column
from tracker.exports.lists import LISTS, area_rows, as_listed
from tracker.ogc.asking import Asking, WrongParameter
from tracker.visits.models import STANDINGS
from tracker.visits.reading import WAITING
from tracker.visits.streaming import START, After, VisitsWanted, count_visits, visit_page

KINDS = {  # in the order in which they are listed: their own parameters
    "settlements": ("within", "status", "team", "type"), "areas": ("within", "level"),
    "visits": ("within", "team", "standing"),
}  # fmt: skip
EVERYWHERE = (-180.0, -90.0, 180.0, 90.0)
Row = dict[str, Any]


@dataclass(frozen=True)
class FeatureCollection:
    kind: str
    campaign: Campaign

    @property
    def id(self) -> str:
        return f"{self.kind}_{self.campaign.code}"

    @property
    def columns(self) -> tuple[Column, ...]:
        return LISTS[self.kind].columns

    @property
    def geometry(self) -> str:
        return LISTS[self.kind].geometry or "Point"

    @property
    def words(self) -> str:
        return str(LISTS[self.kind].words)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.campaign.timezone)

    @property
    def interval(self) -> tuple[datetime, datetime]:
        """The days of the round."""
        first, last = self.campaign.starts_on, last_day(self.campaign)
        return _midnight(first, self.zone), _midnight(last, self.zone).replace(hour=23, minute=59, second=59)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def collections_of(session: Session, scope: Scope) -> Iterator[FeatureCollection]:
    for campaign in campaigns_in_scope(session, scope):
        for kind in KINDS:
            if scope.role in LISTS[kind].roles:
                yield FeatureCollection(kind, campaign)


def find_collection(session: Session, scope: Scope, name: str) -> FeatureCollection:
    """NotFound for one that is none of the person's, NotAllowed where the role may not have its kind."""
    kind, _underscore, code = name.partition("_")
    if kind not in KINDS:
        raise NotFound
    if scope.role not in LISTS[kind].roles:
        raise NotAllowed
    return FeatureCollection(kind, campaign_in_scope(session, code, scope))


PLACED = text("""
    SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) FROM (
        SELECT ST_Extent(x.point) AS b FROM campaign_settlement x
        WHERE x.campaign_id = :campaign AND x.settlement_id = ANY(:settlement_ids)) s""")


def extent(session: Session, scope: Scope, campaign: Campaign) -> tuple[float, float, float, float]:
    """The box around the person's areas, or around a team's settlements; degrees."""
    areas = placed_areas(session, campaign)
    boxes = [areas[code].box for code in own_areas(session, campaign, scope).highest if code in areas]
    if boxes:
        return around(boxes) or EVERYWHERE
    box = session.execute(PLACED, {"campaign": campaign.id, **scope.binds()}).one()
    return EVERYWHERE if box[0] is None else (box[0], box[1], box[2], box[3])


@dataclass(frozen=True)
class Page:
    rows: list[tuple[int | str, Row]]  # id of the feature, and its row with attributes and place
    next: str | None  # where the next page begins; None: this was the last
    matched: int | None  # how many there are in all; told on the first page only, for it costs a count


def features(
    session: Session,
    scope: Scope,
    collection: FeatureCollection,
    asking: Asking,
    cursor: str | None,
    now: datetime,
    only: str | None = None,
) -> Page:
    """A page of features; `only` is the id of a single one. Raises NotFound, WrongParameter."""
    read = {"settlements": _settlements, "areas": _areas, "visits": _visits}[collection.kind]
    return read(session, scope, collection, asking, cursor, now, only)


def _settlements(
    session: Session,
    scope: Scope,
    collection: FeatureCollection,
    asking: Asking,
    cursor: str | None,
    now: datetime,
    only: str | None,
) -> Page:
    campaign, named = collection.campaign, asking.named
    days = None
    if asking.span:
        begins, ends = (at and at.astimezone(collection.zone).date() for at in (asking.span.begins, asking.span.ends))
        days = (begins, ends)
    wanted = Wanted(
        area=_within(session, scope, collection, asking), team=named.get("team"), type=named.get("type"), days=days,
        statuses=_one_of(asking, "status", STATUSES), box=asking.box, only=_number(only),
    )  # fmt: skip
    after = _place_in_list(cursor)
    found = settlement_page(session, campaign, scope, wanted, now=now, after=after, limit=asking.limit + 1)
    rows, more = found[: asking.limit], len(found) > asking.limit
    count = None if cursor or only else _told(more, rows, lambda: count_settlements(
        session, campaign, scope, wanted, now=now))  # fmt: skip
    return Page([(row["id"], as_listed(row)) for row in rows], str(rows[-1]["id"]) if more else None, count)


def _areas(
    session: Session,
    scope: Scope,
    collection: FeatureCollection,
    asking: Asking,
    cursor: str | None,
    now: datetime,
    only: str | None,
) -> Page:
    """All levels, coarse first; some thousand at most, so they are counted as a whole and cut into pages."""
    campaign = collection.campaign
    area = _within(session, scope, collection, asking)
    loaded = levels_loaded(session, campaign)
    levels = _one_of(asking, "level", LEVELS) or LEVELS
    rows = [
        row for level in levels if level in loaded
        for row in area_rows(session, campaign, scope, level, now=now, area=area and area.code)
        if "id" in row and (only is None or row["id"] == _number(only)) and _meets(row, asking.box)
    ]  # fmt: skip
    start = _place_in_list(cursor)
    shown = rows[start : start + asking.limit]
    end = start + len(shown)
    matched = None if cursor or only else len(rows)
    return Page([(row["id"], row) for row in shown], str(end) if end < len(rows) else None, matched)


def _meets(row: Row, box: Any) -> bool:
    if box is None:
        return True
    west, south, east, north = box
    pieces = [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]
    outline = shapely.from_wkb(row["geometry"])
    return any(shapely.intersects(outline, shapely.box(w, south, e, north)) for w, e in pieces)


def _visits(
    session: Session,
    scope: Scope,
    collection: FeatureCollection,
    asking: Asking,
    cursor: str | None,
    now: datetime,
    only: str | None,
) -> Page:
    campaign, span = collection.campaign, asking.span
    area = _within(session, scope, collection, asking)
    standing = _one_of(asking, "standing", (*STANDINGS.values(), WAITING))
    wanted = VisitsWanted(
        area_id=area and area.id, team=asking.named.get("team"), standing=standing[0] if standing else None,
        box=asking.box, begins=span.begins if span else None, ends=span.ends if span else None, only=_uuid(only),
    )  # fmt: skip
    after = _after(cursor) if cursor else START
    found = visit_page(session, campaign, scope, wanted, after=after, limit=asking.limit + 1)
    rows, more = found[: asking.limit], len(found) > asking.limit
    count = None if cursor or only else _told(more, rows, lambda: count_visits(session, campaign, scope, wanted))
    last = rows[-1] if more else None
    goes_on = f"{last['team_id']} {last['visited_at'].isoformat()} {last['instance_id']}" if last else None
    return Page([(row["instance_id"], row) for row in rows], goes_on, count)


def _told(more: bool, rows: list[Row], count: Any) -> int:
    return int(count()) if more else len(rows)


def _within(session: Session, scope: Scope, collection: FeatureCollection, asking: Asking) -> Any:
    code = asking.named.get("within")
    return area_in_scope(session, collection.campaign, scope, code) if code else None


def _one_of(asking: Asking, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    word = asking.named.get(name)
    if word and word not in known:
        raise WrongParameter(field=name, why=f"{word[:100]} ∉ {', '.join(known)}")
    return (word,) if word else ()


def _number(only: str | None) -> int | None:
    """An id that is no number of ours is the id of nothing."""
    if only is None:
        return None
    if not (only.isascii() and only.isdigit() and len(only) < 10):
        raise NotFound
    return int(only)


def _uuid(only: str | None) -> str | None:
    try:
        return None if only is None else str(uuid.UUID(only))
    except ValueError:
        raise NotFound from None


def _place_in_list(cursor: str | None) -> int:
    if cursor and not cursor.isdigit():
        raise WrongParameter(field="cursor", why="?")
    return int(cursor or 0)


def _after(cursor: str) -> After:
    parts = cursor.split(" ")
    if len(parts) != 3:
        raise WrongParameter(field="cursor", why="?")
    return After(int(parts[0]), datetime.fromisoformat(parts[1]), parts[2])
