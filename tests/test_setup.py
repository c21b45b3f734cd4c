"""The set-up: it notices what is missing or half-made, does nothing twice, and says in a sentence what stops it."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from setup import browser_libraries, python_packages, steps, system_packages
from setup.steps import SetupStopped

PROJECT = Path(__file__).resolve().parent.parent


# .venv


@pytest.fixture
def venv(tmp_path, monkeypatch) -> Path:
    """A small finished environment with the one package that its requirements pin."""
    folder = tmp_path / ".venv"
    record = folder / "lib" / "python3.11" / "site-packages" / "flask_login-0.6.3.dist-info"
    record.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").touch()
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# runs\nFlask-Login==0.6.3\n")
    monkeypatch.setattr(python_packages, "VENV", folder)
    monkeypatch.setattr(python_packages, "STAMP", folder / "made-from")
    monkeypatch.setattr(python_packages, "REQUIREMENTS", requirements)
    python_packages.STAMP.write_text(python_packages.made_from())
    return folder


@pytest.fixture
def commands(monkeypatch) -> list[str]:
    """What the set-up would have run; of it only the folder of a new environment comes to be."""
    ran: list[str] = []

    def note(command: list[str], **_: object) -> None:
        ran.append(" ".join(command))
        if command[1:3] == ["-m", "venv"]:
            Path(command[3]).mkdir()

    for module in (python_packages, browser_libraries, system_packages):
        monkeypatch.setattr(module, "run", note)
    return ran


def test_a_finished_environment_is_left_alone(venv, commands):
    python_packages.install()

    assert commands == []


def test_a_half_made_environment_is_made_anew(venv, commands):
    python_packages.STAMP.unlink()
    (venv / "left-over").touch()

    python_packages.install()

    assert "-m venv" in commands[0]
    assert "pip install" in commands[1]
    assert not (venv / "left-over").exists()
    assert python_packages.STAMP.exists()


def test_a_damaged_environment_is_noticed(venv, commands):
    shutil.rmtree(next(venv.rglob("flask_login-0.6.3.dist-info")))

    assert python_packages.missing_packages() == ["Flask-Login==0.6.3"]
    assert not python_packages.is_complete()


def test_changed_requirements_update_what_is_there(venv, commands):
    python_packages.REQUIREMENTS.write_text("Flask-Login==0.6.4\n")

    python_packages.install()

    assert len(commands) == 1
    assert "pip install" in commands[0]


def test_an_environment_that_was_moved_is_made_anew(venv, commands):
    python_packages.STAMP.write_text(python_packages.made_from().replace(str(venv), "/elsewhere/.venv"))

    python_packages.install()

    assert "-m venv" in commands[0]


def test_an_installation_that_fails_is_not_taken_for_a_finished_one(venv, monkeypatch):
    def fail(_command, **_):
        raise SetupStopped("the disk is full")

    monkeypatch.setattr(python_packages, "run", fail)
    python_packages.REQUIREMENTS.write_text("Flask-Login==0.6.4\n")

    with pytest.raises(SetupStopped):
        python_packages.install()

    assert not python_packages.STAMP.exists()


def test_too_little_room_is_said_before_anything_is_removed(venv, monkeypatch):
    python_packages.STAMP.unlink()
    monkeypatch.setattr(python_packages, "NEEDED_MB", 10**9)

    with pytest.raises(SetupStopped, match="MB free; the set-up needs about"):
        python_packages.install()

    assert venv.exists()


def test_every_requirement_is_pinned():
    named = [line for line in (PROJECT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]

    assert len(python_packages.pinned_packages()) == len(named)


# what the browser loads


@pytest.fixture
def modules(tmp_path, monkeypatch, commands) -> Path:
    """npm's folder with every file that is copied; its installation is only noted."""
    folder = tmp_path / "node_modules"
    for file in (*browser_libraries.COPIES.values(), *browser_libraries.FOR_TESTS):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    for name, value in {"MODULES": folder, "VENDOR": tmp_path / "vendor", "INSTALLED": folder / "installed-from",
                        "VENDOR_STAMP": tmp_path / "vendor" / "installed-from"}.items():  # fmt: skip
        monkeypatch.setattr(browser_libraries, name, value)
    return folder


def test_libraries_are_installed_once(modules, commands):
    browser_libraries.install(for_tests=False)
    browser_libraries.install(for_tests=False)

    assert len(commands) == 1
    assert commands[0].startswith("npm ci")


