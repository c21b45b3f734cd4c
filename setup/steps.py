"""What every step shares: where the checkout is, how a program is run, and which sentence explains its failure."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

DISK_FULL = r"No space left on device|ENOSPC|not enough free space|Disk quota exceeded"
NO_NETWORK = (
    r"Temporary failure in name resolution|Name or service not known|Could not resolve|Failed to establish a new conn"
    r"|Network is unreachable|No route to host|Connection (?:refused|timed out|reset)|Read timed out|ProxyError"
    r"|Max retries exceeded|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|network (?:is )?down"
)


class SetupStopped(Exception):
    """The set-up cannot go on; the words say why and what to do."""


def say(words: str) -> None:
    print(f"· {words}", file=sys.stderr, flush=True)


def run(command: list[str], *, doing: str, source: str, environment: dict[str, str] | None = None) -> None:
    """Run a program of the set-up; what it says is shown only when it fails, and then its last lines.

    doing  : what it does, as it stands in a sentence: "installing the Python packages"
    source : where it fetches from: "the Python package index"
    raises : SetupStopped
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            ended = subprocess.run(
                command, cwd=PROJECT, env=os.environ | (environment or {}), stdin=_terminal(), stdout=output,
                stderr=subprocess.STDOUT, check=False,
            )  # fmt: skip
        except OSError as error:
            raise SetupStopped(f"{_begun(doing)} failed: {command[0]} cannot be run ({error.strerror}).") from None
        output.seek(0)
        said = output.read()
    if ended.returncode:
        raise SetupStopped(why_failed(said, doing=doing, source=source))


def why_failed(said: str, *, doing: str, source: str) -> str:
    """One sentence on why a program failed and what to do, from what it said."""
    if re.search(DISK_FULL, said):
        free_mb = shutil.disk_usage(PROJECT).free // 1_000_000
        return f"The disk is full ({free_mb} MB are free) while {doing}. Free about 2 GB and run the command again."
    if re.search(NO_NETWORK, said, re.IGNORECASE):
        return (
            f"{_begun(doing)} failed: {source} cannot be reached. Connect to the internet, or set the proxy or mirror"
            " in use here, and run the command again."
        )
    last = " | ".join(line.strip() for line in said.strip().splitlines()[-3:])
    return f"{_begun(doing)} failed: {last[-500:]}"


def _begun(doing: str) -> str:
    """As it stands at the beginning of a sentence."""
    return doing[0].upper() + doing[1:]


def _terminal() -> int | None:
    """sudo may ask for a password where somebody sits; nobody is asked anything elsewhere."""
    return None if sys.stdin is not None and sys.stdin.isatty() else subprocess.DEVNULL
