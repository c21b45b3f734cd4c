"""Visits over HTTP from 8 connections: sign-in by token, scope, raw submission and commit before each answer.

The floor: the same rows by begin, insert, commit from 8 plain connections to a bare table with the same columns and a
primary key; nothing else. Floor and design take turns. Goals: one visit a request at least 1,000/s and 0.4 of the
floor; 500 a request at least 15,000 visits/s. The worker judges meanwhile, as it does in service; once it is left out,
to tell its share. Refusals are counted, and rows sent compared with rows stored. `--size 2000` for a first look.
"""

import csv
import itertools
import multiprocessing
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from typing import Any

import orjson
import psycopg2

from benchmarks.load import CONNECTIONS, PROCESSES, Outcome, post_all
from benchmarks.made_round import CAMPAIGN, Round, load_ground, make_round
from benchmarks.measure import Installation, installation, percentile, say, show_table, size_from_words
from benchmarks.web import Web, serving
from tracker.visits.visit_row import COUNTS, YES_OR_NO

BATCH = 500
BATCHED = 4  # as many visits in batches as one by one
TURNS = 2
SENDER = "amina@bench.example"
PATH = f"/api/v1/campaigns/{CAMPAIGN}/visits"
TEXTS = ("instance_id", "team", "visited_at", "settlement", "note")
NUMBERS = ("lon", "lat", "accuracy_m")

FLOOR_COLUMNS = (*TEXTS, *NUMBERS, *COUNTS, *YES_OR_NO)
FLOOR_TABLE = """
    CREATE TABLE floor_visit (
        instance_id uuid PRIMARY KEY, team text, visited_at timestamptz, lon float8, lat float8, accuracy_m float8,
        settlement text, children_eligible integer, vaccinated integer, absent integer, refused integer,
        other_missed integer, guests_vaccinated integer, zero_dose integer, finger_marked integer, is_revisit boolean,
        mock_location boolean, note text)"""


def main() -> None:
    size = round(size_from_words(10_000, "requests of one visit in each turn"))
    with installation("intake") as place:
        made = make_round(place.settings.data_dir / "round", max(60_000, 3 * TURNS * size * (1 + BATCHED)), 2_000)
        load_ground(place, made)
        token = sender_token(place)
        visits = sent_visits(made)
        rows = []
        with place.connect() as connection, connection.cursor() as cursor:
            cursor.execute(FLOOR_TABLE)
        for turn in range(TURNS):
            rows.append(("begin, insert, commit", *floor(place, list(itertools.islice(visits, size)))))
            with serving(place) as web:
                rows += both_shapes(place, web, token, visits, size, "")
            if turn == TURNS - 1:
                with serving(place, with_worker=False) as web:
                    rows += both_shapes(place, web, token, visits, size, ", no worker beside")
    head = ("", "requests", "visits/s", "p50 ms", "p95 ms", "refused", "sent", "stored", "app CPU µs/visit",
            "PostgreSQL CPU µs/visit", "generator CPU s")  # fmt: skip
    show_table(f"Intake from {CONNECTIONS} connections", head, rows)


