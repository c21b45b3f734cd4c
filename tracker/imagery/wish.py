"""What somebody says of a scene that they give: files, sensor, day, which band is which, how numbers are read."""

import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from geo.scenes.offsets import OFFSET_SINCE, OffsetUnknown, baseline_of, sentinel_2_offset_dn
from geo.scenes.sensors import COMMON, COVERS, SENSORS, Sensor
from tracker.imagery.refusals import SceneRefused

FIRST_DAY = date(1972, 7, 23)  # of the first Landsat
METADATA_BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
MOST_METADATA_BYTES = 5_000_000


@dataclass(frozen=True)
class Wish:
    """Bands are numbered from 1 over all files in their order; a mask may be one of them, or a file of its own."""

    files: tuple[Path, ...]
    sensor: str
    day: date
    bands: tuple[tuple[str, int], ...]  # name as given, number
    mask_file: Path | None = None
    mask_band: int | None = None
    mask_name: str | None = None  # None: the sensor's own
    scale: float | None = None
    offset: float | None = None  # in reflectance; -1000 and the like are taken as digital numbers
    baseline: str | None = None
    metadata: Path | None = None  # MTD_MSIL2A.xml
    name: str | None = None  # None: after the first file
    band_scales: tuple[tuple[str, float, float], ...] = ()  # by our names, as a STAC item tells: scale, offset

    @property
    def made_by(self) -> Sensor:
        return (SENSORS | COVERS)[self.sensor]

    @property
    def all_files(self) -> tuple[Path, ...]:
        """Those with bands, and the mask's last."""
        return (*self.files, *((self.mask_file,) if self.mask_file else ()))

    def digest(self, sha256: Sequence[str]) -> str:
        """Of the files and of all that is said of them."""
        said = replace(self, files=(), mask_file=None, metadata=None)
        extra = sha256_of(self.metadata) if self.metadata else None
        return hashlib.sha256(repr((said, tuple(sha256), self.mask_file is not None, extra)).encode()).hexdigest()


def sha256_of(path: Path) -> str:
    if not path.is_file():
        raise SceneRefused("no_file", file=str(path))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_day(day: date, today: date | None = None) -> None:
    if day > (today or datetime.now(UTC).date()):
        raise SceneRefused("future", day=day.isoformat())
    if day < FIRST_DAY:
        raise SceneRefused("ancient", day=day.isoformat())


def named_bands(wish: Wish) -> dict[str, int]:
    """Band numbers by our own names. Raises SceneRefused for names that the sensor does not have."""
    if not wish.bands:
        raise SceneRefused("no_bands")
    found: dict[str, int] = {}
    for name, index in wish.bands:
        common = wish.made_by.common_name(name)
        if common is None:
            known = ", ".join([*(own for own, _ in wish.made_by.own_names), *COMMON])
            raise SceneRefused("unknown_band", name=name, sensor=wish.sensor, known=known)
        if common in found:
            raise SceneRefused("twice", name=name)
        found[common] = index
    return found


def mask_kind(wish: Wish) -> str:
    """How the mask is read. A file or band without a name is the sensor's own mask."""
    known = wish.made_by.masks
    if wish.mask_name is None:
        return known[0]
    kind = wish.mask_name.upper()
    if kind not in known:
        raise SceneRefused("unknown_mask", name=wish.mask_name, sensor=wish.sensor, known=", ".join(known))
    return kind


def scale_and_offset(wish: Wish) -> dict[str, tuple[float, float]]:
    """Scale and offset (reflectance) by our names of bands; "" is what all others have. Raises SceneRefused."""
    sensor = wish.made_by
    for name, value in (("--scale", wish.scale), ("--offset", wish.offset)):
        if value is not None and (not math.isfinite(value) or (name == "--scale" and value == 0)):
            raise SceneRefused("not_finite", name=name, value=value)
    scale = wish.scale if wish.scale is not None else sensor.scale
    if scale is None:
        raise SceneRefused("no_scale")
    if not sensor.has_baseline:
        offset = wish.offset if wish.offset is not None else sensor.offset
        return {"": (scale, offset)} | {name: (s, o) for name, s, o in wish.band_scales if wish.scale is None}
    return _sentinel_2(wish, scale)


def _sentinel_2(wish: Wish, scale: float) -> dict[str, tuple[float, float]]:
    """First what the person tells, then the product's metadata, then its STAC item, then the baseline."""
    if wish.offset is not None:
        in_dn = wish.offset if abs(wish.offset) >= 1 else wish.offset / scale
        return {"": (scale, in_dn * scale)}
    told, baseline = _metadata(wish, scale)
    if told:
        return told
    if wish.band_scales:
        own = {name: (s, o) for name, s, o in wish.band_scales}
        return {"": next(iter(own.values()))} | own
    words = wish.baseline or baseline
    try:
        number = baseline_of(words) if words else None
        offset_dn = sentinel_2_offset_dn(None, number, wish.day)
    except OffsetUnknown:
        raise SceneRefused("offset_unknown", since=OFFSET_SINCE.isoformat()) from None
    except ValueError:
        raise SceneRefused("bad_baseline", words=words) from None
    return {"": (scale, offset_dn * scale)}


def _metadata(wish: Wish, scale: float) -> tuple[dict[str, tuple[float, float]], str | None]:
    """Offsets by band and the baseline from MTD_MSIL2A.xml; read as text, so that no entity of it is ever followed."""
    if wish.metadata is None:
        return {}, None
    if not wish.metadata.is_file():
        raise SceneRefused("no_file", file=str(wish.metadata))
    with wish.metadata.open("rb") as file:
        words = file.read(MOST_METADATA_BYTES).decode("utf-8", "replace")
    offsets = re.findall(r'<BOA_ADD_OFFSET band_id="(\d{1,2})">\s*(-?\d{1,6})\s*</BOA_ADD_OFFSET>', words)
    baseline = re.search(r"<PROCESSING_BASELINE>\s*([\d.]{4,5})\s*</PROCESSING_BASELINE>", words)
    if not offsets and not baseline:
        raise SceneRefused("bad_metadata", file=wish.metadata.name)
    by_band = {METADATA_BANDS[int(band)]: int(dn) * scale for band, dn in offsets if int(band) < len(METADATA_BANDS)}
    names = {wish.made_by.common_name(name): (scale, offset) for name, offset in by_band.items()}
    told = {name: pair for name, pair in names.items() if name}
    return ({"": next(iter(told.values()))} | told if told else {}), baseline[1] if baseline else None
