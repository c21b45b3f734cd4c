"""Is the process up, is the installation ready, and what do its figures say?

/healthz: this process answers. /readyz: the database is there, its migration is the newest, the worker is at work.
/metrics: requests by route, their time, and how far judging is behind; for this machine, or with an admin's token.
Counts and times every request; logs the slow and the failed ones.
"""

import ipaddress
import os
import time
from functools import lru_cache

import structlog
from apiflask import APIFlask
from flask import Response, g, request, request_started
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from tracker.accounts.identity import may, public, signed_in
from tracker.database import engine
from tracker.migrating import head

BEAT_WITHIN_S = 60  # a worker that is at work says so every few seconds, between two passes
SLOW_S = 1.0
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

REQUESTS = Counter("rasai_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("rasai_request_seconds", "Time to answer a request", ["route"],
                    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))  # fmt: skip

STATE = text("""
    SELECT (SELECT version_num FROM alembic_version) AS migration,
           (SELECT extract(epoch FROM now() - max(beat_at)) FROM heartbeat) AS silent_s""")
BEHIND = text("""
    SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(since)), 0) AS lag_s FROM waiting""")

log = structlog.get_logger("rasai.requests")


def attach(app: APIFlask) -> None:
    request_started.connect(_begin, app)
    app.after_request(_account)
    app.get("/healthz")(public(app.doc(hide=True)(healthz)))
    app.get("/readyz")(public(app.doc(hide=True)(readyz)))
    app.get("/metrics")(public(app.doc(hide=True)(metrics)))


def healthz() -> dict[str, str]:
    """This process answers."""
    return {"status": "up"}


def readyz() -> tuple[dict[str, str], int]:
    """200 when everything that serving needs is at work, else 503; each part with its state."""
    parts = readiness()
    ready = all(state == "ok" for state in parts.values())
    return {"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503


def readiness() -> dict[str, str]:
    """State of database, migration and jobs: "ok", or what is the matter."""
    try:
        with engine().connect() as connection:
            state = connection.execute(STATE).one()
    except OperationalError:
        return {"database": "does not answer", "migration": "unknown", "jobs": "unknown"}
    except ProgrammingError:
        return {"database": "ok", "migration": "missing: run `flask database upgrade`", "jobs": "unknown"}
    return {"database": "ok", "migration": _migration_state(state.migration), "jobs": _jobs_state(state.silent_s)}


def _migration_state(found: str | None) -> str:
    return "ok" if found == _newest() else f"at {found}, newest is {_newest()}: run `flask database upgrade`"


def _jobs_state(silent_s: float | None) -> str:
    if silent_s is None:
        return "no worker has reported yet"
    return "ok" if silent_s <= BEAT_WITHIN_S else f"the worker has been silent for {silent_s:.0f} s"


@lru_cache
def _newest() -> str | None:
    """The newest migration of this code: it cannot change while the process runs."""
    return head()


def metrics() -> Response:
    """Prometheus' text format."""
    if not _asks_from_this_machine():
        _need_admin()
    return Response(_request_figures() + _judging_figures(), content_type=CONTENT_TYPE_LATEST)


def _asks_from_this_machine() -> bool:
    """A loopback address that nobody has forwarded: a proxy on this machine speaks for the world outside."""
    forwarded = any(name in request.headers for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"))
    return not forwarded and ipaddress.ip_address(request.remote_addr or "0.0.0.0").is_loopback  # noqa: S104  no address


@may(frozenset({"admin"}))
def _need_admin() -> None:
    """Figures of the whole installation: nobody's areas hold them."""
    signed_in()


def _request_figures() -> bytes:
    """Of all web processes, when there are several."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _judging_figures() -> bytes:
    """Asked of the database at each scrape."""
    registry = CollectorRegistry()
    with engine().connect() as connection:
        behind = connection.execute(BEHIND).one()
        silent_s = connection.execute(STATE).one().silent_s
    Gauge("rasai_waiting", "Submissions and decisions not judged yet", registry=registry).set(behind.waiting)
    Gauge("rasai_judging_lag_seconds", "Age of the oldest that waits", registry=registry).set(float(behind.lag_s))
    if silent_s is not None:
        Gauge("rasai_worker_silent_seconds", "Since the worker's last sign", registry=registry).set(float(silent_s))
    return generate_latest(registry)


# every request


def _begin(_app: APIFlask, **_: object) -> None:
    g.began = time.perf_counter()


def _account(response: Response) -> Response:
    seconds = time.perf_counter() - g.began
    route = request.url_rule.rule if request.url_rule else "(none)"
    method = request.method if request.method in METHODS else "other"  # a client may send any word
    requests, times = _counters(method, route, response.status_code)
    requests.inc()
    times.observe(seconds)
    if seconds > SLOW_S or response.status_code >= 500:
        log.warning("request", method=method, route=route, status=response.status_code, ms=round(seconds * 1000))
    return response


@lru_cache(maxsize=2000)
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once for each combination: finding the labels costs more than counting."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(route)
