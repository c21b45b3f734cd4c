"""Programs that Rasai needs from the operating system: PostgreSQL with PostGIS, npm, Python's venv; Chromium and
ogr2ogr for tests.

On Debian and Ubuntu what is missing is installed by apt, with sudo where we are not root; elsewhere the set-up says
what to install. Debian's own cluster is neither made nor started: Rasai runs a private one.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from setup.browser_libraries import MODULES, VENDOR_STAMP
from setup.steps import SetupStopped, run, say

OLDEST_POSTGRES = 15
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")
QUIET_APT = {"DEBIAN_FRONTEND": "noninteractive", "UCF_FORCE_CONFFOLD": "1"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def install_missing(*, for_tests: bool) -> None:
    """Have everything that Rasai needs of the system; nothing to do in most cases."""
    wanted = missing(for_tests=for_tests)
    if not wanted:
        return
    if shutil.which("apt-get") is None:
        raise SetupStopped(elsewhere(list(wanted)))
    packages = [package for names in wanted.values() for package in names()]
    say(f"Installing with apt: {' '.join(packages)}")
    _install(packages)
    still = missing(for_tests=for_tests)
    if still:
        raise SetupStopped(f"After apt this machine still lacks {' and '.join(still)}. {elsewhere(list(still))}")


def missing(*, for_tests: bool) -> dict[str, Callable[[], list[str]]]:
    """What this machine lacks, each with Debian's packages for it (asked only when needed)."""
    lacks: dict[str, Callable[[], list[str]]] = {}
    if not os.environ.get("DATABASE_URL") and not any(has_postgis(folder) for folder in postgres_folders()):
        lacks["PostgreSQL with PostGIS"] = _postgres_packages
    if importlib.util.find_spec("ensurepip") is None:
        lacks["Python's venv"] = lambda: [f"python{sys.version_info.major}.{sys.version_info.minor}-venv"]
    needs_npm = for_tests or not (VENDOR_STAMP.exists() or MODULES.exists())
    if needs_npm and not (shutil.which("node") and shutil.which("npm")):
        lacks["Node.js with npm"] = lambda: ["nodejs", "npm"]
    if for_tests and not any(shutil.which(name) for name in BROWSERS):
        lacks["Chromium"] = lambda: ["chromium"]
    if for_tests and shutil.which("ogr2ogr") is None:
        lacks["ogr2ogr"] = lambda: ["gdal-bin"]
    return lacks


def postgres_folders() -> list[Path]:
    """Where programs of a PostgreSQL server that is new enough lie."""
    folders = [DEBIAN_POSTGRES / str(version) / "bin" for version in debian_versions()]
    on_path = shutil.which("initdb")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return [folder for folder in folders if (folder / "initdb").exists()]


def debian_versions() -> list[int]:
    """Versions of PostgreSQL installed as Debian does it and new enough, newest first."""
    named = (folder.parent.name for folder in DEBIAN_POSTGRES.glob("*/bin") if (folder / "initdb").exists())
    return sorted((int(name) for name in named if name.isdigit() and int(name) >= OLDEST_POSTGRES), reverse=True)


def has_postgis(folder: Path) -> bool:
    """Whether the server whose programs lie there can load PostGIS."""
    if folder.is_relative_to(DEBIAN_POSTGRES):
        return Path(f"/usr/share/postgresql/{folder.parent.name}/extension/postgis.control").exists()
    shared = Path(_said(str(folder / "pg_config"), "--sharedir").strip())
    return (shared / "extension" / "postgis.control").exists()


def elsewhere(lacking: list[str]) -> str:
    """What a person must install who has no apt."""
    needs = {
        "PostgreSQL with PostGIS": "PostgreSQL 15 or newer with PostGIS 3.3 or newer, its programs on the PATH (Fedora:"
        " postgresql-server postgis; Arch: postgresql postgis; Homebrew: postgresql@17 postgis), or set DATABASE_URL to"
        " one that runs elsewhere",
        "Python's venv": "Python's venv module",
        "Node.js with npm": "Node.js 18 or newer with npm",
        "Chromium": "Chromium",
        "ogr2ogr": "GDAL's programs (gdal-bin)",
    }
    return "Install " + "; ".join(needs[name] for name in lacking) + ". Then run the command again."


def _postgres_packages() -> list[str]:
    """PostGIS for the PostgreSQL that is there, else the distribution's own pair."""
    versions = debian_versions()
    return [f"postgresql-{versions[0]}-postgis-3"] if versions else ["postgresql", "postgresql-postgis"]


def _install(packages: list[str]) -> None:
    _as_root(["apt-get", "update", "-q"])
    if "postgresql" in packages:
        _refuse_old_postgres()
        _keep_debian_from_making_a_cluster()
    _as_root(["apt-get", "install", "-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=300", *packages])


def _refuse_old_postgres() -> None:
    offered = re.search(r"Candidate: (\d+)", _said("apt-cache", "policy", "postgresql"))
    if offered and int(offered[1]) < OLDEST_POSTGRES:
        raise SetupStopped(
            f"This release of the system offers PostgreSQL {offered[1]}; Rasai needs {OLDEST_POSTGRES} or newer. "
            "Add the packages of apt.postgresql.org, or use `docker compose up`, or set DATABASE_URL."
        )


def _keep_debian_from_making_a_cluster() -> None:
    """Only where no PostgreSQL was ever installed: otherwise the machine's owner has decided already."""
    if CREATE_CLUSTER.exists():
        return
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("create_main_cluster = false     # Rasai runs a private cluster\n")
        file.flush()
        _as_root(["install", "-D", "-m", "644", file.name, str(CREATE_CLUSTER)])


def _as_root(command: list[str]) -> None:
    with_settings = ["env", *(f"{name}={value}" for name, value in QUIET_APT.items()), *command]
    if os.geteuid() != 0:
        if shutil.which("sudo") is None:
            raise SetupStopped(f"Packages are missing and there is no sudo. As root, run: {' '.join(command)}")
        with_settings = ["sudo", *([] if sys.stdin.isatty() else ["-n"]), *with_settings]
    run(with_settings, doing=f"running {' '.join(command[:2])}", source="the package archive")


def _said(*command: str) -> str:
    """What a program prints, in English; empty when it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"LC_ALL": "C"})
    except OSError:
        return ""
    return done.stdout
