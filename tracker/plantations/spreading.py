"""Where chunks are measured: in this process, or by the workers of a dask cluster. The same functions either way."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tracker import settings
from tracker.plantations.ground import ClaimGround
from tracker.plantations.measuring import Chunk, at_once, measure

LOCAL = "local"
CHUNKS_PER_WORKER = 3  # under way at once: enough that none waits, few enough that memory stays bounded


@dataclass(frozen=True)
class Work:
    """A chunk of claims: `kept` has the records that still hold, `chunk` the claims that have to be measured."""

    claims: Sequence[ClaimGround]
    keys: Sequence[bytes]
    kept: dict[int, str]  # by claim id
    chunk: Chunk


Document = dict[str, Any]


def documents_of(works: Iterable[Work], scheduler: str | None, folder: Path) -> Iterator[tuple[Work, list[Document]]]:
    """Each piece of work with the documents of its chunk; with a scheduler in whatever order they come.

    scheduler : address of a dask scheduler, "local" for worker processes of this machine, None for this process
    """
    if scheduler is None:
        for work in works:
            yield work, measure(work.chunk, folder, at_once) if work.chunk.claims else []
        return
    with _client(scheduler) as client:
        yield from _spread(works, client, folder)


def _spread(works: Iterable[Work], client: Any, folder: Path) -> Iterator[tuple[Work, list[Document]]]:
    from distributed import wait

    most = CHUNKS_PER_WORKER * max(1, len(client.scheduler_info()["workers"]))
    under_way: dict[Any, Work] = {}

    def those_done() -> Iterator[tuple[Work, list[Document]]]:
        for future in wait(list(under_way), return_when="FIRST_COMPLETED").done:
            yield under_way.pop(future), future.result()

    for work in works:
        if not work.chunk.claims:
            yield work, []
            continue
        under_way[measure(work.chunk, folder, client.submit)] = work
        while len(under_way) >= most:
            yield from those_done()
    while under_way:
        yield from those_done()


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """A connection to the scheduler; for "local" a cluster of worker processes that ends with the block."""
    import dask
    from distributed import Client, LocalCluster

    place = settings.from_environment().run_dir / "dask"
    place.mkdir(parents=True, exist_ok=True)
    with dask.config.set({"temporary-directory": str(place), "distributed.admin.log-format": "%(message)s"}):
        if scheduler != LOCAL:
            with Client(scheduler) as client:
                yield client
            return
        workers = min(4, os.cpu_count() or 1)
        with (
            LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None, local_directory=str(place),
                         silence_logs=50) as cluster,
            Client(cluster) as client,
        ):  # fmt: skip
            yield client
