"""`python -m setup [--tests]`: system packages, `.venv`, what the browser loads, translations; one set-up at a time.

Exit codes: 0 ready · 1 stopped, with one sentence on standard error.
"""

import argparse
import errno
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from setup import browser_libraries, python_packages, system_packages, translations
from setup.steps import PROJECT, SetupStopped, say


def main() -> int:
    parser = argparse.ArgumentParser(prog="make setup", description="Prepare this machine for Rasai.")
    parser.add_argument("--tests", action="store_true", help="also what the tests and linters need: Chromium, axe, tsc")
    chosen = parser.parse_args()
    try:
        with _alone():
            system_packages.install_missing(for_tests=chosen.tests)
            python_packages.install()
            browser_libraries.install(for_tests=chosen.tests)
            translations.compile_changed()
    except SetupStopped as stopped:
        print(f"Set-up stopped. {stopped}", file=sys.stderr)
        return 1
    except OSError as error:
        full = error.errno == errno.ENOSPC
        why = "The disk is full: free about 2 GB" if full else f"{error.filename}: {error.strerror}. Put that right"
        print(f"Set-up stopped. {why} and run the command again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Set-up was interrupted. `make setup` takes it up again.", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _alone() -> Iterator[None]:
    """Two set-ups of one checkout take turns: the lock lies on the folder itself and ends with the process."""
    folder = os.open(PROJECT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another set-up of this checkout is at work; waiting for it.")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


if __name__ == "__main__":
    sys.exit(main())
