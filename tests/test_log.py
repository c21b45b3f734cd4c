"""What must not stand in a log does not."""

import io
import json
import logging
import sys

import pytest

from tracker import log


@pytest.fixture
def lines(monkeypatch):
    """Everything logged, as the documents that a collector would read."""
    written = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", written)
    log.to_json()
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    root.handlers[:], root.level = before


def test_each_event_is_one_json_document(lines):
    logging.getLogger("rasai.test").warning("round %s opened", "2026-11")

    (event,) = lines()

    assert event["event"] == "round 2026-11 opened"
    assert (event["level"], event["logger"]) == ("warning", "rasai.test")


def test_fields_that_hold_secrets_or_positions_are_taken_out(lines):
    logging.getLogger("rasai.test").warning(
        "sign-in", extra={"password": "sesame", "headers": {"Authorization": "Bearer abc"}, "lon": 71.5, "team": "T1"}
    )

    (event,) = lines()

    assert event["password"] == event["headers"]["Authorization"] == event["lon"] == log.REMOVED
    assert event["team"] == "T1"
    assert "sesame" not in json.dumps(event)


@pytest.mark.parametrize(("words", "secret"), [
    ("GET with Authorization: Bearer q1w2e3r4", "q1w2e3r4"),
    ("postgresql://rasai:s3cret@db.example/rasai does not answer", "s3cret"),
    ("token=q1w2e3r4 was refused", "q1w2e3r4"),
    ("{'lon': 71.49, 'lat': 34.02}", "34.02"),
    ("settlement_mismatch at 71.49213 34.02177", "34.02177"),
    ("(IntegrityError) …\n[SQL: INSERT …]\n[parameters: {'note': 'the house with the blue door'}]", "blue door"),
    ("DETAIL:  Failing row contains (1, amina@kp.example).", "amina"),
])  # fmt: skip
def test_free_text_is_cleaned_too(words, secret):
    assert secret not in log.without_secrets(words)


@pytest.mark.parametrize("words", ["at 2026-11-24 12:33:01.123456", "took 0.25 s, 512.5 MB", "round 2026-11 of KP21"])
def test_what_is_no_secret_stays(words):
    assert log.without_secrets(words) == words


def test_a_traceback_is_cleaned(lines):
    try:
        raise ValueError("no settlement within reach of 71.49213, 34.02177")
    except ValueError:
        logging.getLogger("rasai.test").exception("a pass failed")

    (event,) = lines()

    assert "ValueError: no settlement within reach of" in event["exception"]
    assert "71.49" not in event["exception"]
