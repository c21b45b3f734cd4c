# ruff: noqa: E501 (lines of SVG)
"""Draw the two pictures of docs/evidence.md from a folder of real Sentinel-2 data: python docs/images/evidence_pictures.py FOLDER

FOLDER holds the 68-date NDVI series of eo-learn's example (ndvi_68dates_int16_x10000.tif, cloudmask_s2cloudless_68dates.tif,
timestamps.json), whose pixels are taken as squares of 10 m. The claim and its planting date are made up; the land is not.
"""

import base64
import json
import struct
import sys
import zlib
from datetime import date
from pathlib import Path

import numpy as np
import shapely
from playwright.sync_api import sync_playwright
from shapely import affinity

from geo.evidence.blocks import matching
from geo.evidence.gain import control_median
from geo.evidence.looking import frames_of, look_at, series_of
from geo.evidence.parameters import DEFAULTS
from geo.evidence.periods import in_season, periods
from geo.scenes.grid import Grid
from geo.scenes.images import Images, Seen
from geo.scenes.masks import grown
from tracker.imagery.opening import rasterio

HERE = Path(__file__).parent
PLANTED = date(2017, 3, 20)
INK, CLAIM, CONTROL, CLOUD, GROWN = "#1d2733", "#b3261e", "#1f5fa8", "#f4f4f4", "#c9b8e6"


def read(folder: Path):
    with rasterio.open(folder / "ndvi_68dates_int16_x10000.tif") as file:
        ndvi = file.read() / 10_000
    with rasterio.open(folder / "cloudmask_s2cloudless_68dates.tif") as file:
        cloud = file.read() != 0
    days = [date.fromisoformat(words[:10]) for words in json.loads((folder / "timestamps.json").read_text())]
    return ndvi, cloud, days


def looked_at(ndvi, cloud, outline, grid):
    """The claim's series, its control blocks, and the grown masks."""
    frames = frames_of(np.array([outline], object), [[]], [None], grid, 1, DEFAULTS)[0]
    wide = [grown(mask, 10.0) for mask in cloud]
    nothing = np.zeros(ndvi.shape[1:], bool)
    seen = [
        Seen(grid.bounds, Images(grid, {"ndvi": np.where(mask, np.nan, image)}, nothing), None)
        for image, mask in zip(ndvi, wide, strict=True)
    ]
    return frames, wide, [look_at(frames, each, DEFAULTS) for each in seen]


def png(rgb: np.ndarray) -> str:
    """An image as a data address."""
    height, width, _ = rgb.shape
    rows = b"".join(b"\0" + row.tobytes() for row in rgb.astype(np.uint8))

    def part(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    data = part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + part(b"IDAT", zlib.compress(rows, 9))
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + data + part(b"IEND", b"")).decode()


def coloured(values: np.ndarray) -> np.ndarray:
    """NDVI from sand to dark green."""
    at = np.clip(np.nan_to_num(values), 0, 0.9)[..., None] / 0.9
    sand, leaf, dark = (np.array(rgb, float) for rgb in ((226, 205, 160), (122, 168, 80), (20, 76, 42)))
    return np.where(at < 0.6, sand + (leaf - sand) * at / 0.6, leaf + (dark - leaf) * (at - 0.6) / 0.4)


