"""How soon is an acknowledged visit counted, when a thousand come every second?

Web server and worker run as `make serve` runs them; visits are sent at a steady pace for 30 s, ten a request, and the
kept counts are looked at fifty times a second. They grow only when a pass commits: the k-th acknowledged visit is taken
as counted when the counts hold k. Goal: p95 below 1 s, and afterwards a recount that finds no difference.
`--size 100` for a first look.
"""

import itertools
import threading
import time
from bisect import bisect_left

import orjson

from benchmarks.intake_api import PATH, sender_token, sent_visits
from benchmarks.load import Outcome, post_all
from benchmarks.made_round import CAMPAIGN, load_ground, make_round
from benchmarks.measure import Installation, installation, percentile, say, show_table, size_from_words
from benchmarks.web import serving

SECONDS = 30
A_REQUEST = 10  # visits
LOOK_EVERY_S = 0.02
PATIENCE_S = 60.0

COUNTED = "SELECT coalesce(sum(visits), 0) FROM coverage_count"


def main() -> None:
    per_second = round(size_from_words(1_000, "visits a second"))
    with installation("follow") as place:
        made = make_round(place.settings.data_dir / "round", max(60_000, 1.2 * SECONDS * per_second), 2_000)
        load_ground(place, made)
        token, visits = sender_token(place), sent_visits(made)
        visits = (visit for visit in visits if "replaces" not in visit)
        bodies = [
            orjson.dumps(list(itertools.islice(visits, A_REQUEST))) for _ in range(SECONDS * per_second // A_REQUEST)
        ]
        with serving(place) as web:
            say(f"{len(bodies):,} requests of {A_REQUEST} visits within {SECONDS} s")
            watch = CountsWatch(place)
            before = web.cpu_s, place.database_cpu_s
            outcome = post_all(web.port, PATH, token, bodies, per_second / A_REQUEST)
            watch.wait_for(outcome.accepted)
            cpu = web.cpu_s - before[0], place.database_cpu_s - before[1]
        recount = place.flask("coverage", "recount", "--campaign", CAMPAIGN, "--json")
    lags = lags_s(outcome, watch)
    figures = {
        "sent": f"{len(bodies) * A_REQUEST:,}",
        "accepted": f"{outcome.accepted:,}",
        "visits/s": f"{outcome.accepted / outcome.wall_s:,.0f}",
        **{f"lag p{p} s": f"{percentile(lags, p):.2f}" for p in (50, 95, 100)},
        "app CPU s": f"{cpu[0]:.1f}",
        "PostgreSQL CPU s": f"{cpu[1]:.1f}",
        "cells recounted": recount["cells"],
        "of these different": recount["different"],
    }
    show_table("From acknowledgement to counted", list(figures), [list(figures.values())])


class CountsWatch:
    """Notes when the counts grew, and to what."""

    def __init__(self, place: Installation) -> None:
        self.place, self.seen = place, [(time.monotonic(), 0)]  # (when, visits counted by then)
        self.enough: int | None = None
        self.watcher = threading.Thread(target=self._watch, daemon=True)
        self.watcher.start()

    def wait_for(self, visits: int) -> None:
        self.enough = visits
        self.watcher.join(PATIENCE_S)

    def _watch(self) -> None:
        with self.place.connect() as connection, connection.cursor() as cursor:
            while self.enough is None or self.seen[-1][1] < self.enough:
                cursor.execute(COUNTED)
                self.seen.append((time.monotonic(), int(cursor.fetchone()[0])))
                time.sleep(LOOK_EVERY_S)


def lags_s(outcome: Outcome, watch: CountsWatch) -> list[float]:
    """Per accepted visit; endless for one that was never counted."""
    lags, acknowledged = [], 0
    counted = [visits for _, visits in watch.seen]
    for at, visits in sorted(outcome.acknowledged):
        acknowledged += visits
        look = bisect_left(counted, acknowledged)
        lags += [max(0.0, watch.seen[look][0] - at) if look < len(counted) else float("inf")] * visits
    return lags


if __name__ == "__main__":
    main()