def both_shapes(
    place: Installation, web: Web, token: str, visits: Iterator[dict[str, Any]], size: int, remark: str
) -> list[tuple[object, ...]]:
    singles = [orjson.dumps(visit) for visit in itertools.islice(visits, size)]
    batches = [orjson.dumps(list(itertools.islice(visits, BATCH))) for _ in range(max(1, size * BATCHED // BATCH))]
    post_all(web.port, PATH, token, singles[:CONNECTIONS])  # every thread has met its first request
    return [
        (f"one a request{remark}", *design(place, web, token, singles[CONNECTIONS:], 1)),
        (f"{BATCH} a request{remark}", *design(place, web, token, batches, BATCH)),
    ]


def design(place: Installation, web: Web, token: str, bodies: list[bytes], visits_each: int) -> tuple[object, ...]:
    """Send, and compare what is stored with what was sent."""
    say(f"{len(bodies):,} requests of {visits_each}")
    stored, web_cpu, database_cpu = stored_visits(place), web.cpu_s, place.database_cpu_s
    outcome = post_all(web.port, PATH, token, bodies)
    web_cpu, database_cpu = web.cpu_s - web_cpu, place.database_cpu_s - database_cpu
    return figures(outcome, len(bodies) * visits_each, stored_visits(place) - stored, web_cpu, database_cpu)


def figures(outcome: Outcome, sent: int, stored: int, app_cpu: float, database_cpu: float) -> tuple[object, ...]:
    return (
        f"{len(outcome.seconds_each):,}", f"{outcome.accepted / outcome.wall_s:,.0f}",
        f"{percentile(outcome.seconds_each, 50) * 1000:.1f}", f"{percentile(outcome.seconds_each, 95) * 1000:.1f}",
        outcome.refusals, f"{sent:,}", f"{stored:,}", f"{app_cpu / sent * 1e6:.0f}", f"{database_cpu / sent * 1e6:.0f}",
        f"{outcome.generator_cpu_s:.1f}",
    )  # fmt: skip


def stored_visits(place: Installation) -> int:
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM visit")
        return int(cursor.fetchone()[0])


def sender_token(place: Installation) -> str:
    """Of a coordinator: her areas are looked up with each request, as for everybody."""
    place.flask("users", "create", SENDER, "--role", "coordinator", "--area", "KP", "--json")
    return str(place.flask("users", "token", SENDER, "--json")["token"])


def sent_visits(made: Round) -> Iterator[dict[str, Any]]:
    """The round's visits as a phone would send them, each once."""
    seen = set()
    with made.visits.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["instance_id"] in seen:
                continue
            seen.add(row["instance_id"])
            yield {name: _value(name, words) for name, words in row.items() if words}


def _value(name: str, words: str) -> object:
    if name in TEXTS:
        return words
    if name in NUMBERS:
        return float(words)
    return words == "true" if words in ("true", "false") else int(words)


# the floor


def floor(place: Installation, visits: Sequence[dict[str, Any]]) -> tuple[object, ...]:
    say(f"{len(visits):,} plain inserts")
    context, before = multiprocessing.get_context("fork"), place.database_cpu_s
    workers = []
    dsn = place.connect().dsn
    for k in range(PROCESSES):
        here, there = context.Pipe()
        worker = context.Process(target=_insert_share, args=(there, dsn, visits[k::PROCESSES]))
        worker.start()
        workers.append((worker, here))
    together = Outcome()
    for worker, here in workers:
        together.add(here.recv())
        worker.join()
    together.accepted = len(together.seconds_each)
    with place.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM floor_visit")
        stored = cursor.fetchone()[0]
        cursor.execute("TRUNCATE floor_visit")
    return figures(together, len(visits), stored, together.generator_cpu_s, place.database_cpu_s - before)


def _insert_share(to: Connection, dsn: str, visits: Sequence[dict[str, Any]]) -> None:
    outcome, threads = Outcome(), []
    started, cpu_before = time.monotonic(), time.process_time()
    each = CONNECTIONS // PROCESSES
    for k in range(each):
        threads.append(threading.Thread(target=_insert, args=(dsn, visits[k::each], outcome)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    outcome.wall_s, outcome.generator_cpu_s = time.monotonic() - started, time.process_time() - cpu_before
    to.send(outcome)


def _insert(dsn: str, visits: Sequence[dict[str, Any]], outcome: Outcome) -> None:
    statement = (
        f"INSERT INTO floor_visit ({', '.join(FLOOR_COLUMNS)}) VALUES ({', '.join(['%s'] * len(FLOOR_COLUMNS))})"
    )
    connection = psycopg2.connect(dsn)
    with connection.cursor() as cursor:
        for visit in visits:
            began = time.monotonic()
            cursor.execute(statement, [visit.get(c) for c in FLOOR_COLUMNS])
            connection.commit()
            outcome.seconds_each.append(time.monotonic() - began)
    connection.close()


if __name__ == "__main__":
    main()
