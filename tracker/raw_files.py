"""Files as they were sent, kept unchanged and durably under their hash: what was taken in can be read again."""

import hashlib
import os
import threading
from pathlib import Path


def readable_name(file: Path) -> str:
    """A file's name need not be UTF-8."""
    return file.name.encode("utf-8", "backslashreplace").decode()


def keep_raw(file: Path, folder: Path) -> Path:
    """Copy the file to `folder/<sha256>`, durably. The copy is what is read: the file may change meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f"unfinished-{os.getpid()}-{threading.get_ident()}"
    digest = hashlib.sha256()
    with file.open("rb") as source, unfinished.open("wb") as copy:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    kept = unfinished.rename(folder / digest.hexdigest())
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
    return kept
