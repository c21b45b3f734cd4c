"""`.venv` with exactly what requirements.txt pins.

A stamp, written last, holds what the environment was made from; without it the environment is half-made and is built
anew. The packages themselves are looked at too, by the folders that pip leaves, so that a damaged one is noticed.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

from setup.steps import PROJECT, SetupStopped, run, say

VENV = PROJECT / ".venv"
STAMP = VENV / "made-from"
REQUIREMENTS = PROJECT / "requirements.txt"
NEEDED_MB = 1_500


def install() -> None:
    """Bring `.venv` to what requirements.txt says; nothing to do in most cases."""
    if is_complete():
        return
    if _can_be_updated():
        say("The Python packages have changed: updating .venv.")
    else:
        _make_room()
        say("Making .venv and installing the Python packages (a few minutes the first time).")
        python = getattr(sys, "_base_executable", sys.executable)  # ours may be the very .venv that is made anew
        run([python, "-m", "venv", str(VENV)], doing="making .venv", source="this machine's Python")
    STAMP.unlink(missing_ok=True)
    run(
        [str(VENV / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
         "--retries", "2", "--requirement", str(REQUIREMENTS)],
        doing="installing the Python packages", source="the Python package index",
    )  # fmt: skip
    STAMP.write_text(made_from())


def is_complete() -> bool:
    return _stamp() == made_from() and (VENV / "bin" / "python").exists() and not missing_packages()


def made_from() -> str:
    """What an environment depends on: the pinned packages, the Python, and where it lies (scripts name the path)."""
    pinned = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    return f"{pinned} {_python()} {VENV}\n"


def missing_packages() -> list[str]:
    """Pinned packages of which pip's record is not there."""
    records = VENV.glob("lib/python3*/site-packages/*.dist-info")
    found = {_folded(record.name.removesuffix(".dist-info")) for record in records}
    return [f"{name}=={version}" for name, version in pinned_packages() if _folded(f"{name}-{version}") not in found]


def pinned_packages() -> list[tuple[str, str]]:
    return re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.]+)", REQUIREMENTS.read_text(), re.MULTILINE)


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _python() -> str:
    return f"python{sys.version_info.major}.{sys.version_info.minor}"


def _stamp() -> str:
    try:
        return STAMP.read_text()
    except OSError:
        return ""


def _can_be_updated() -> bool:
    """Made whole once, by this Python and in this place: only the packages differ."""
    return _stamp().split()[1:] == made_from().split()[1:] and (VENV / "bin" / "python").exists()


def _make_room() -> None:
    free_mb = shutil.disk_usage(PROJECT).free // 1_000_000
    if free_mb < NEEDED_MB:
        raise SetupStopped(
            f"The disk that holds {PROJECT} has {free_mb} MB free; the set-up needs about {NEEDED_MB}. "
            "Free some space and run the command again."
        )
    if VENV.is_symlink() or VENV.is_file():
        raise SetupStopped(f"{VENV} is not a folder of ours. Move it away and run the command again.")
    if VENV.exists():
        say(".venv is half-made, moved or of another Python: making it anew.")
        _remove(VENV)


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        why = f"{error.strerror}: {error.filename}"
        raise SetupStopped(f"{folder} cannot be removed ({why}). Remove it and run the command again.") from None
