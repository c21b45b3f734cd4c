"""A part of the system that runs in a process of its own, forked from the supervisor, and is kept alive.

A part that ends is started again, each time after a longer pause; one that does not come up ends everything.
"""

import ctypes
import json
import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flask_babel import lazy_gettext as _l

from tracker import log
from tracker.errors import RasaiError

SOON_S = 10.0  # a part that ends sooner than this after its start has not come up
TRIES = 5
FIRST_PAUSE_S = 0.1  # doubled with each try
STOP_PATIENCE_S = 10.0
LOG_LIMIT_BYTES = 20_000_000
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


class PartKeepsEnding(RasaiError):
    message = _l("The {name} ended {times} times in a row; everything is stopped. Its last words: {words} (log: {log})")


@dataclass
class Part:
    """`run` in a process of its own."""

    name: str
    run: Callable[[], None]
    log_file: Path | None  # what it prints goes there; None: where the supervisor's own words go
    pid: int | None = None
    started_at: float = 0.0
    quick_ends: int = 0  # in a row
    not_before: float = 0.0

    def keep_alive(self) -> bool:
        """Start it when it does not run; True when it had ended. Raises PartKeepsEnding."""
        had_ended = self._has_ended()
        if self.pid is None and time.monotonic() >= self.not_before:
            self._start()
        return had_ended

    def _has_ended(self) -> bool:
        if self.pid is None or os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            return False
        self.pid = None
        came_up = time.monotonic() - self.started_at > SOON_S
        self.quick_ends = 1 if came_up else self.quick_ends + 1
        if self.quick_ends >= TRIES:
            raise PartKeepsEnding(name=self.name, times=TRIES, words=self._last_words(), log=self.log_file or "above")
        self.not_before = time.monotonic() + FIRST_PAUSE_S * 2**self.quick_ends
        return True

    def _start(self) -> None:
        if self.log_file and self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        sys.stdout.flush()
        sys.stderr.flush()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            _live(self, supervisor)
        self.pid, self.started_at = pid, time.monotonic()

    def _last_words(self) -> str:
        """The last line that tells of an error: logged, or the end of a traceback."""
        if self.log_file is None:
            return "above"
        words = [_error_told(line) for line in self.log_file.read_text(errors="replace").splitlines()]
        return next((said[-300:] for said in reversed(words) if said), "none")


def _error_told(line: str) -> str:
    """What a line of a log says went wrong; empty: nothing."""
    try:
        event = json.loads(line)
    except ValueError:
        return line if re.match(r"[\w.]*(Error|Exception|Refused|Unavailable)\b", line) else ""
    if not isinstance(event, dict) or event.get("level") not in ("error", "critical"):
        return ""
    return str(event.get("exception") or event.get("event")).strip().splitlines()[-1]


def stop_all(parts: Sequence[Part]) -> None:
    """Ask all to end, wait for them together, and end those that do not."""
    running = [part for part in parts if part.pid is not None]
    for part in running:
        _signal(part, signal.SIGTERM)
    deadline = time.monotonic() + STOP_PATIENCE_S
    for part in running:
        while part.pid is not None and os.waitpid(part.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                _signal(part, signal.SIGKILL)
            time.sleep(0.02)
        part.pid = None


def _signal(part: Part, which: signal.Signals) -> None:
    if part.pid is not None:
        os.kill(part.pid, which)  # not reaped yet: the pid is still ours


def _live(part: Part, supervisor: int) -> None:
    """The life of the forked process; never returns. A process that it forks in turn ends here too."""
    code = 1
    try:
        _begin_life(part, supervisor)
        part.run()
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
    except KeyboardInterrupt:
        code = 0
    except BaseException:  # it must not climb into the supervisor's stack, of which this is a copy
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _begin_life(part: Part, supervisor: int) -> None:
    for which in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(which, signal.SIG_DFL)
    if sys.platform == "linux":  # when the supervisor is killed its parts must not stay and hold the port
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:
        os._exit(0)
    if part.log_file:
        with open(part.log_file, "ab") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    log.to_json()
