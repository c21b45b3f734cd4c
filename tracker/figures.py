"""How figures, codes, days and times are written on pages, in every language.

Each is one left-to-right isolate as a whole, so that "15 / 71" reads the same way round inside Urdu. Digits are Western
in all languages, thousands are separated, a day always has its name. What is missing is a dash that says so.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from apiflask import APIFlask
from babel.dates import format_date
from flask_babel import get_locale, gettext
from markupsafe import Markup, escape

FULL_SHARE = 1.0


def attach(app: APIFlask) -> None:
    app.jinja_env.filters.update(
        number=number, percent=percent, fraction=fraction, code=code, metres=metres,
        day=day, days=days, day_list=day_list, moment=moment, clock=clock, latest=latest,
    )  # fmt: skip
    app.jinja_env.globals.update(claim_words=claim_words, sentence=sentence)


def isolate(text: object) -> Markup:
    return Markup('<bdi dir="ltr">{}</bdi>').format(text)


def missing() -> Markup:
    """Shown as missing, never as zero."""
    dash = '<span class="quiet"><span aria-hidden="true">–</span><span class="visually-hidden">{}</span></span>'
    return Markup(dash).format(gettext("not known"))  # noqa: S704  a constant


def number(value: float | None) -> Markup:
    """6471 → 6,471."""
    return missing() if value is None else isolate(f"{value:,}")


def percent(share: float | None, decimals: int = 0) -> Markup:
    """0.744 → 74 %; with one decimal 74.4 %. Rounded down below the whole, so that 99.7 % never reads as all."""
    return missing() if share is None else isolate(percent_words(share, decimals))


def percent_words(share: float, decimals: int = 0) -> str:
    """The same as plain text, for what is read aloud."""
    shown = round(share * 100, decimals)
    if share < FULL_SHARE and shown >= 100:
        shown = 100 - 10**-decimals
    return f"{shown:,.{decimals}f} %"


def fraction(part: int | None, whole: int | None) -> Markup:
    """15, 71 → 15 / 71, in one isolate."""
    return missing() if part is None or whole is None else isolate(f"{part:,} / {whole:,}")


def code(value: object) -> Markup:
    """A code of an area, settlement, team or campaign."""
    return Markup('<bdi dir="ltr" translate="no">{}</bdi>').format(value)


def metres(value: float | None) -> Markup:
    """±8 m of accuracy; the unit is a word in Urdu and Pashto."""
    if value is None:
        return missing()
    return Markup("{} {}").format(isolate(f"±{value:,.0f}"), gettext("m"))


def day(on: date) -> Markup:
    """Wed 14 Oct."""
    locale = get_locale()
    return Markup("{} {} {}").format(format_date(on, "EEE", locale), isolate(on.day), format_date(on, "MMM", locale))


def days(first: date, last: date) -> Markup:
    """12–14 Oct 2026; 30 Oct – 2 Nov 2026."""
    locale = get_locale()
    end = Markup("{} {}").format(format_date(last, "MMM", locale), isolate(last.year))
    if first == last:
        return Markup("{} {}").format(isolate(last.day), end)
    if (first.year, first.month) == (last.year, last.month):
        return Markup("{} {}").format(isolate(f"{first.day}–{last.day}"), end)
    year = "" if first.year == last.year else Markup(" {}").format(isolate(first.year))
    start = Markup("{} {}{}").format(isolate(first.day), format_date(first, "MMM", locale), year)
    return Markup("{} – {} {}").format(start, isolate(last.day), end)


def moment(at: datetime, timezone: str) -> Markup:
    """Wed 14 Oct, 19:40 in the campaign's zone; the full time on hover and for programs."""
    local = at.astimezone(ZoneInfo(timezone))
    full, short = local.strftime("%Y-%m-%d %H:%M:%S %Z"), isolate(local.strftime("%H:%M"))
    return Markup('<time datetime="{}" title="{}">{}{} {}</time>').format(
        at.isoformat(), full, day(local.date()), gettext(","), short
    )


def clock(at: datetime, timezone: str) -> Markup:
    """19:40 in the campaign's zone."""
    local = at.astimezone(ZoneInfo(timezone))
    return Markup('<time datetime="{}"><bdi dir="ltr">{}</bdi></time>').format(at.isoformat(), local.strftime("%H:%M"))


def sentence(words: Any, facts: dict[str, Any]) -> Markup:
    """A translated sentence with its {facts} put in as isolates."""
    return escape(words).format(**{name: _fact(value) for name, value in facts.items()})


def _fact(value: Any) -> Markup:
    if isinstance(value, Markup):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return isolate(value)
    return isolate(f"{value:,.10g}") if isinstance(value, float) else number(value)


def latest(at: datetime, timezone: str) -> Markup:
    """19:40 when it was today in the campaign's zone, else with its day."""
    today = datetime.now(ZoneInfo(timezone)).date()
    return clock(at, timezone) if at.astimezone(ZoneInfo(timezone)).date() == today else moment(at, timezone)


def claim_words(confirmed: float, reported: float, goal: float) -> str:
    """What the claim bar draws, for those who listen."""
    words: str = gettext(
        "Confirmed %(confirmed)s, reported %(reported)s, target %(goal)s",
        confirmed=percent_words(confirmed), reported=percent_words(reported), goal=percent_words(goal),
    )  # fmt: skip
    return words


def day_list(these: Sequence[date]) -> Markup:
    return (escape(gettext(",")) + " ").join(day(on) for on in these)
