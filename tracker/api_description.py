"""How the API describes itself at /api/openapi.json: who gets in, and what an error looks like."""

from typing import Any

from apiflask import APIFlask

from tracker.accounts.identity import SESSION_COOKIE
from tracker.errors import PROBLEM

WAYS_IN = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "After POST /login. What changes something also needs the page's CSRF token as X-CSRFToken.",
    },
}
ROW_ERROR = {
    "type": "object",
    "required": ["row", "field", "rule", "message"],
    "properties": {
        "row": {"type": "integer", "description": "1 is the first row of what was sent; 0 the whole of it."},
        "field": {"type": "string"},
        "rule": {"type": "string", "description": "Short and stable, for programs."},
        "message": {"type": "string", "description": "For people: what was read, and what to change."},
    },
}
PROBLEM_DOCUMENT = {
    "type": "object",
    "description": "RFC 9457.",
    "required": ["type", "title", "status", "detail", "code", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "To quote when asking for help; it stands in the server's log."},
        "errors": {"type": "array", "items": ROW_ERROR},
    },
}


def attach(app: APIFlask) -> None:
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        SECURITY_SCHEMES=WAYS_IN,
        VALIDATION_ERROR_SCHEMA=PROBLEM_DOCUMENT,
        HTTP_ERROR_SCHEMA=PROBLEM_DOCUMENT,
    )
    app.spec_processor(_describe)


def _describe(spec: dict[str, Any]) -> dict[str, Any]:
    spec["security"] = [{name: []} for name in WAYS_IN]
    for methods in spec.get("paths", {}).values():
        for operation in methods.values():
            for status, answer in operation.get("responses", {}).items() if isinstance(operation, dict) else ():
                content = answer.get("content", {})
                if status.startswith(("4", "5")) and "application/json" in content:
                    content[PROBLEM] = content.pop("application/json")
    return spec
