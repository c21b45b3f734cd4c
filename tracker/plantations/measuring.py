"""Measure a chunk of claims on the scenes around them. Nothing here asks the database: what goes in is a `Chunk`, and
the same steps run in this process or on the workers of a dask cluster (`submit` decides).

Steps: frames of the chunk on each lattice; a look of each scene at all its claims; the answers from all looks.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import shapely

import geo.evidence
import geo.scenes
from geo.evidence.looking import ClaimFrames, Look, frames_of, look_at
from geo.evidence.parameters import Parameters
from geo.evidence.questions import Layers
from geo.scenes.images import look
from geo.scenes.scene import Scene
from tracker.imagery.opening import Reader
from tracker.plantations import record
from tracker.plantations.ground import ClaimGround
from tracker.plantations.record import SeriesKey, document

Submit = Callable[..., Any]  # (function, *arguments, key) → its result, or what stands for it
READ_PIXELS = 6_000_000  # of one window; neighbours are read together up to this


@dataclass(frozen=True)
class Chunk:
    """Claims that lie together, and everything that their evidence rests on; all outlines in EPSG:4326.

    others, layers : of each claim, the claims near it, and the land near it where nothing is planted
    """

    claims: tuple[ClaimGround, ...]
    others: tuple[tuple[shapely.Geometry, ...], ...]
    layers: tuple[shapely.Geometry | None, ...]
    told: tuple[Layers, ...]
    scenes: tuple[Scene, ...]
    as_of: date
    parameters: Parameters

    @property
    def by_series(self) -> dict[SeriesKey, list[Scene]]:
        found: dict[SeriesKey, list[Scene]] = {}
        for scene in self.scenes:
            found.setdefault(scene.series, []).append(scene)
        return found

    def only(self, which: Sequence[int]) -> "Chunk":
        """The same with some of its claims."""
        return replace(
            self,
            claims=tuple(self.claims[k] for k in which),
            others=tuple(self.others[k] for k in which),
            layers=tuple(self.layers[k] for k in which),
            told=tuple(self.told[k] for k in which),
        )

    def keys(self) -> list[bytes]:
        """Of each claim, a hash of everything that goes into its evidence."""
        common = repr((code_version(), self.parameters, self.as_of, [_told(scene) for scene in self.scenes]))
        return [
            hashlib.sha256("\n".join((common, *_claim_told(*each))).encode()).digest()
            for each in zip(self.claims, self.others, self.layers, self.told, strict=True)
        ]


def _claim_told(
    claim: ClaimGround, others: Sequence[shapely.Geometry], layer: shapely.Geometry | None, told: Layers
) -> list[str]:
    """What of a claim and of its surroundings can change its evidence."""
    facts = (claim.code, claim.version, claim.measured_ha, claim.planted_on, claim.kind, claim.species, claim.stems)
    near = sorted(shapely.to_wkb(other, hex=True) for other in others)
    return [
        repr((facts, told)),
        *map(str, (shapely.to_wkb(claim.outline, hex=True), shapely.to_wkb(layer, hex=True))),
        *near,
    ]


def _told(scene: Scene) -> tuple[Any, ...]:
    """What of a scene can change numbers; not where its files lie."""
    bands = [(n, b.index, b.grid, b.nodata, b.scale, b.offset) for n, b in sorted(scene.bands.items())]
    return scene.name, scene.day, scene.sensor, scene.sha256, scene.mask_kind, bands


@lru_cache(maxsize=1)
def code_version() -> str:
    """A hash of the code that makes evidence: two installations with the same one give the same bytes."""
    folders = (Path(package.__file__ or "").parent for package in (geo.evidence, geo.scenes))
    files = [*(file for folder in folders for file in folder.glob("*.py")), Path(__file__), Path(record.__file__)]
    its = sorted(file for file in files if file.name != "synthetic.py")  # which makes scenes, not evidence
    found = hashlib.sha256(b"".join(file.read_bytes() for file in its))
    return f"evidence-{found.hexdigest()[:12]}"


def measure(chunk: Chunk, folder: Path, submit: Submit) -> Any:
    """The documents of all claims of a chunk, in their order (or what stands for them, until they are there)."""
    name = hashlib.sha256(b"".join(chunk.keys())).hexdigest()[:16]
    frames = {
        series: submit(frames_on, chunk, scenes[0], key=f"frames-{name}-{number}")
        for number, (series, scenes) in enumerate(chunk.by_series.items())
    }
    looks = [
        submit(look_through, scene, frames[scene.series], folder, chunk.parameters, key=f"look-{name}-{scene.key}")
        for scene in chunk.scenes
    ]
    return submit(conclude, chunk, list(frames.values()), looks, key=f"conclude-{name}")


def at_once(function: Callable[..., Any], *arguments: Any, key: str) -> Any:
    """`submit` for this process."""
    del key
    return function(*arguments)


@lru_cache(maxsize=32)
def _into(epsg: int) -> Any:
    return pyproj.Transformer.from_crs(4326, epsg, always_xy=True).transform


def _projected(outlines: Sequence[shapely.Geometry], epsg: int) -> Any:
    return shapely.transform(np.array(outlines, object), _into(epsg), interleaved=False)


def frames_on(chunk: Chunk, scene: Scene) -> list[ClaimFrames]:
    """The chunk's claims on the pixels of a scene, and of all others of its series."""
    epsg = scene.grid.epsg
    others = [list(_projected(near, epsg)) if near else [] for near in chunk.others]
    layers = [None if layer is None else _projected([layer], epsg)[0] for layer in chunk.layers]
    outlines = _projected([claim.outline for claim in chunk.claims], epsg)
    return frames_of(outlines, others, layers, scene.grid, scene.swir_factor, chunk.parameters)