def series_picture(days, raw, series, kept, when) -> str:
    """Claim against control; dates that do not count are hollow."""
    first, last = days[0].toordinal(), days[-1].toordinal()
    x = lambda day: 70 + (day - first) / (last - first) * 1090  # noqa: E731
    y = lambda ndvi: 420 - ndvi * 400  # noqa: E731
    control = control_median(series.means["ndvi"].blocks[:, kept])
    out = []
    for season in DEFAULTS.seasons:
        inside = in_season(np.arange(first, last + 1), season)
        for start in np.flatnonzero(np.diff(np.r_[0, inside.astype(int)]) == 1):
            length = int(np.argmin(inside[start:])) or len(inside) - start
            out.append(
                f'<rect x="{x(first + start):.0f}" y="20" width="{x(first + length) - x(first):.0f}" height="400" fill="#eef1e6"/>'
            )
    for level in (0, 0.2, 0.4, 0.6, 0.8):
        out.append(
            f'<line x1="70" x2="1160" y1="{y(level)}" y2="{y(level)}" stroke="#d8dde3"/><text x="60" y="{y(level) + 5}" text-anchor="end">{level}</text>'
        )
    for year in (2016, 2017):
        at = x(date(year, 1, 1).toordinal())
        out.append(
            f'<line x1="{at}" x2="{at}" y1="20" y2="428" stroke="#9aa4af"/><text x="{at + 5}" y="440">{year}</text>'
        )
    planted = x(PLANTED.toordinal())
    out.append(
        f'<line x1="{planted}" x2="{planted}" y1="20" y2="420" stroke="{INK}" stroke-dasharray="5 4"/><text x="{planted + 5}" y="34">planting (supposed)</text>'
    )
    counts = series.counting(DEFAULTS)
    for values, colour in (
        (np.where(counts, series.means["ndvi"].claim, np.nan), CLAIM),
        (np.where(counts, control, np.nan), CONTROL),
    ):
        points = " ".join(f"{x(d):.1f},{y(v):.1f}" for d, v in zip(series.days, values, strict=True) if np.isfinite(v))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    for k, day in enumerate(series.days):
        if counts[k]:
            strong = when.pre[k] or when.post[k]
            out.append(
                f'<circle cx="{x(day):.1f}" cy="{y(series.means["ndvi"].claim[k]):.1f}" r="{6 if strong else 3.5}" fill="{CLAIM}"/>'
            )
            if np.isfinite(control[k]):
                out.append(
                    f'<rect x="{x(day) - 3:.1f}" y="{y(control[k]) - 3:.1f}" width="6" height="6" fill="{CONTROL}"/>'
                )
        else:
            out.append(
                f'<circle cx="{x(day):.1f}" cy="{y(max(0, raw[k])):.1f}" r="4" fill="#fff" stroke="#8a94a0" stroke-width="1.5"/>'
            )
    legend = [
        ("circle", CLAIM, "claim; large: compared before and after"),
        ("rect", CONTROL, f"median of {len(kept)} control blocks"),
        ("hollow", "#8a94a0", "cloudy: under 80 % of the claim, or half of the land around, is seen"),
    ]
    for k, (kind, colour, words) in enumerate(legend):
        at = 70 + (0, 330, 600)[k]
        fill = "#fff" if kind == "hollow" else colour
        out.append(
            f'<circle cx="{at + 6}" cy="466" r="5" fill="{fill}" stroke="{colour}"/><text x="{at + 18}" y="471">{words}</text>'
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="490" font-family="Inter,sans-serif" font-size="15" fill="{INK}"><rect width="1200" height="490" fill="#fff"/>{"".join(out)}<text x="14" y="16" font-size="13">NDVI</text></svg>'


def scene_picture(image, cloud, wide, outline, frames, shifts, title) -> str:
    """One date: NDVI, the cloud as it was found and as it is grown, the claim and its control blocks."""
    rgb = coloured(image)
    rgb[wide], rgb[cloud] = (
        tuple(int(GROWN[k : k + 2], 16) for k in (1, 3, 5)),
        tuple(int(CLOUD[k : k + 2], 16) for k in (1, 3, 5)),
    )
    scale = 0.72

    def ring(shape, colour, width):
        points = " ".join(f"{px * scale:.1f},{(1010 - py) * scale:.1f}" for px, py in shapely.get_coordinates(shape))
        return f'<polygon points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'

    blocks = "".join(
        ring(affinity.translate(outline, a * frames.steps[0], b * frames.steps[1]), CONTROL, 2) for a, b in shifts
    )
    legend = "".join(
        f'<rect x="760" y="{90 + k * 40}" width="22" height="22" fill="{fill}" stroke="{stroke}" stroke-width="2.5"/><text x="794" y="{107 + k * 40}">{words}</text>'
        for k, (fill, stroke, words) in enumerate(
            (
                ("none", CLAIM, "claim (made up)"),
                ("none", CONTROL, "control blocks: copies of the claim,"),
                (CLOUD, "#8a94a0", "cloud as the mask says"),
                (GROWN, GROWN, "grown by 60 m, not used"),
                ("#144c2a", "#144c2a", "forest (NDVI 0.9)"),
                ("#e2cda0", "#e2cda0", "bare (NDVI 0)"),
            )
        )
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="1120" height="740" font-family="Inter,sans-serif" font-size="16" fill="{INK}"><rect width="1120" height="740" fill="#fff"/><image href="{png(rgb)}" width="720" height="727" preserveAspectRatio="none" style="image-rendering:pixelated"/>{blocks}{ring(outline, CLAIM, 3.5)}<text x="760" y="50" font-size="19">{title}</text>{legend}<text x="794" y="{107 + 40 + 19}" font-size="13">alike before planting, clear of every claim</text></svg>'


def main(folder: Path) -> None:
    ndvi, cloud, days = read(folder)
    grid = Grid(32633, 0.0, 1010.0, 10.0, 101, 100)
    corners = shapely.Polygon([(0, 7), (41, 0), (58, 22), (46, 55), (11, 51)])
    outline = affinity.translate(corners, 500, 300)
    frames, wide, looks = looked_at(ndvi, cloud, outline, grid)
    series = series_of(frames, [day.toordinal() for day in days], looks)
    counts = series.counting(DEFAULTS)
    when = periods(series.days, counts, PLANTED, days[-1], DEFAULTS.seasons, DEFAULTS)
    kept = matching(
        np.where(counts, series.means["ndvi"].claim, np.nan), series.means["ndvi"].blocks, series.shifts, when, DEFAULTS
    )
    inside = shapely.contains_xy(outline, *np.meshgrid(np.arange(100) * 10 + 5, 1010 - np.arange(101) * 10 - 5))
    raw = np.array([image[inside].mean() for image in ndvi])
    partly = days.index(date(2017, 5, 1))
    pictures = {
        "ndvi-series.png": series_picture(days, raw, series, kept, when),
        "scene-claim-control.png": scene_picture(
            ndvi[partly],
            cloud[partly],
            wide[partly],
            outline,
            frames,
            series.shifts[kept],
            days[partly].strftime("Sentinel-2, %-d %B %Y, NDVI"),
        ),
    }
    print(f"{len(days)} dates, {int(counts.sum())} count, {len(kept)} control blocks")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium")
        for name, svg in pictures.items():
            page = browser.new_page()
            page.set_content(f'<body style="margin:0">{svg}</body>')
            page.locator("svg").screenshot(path=str(HERE / name))
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
