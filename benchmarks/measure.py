"""What does a piece of work cost, in seconds of CPU, of waiting, and in memory? Shared by all benchmarks.

CPU is told apart: ours (this process and all it started) and PostgreSQL's (postmaster and backends, those that ended
too). On a busy machine wall time varies threefold for the same work; compare CPU, and only within one run. Reads /proc:
Linux only. Every benchmark gets an installation of its own, a fresh cluster in a folder of its own.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psycopg2

from tracker import settings
from tracker.embedded_postgres import EmbeddedPostgres
from tracker.migrating import upgrade
from tracker.settings import PROJECT

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
LOOK_EVERY_S = 0.02  # at the memory of a running command

T = TypeVar("T")


@dataclass(frozen=True)
class Cost:
    """Of one piece of work."""

    wall_s: float
    ours_cpu_s: float
    database_cpu_s: float
    peak_mb: float = 0.0  # highest resident memory of a single process that it started; 0: not looked at

    @property
    def cpu_s(self) -> float:
        return self.ours_cpu_s + self.database_cpu_s

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.wall_s + other.wall_s, self.ours_cpu_s + other.ours_cpu_s, self.database_cpu_s + other.database_cpu_s,
            max(self.peak_mb, other.peak_mb),
        )  # fmt: skip


@dataclass(frozen=True)
class Installation:
    """An installation with nothing in it: its settings, and its running cluster."""

    settings: settings.Settings
    postgres: EmbeddedPostgres

    @property
    def database_cpu_s(self) -> float:
        """So far."""
        return cpu_of_tree(self.postgres.pid or 0)

    def measured(self, work: Callable[[], T]) -> tuple[T, Cost]:
        """Do the work and tell its cost; what PostgreSQL still had to write to disk is written before."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        before = time.perf_counter(), cpu_of_tree(os.getpid()), self.database_cpu_s
        result = work()
        after = time.perf_counter(), cpu_of_tree(os.getpid()), self.database_cpu_s
        return result, Cost(*(late - early for late, early in zip(after, before, strict=True)))

    def flask(self, *words: object, may_refuse: bool = False) -> dict[str, Any]:
        """Run a command; its JSON answer, {} when it gives none. Exits when the command fails."""
        return self._flask(words, may_refuse)[0]

    def measured_flask(self, *words: object, may_refuse: bool = False) -> tuple[dict[str, Any], Cost]:
        """The same with its cost, starting the program and its peak memory included."""
        (answer, peak_mb), cost = self.measured(lambda: self._flask(words, may_refuse))
        return answer, Cost(cost.wall_s, cost.ours_cpu_s, cost.database_cpu_s, peak_mb)

    def _flask(self, words: Sequence[object], may_refuse: bool) -> tuple[dict[str, Any], float]:
        command = [sys.executable, "-m", "flask", *map(str, words)]
        with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as running:
            peak = PeakMemory(running.pid)
            said = running.stdout.read() if running.stdout else ""
            running.wait()
        if running.returncode not in ((0, 3) if may_refuse else (0,)):
            sys.exit(f"flask {' '.join(map(str, words))} ended with {running.returncode}")
        return json.loads(said) if "--json" in words else {}, peak.mb()

    def connect(self) -> "ConnectionContext":
        return ConnectionContext(self)


class ConnectionContext:
    """A psycopg2 connection in autocommit, closed at the end."""

    def __init__(self, of: Installation) -> None:
        self.dsn = f"host={of.postgres.sockets} user=rasai dbname=rasai"

    def __enter__(self) -> Any:
        self.connection = psycopg2.connect(self.dsn)
        self.connection.autocommit = True
        return self.connection

    def __exit__(self, *error: object) -> None:
        self.connection.close()


@contextmanager
def installation(name: str) -> Iterator[Installation]:
    """A fresh installation while the block runs: `benchmark-NAME` below the local folder, removed at the end."""
    os.environ.pop("DATABASE_URL", None)
    folder = settings.from_environment().local_dir / f"benchmark-{name}"
    _remove(folder)
    folder.mkdir(parents=True)
    before, os.environ["RASAI_LOCAL_DIR"] = os.environ.get("RASAI_LOCAL_DIR"), str(folder)
    chosen = settings.from_environment()
    postgres = EmbeddedPostgres(chosen)
    try:
        with postgres.in_use():
            upgrade()
            yield Installation(chosen, postgres)
    finally:
        _remove(folder)
        if before is None:
            del os.environ["RASAI_LOCAL_DIR"]
        else:
            os.environ["RASAI_LOCAL_DIR"] = before


def _remove(folder: Path) -> None:
    """Also what an earlier run that was killed left behind, running cluster included."""
    if folder.exists():
        EmbeddedPostgres(settings.from_environment({"RASAI_LOCAL_DIR": str(folder)})).stop()
        shutil.rmtree(folder)


# CPU and memory, from /proc


def cpu_of_tree(root: int) -> float:
    """Seconds of CPU that this process and its descendants have used, those that have ended included."""
    parents, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        pid = int(stat.parent.name)
        parents[pid], spent[pid] = int(after_name[1]), sum(map(int, after_name[11:15]))
    return sum(ticks for pid, ticks in spent.items() if _descends(pid, root, parents)) / TICKS_A_SECOND


def _descends(pid: int, root: int, parents: dict[int, int]) -> bool:
    while pid and pid != root:
        pid = parents.get(pid, 0)
    return pid == root != 0


class PeakMemory:
    """Watches the highest resident memory of a process until it ends."""

    def __init__(self, pid: int) -> None:
        self.status, self.peak_kb = Path(f"/proc/{pid}/status"), 0
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def mb(self) -> float:
        """Once the process has ended."""
        self.watcher.join()
        return self.peak_kb / 1024

    def _watch(self) -> None:
        while True:
            try:
                told = dict(line.split(":", 1) for line in self.status.read_text().splitlines())
            except OSError:
                return
            if "VmHWM" not in told:  # ended, not yet waited for
                return
            self.peak_kb = max(self.peak_kb, int(told["VmHWM"].split()[0]))
            time.sleep(LOOK_EVERY_S)


# telling


def size_from_words(default: float, unit: str) -> float:
    """`--size` of the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=float, default=default, help=f"{unit} (default: {default:,.0f})")
    return float(parser.parse_args().size)


def show_costs(title: str, costs: Iterable[tuple[str, Cost]], beside: Cost) -> None:
    """A Markdown table; `beside`: the baseline that ratios of CPU are to."""
    rows = [
        (what, f"{c.cpu_s:.1f}", f"{c.ours_cpu_s:.1f}", f"{c.database_cpu_s:.1f}", f"{c.wall_s:.1f}",
         f"{c.peak_mb:.0f}" if c.peak_mb else "", f"{c.cpu_s / beside.cpu_s:.2f}")
        for what, c in costs
    ]  # fmt: skip
    head = ("", "CPU s", "ours", "PostgreSQL", "wall s", "peak MB", "× baseline")
    show_table(title, head, rows)


def show_table(title: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    print(f"\n### {title}\n")
    print(f"| {' | '.join(head)} |")
    print(f"|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |")
    print(flush=True)


def say(words: str) -> None:
    """Progress."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
