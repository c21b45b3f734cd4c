"""The map to take along: one HTML file, everything inside, nothing fetched when it opens from a memory stick.

folium builds the page; Leaflet comes from our own installed copy instead of folium's links, and a content security
policy in the file forbids it to fetch anything. On its face stand who made it, when, for which area, and as of when.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium
from branca.element import Element, MacroElement
from flask import current_app
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from jinja2 import Template
from markupsafe import Markup, escape
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.areas.models import LEVELS
from tracker.campaigns.models import Campaign
from tracker.coverage.report import area_in_scope, coverage_report
from tracker.coverage.statuses import STATUSES
from tracker.coverage.units import SMALL_TARGET
from tracker.errors import RasaiError
from tracker.figures import percent_words

PROJECT = Path(__file__).resolve().parent.parent.parent
LEAFLET = PROJECT / "tracker" / "static" / "vendor" / "leaflet"
PARTS = PROJECT / "templates" / "maps"

# confirmed coverage below this per cent; a fixed scale for the whole round
RAMP = ((50, "#7F230D"), (80, "#BC5424"), (90, "#E1944F"), (95, "#F5D998"), (None, "#D8EEE8"))
RAMP_NAMES = ("< 50 %", "50–79 %", "80–89 %", "90–94 %", "≥ 95 %")
NO_COLOUR = "#F3F1EB"
FILLS = {"missed": "#BF3413", "partly": "#F2BE3E", "doubtful": "#6E3FA3", "covered": "#248C80"}
SYMBOLS = {
    "missed": '<path d="M0-8L8 0L0 8L-8 0Z" fill="#BF3413"/><path d="M0-4V1M0 3V4" stroke="#fff" stroke-width="2"/>',
    "partly": '<circle r="7" fill="#fff"/><path d="M-7 0A7 7 0 0 0 7 0Z" fill="#F2BE3E"/>'
    '<circle r="7" fill="none" stroke="#7A5200"/>',
    "doubtful": '<rect x="-7" y="-7" width="14" height="14" rx="3" fill="#6E3FA3"/>'
    '<text y="4" text-anchor="middle" font-size="11" font-weight="700" fill="#fff">?</text>',
    "covered": '<circle r="7" fill="#248C80"/><path d="M-3 0L-1 3L4-3" fill="none" stroke="#fff" stroke-width="1.8"/>',
    "not_started": '<circle r="7" fill="none" stroke="#857F73" stroke-dasharray="2.5 2.5"/>',
}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
ROWS_IN_TABLE = 300
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FINENESS = 1500  # an outline keeps details down to this fraction of the map's width

SHAPES = text("""
    WITH shown AS (SELECT a.code, a.level, a.boundary FROM area a WHERE a.vintage = :vintage AND a.code = ANY(:codes)),
    width AS (SELECT greatest(ST_XMax(e) - ST_XMin(e), ST_YMax(e) - ST_YMin(e)) / :fineness AS degrees
              FROM (SELECT ST_Extent(boundary) AS e FROM shown) box)
    SELECT code, level, CAST(ST_AsGeoJSON(simple, 5) AS json) AS shape, ST_Y(inside) AS lat, ST_X(inside) AS lon
    FROM shown, width, LATERAL (SELECT ST_SimplifyPreserveTopology(boundary, degrees) AS simple) s,
         LATERAL (SELECT ST_PointOnSurface(simple) AS inside) p""")
POINTS = text("""
    SELECT s.code, ST_Y(x.point) AS lat, ST_X(x.point) AS lon
    FROM campaign_settlement x JOIN settlement s ON s.id = x.settlement_id
    WHERE x.campaign_id = :campaign AND s.code = ANY(:codes)""")
ABOVE = text("""
    SELECT DISTINCT above.code
    FROM area a JOIN area_within w ON w.area_id = a.id JOIN area above ON above.id = w.ancestor_id
    WHERE a.vintage = :vintage AND a.code = ANY(:codes)""")
COVERED_AREAS = text("""
    SELECT a.name_en, a.name_ur, a.name_ps FROM campaign_area c JOIN area a ON a.id = c.area_id
    WHERE c.campaign_id = :campaign ORDER BY a.code""")
OWN_AREAS = text("""
    SELECT a.name_en, a.name_ur, a.name_ps FROM area a
    WHERE a.vintage = :vintage AND in_areas(a.id, :areas)
      AND (a.parent_id IS NULL OR NOT in_areas(a.parent_id, :areas)) ORDER BY a.code""")


class LeafletMissing(RasaiError):
    message = _l("The map's library is not installed ({path}). Run `make setup` first.")


class Drawing(MacroElement):  # type: ignore[misc]
    """Our own drawing on folium's map: status symbols on a canvas, numbered circles, names as text only."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__()
        self._name = "Drawing"
        self.data = data
        script = (PARTS / "drawing.js").read_text(encoding="utf-8")
        self._template = Template("{% macro script(this, kwargs) %}" + script + "{% endmacro %}")


