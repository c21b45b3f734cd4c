"""What does the address of the coverage page ask for? It holds the whole state: a link shows the same view.

`area` is in the middle of attention, `level` is what the map draws (and what a click goes down to), the list beside it
holds the area's neighbours, or, with `inside`, what lies in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask_babel import gettext as _

from tracker.areas.models import LEVELS
from tracker.coverage.outlines import OwnAreas, Placed
from tracker.coverage.settlement_list import ORDERS
from tracker.coverage.statuses import STATUSES
from tracker.errors import NotFound, WrongRequest

MEASURES = ("confirmed", "reported", "geographic", "check")
CLASSES = 5  # of the map's scale
SETTLEMENT = "settlement"


@dataclass(frozen=True)
class View:
    """The state of the page; what stands at its default is left out of the address."""

    level: str
    levels: tuple[str, ...]  # to choose from, the last is "settlement"
    measure: str = "confirmed"
    until: date | None = None  # counted up to the end of this day; None: up to now
    area: Placed | None = None
    settlement: str | None = None
    team: str | None = None
    statuses: tuple[str, ...] = ()
    classes: tuple[int, ...] = ()  # of the map's scale, 0 is the worst
    silent_only: bool = False
    inside: bool = False
    order: str = "unreached"
    page: int = 1

    @property
    def lists_settlements(self) -> bool:
        """The list beside the map holds settlements, not areas."""
        filtered = self.statuses or self.silent_only or self.team
        if self.level != SETTLEMENT:
            return False
        return bool(filtered or self.inside or self.area is None)

    @property
    def list_level(self) -> str:
        """Level of the areas in the list."""
        return self.level if self.area is None or self.inside else self.area.level

    @property
    def default_level(self) -> str:
        """What the map draws unless the address says otherwise."""
        about_settlements = self.settlement or self.team or self.statuses or self.silent_only
        return SETTLEMENT if about_settlements else level_below(self.area, self.levels)

    def query(self) -> dict[str, str]:
        """As the address says it."""
        said = {
            "area": self.area.code if self.area else None, "settlement": self.settlement, "team": self.team,
            "level": self.level if self.level != self.default_level else None,
            "measure": self.measure if self.measure != MEASURES[0] else None,
            "until": self.until.isoformat() if self.until else None, "status": ",".join(self.statuses),
            "class": ",".join(map(str, self.classes)), "word": "none" if self.silent_only else None,
            "list": "inside" if self.inside else None, "order": self.order if self.order != "unreached" else None,
            "page": str(self.page) if self.page > 1 else None,
        }  # fmt: skip
        return {name: value for name, value in said.items() if value}

    def with_(self, **changes: Any) -> "View":
        """Another view from here. A change of what is listed begins at its first page."""
        if "page" not in changes:
            changes["page"] = 1
        return replace(self, **changes)

    def at_default_level(self) -> "View":
        return replace(self, level=self.default_level)

    def toggled(self, status: str) -> "View":
        """With one status more, or less; the map draws settlements while any is chosen."""
        chosen = tuple(s for s in STATUSES if (s in self.statuses) != (s == status))
        return self.with_(statuses=chosen, classes=()).at_default_level()

    def toggled_silence(self) -> "View":
        return self.with_(silent_only=not self.silent_only, classes=()).at_default_level()

    def toggled_class(self, number: int) -> "View":
        chosen = tuple(n for n in range(CLASSES) if (n in self.classes) != (n == number))
        return self.with_(classes=chosen)


def level_below(area: Placed | None, levels: tuple[str, ...]) -> str:
    """The level that shows what lies inside."""
    if area is None:
        return levels[0]
    finer = LEVELS[LEVELS.index(area.level) + 1 :]
    return next((level for level in levels if level in finer), SETTLEMENT)


def read_view(asked: Mapping[str, str], own: OwnAreas, areas: Mapping[str, Placed], until: date | None) -> View:
    """Raises NotFound for an area that there is not, WrongRequest for words that mean nothing here."""
    levels = (*own.levels, SETTLEMENT)
    code = asked.get("area")
    if code and code not in areas:
        raise NotFound
    area = areas[code] if code else None
    about_settlements = any(asked.get(name) for name in ("settlement", "team", "status", "word"))
    fallback = SETTLEMENT if about_settlements else level_below(area, levels)
    level = _one_of(asked, "level", (*LEVELS, SETTLEMENT), fallback)
    return View(
        level=level if level in levels else fallback, levels=levels,
        measure=_one_of(asked, "measure", MEASURES, MEASURES[0]), until=until, area=area,
        settlement=asked.get("settlement") or None, team=asked.get("team") or None,
        statuses=tuple(_some_of(asked, "status", STATUSES)),
        classes=tuple(map(int, _some_of(asked, "class", [str(n) for n in range(CLASSES)]))),
        silent_only=asked.get("word") == "none", inside=asked.get("list") == "inside",
        order=_one_of(asked, "order", ORDERS, "unreached"), page=_page(asked.get("page", "")),
    )  # fmt: skip


def _one_of(asked: Mapping[str, str], name: str, known: Any, default: str) -> str:
    word = asked.get(name) or default
    if word not in known:
        raise WrongRequest(field=name, why=_("{word} is none of {known}.").format(word=word, known=", ".join(known)))
    return word


def _some_of(asked: Mapping[str, str], name: str, known: Any) -> list[str]:
    words = [word for word in asked.get(name, "").split(",") if word]
    for word in words:
        _one_of({name: word}, name, known, word)
    return [word for word in known if word in words]


def _page(word: str) -> int:
    return int(word) if word.isascii() and word.isdigit() and 1 <= int(word) <= 10_000 else 1