def test_a_library_that_went_missing_is_laid_anew_without_the_network(modules, commands):
    browser_libraries.install(for_tests=False)
    (browser_libraries.VENDOR / "leaflet" / "leaflet.js").unlink()

    browser_libraries.install(for_tests=False)

    assert (browser_libraries.VENDOR / "leaflet" / "leaflet.js").read_text() == "leaflet/dist/leaflet.js"
    assert len(commands) == 1


def test_serving_needs_no_npm_once_the_libraries_are_laid(modules, commands):
    browser_libraries.install(for_tests=False)
    shutil.rmtree(modules)

    browser_libraries.install(for_tests=False)

    assert len(commands) == 1


def test_every_library_is_in_the_lock_file():
    locked = (PROJECT / "package-lock.json").read_text()

    for source in browser_libraries.COPIES.values():
        package = "/".join(source.split("/")[: 2 if source.startswith("@") else 1])
        assert f'"node_modules/{package}"' in locked


# what the system lacks


def test_elsewhere_than_on_debian_the_missing_is_named(monkeypatch):
    monkeypatch.setattr(system_packages, "postgres_folders", list)
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.delenv("DATABASE_URL", raising=False)

    with pytest.raises(
        SetupStopped, match=r"PostgreSQL 15 or newer with PostGIS 3\.3.*; .*Chromium; .*gdal-bin.*\. Then run"
    ):
        system_packages.install_missing(for_tests=True)


def test_an_outside_database_needs_no_server_here(monkeypatch):
    monkeypatch.setattr(system_packages, "postgres_folders", list)
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/rasai")

    assert "PostgreSQL with PostGIS" not in system_packages.missing(for_tests=False)


def test_without_root_and_sudo_the_command_for_root_is_given(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "sudo" else f"/usr/bin/{name}")

    with pytest.raises(SetupStopped, match=r"there is no sudo\. As root, run: apt-get update"):
        system_packages._install(["chromium"])


def test_debian_is_kept_from_making_a_cluster_of_its_own(monkeypatch, tmp_path, commands):
    monkeypatch.setattr(system_packages, "CREATE_CLUSTER", tmp_path / "postgresql-common" / "createcluster.conf")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    system_packages._install(["postgresql", "postgresql-postgis"])

    before_the_packages = next(i for i, command in enumerate(commands) if "createcluster.conf" in command)
    assert before_the_packages < next(i for i, command in enumerate(commands) if "apt-get install" in command)


# why it stopped


@pytest.mark.parametrize(("said", "words"), [
    ("OSError: [Errno 28] No space left on device", r"The disk is full \(\d+ MB are free\) while installing"),
    ("npm error code ENOTFOUND", "the package index cannot be reached. Connect to the internet"),
    ("NewConnectionError: Failed to establish a new connection: Name or service not known", "cannot be reached"),
    ("line 1\nERROR: No matching distribution found for Flask==99", "No matching distribution found for Flask==99"),
])  # fmt: skip
def test_a_failure_is_explained_in_a_sentence(said, words):
    with pytest.raises(SetupStopped, match=words):
        raise SetupStopped(steps.why_failed(said, doing="installing packages", source="the package index"))


def test_a_program_that_is_not_there_is_named():
    with pytest.raises(SetupStopped, match="no-such-program cannot be run"):
        steps.run(["no-such-program"], doing="installing", source="nowhere")


def test_two_set_ups_of_one_checkout_take_turns():
    stay = "import time; from setup.__main__ import _alone\nwith _alone(): print('in', flush=True); time.sleep(1.5)"
    holder = subprocess.Popen([sys.executable, "-c", stay], cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "in\n"
    began = time.monotonic()

    second = subprocess.run([sys.executable, "-c", "from setup.__main__ import _alone\nwith _alone(): pass"],
                            cwd=PROJECT, capture_output=True, text=True, check=True)  # fmt: skip

    assert time.monotonic() - began > 1
    assert "Another set-up of this checkout is at work" in second.stderr
    holder.wait()


# which Python


def test_a_python_that_is_too_old_is_told_so(tmp_path):
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n')
    old.chmod(0o755)

    refused = subprocess.run(["/bin/sh", PROJECT / "setup" / "run.sh"], capture_output=True, text=True, check=False,
                             env={"PATH": f"{tmp_path}:{_without_python(tmp_path)}"})  # fmt: skip

    assert refused.returncode == 1
    assert "Rasai needs Python 3.11 or newer; this machine has Python 3.9.2" in refused.stderr


def _without_python(tmp_path: Path) -> Path:
    """A folder with the few programs that the script itself needs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("dirname", "id"):
        (folder / name).symlink_to(shutil.which(name))
    return folder
