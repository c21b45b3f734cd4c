"""Logs: one JSON document a line, and never a password, a token or a position in it.

`to_json` is called once by each process that serves; commands speak to people instead. What is logged as an ordinary
`logging` record, by us or by a library, takes the same way.
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import structlog

REMOVED = "[removed]"
SECRET_KEYS = frozenset({
    "password", "token", "secret", "secret_key", "authorization", "cookie", "set-cookie", "csrf_token", "x-csrftoken",
    "session", "lon", "lat", "longitude", "latitude", "position", "body", "note", "parameters", "params",
})  # fmt: skip
SECRET_WORDS = (  # in free text: what to look for, and what stays of it
    (re.compile(r"\b(Bearer|Basic)\s+\S+", re.IGNORECASE), rf"\1 {REMOVED}"),
    (re.compile(r"(\w+://)[^/\s:@]+:[^/\s@]*@"), rf"\1{REMOVED}@"),  # user and password in an address
    (re.compile(r"\b(password|token|secret(?:_key)?|cookie|csrf_token|lon|lat)(['\"]?\s*[=:]\s*)[^\s,;&)}\]]+", re.I),
     rf"\1\2{REMOVED}"),
    (re.compile(r"\[parameters: .*?\](?=\n|$)", re.DOTALL), f"[parameters: {REMOVED}]"),  # as SQLAlchemy tells them
    (re.compile(r"(DETAIL:|Failing row contains) .*"), rf"\1 {REMOVED}"),  # as PostgreSQL tells a row
    (re.compile(r"(?<![\d.:])-?\d{1,3}\.\d{4,}\b"), REMOVED),  # a coordinate: four decimals are 11 m
)  # fmt: skip


def to_json(level: int = logging.INFO) -> None:
    """Send everything that is logged in this process to standard error as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars, structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(), structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]  # fmt: skip
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info, redact,
            structlog.processors.JSONRenderer(serializer=_as_line),
        ],
    ))  # fmt: skip
    logging.basicConfig(level=level, handlers=[handler], force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event without what must not stand in a log, however deep it lies."""
    return {key: REMOVED if key.lower() in SECRET_KEYS else _redacted(value) for key, value in event.items()}


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, Mapping):
        return redact(None, "", {str(key): inner for key, inner in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return [_redacted(inner) for inner in value]
    return value


def without_secrets(words: str) -> str:
    """Free text, such as an exception's, without passwords, tokens and coordinates."""
    for looks_like, stays in SECRET_WORDS:
        words = looks_like.sub(stays, words)
    return words


def _as_line(event: dict[str, Any], **_: Any) -> str:
    return orjson.dumps(event, default=lambda thing: without_secrets(repr(thing))).decode()
