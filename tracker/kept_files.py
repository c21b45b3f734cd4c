"""Files that people send, kept once under the hash of their content; through fsspec, below the data folder.

The same bytes are stored once however often they come, and nothing is ever overwritten. A name says what is inside, so
that what was acknowledged can be proved later.
"""

import hashlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import fsspec

from tracker import settings
from tracker.errors import NotFound

PIECE_BYTES = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Kept:
    sha256: str
    size: int  # bytes


def keep(stream: IO[bytes], shelf: str) -> Kept:
    """Store what the stream holds on a shelf (uploads, photos …); the whole of it, or nothing."""
    files, root = _shelf(shelf)
    unfinished = f"{root}/.{secrets.token_hex(8)}.unfinished"
    digest, size = hashlib.sha256(), 0
    try:
        with files.open(unfinished, "wb") as out:
            while piece := stream.read(PIECE_BYTES):
                digest.update(piece)
                size += len(piece)
                out.write(piece)
        place = _place(root, digest.hexdigest())
        if not files.exists(place):
            files.makedirs(place.rpartition("/")[0], exist_ok=True)
            files.mv(unfinished, place)
    finally:
        if files.exists(unfinished):
            files.rm(unfinished)
    return Kept(digest.hexdigest(), size)


def is_kept(sha256: str, shelf: str) -> bool:
    files, root = _shelf(shelf)
    return bool(SHA256.fullmatch(sha256)) and bool(files.exists(_place(root, sha256)))


def read_kept(sha256: str, shelf: str) -> bytes:
    """Raises NotFound for what is not there."""
    files, root = _shelf(shelf)
    if not is_kept(sha256, shelf):
        raise NotFound
    data: bytes = files.cat_file(_place(root, sha256))
    return data


@contextmanager
def at_hand(sha256: str, shelf: str, name: str) -> Iterator[Path]:
    """The file under a name of its own, for programs that want a path."""
    files, root = _shelf(shelf)
    if not is_kept(sha256, shelf):
        raise NotFound
    work = settings.from_environment().run_dir / "at-hand"
    work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=work) as folder:
        path = Path(folder) / (re.sub(r"[^\w.-]", "_", Path(name).name)[-100:].lstrip(".") or "file")
        with files.open(_place(root, sha256), "rb") as kept, path.open("wb") as out:
            shutil.copyfileobj(kept, out, PIECE_BYTES)
        yield path


def _shelf(name: str) -> tuple[Any, str]:
    files, root = fsspec.core.url_to_fs(f"file://{settings.from_environment().data_dir / name}")
    files.makedirs(root, exist_ok=True)
    return files, root


def _place(root: str, sha256: str) -> str:
    return f"{root}/{sha256[:2]}/{sha256}"
