"""A scene told by a STAC item: which local files, which bands, which scale and offset."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pystac

from geo.scenes.sensors import SENSORS, Sensor
from tracker.imagery.refusals import SceneRefused
from tracker.imagery.wish import Wish

MOST_BYTES = 5_000_000
STAC_ERRORS = (pystac.errors.STACError, pystac.errors.STACTypeError)
NAMES = {  # what catalogues call bands, by our names
    "nir08": "nir", "nir09": None, "nir_narrow": "nir_narrow", "swir16": "swir1", "swir22": "swir2",
    "b8a": "nir_narrow",
}  # fmt: skip
MASKS = {"scl": "SCL", "qa_pixel": "QA_PIXEL", "cloud_mask": "PLAIN"}
SENSOR_OF = (  # words in collection, platform or constellation: sensor
    ("sentinel-2-l1c", "sentinel-2-l1c"),
    ("sentinel-2", "sentinel-2-l2a"),
    ("sentinel2", "sentinel-2-l2a"),
    ("landsat-c2", "landsat-c2-l2"),
    ("landsat", "landsat-c2-l2"),
)


def wish_from_item(file: Path, baseline: str | None = None, sensor: str | None = None) -> Wish:
    """What a STAC item says. Its files lie beside or below it; an address is never opened."""
    item = _read(file)
    properties: Mapping[str, Any] = item.get("properties") or {}
    made_by = SENSORS[sensor or _sensor(item, properties, file)]
    files: list[Path] = []
    bands: list[tuple[str, int]] = []
    scales: list[tuple[str, float, float]] = []
    mask_name, mask_band = None, None
    for key, asset in item["assets"].items():
        mask = MASKS.get(key.casefold())
        name = _common_name(key, asset, made_by)
        if mask is None and name is None:
            continue
        files.append(_local(file, asset.get("href")))
        if mask is not None:
            mask_name, mask_band = mask, len(files)
            continue
        assert name is not None
        bands.append((name, len(files)))
        if pair := _scale(asset):
            scales.append((name, *pair))
    if not bands:
        raise SceneRefused("no_asset", file=file.name)
    told = properties.get("s2:processing_baseline") or properties.get("processing:version")
    return Wish(
        tuple(files), made_by.name, _day(properties, file), tuple(bands), None, mask_band, mask_name,
        baseline=baseline or (str(told) if told and made_by.has_baseline else None), name=str(item["id"])[:200],
        band_scales=tuple(scales),
    )  # fmt: skip


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise SceneRefused("no_file", file=str(file))
    if file.stat().st_size > MOST_BYTES:
        raise SceneRefused("bad_item", file=file.name, why="larger than 5 MB")
    try:
        told = json.loads(file.read_bytes())
        item: dict[str, Any] = pystac.Item.from_dict(told, migrate=True).to_dict(include_self_link=False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, *STAC_ERRORS) as error:
        raise SceneRefused("bad_item", file=file.name, why=str(error)[:120]) from None
    if not isinstance(told.get("id"), str) or not told["id"].strip():
        raise SceneRefused("bad_item", file=file.name, why="it has no id")
    return item


def _sensor(item: dict[str, Any], properties: Mapping[str, Any], file: Path) -> str:
    parts = (item.get("collection"), properties.get("rasai:sensor"), properties.get("constellation"),
             properties.get("platform"), item["id"])  # fmt: skip
    words = " ".join(str(part) for part in parts if part).casefold()
    if words and "rasai:sensor" in properties and properties["rasai:sensor"] in SENSORS:
        return str(properties["rasai:sensor"])
    found = next((sensor for word, sensor in SENSOR_OF if word in words), None)
    if found is None:
        # files first: an address in the item is the plainer fault
        for asset in item["assets"].values():
            _local(file, asset.get("href"))
        raise SceneRefused("bad_item", file=file.name, why="it names no sensor that we know")
    return found


def _day(properties: Mapping[str, Any], file: Path) -> date:
    try:
        return datetime.fromisoformat(str(properties["datetime"])).date()
    except (KeyError, ValueError):
        raise SceneRefused("bad_item", file=file.name, why="its datetime cannot be read") from None


def _common_name(key: str, asset: Mapping[str, Any], sensor: Sensor) -> str | None:
    """Our name of the band in an asset; None: we read nothing of it."""
    told = asset.get("bands") or asset.get("eo:bands") or [{}]
    words = [
        key,
        *(str(one.get(field) or "") for one in told[:1] for field in ("eo:common_name", "common_name", "name")),
    ]
    for word in map(str.casefold, words):
        if word in NAMES:
            return NAMES[word]
        if name := sensor.common_name(word):
            return name
    return None


def reads(key: str, asset: Mapping[str, Any], sensor: Sensor) -> bool:
    """Whether anything is read of an asset: a band of a name that we know, or a mask of this sensor."""
    return MASKS.get(key.casefold()) in sensor.masks or _common_name(key, asset, sensor) is not None


def _local(item: Path, href: Any) -> Path:
    """The file that an asset names, which lies in or below the item's folder."""
    words = str(href or "")
    parts = urlsplit(words)
    if parts.scheme not in ("", "file") or parts.netloc or words.startswith("/vsi"):
        raise SceneRefused("remote", file=item.name, href=words[:200])
    folder = item.parent.resolve()
    path = (folder / unquote(parts.path)).resolve()
    if not path.is_relative_to(folder):
        raise SceneRefused("outside", file=item.name, href=words[:200])
    return path


def _scale(asset: Mapping[str, Any]) -> tuple[float, float] | None:
    """Scale and offset as the item tells; None: it tells none."""
    told = (asset.get("raster:bands") or asset.get("bands") or [{}])[0]
    scale, offset = (told.get(name, told.get(f"raster:{name}")) for name in ("scale", "offset"))
    if not isinstance(scale, int | float) or not isinstance(offset, int | float):
        return None
    return float(scale), float(offset)
