"""The catalogue of scenes, as STAC: what is there, where, of which day, and how its numbers are read.

A scene's STAC item is the one record of it; `scene_of` reads from it all that measuring needs.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.scenes.grid import Grid
from geo.scenes.scene import Band, Scene
from tracker.imagery.models import USABLE, SceneRow

COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
PROJECTION = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
RASTER = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"
WGS84 = pyproj.CRS.from_epsg(4326)


def item_of(scene: Scene, kept: Sequence[tuple[str, Grid]]) -> dict[str, Any]:
    """The STAC item of a scene whose files are kept under these names, each of one grid."""
    outline = footprint(scene)
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [PROJECTION, RASTER],
        "id": scene.name,
        "geometry": shapely.geometry.mapping(outline),
        "bbox": list(outline.bounds),
        "properties": {
            "datetime": datetime.combine(scene.day, time(), UTC).isoformat().replace("+00:00", "Z"),
            "constellation": scene.made_by.family,
            "processing:level": scene.made_by.level,
            "rasai:sensor": scene.sensor,
            "rasai:mask": scene.mask_kind,
        },
        "links": [],
        "assets": {},
    }
    for number, (href, grid) in enumerate(kept):
        item["assets"][href.removesuffix(".tif")] = {
            "href": href,
            "type": COG_TYPE,
            "roles": ["data"],
            "proj:code": f"EPSG:{grid.epsg}",
            "proj:shape": [grid.rows, grid.columns],
            "proj:transform": [grid.size_m, 0.0, grid.left_m, 0.0, -grid.size_m, grid.top_m],
            "bands": [_band_told(name, band) for name, band in _bands_in(scene, str(number))],
            "file:checksum": f"1220{scene.sha256[number]}",  # multihash of the file as given: sha2-256, 32 bytes
        }
    return item


def _bands_in(scene: Scene, file: str) -> Iterable[tuple[str, Band]]:
    named: dict[str, Band | None] = {**scene.bands, "mask": scene.mask, "radsat": scene.saturated}
    return [(name, band) for name, band in named.items() if band is not None and band.file == file]


def _band_told(name: str, band: Band) -> dict[str, Any]:
    return {
        "name": name,
        "rasai:index": band.index,
        "raster:scale": band.scale,
        "raster:offset": band.offset,
        "rasai:nodata": list(band.nodata),
    }


def scene_of(row: SceneRow) -> Scene:
    """Everything that measuring needs of a scene."""
    bands: dict[str, Band] = {}
    for asset in row.item["assets"].values():
        size, _b, left, _d, _e, top = asset["proj:transform"]
        grid = Grid(int(asset["proj:code"].removeprefix("EPSG:")), left, top, size, *asset["proj:shape"])
        for told in asset["bands"]:
            bands[told["name"]] = Band(
                f"{row.folder}/{asset['href']}", told["rasai:index"], grid, tuple(told["rasai:nodata"]),
                told["raster:scale"], told["raster:offset"],
            )  # fmt: skip
    mask, saturated = bands.pop("mask", None), bands.pop("radsat", None)
    kind = row.item["properties"]["rasai:mask"]
    return Scene(row.id, row.name, row.taken_on, row.sensor, tuple(row.sha256), bands, mask, kind, saturated)


def footprint(scene: Scene) -> shapely.Polygon:
    """Outline in EPSG:4326, its long sides with points between, so that it stays true on the globe."""
    grid = max((band.grid for band in scene.bands.values()), key=lambda g: g.rows * g.columns * g.size_m**2)
    box = shapely.segmentize(shapely.box(*grid.bounds), max(grid.rows, grid.columns) * grid.size_m / 8)
    change = pyproj.Transformer.from_crs(grid.epsg, WGS84, always_xy=True)
    outline = shapely.transform(box, change.transform, interleaved=False)
    return shapely.Polygon(np.round(shapely.get_coordinates(outline), 7))


def find_scenes(
    session: Session,
    *,
    bounds: tuple[float, float, float, float] | None = None,
    since: date | None = None,
    until: date | None = None,
    status: str | None = None,
) -> list[SceneRow]:
    """Scenes by place (degrees: west, south, east, north) and day, in order of (day, name)."""
    query = select(SceneRow).order_by(SceneRow.taken_on, SceneRow.name)
    if bounds is not None:
        query = query.where(SceneRow.footprint.intersects(from_shape(shapely.box(*bounds), srid=4326)))
    if since is not None:
        query = query.where(SceneRow.taken_on >= since)
    if until is not None:
        query = query.where(SceneRow.taken_on <= until)
    if status is not None:
        query = query.where(SceneRow.status == status)
    return list(session.scalars(query))


def usable_scenes(session: Session, outlines: Sequence[shapely.Geometry], until: date) -> list[Scene]:
    """Scenes up to a day that may show one of these outlines (EPSG:4326)."""
    near = shapely.union_all(shapely.box(*shapely.bounds(np.array(outlines, object)).T))
    query = select(SceneRow).where(
        SceneRow.status == USABLE,
        SceneRow.taken_on <= until,
        SceneRow.footprint.intersects(from_shape(near, srid=4326)),
    )
    return [scene_of(row) for row in session.scalars(query.order_by(SceneRow.taken_on, SceneRow.name))]


def as_catalogue(rows: Sequence[SceneRow], folder: Path, files_in: Path) -> int:
    """Write a static STAC catalogue whose items lead to the files as they are kept; how many items it has."""
    import pystac

    catalogue = pystac.Catalog("rasai-scenes", "Scenes that claims are measured on", title="Rasai: scenes")
    for row in rows:
        item = pystac.Item.from_dict(row.item)
        item.properties |= {"rasai:status": row.status}
        for asset in item.assets.values():
            asset.href = str(files_in / row.folder / asset.href)
        catalogue.add_item(item)
    catalogue.normalize_and_save(str(folder), pystac.CatalogType.SELF_CONTAINED)
    return len(rows)
