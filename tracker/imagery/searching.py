"""Find scenes in a STAC API and fetch what we read of them. Off unless RASAI_STAC_API names one (docs/running.md).

Only the address that the installation's own setting names is asked; what it answers leads to files, of which those with
a band or mask that we know are fetched, each up to a size, into a folder. Taking them in is a step of its own.
"""

import json
import shutil
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pystac
from flask_babel import lazy_gettext as _l
from pystac_client import Client
from pystac_client.exceptions import APIError

from geo.scenes.sensors import SENSORS
from tracker import settings
from tracker.errors import RasaiError
from tracker.imagery.stac import reads

MOST_BYTES = 2_000_000_000  # of one file
PATIENCE_S = 60
Bounds = tuple[float, float, float, float]


class NoStacApi(RasaiError):
    message = _l("No STAC API is set. Name one in RASAI_STAC_API to search it.")
    exit_code = 2


class StacApiSilent(RasaiError):
    message = _l("The STAC API does not answer as it should: {why}")


def fetch_scenes(
    collection: str, sensor: str, bounds: Bounds, since: date, until: date, most: int, into: Path
) -> Iterator[Path]:
    """Fetch the newest scenes of a place and time, each into a folder of its own; gives the local STAC items.

    bounds : degrees, west, south, east, north.   sensor : tells which assets are read
    """
    address = settings.from_environment().stac_api
    if not address:
        raise NoStacApi
    try:
        found = Client.open(address).search(
            collections=[collection], bbox=bounds, datetime=f"{since}/{until}", max_items=most, limit=min(most, 100)
        )
        for item in found.items():
            yield _fetch(item, sensor, into)
    except (APIError, OSError, ValueError, KeyError, TypeError, pystac.errors.STACError) as error:
        raise StacApiSilent(why=str(error)[:200]) from None


def _fetch(item: pystac.Item, sensor: str, into: Path) -> Path:
    """An item with the files that we read, its links turned to them; fetched files stay when it is asked again."""
    folder = into / "".join(c if c.isalnum() or c in "-_." else "_" for c in item.id).lstrip(".")
    folder.mkdir(parents=True, exist_ok=True)
    told = item.to_dict(include_self_link=False)
    told["links"], kept = [], dict[str, Any]()
    for key, asset in told["assets"].items():
        if not reads(key, asset, SENSORS[sensor]):
            continue
        name = f"{len(kept)}.tif"
        if not (folder / name).exists():
            _download(item.assets[key].get_absolute_href() or "", folder / name)
        kept[key] = {**asset, "href": name}
    told["assets"], told["properties"]["rasai:sensor"] = kept, sensor
    file = folder / "item.json"
    file.write_text(json.dumps(told))
    return file


def _download(href: str, target: Path) -> None:
    if urlsplit(href).scheme not in ("http", "https"):
        raise ValueError(f"{href[:100]} is no address on the web")
    part = target.with_suffix(".part")
    with urllib.request.urlopen(href, timeout=PATIENCE_S) as answer, part.open("wb") as out:  # noqa: S310
        if int(answer.headers.get("Content-Length") or 0) > MOST_BYTES:
            raise ValueError(f"{href[:100]} is larger than {MOST_BYTES // 1_000_000:,} MB")
        shutil.copyfileobj(_Limited(answer), out, 1_000_000)
    part.rename(target)


class _Limited:
    """Reads no more than MOST_BYTES, whatever the answer's head said."""

    def __init__(self, source: Any) -> None:
        self.source, self.left = source, MOST_BYTES

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self.source.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError(f"an answer is larger than {MOST_BYTES // 1_000_000:,} MB")
        return data