def look_through(
    scene: Scene, frames: Sequence[ClaimFrames], folder: Path, parameters: Parameters
) -> list[Look | None]:
    """All claims of a chunk in one scene; claims whose surroundings overlap are read together."""
    looks: list[Look | None] = [None] * len(frames)
    with Reader(folder) as read:
        for group in _read_together(frames, scene):
            west, south, east, north = np.array([frames[k].bounds for k in group]).T
            seen = look(scene, (west.min(), south.min(), east.max(), north.max()), read)
            for k in group:
                looks[k] = look_at(frames[k], seen, parameters) if seen else None
    return looks


def _read_together(frames: Sequence[ClaimFrames], scene: Scene) -> list[list[int]]:
    """Neighbours whose common window is hardly larger than their own ones together."""
    west, south, east, north = scene.grid.bounds
    groups: list[tuple[list[int], tuple[float, float, float, float], float]] = []
    for k, one in enumerate(frames):
        left, bottom, right, top = one.outline.bounds
        if left < west or bottom < south or right > east or top > north:
            continue  # the scene does not hold the whole of it
        box, own = one.bounds, _pixels(one.bounds, scene.grid.size_m)
        if groups:
            members, around, apart = groups[-1]
            both = (min(box[0], around[0]), min(box[1], around[1]), max(box[2], around[2]), max(box[3], around[3]))
            if _pixels(both, scene.grid.size_m) <= min(READ_PIXELS, apart + own):
                groups[-1] = ([*members, k], both, apart + own)
                continue
        groups.append(([k], box, own))
    return [members for members, _around, _apart in groups]


def _pixels(bounds: tuple[float, float, float, float], size_m: float) -> float:
    return (bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / size_m**2


def conclude(
    chunk: Chunk, frames: Sequence[Sequence[ClaimFrames]], looks: Sequence[Sequence[Look | None]]
) -> list[dict[str, Any]]:
    """The document of each claim."""
    by_series = dict(zip(chunk.by_series, frames, strict=True))
    documents = []
    for k, claim in enumerate(chunk.claims):
        seen = [(scene, found) for scene, its in zip(chunk.scenes, looks, strict=True) if (found := its[k]) is not None]
        its_frames = {key: found[k] for key, found in by_series.items()}
        documents.append(
            document(claim, chunk.as_of, seen, its_frames, chunk.told[k], chunk.parameters, code_version())
        )
    return documents
