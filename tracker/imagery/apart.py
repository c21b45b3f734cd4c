"""Do something with a stranger's file in a process of its own: what breaks there breaks nothing else.

The child may use so much memory and time, and hands its answer over as JSON, never as pickled objects.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import structlog

from tracker.imagery.refusals import SceneRefused

log = structlog.get_logger()

MEMORY_BYTES = 4_000_000_000  # of address space, the libraries among it
CPU_S = 900
PATIENCE_S = 1800.0


def apart(work: Callable[[], dict[str, Any]], file: str) -> dict[str, Any]:
    """What `work` gives, done in a forked process. Raises SceneRefused as it does there; `file` names it in words."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _live(work, writing)
    os.close(writing)
    try:
        answer = _all_of(reading, time.monotonic() + PATIENCE_S)
    finally:
        os.close(reading)
        _end(child)
    return _understood(answer, file)


def _live(work: Callable[[], dict[str, Any]], writing: int) -> None:
    """The child's whole life; never returns."""
    answer: dict[str, Any]
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        answer = {"done": work()}
    except SceneRefused as refused:
        answer = {"refused": refused.rule, "facts": {key: str(value) for key, value in refused.facts.items()}}
    except MemoryError:
        answer = {"refused": "memory", "facts": {}}
    except BaseException as error:  # it must not climb into the parent's stack, of which this is a copy
        answer = {"failed": f"{type(error).__name__}: {error}"}
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(answer, default=str).encode())
    os._exit(0)


def _all_of(reading: int, deadline: float) -> bytes:
    parts = []
    while select.select([reading], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(reading, 65_536)
        if not part:
            break
        parts.append(part)
    return b"".join(parts)


def _end(child: int) -> None:
    """It has handed over its answer, or takes too long."""
    for _ in range(300):
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)  # ours, not reaped yet
    os.waitpid(child, 0)


def _understood(answer: bytes, file: str) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(answer)
    except ValueError:  # killed while it worked, by its own fault or by a limit
        raise SceneRefused("crashed", file=file) from None
    if "failed" in told:
        log.error("reading a raster failed", file=file, why=told["failed"])
        raise SceneRefused("crashed", file=file)
    if "refused" in told:
        raise SceneRefused(told["refused"], **{"file": file, **told["facts"]})
    done: dict[str, Any] = told["done"]
    return done