def shareable_map(
    session: Session,
    campaign: Campaign,
    scope: Scope,
    level: str,
    *,
    now: datetime,
    made_by: str,
    area: str | None = None,
) -> str:
    """The HTML page of an area level or of the settlements, with the numbers that this scope may see.

    Raises LeafletMissing before the set-up has run, and what `coverage_report` raises.
    """
    report = coverage_report(session, campaign, scope, level, now=now, area=area)
    rows = [row for row in report["rows"] if row["code"] is not None]
    page = folium.Map(tiles=None, zoom_control=False, prefer_canvas=True)
    page.default_js, page.default_css = [], []  # folium's own come from other people's servers
    root = page.get_root()
    root.title = escape(campaign.name)
    root.header.add_child(Element(_head()), name="leaflet", index=0)
    data = _settlements(session, campaign, rows) if level == "settlement" else _areas(session, campaign, rows)
    page.add_child(Drawing({"fills": FILLS, **data, "bounds": _bounds(data)}))
    place = _place(session, campaign, scope, area)
    root.html.add_child(Element(_face(campaign, report, place, now, made_by)))
    language = str(get_locale() or "en")
    direction = "rtl" if language in ("ur", "ps") else "ltr"
    html: str = root.render()
    return html.replace("<html>", f'<html lang="{language}" dir="{direction}">', 1)


# what is drawn


