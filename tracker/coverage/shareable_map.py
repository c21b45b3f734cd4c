"""The map to take along: one HTML file, everything inside, nothing fetched when it opens.

folium draws it; what folium would link from elsewhere (Leaflet, its style) is put into the file from our own installed copy, and every
name is escaped before it becomes part of a page. On its face: who made it, when, for which area, as of when.
"""
import base64
import html
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import folium
from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.coverage.report import coverage_report

VENDOR = Path(__file__).resolve().parent.parent / "static" / "vendor" / "leaflet"
RAMP = ((50, "#7F230D"), (80, "#BC5424"), (90, "#E1944F"), (95, "#F5D998"), (None, "#D8EEE8"))       # below this per cent
STATUS_FILL = {"missed": "#BF3413", "partly": "#F2BE3E", "doubtful": "#6E3FA3", "covered": "#248C80", "not_started": "#D3D6DB"}
SMALL_TARGET = 10

AREA_SHAPES = text("""
    SELECT code, ST_AsGeoJSON(ST_SimplifyPreserveTopology(boundary, 0.003), 4) FROM area
    WHERE vintage = :vintage AND level = :level AND code = ANY(:codes)""")
SETTLEMENT_POINTS = text("SELECT code, ST_X(centre), ST_Y(centre) FROM settlement WHERE code = ANY(:codes)")


def shareable_map(session: Session, campaign: Campaign, scope: Scope, level: str, *, now: datetime, made_by: str, area: str | None = None) -> str:
    """The HTML page of one level, with the numbers that this scope may see."""
    report = coverage_report(session, campaign, scope, level, now=now, area=area)
    rows = {r["code"]: r for r in report["rows"] if r["code"]}
    page = folium.Map(tiles=None, zoom_control=True, control_scale=True, prefer_canvas=True)
    bounds = _draw_settlements(session, page, rows) if level == "settlement" else _draw_areas(session, campaign, page, rows, level)
    if bounds:
        page.fit_bounds(bounds)
    page.get_root().html.add_child(folium.Element(_face(campaign, report, now, made_by, area)))
    return _self_contained(page.get_root().render(), campaign.name)


def _draw_areas(session: Session, campaign: Campaign, page: folium.Map, rows: dict[str, Any], level: str) -> list[list[float]]:
    shapes = session.execute(AREA_SHAPES, {"vintage": campaign.vintage, "level": level, "codes": list(rows)}).all()
    features = [{"type": "Feature", "geometry": json.loads(shape), "properties": {"words": _words(rows[code]), "fill": _fill(rows[code])}} for code, shape in shapes]
    if not features:
        return []
    drawn = folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        style_function=lambda f: {"fillColor": f["properties"]["fill"], "color": "#FFFFFF", "weight": 1.5, "fillOpacity": 0.9},
        popup=folium.GeoJsonPopup(["words"], labels=False))
    drawn.add_to(page)
    return drawn.get_bounds()


def _draw_settlements(session: Session, page: folium.Map, rows: dict[str, Any]) -> list[list[float]]:
    points = session.execute(SETTLEMENT_POINTS, {"codes": list(rows)}).all()
    features = [{"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]},
                 "properties": {"words": _words(rows[code]), "fill": STATUS_FILL[rows[code]["status"]],
                                "radius": 3 + min(9.0, (rows[code]["unreached"] or 0) ** 0.5)}} for code, lon, lat in points]
    if not features:
        return []
    drawn = folium.GeoJson(
        {"type": "FeatureCollection", "features": features}, marker=folium.CircleMarker(fill=True),
        style_function=lambda f: {"fillColor": f["properties"]["fill"], "color": "#1B1F23", "weight": 0.7, "fillOpacity": 0.95,
                                  "radius": f["properties"]["radius"]},
        popup=folium.GeoJsonPopup(["words"], labels=False))
    drawn.add_to(page)
    return drawn.get_bounds()


def _words(row: dict[str, Any]) -> str:
    """What the popup says; names come from outside and are escaped here, since Leaflet takes popups as HTML."""
    reached = _("{unreached} of {target} children not yet reached").format(
        unreached=row["unreached"] if row["unreached"] is not None else "–", target=row["target"] if row["target"] is not None else "–")
    parts = [f"<b>{html.escape(row['name'])}</b> {html.escape(row.get('name_ur') or '')}", html.escape(reached), html.escape(_percent(row))]
    return "<br>".join(parts)


