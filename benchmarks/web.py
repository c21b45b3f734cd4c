"""A running web server and worker, as `make serve` runs them, on a benchmark's installation."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Installation, cpu_of_tree
from tracker.settings import PROJECT

START_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Web:
    """Where it answers, and its process."""

    port: int
    pid: int

    @property
    def cpu_s(self) -> float:
        return cpu_of_tree(self.pid)


@contextmanager
def serving(place: Installation, *, with_worker: bool = True) -> Iterator[Web]:
    """Up and ready while the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "setup.start", *([] if with_worker else ["--only", "web"])]
    log_file = place.settings.local_dir / "serving.log"
    with log_file.open("ab") as log:
        running = subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log, env={**os.environ, "PORT": str(port)})
    try:
        _wait_until_up(f"http://127.0.0.1:{port}/{'readyz' if with_worker else 'healthz'}", running, log_file)
        yield Web(port, running.pid)
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()


def _wait_until_up(address: str, running: "subprocess.Popen[bytes]", log_file: Path) -> None:
    patience_ends = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < patience_ends and running.poll() is None:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.1)
    sys.exit(f"the web server did not come up at {address}:\n{log_file.read_text()[-2000:]}")