def _areas(session: Session, campaign: Campaign, rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_code = {row["code"]: row for row in rows}
    found = session.execute(SHAPES, {"vintage": campaign.vintage, "codes": list(by_code), "fineness": FINENESS})
    areas = [
        {
            **_said(by_code[shape.code]),
            "fill": _fill(by_code[shape.code]),
            "shape": shape.shape,
            "at": [shape.lat, shape.lon],
        }
        for shape in found
    ]
    return {"areas": areas, "outlines": _outlines(session, campaign, list(by_code)), "settlements": []}


def _settlements(session: Session, campaign: Campaign, rows: list[dict[str, Any]]) -> dict[str, Any]:
    by_code = {row["code"]: row for row in rows}
    found = session.execute(POINTS, {"campaign": campaign.id, "codes": list(by_code)})
    settlements = [
        {
            **_said(by_code[point.code]),
            "status": by_code[point.code]["status"],
            "silent": by_code[point.code]["no_word"] > 0,
            "at": [point.lat, point.lon],
        }
        for point in found
    ]
    within = list({row["area"] for row in rows if row["area"]})
    return {"areas": [], "outlines": _outlines(session, campaign, within), "settlements": settlements}


def _outlines(session: Session, campaign: Campaign, codes: list[str]) -> list[dict[str, Any]]:
    """These areas and all above them, coarse first: the ground on which the rest is drawn."""
    above = session.scalars(ABOVE, {"vintage": campaign.vintage, "codes": codes}).all()
    found = session.execute(SHAPES, {"vintage": campaign.vintage, "codes": list(above), "fineness": FINENESS})
    shapes = sorted(found, key=lambda shape: LEVELS.index(shape.level))
    coarsest = shapes[0].level if shapes else None
    return [{"shape": shape.shape, "weight": 2.2 if shape.level == coarsest else 1.0} for shape in shapes]


def _said(row: dict[str, Any]) -> dict[str, Any]:
    """What a click tells; plain text throughout."""
    lines = []
    if row["level"] == "settlement" and row["status"]:
        lines.append(dict(_status_names())[row["status"]])
    if row["unreached"] is not None:
        lines.append(_("{n} children not yet reached").format(n=f"{row['unreached']:,}"))
    lines += [
        _coverage_line(_("Confirmed"), row, "vaccinated_confirmed", "confirmed_coverage"),
        _coverage_line(_("Reported"), row, "vaccinated", "reported_coverage"),
    ]
    if row["level"] != "settlement":
        visited = _("{visited} of {all} settlements visited")
        lines.append(visited.format(visited=f"{row['settlements_visited']:,}", all=f"{row['settlements']:,}"))
    return {"name": row["name"], "other_name": row["name_ur"], "lines": lines, "unreached": row["unreached"]}


def _coverage_line(word: str, row: dict[str, Any], count: str, share: str) -> str:
    """A per cent never stands without its counts; a small target has no per cent."""
    if not row["target"] or row["target"] < SMALL_TARGET:
        return f"{word}: {row[count]:,}"
    return f"{word}: {percent_words(row[share])}, {row[count]:,} / {row['target']:,}"


def _fill(row: dict[str, Any]) -> str:
    if not row["target"] or row["target"] < SMALL_TARGET:
        return NO_COLOUR
    return next(colour for below, colour in RAMP if below is None or row["confirmed_coverage"] * 100 < below)


def _bounds(data: dict[str, Any]) -> list[list[float]]:
    """[[south, west], [north, east]] of what is drawn; Pakistan when nothing is."""
    spots = [thing["at"] for thing in (*data["areas"], *data["settlements"])]
    for thing in data["areas"]:
        spots += [[lat, lon] for polygon in thing["shape"]["coordinates"] for lon, lat in _ring(polygon)]
    if not spots:
        return [[23.7, 60.9], [37.1, 77.8]]
    lat, lon = zip(*spots, strict=True)
    return [[min(lat), min(lon)], [max(lat), max(lon)]]


def _ring(polygon: Any) -> Any:
    """Outer ring of a polygon's coordinates, whether it stands alone or in a multipolygon."""
    return polygon[0] if isinstance(polygon[0][0], list) else polygon


# what is said


def _status_names() -> list[tuple[str, str]]:
    names = {
        "missed": _("Missed"),
        "partly": _("Partly"),
        "doubtful": _("To check"),
        "covered": _("Covered"),
        "not_started": _("Not started"),
    }
    return [(status, names[status]) for status in STATUSES]


def _name_of(area: Any) -> str:
    """In the language of the page, where the area has a name in it."""
    name: str = getattr(area, f"name_{get_locale() or 'en'}", None) or area.name_en
    return name


def _place(session: Session, campaign: Campaign, scope: Scope, area: str | None) -> str:
    """The area of the question, else those that the person sees of the round."""
    if area:
        asked = area_in_scope(session, campaign, scope, area)
        return f"{_name_of(asked)} ({asked.code})"
    statement = COVERED_AREAS if scope.everything or scope.role == "team" else OWN_AREAS
    values = {"campaign": campaign.id, "vintage": campaign.vintage, "areas": scope.areas}
    names = [_name_of(row) for row in session.execute(statement, values)]
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else _("{names} and {more} more areas").format(names=shown, more=len(names) - 4)


def _face(campaign: Campaign, report: dict[str, Any], place: str, now: datetime, made_by: str) -> str:
    zone = ZoneInfo(campaign.timezone)
    counted = datetime.fromisoformat(report["counted_at"]).astimezone(zone)
    style = (PARTS / "face.css").read_text(encoding="utf-8")
    face = current_app.jinja_env.get_template("maps/face.html")  # without what only a request knows: commands draw, too
    return f"<style>{style}</style>" + face.render(
        campaign=campaign,
        level=report["level"],
        total=report["total"],
        rows=report["rows"][:ROWS_IN_TABLE],
        row_count=len(report["rows"]),
        place=place,
        counted=counted,
        made=now.astimezone(zone),
        made_by=made_by,
        statuses=_status_names(),
        symbols={status: Markup(symbol) for status, symbol in SYMBOLS.items()},  # noqa: S704  our own constants
        ramp=[(colour, name) for (_below, colour), name in zip(RAMP, RAMP_NAMES, strict=True)],
        small_target=SMALL_TARGET,
    )


def _head() -> str:
    """Leaflet itself, and the promise that nothing else is fetched."""
    files = [LEAFLET / "leaflet.css", LEAFLET / "leaflet.js"]
    for file in files:
        if not file.is_file():
            raise LeafletMissing(path=file)
    style, script = (file.read_text(encoding="utf-8") for file in files)
    return (
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<style>{COMMENT.sub('', _without_links(style))}</style><script>{_without_links(script)}</script>"
    )


def _without_links(source: str) -> str:
    """Leaflet without what it points to: pictures that we do not use, its page, the map of its source."""
    source = source.replace("</script", "<\\/script").replace("https://leafletjs.com", "#")
    lines = (line for line in source.split("\n") if not line.startswith("//# sourceMappingURL"))
    return "\n".join(lines).replace("url(images/", "url(data:,")