def _percent(row: dict[str, Any]) -> str:
    if not row["target"] or row["target"] < SMALL_TARGET or row["confirmed_coverage"] is None:
        return _("target under {n}: no share is shown").format(n=SMALL_TARGET)
    return _("confirmed {confirmed:.0%}, reported {reported:.0%}").format(confirmed=row["confirmed_coverage"], reported=row["reported_coverage"])


def _fill(row: dict[str, Any]) -> str:
    if not row["target"] or row["target"] < SMALL_TARGET or row["confirmed_coverage"] is None:
        return "#F3F1EB"
    return next(colour for below, colour in RAMP if below is None or row["vaccinated_confirmed"] * 100 < below * row["target"])


def _face(campaign: Campaign, report: dict[str, Any], now: datetime, made_by: str, area: str | None) -> str:
    """Title, numbers, who, when; the legend; and that a demonstration's areas are drawn, not official."""
    total = report["total"]
    local = now.astimezone(ZoneInfo(campaign.timezone))
    counted = datetime.fromisoformat(report["counted_at"]).astimezone(ZoneInfo(campaign.timezone))
    lines = [
        f"<b>{html.escape(campaign.name)}</b> · {html.escape(area or _('all its areas'))}",
        html.escape(_("{unreached} children not yet reached, of {target}").format(unreached=f"{total['unreached']:,}", target=f"{total['target']:,}")),
        html.escape(_("Counted {counted}. Made {made} by {who}. {zone} time.").format(
            counted=counted.strftime("%d %b %Y %H:%M"), made=local.strftime("%d %b %Y %H:%M"), who=made_by, zone=campaign.timezone)),
    ]
    if campaign.illustration:
        lines.append(f"<b>{html.escape(_('Areas are drawn for illustration; they are not official boundaries.'))}</b>")
    if report["level"] == "settlement":
        entries = [(fill, key) for fill, key in ((STATUS_FILL["missed"], _("Missed")), (STATUS_FILL["partly"], _("Partly")), (STATUS_FILL["doubtful"], _("To check")),
                                                 (STATUS_FILL["covered"], _("Covered")), (STATUS_FILL["not_started"], _("Not started")))]
    else:
        names = ("< 50 %", "50–79 %", "80–89 %", "90–94 %", "≥ 95 %")
        entries = [(colour, name) for (_below, colour), name in zip(RAMP, names, strict=True)]
    legend = "".join(f'<span style="white-space:nowrap;margin-inline-end:10px"><i style="display:inline-block;width:12px;height:12px;border:1px solid #857F73;'
                     f'background:{fill}"></i> {html.escape(str(name))}</span>' for fill, name in entries)
    return ('<div style="position:fixed;inset-block-end:24px;inset-inline-start:12px;z-index:999;max-width:min(440px,92vw);background:#fff;'
            'border:1px solid #857F73;border-radius:8px;padding:10px 14px;font:14px/1.5 system-ui,sans-serif;color:#1B1F23">'
            + "<br>".join(lines) + f'<div style="margin-block-start:6px">{legend}</div></div>')


def _self_contained(page: str, title: str) -> str:
    """Put Leaflet itself into the page and drop every link to elsewhere."""
    page = re.sub(r'<script src="https?://[^"]*"></script>', "", page)
    page = re.sub(r'<link[^>]*href="https?://[^"]*"[^>]*/?>', "", page)
    style = re.sub(r"url\(([^)]+)\)", _inlined_image, (VENDOR / "leaflet.css").read_text(encoding="utf-8"))
    script = (VENDOR / "leaflet.js").read_text(encoding="utf-8").replace("</script", "<\\/script")
    script = re.sub(r"\n?//# sourceMappingURL=.*", "", script).replace("https://leafletjs.com", "#")
    head = f"<title>{html.escape(title)}</title><style>{style}\n.leaflet-container{{background:#F3F1EB}}</style><script>{script}</script>"
    return page.replace("<head>", f"<head>{head}", 1)


def _inlined_image(match: re.Match[str]) -> str:
    """An image of Leaflet's style as a data address; what is not there is left out."""
    file = VENDOR / match[1].strip("\"'")
    if not file.is_file():
        return "none"
    return f"url(data:image/png;base64,{base64.b64encode(file.read_bytes()).decode()})"
