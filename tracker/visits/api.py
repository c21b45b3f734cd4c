"""Visits over HTTP: sending and reading."""
import json
from datetime import date, datetime
from typing import Any

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from tracker.accounts.identity import SEE_VISITS, SEND_VISITS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.errors import RowError, RowsRefused, WrongRequest
from tracker.paging import page_limit, read_cursor, write_cursor
from tracker.visits.intake import LARGEST_BATCH, Answer, addressee, take_in_many, take_in_one
from tracker.visits.reading import VisitFilter, list_visits

api = APIBlueprint("visits_api", __name__, tag="Visits")

JSON, NDJSON = "application/json", "application/x-ndjson"
LARGEST_BODY_BYTES = 4 * 1024 * 1024
STATUS = {"accepted": 201, "duplicate": 200, "conflict": 409, "rejected": 422}


class Conflict(RowsRefused):
    """The id is known with other content: nothing was changed."""

    message = "{count} visit was there with other content."
    status = 409


@api.post("/campaigns/<code>/visits")
@api.doc(summary="Send visits", description="One object: 201 accepted, 200 duplicate, 409 conflict, 422 refused. An array or NDJSON of at most "
         "1,000: 200 with one result a row, in the order sent. A 2xx answer is a promise: the visit survives.")
@may(SEND_VISITS)
def post_visits(code: str) -> Response:
    scope = signed_in().scope
    to = addressee(code, scope)
    media_type = request.mimetype
    if media_type not in (JSON, NDJSON):
        raise UnsupportedMediaType
    if (request.content_length or 0) > LARGEST_BODY_BYTES:
        raise RequestEntityTooLarge
    body = request.get_data(cache=False)
    if media_type == JSON and not body.lstrip()[:1] == b"[":
        return _one(take_in_one(to, scope, body, media_type))
    sent = _lines(body) if media_type == NDJSON else _array(body)
    if len(sent) > LARGEST_BATCH:
        raise RequestEntityTooLarge
    return _many(take_in_many(to, scope, sent, body, media_type))


def _one(answer: Answer) -> Response:
    if answer.status == "rejected":
        raise RowsRefused(answer.errors)
    if answer.status == "conflict":
        raise Conflict(answer.errors)
    return Response(orjson.dumps({"status": answer.status}), STATUS[answer.status], mimetype=JSON)


def _many(answers: list[Answer]) -> Response:
    results = [{"instance_id": a.instance_id, "status": a.status, "errors": [e.as_dict() for e in a.errors]} for a in answers]
    counts = {status: sum(a.status == status for a in answers) for status in STATUS}
    return Response(json.dumps({**counts, "results": results}, ensure_ascii=True), 200, mimetype=JSON)


def _array(body: bytes) -> list[Any]:
    """The objects of a JSON array; RowsRefused when it is none."""
    try:
        return list(orjson.loads(body))
    except orjson.JSONDecodeError:
        pass        # perhaps one row holds NaN or half a character: read on patiently, so that it is named
    try:
        return list(json.loads(body))
    except (ValueError, RecursionError):
        raise RowsRefused([RowError(0, "body", "not_json", _("This is not readable as JSON in UTF-8."))]) from None


def _lines(body: bytes) -> list[Any]:
    """One object a line; a line that is no JSON becomes its own refused row."""
    found: list[Any] = []
    for line in body.splitlines():
        if line.strip():
            try:
                found.append(orjson.loads(line))
            except orjson.JSONDecodeError:
                found.append(_patiently(line))
    return found


def _patiently(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


@api.get("/campaigns/<code>/visits")
@api.doc(summary="Visits with their flags, newest first")
@may(SEE_VISITS)
def get_visits(code: str) -> dict[str, Any]:
    scope, query = signed_in().scope, request.args
    limit = page_limit(query, 100) or 100
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        rows, then = list_visits(session, campaign, scope, _wanted(), limit=limit, before=_before())
    return {"rows": rows, "next": write_cursor(f"{then[0].isoformat()} {then[1]}") if then else None}


def _wanted() -> VisitFilter:
    query = request.args
    try:
        day = date.fromisoformat(query["day"]) if query.get("day") else None
    except ValueError:
        raise WrongRequest(field="day", why=_("{words} is no day such as 2026-10-12.").format(words=query["day"])) from None
    return VisitFilter(query.get("settlement") or None, query.get("team") or None, day, query.get("standing") or None, query.get("flag") or None)


def _before() -> tuple[datetime, str] | None:
    place = read_cursor(request.args, "")
    at, _space, instance_id = place.partition(" ")
    return (datetime.fromisoformat(at), instance_id) if place else None
