"""Our own pages on paper: HTML that holds everything inside becomes a PDF by Chromium's print.

Chromium is needed only here. It gets a profile of its own that is thrown away and resolves no name; pages
forbid scripts and addresses themselves.
"""

import base64
import os
import shutil
import subprocess
import tempfile
import threading
from functools import lru_cache
from pathlib import Path

from flask_babel import lazy_gettext as _l

from tracker.errors import RasaiError

STATIC = Path(__file__).resolve().parent / "static"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 90
AT_ONCE = threading.Semaphore(2)  # each takes a processor and 200 MB for some seconds
FONTS = (  # family, file, letters
    ("Inter Variable", "inter-latin-wght-normal.woff2", "U+0000-05FF, U+1E00-2BFF"),
    ("Noto Naskh Arabic Variable", "noto-naskh-arabic-arabic-wght-normal.woff2", "U+0600-08FF, U+FB50-FEFF"),
    ("Noto Nastaliq Urdu Variable", "noto-nastaliq-urdu-arabic-wght-normal.woff2", "U+0600-08FF, U+FB50-FEFF"),
)


class NoPrinter(RasaiError):
    """PDF needs a browser to print with."""

    message = _l("PDF is printed by Chromium, and none is installed here. Install it (Debian: apt install chromium).")
    status = 503


class NotPrinted(RasaiError):
    message = _l("Chromium did not print the page: {why}")
    status = 503


def as_pdf(page: str) -> bytes:
    """Print a page that holds all it needs. Raises NoPrinter, NotPrinted."""
    program = next((path for name in PROGRAMS if (path := shutil.which(name))), None)
    if program is None:
        raise NoPrinter
    with AT_ONCE, tempfile.TemporaryDirectory(prefix="rasai-print-") as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        command = [
            program, "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
            "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}",
            *(["--no-sandbox"] if os.geteuid() == 0 else []), source.as_uri(),
        ]  # fmt: skip
        try:
            ended = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)  # noqa: S603  its own words
        except subprocess.TimeoutExpired:
            raise NotPrinted(why=f"it took over {PATIENCE_S} seconds") from None
        if not target.exists() or not target.read_bytes().startswith(b"%PDF"):
            raise NotPrinted(why=ended.stderr.decode(errors="replace").strip()[-300:] or str(ended.returncode))
        return target.read_bytes()


@lru_cache(maxsize=4)
def fonts_inside(language: str) -> str:
    """Font faces with the files inside: a page on paper fetches nothing. Nastaliq only where it is read."""
    faces = []
    for family, name, letters in FONTS:
        file = STATIC / "vendor" / "fonts" / name
        if file.exists() and ("nastaliq" not in name or language == "ur"):
            data = base64.b64encode(file.read_bytes()).decode()
            faces.append(
                f'@font-face{{font-family:"{family}";src:url(data:font/woff2;base64,{data}) format("woff2");'
                f"font-weight:100 900;unicode-range:{letters}}}"
            )
    return "".join(faces)


def styles_inside(*names: str) -> str:
    """Our own style sheets as one."""
    return "\n".join((STATIC / "css" / f"{name}.css").read_text(encoding="utf-8") for name in names)


def symbols_inside() -> str:
    """The status symbols, to be used by their ids within the page."""
    return (STATIC / "img" / "symbols.svg").read_text(encoding="utf-8")
