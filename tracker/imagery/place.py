"""Where the files of scenes lie."""

from pathlib import Path

from tracker import settings


def scenes_dir() -> Path:
    """Of this installation; workers on other machines see the same folder."""
    return settings.from_environment().data_dir / "scenes"
