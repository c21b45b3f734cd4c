"""Is it up, is it ready, what do its figures say: and who may read them."""

import pytest
from sqlalchemy import text

from tracker import create_app
from tracker.database import engine, transaction

AT_WORK = "INSERT INTO heartbeat (worker, beat_at) VALUES ('here:1', now() - make_interval(secs => :silent_s))"


@pytest.fixture
def client(database):
    return create_app().test_client()


def worker_was_heard(silent_s: float) -> None:
    with transaction() as session:
        session.execute(text(AT_WORK), {"silent_s": silent_s})


def test_figures_are_for_this_machine_alone(client):
    refused = client.get("/metrics", environ_base={"REMOTE_ADDR": "198.51.100.7"})

    assert refused.status_code == 401


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_a_proxy_on_this_machine_speaks_for_the_world_outside(client, header):
    refused = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}, headers={header: "198.51.100.7"})

    assert refused.status_code == 401


def test_up_needs_nothing(client):
    assert client.get("/healthz").json == {"status": "up"}


@pytest.mark.parametrize(("silent_s", "status"), [(58, 200), (62, 503)])
def test_ready_needs_a_worker_that_was_heard_within_a_minute(client, silent_s, status):
    worker_was_heard(silent_s)

    answer = client.get("/readyz")

    assert answer.status_code == status
    assert answer.json["jobs"] == ("ok" if status == 200 else "the worker has been silent for 62 s")


def test_ready_needs_the_newest_migration(client):
    worker_was_heard(0)
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["migration"].endswith("run `flask database upgrade`")


def test_ready_needs_a_database(client, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://rasai@127.0.0.1:9/none")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["database"] == "does not answer"
    engine().dispose()


def test_figures_count_requests_by_route_and_say_how_far_judging_is_behind(client):
    worker_was_heard(3)
    with transaction() as session:
        session.execute(text("INSERT INTO waiting (campaign_id, since) VALUES (1, now() - interval '90 s')"))
    client.get("/healthz")

    figures = client.get("/metrics", environ_base={"REMOTE_ADDR": "127.0.0.1"}).text

    assert 'rasai_requests_total{method="GET",route="/healthz",status="200"}' in figures
    assert "rasai_waiting 1.0" in figures
    assert 90 <= figure(figures, "rasai_judging_lag_seconds") < 120
    assert 3 <= figure(figures, "rasai_worker_silent_seconds") < 33


def figure(figures: str, name: str) -> float:
    return float(next(line for line in figures.splitlines() if line.startswith(f"{name} ")).split()[1])
