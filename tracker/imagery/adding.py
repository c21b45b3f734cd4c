"""Take a scene in: refused with a reason, or kept whole. The same again changes nothing; the same files with other
words (a corrected baseline) replace what was said of them."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask_babel import lazy_gettext as _l
from geoalchemy2.shape import from_shape
from sqlalchemy import select
from sqlalchemy.orm import Session

from geo.scenes.grid import Grid
from geo.scenes.scene import Band, Scene
from tracker.accounts import audit
from tracker.accounts.scope import SERVER, Scope
from tracker.errors import NotFound, RasaiError
from tracker.imagery.apart import apart
from tracker.imagery.catalogue import footprint, item_of
from tracker.imagery.models import SHOWN, SUSPECT, USABLE, SceneRow
from tracker.imagery.place import scenes_dir
from tracker.imagery.wish import Wish, check_day, sha256_of


@dataclass(frozen=True)
class Added:
    """What became of a scene."""

    scene: str
    outcome: str  # created, updated, unchanged
    status: str
    reason: str | None
    notes: list[str] = field(default_factory=list)
    old_folder: str | None = None  # below data/scenes; to be swept when this is committed


class NotSuspect(RasaiError):
    message = _l("{scene} is {status}; only a suspect scene waits for a decision.")
    status = 409


def add_scene(session: Session, wish: Wish) -> Added:
    """Read the files in a process apart, keep them, and write the catalogue's row. Raises SceneRefused."""
    check_day(wish.day)
    sha256 = [sha256_of(file) for file in wish.all_files]
    digest = wish.digest(sha256)
    same = session.scalar(select(SceneRow).where(SceneRow.digest == digest))
    if same is not None:
        return Added(same.name, "unchanged", same.status, same.reason)
    place = scenes_dir()
    place.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=place))
    try:
        done = apart(lambda: _work(wish, sha256, incoming), wish.files[0].name)
        return _keep(session, wish, digest, done, incoming)
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _work(wish: Wish, sha256: Sequence[str], folder: Path) -> dict[str, Any]:
    """The part that touches strangers' bytes; what it gives can be written as JSON."""
    from tracker.imagery.taking_in import take_in  # brings GDAL, which the caller need not have

    taken = take_in(wish, sha256, folder)
    fitting = taken.fitting
    return {
        "scene": asdict(fitting.scene) | {"day": wish.day.isoformat()},
        "grids": [asdict(one.grid) for one in fitting.files],
        "shown": fitting.shown,
        "doubt": taken.doubt,
        "notes": fitting.notes,
    }


def _keep(session: Session, wish: Wish, digest: str, done: dict[str, Any], incoming: Path) -> Added:
    scene, folder = _scene(wish, done["scene"]), digest[:24]
    row = session.scalar(select(SceneRow).where(SceneRow.sha256 == list(scene.sha256)))
    outcome, old_folder = ("created", None) if row is None else ("updated", row.folder)
    if row is None:
        row = SceneRow(name=_free_name(session, scene))
        session.add(row)
    kept = [(f"{number}.tif", Grid(**grid)) for number, grid in enumerate(done["grids"])]
    row.taken_on, row.sensor, row.sha256, row.digest, row.folder = (
        scene.day, scene.sensor, list(scene.sha256), digest, folder)  # fmt: skip
    row.status = SHOWN if done["shown"] else SUSPECT if done["doubt"] else USABLE
    row.reason = done["shown"] or done["doubt"]
    row.decided_at = row.decided_by = None
    row.footprint = from_shape(footprint(scene), srid=4326)
    row.item = item_of(scene, kept) | {"id": row.name}
    session.flush()
    _move(incoming, scenes_dir() / folder)
    audit.record(session, SERVER, "add", "scene", row.name, {"outcome": outcome, "status": row.status})
    return Added(row.name, outcome, row.status, row.reason, done["notes"], old_folder)


def sweep(added: Added) -> None:
    """Once the row is committed: remove the files that it no longer names."""
    if added.old_folder:
        shutil.rmtree(scenes_dir() / added.old_folder, ignore_errors=True)


def _scene(wish: Wish, told: dict[str, Any]) -> Scene:
    def band(its: dict[str, Any] | None) -> Band | None:
        return None if its is None else Band(**its | {"grid": Grid(**its["grid"]), "nodata": tuple(its["nodata"])})

    bands = {name: Band(**its | {"grid": Grid(**its["grid"])}) for name, its in told["bands"].items()}
    mask, saturated = band(told["mask"]), band(told["saturated"])
    sha256 = tuple(told["sha256"])
    return Scene(0, told["name"], wish.day, wish.sensor, sha256, bands, mask, told["mask_kind"], saturated)


def _free_name(session: Session, scene: Scene) -> str:
    """The scene's own name; with its hash where another scene has it."""
    taken = session.scalar(select(SceneRow.id).where(SceneRow.name == scene.name))
    return scene.name if taken is None else f"{scene.name}-{scene.sha256[0][:8]}"


def _move(incoming: Path, target: Path) -> None:
    """Put a folder in its place at once; one that an interrupted addition left there is replaced."""
    for file in incoming.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    if target.exists():
        shutil.rmtree(target)
    incoming.rename(target)
    target.chmod(0o755)


def decide(session: Session, scope: Scope, name: str, use: bool, reason: str) -> SceneRow:
    """A person's word about a suspect scene: use it as it is, or keep it shown only."""
    row = session.scalar(select(SceneRow).where(SceneRow.name == name))
    if row is None:
        raise NotFound
    if row.status != SUSPECT:
        raise NotSuspect(scene=name, status=row.status)
    row.status, row.reason = (USABLE if use else SHOWN), reason
    row.decided_by, row.decided_at = scope.person_id, datetime.now(UTC)
    audit.record(session, scope, "decide", "scene", name, {"use": use, "reason": reason})
    return row


def listed(rows: Sequence[SceneRow]) -> list[dict[str, Any]]:
    """As `flask scenes list --json` prints them."""
    return [
        {
            "scene": row.name,
            "date": row.taken_on.isoformat(),
            "sensor": row.sensor,
            "status": row.status,
            "reason": row.reason,
            "sha256": row.sha256,
            "bbox": row.item["bbox"],
        }
        for row in rows
    ]
