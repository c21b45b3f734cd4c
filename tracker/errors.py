"""What can go wrong, in the domain's words, and the one place where it becomes an HTTP answer.

A domain error keeps the facts; its sentence is translated where it is shown. Commands print the same sentence.
"""

import json
import secrets
from dataclasses import asdict, dataclass
from typing import Any

import psycopg2
from apiflask.exceptions import HTTPError
from flask import Flask, Response, current_app, g, render_template, request
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from pydantic import ValidationError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException

PROBLEM = "application/problem+json"


class RasaiError(Exception):
    """Something that a person can act on. Subclasses give `message`, a sentence with {facts}."""

    message: Any = _l("Something went wrong.")
    status = 400  # how errors.py answers over HTTP
    exit_code = 1  # how a command ends

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__(facts)

    def __str__(self) -> str:
        return str(self.message).format(**self.facts)


class SettingMissing(RasaiError):
    message = _l("Setting {name}: {why}.")
    exit_code = 2


class NotFound(RasaiError):
    """It does not exist, or lies outside the areas of the person asking: the two are not told apart."""

    message = _l("Not found, or not in your areas.")
    status = 404


class NotSignedIn(RasaiError):
    message = _l("Sign in first.")
    status = 401


class NotAllowed(RasaiError):
    message = _l("Your role may not do this. Ask a coordinator of your area.")
    status = 403


class CampaignClosed(RasaiError):
    message = _l("Campaign {code} is closed. Ask a coordinator to reopen it.")
    status = 422


class WrongRequest(RasaiError):
    """The question itself cannot be understood: `field` of the request, and why."""

    message = _l("{field}: {why}")
    status = 422
    exit_code = 2


@dataclass(frozen=True)
class RowError:
    """Why one row of an upload was refused. `row`: 1 is the first data row; 0 the whole document."""

    row: int
    field: str
    rule: str  # short and stable, for programs
    message: str  # for people: what was read, and what to change

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class RowsRefused(RasaiError):
    """An all-or-nothing upload in which at least one row cannot be taken."""

    message = _l("Nothing was written. Rows that cannot be taken: {count}.")
    status = 422

    def __init__(self, errors: list[RowError], **facts: Any) -> None:
        self.errors = errors
        super().__init__(count=len(errors), **facts)


# how an answer begins, by status: what happened, and what to do when the error itself has no words
WORDS: dict[int, tuple[Any, Any]] = {
    400: (_l("We could not read this request"), _l("Go back, load the page again and try once more.")),
    401: (_l("You are not signed in"), _l("Sign in first.")),
    403: (_l("Not allowed"), _l("Your role may not do this. Ask a coordinator of your area.")),
    404: (_l("Not found"), _l("Not found, or not in your areas.")),
    405: (_l("This address does not do that"), _l("It answers other kinds of request; the Allow header names them.")),
    409: (_l("This clashes with what is there"), _l("Load the page again to see what changed.")),
    413: (_l("Too large"), _l("Send it in smaller parts.")),
    415: (_l("Not a format we read"), _l("Send JSON (application/json) or NDJSON (application/x-ndjson).")),
    422: (_l("Some of this needs a change"), _l("Correct what is named below and send it again.")),
    429: (_l("Too many tries"), _l("Wait a little and try again.")),
    500: (_l("We could not do this"), _l("The fault is ours and is noted. Try again; if it stays, tell us the code.")),
    503: (_l("The service is not ready"), _l("The database does not answer. Try again in a minute.")),
}
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that is mistaken for another when read out over the phone


def attach(app: Flask) -> None:
    """Every error becomes a problem document (API, tiles) or a page, with a code to quote; never a traceback."""
    app.register_error_handler(RasaiError, _answer_domain)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(HTTPError, _answer_unfit)
    app.register_error_handler(DataError, _answer_data)
    for gone in (OperationalError, psycopg2.OperationalError, psycopg2.InterfaceError):
        app.register_error_handler(gone, _answer_database)
    app.register_error_handler(Exception, _answer_unexpected)


def answers_with_problem() -> bool:
    """Whether a program asks, so that errors are problem documents (RFC 9457); else they are pages for people."""
    if request.path.startswith(("/api/", "/tiles/", "/oapi")):
        return True
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def code_to_quote() -> str:
    """Short code of this request: it stands in the answer to an error and in the log."""
    if "code" not in g:
        g.code = "".join(secrets.choice(CODE_LETTERS) for _ in range(6))
    return str(g.code)


def _answer_domain(error: RasaiError) -> Response:
    return _answer(error.status, str(error), _errors_of(error), retry_after_s=error.facts.get("retry_after_s"))


def _errors_of(error: RasaiError) -> list[dict[str, Any]]:
    if isinstance(error, RowsRefused):
        return [row.as_dict() for row in error.errors]
    if isinstance(error, WrongRequest):
        return [RowError(0, str(error.facts["field"]), "wrong_request", str(error.facts["why"])).as_dict()]
    return []


def _answer_http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400 or error.response is not None:  # a redirect, or an answer made already
        return error
    detail = error.description if isinstance(error, CSRFError) else None
    answer = _answer(status, detail, [])
    for name in ("Allow", "Retry-After"):
        for value in (v for k, v in error.get_headers() if k == name):
            answer.headers[name] = value
    return answer


def _answer_unfit(error: HTTPError) -> Response:
    """What APIFlask's reading of query or body refused: the fields by name, as pydantic found them."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return _answer(error.status_code, str(error.message) if error.message else None, [])
    found = cause.errors(include_url=False, include_context=False, include_input=False)
    rows = [RowError(0, ".".join(map(str, e["loc"])) or "body", e["type"], e["msg"]).as_dict() for e in found]
    return _answer(422, None, rows)


def _answer_data(error: DataError) -> Response:
    """A value that the database cannot hold, such as a number far out of range."""
    current_app.logger.warning("value refused by the database (code %s)", code_to_quote(), exc_info=error)
    return _answer(422, str(_l("A value is out of the range that can be kept.")), [])


def _answer_database(error: Exception) -> Response:
    current_app.logger.error("the database does not answer (code %s)", code_to_quote(), exc_info=error)
    return _answer(503, None, [], retry_after_s=5)


def _answer_unexpected(error: Exception) -> Response:
    current_app.logger.error("unexpected error (code %s)", code_to_quote(), exc_info=error)
    return _answer(500, None, [])


def _answer(
    status: int, detail: str | None, errors: list[dict[str, Any]], retry_after_s: int | None = None
) -> Response:
    title, what_to_do = WORDS.get(status, WORDS[500 if status >= 500 else 400])
    detail, code = detail or str(what_to_do), code_to_quote()
    if answers_with_problem():
        problem = {
            "type": "about:blank",
            "title": str(title),
            "status": status,
            "detail": detail,
            "code": code,
            "errors": errors,
        }
        answer = current_app.response_class(json.dumps(problem, ensure_ascii=False), status, mimetype=PROBLEM)
    else:
        facts = {"status": status, "title": title, "detail": detail, "errors": errors, "code": code}
        page = render_template("error.html", **facts, bare=status >= 500)  # bare: reads nothing, for what may be down
        answer = current_app.response_class(page, status)
    if status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    if retry_after_s:
        answer.headers["Retry-After"] = str(retry_after_s)
    return answer
