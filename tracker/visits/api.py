"""Visits over HTTP: sending and reading."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from apiflask import APIBlueprint
from flask import Response, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import UnsupportedMediaType

from tracker.accounts.identity import SEE_VISITS, SEND_VISITS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.errors import RowsRefused, WrongRequest
from tracker.paging import page_limit, read_cursor, write_cursor
from tracker.visits.intake import Answer, Raw, find_round, take_in_array, take_in_lines, take_in_one
from tracker.visits.reading import Place, VisitFilter, list_visits

api = APIBlueprint("visits_api", __name__, tag="Visits")

JSON, NDJSON = "application/json", "application/x-ndjson"
STATUS = {"accepted": 201, "duplicate": 200, "conflict": 409, "rejected": 422}


class Conflict(RowsRefused):
    """The id is known with other content: nothing was changed."""

    message = _l("This visit is there already with other content.")
    status = 409


@api.post("/campaigns/<code>/visits")
@api.doc(
    summary="Send visits",
    description="One object: 201 accepted, 200 duplicate, 409 conflict, 422 refused. An array, or NDJSON"
    " (application/x-ndjson), of at most 1,000: 200 with one result a row, in the order sent. A 2xx answer is a"
    " promise: the visit survives.",
)
@may(SEND_VISITS)
def post_visits(code: str) -> Response:
    scope, media_type = signed_in().scope, request.mimetype
    if media_type not in (JSON, NDJSON) or request.headers.get("Content-Encoding", "identity") != "identity":
        find_round(code, scope)
        raise UnsupportedMediaType
    raw = Raw(request.get_data(cache=False), media_type)
    if media_type == NDJSON:
        return _many(take_in_lines(code, scope, raw))
    if raw.body[:100].lstrip()[:1] == b"[":
        return _many(take_in_array(code, scope, raw))
    return _one(take_in_one(code, scope, raw))


def _one(answer: Answer) -> Response:
    if answer.status == "rejected":
        raise RowsRefused(answer.errors)
    if answer.status == "conflict":
        raise Conflict(answer.errors)
    return Response(orjson.dumps(_told(answer)), STATUS[answer.status], mimetype=JSON)


def _many(answers: list[Answer]) -> Response:
    counts = {status: sum(a.status == status for a in answers) for status in STATUS}
    return Response(orjson.dumps({**counts, "results": [_told(a) for a in answers]}), 200, mimetype=JSON)


def _told(answer: Answer) -> dict[str, Any]:
    return {
        "instance_id": answer.instance_id,
        "status": answer.status,
        "errors": [error.as_dict() for error in answer.errors],
    }


@api.get("/campaigns/<code>/visits")
@api.doc(
    summary="Visits with their flags, newest first",
    description="Filters: settlement, team, day, standing (valid, doubtful, rejected, replaced, waiting), flag (a"
    " rule's name). In pages of `limit`; `next` is the cursor of the next one.",
)
@may(SEE_VISITS)
def get_visits(code: str) -> dict[str, Any]:
    scope = signed_in().scope
    limit = page_limit(request.args, 100) or 100
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        rows, last = list_visits(session, campaign, scope, _wanted(), limit=limit, below=_below())
    return {"rows": rows, "next": write_cursor(f"{last.visited_at.isoformat()} {last.instance_id}") if last else None}


def _wanted() -> VisitFilter:
    query = request.args
    settlement, team, standing, flag = (query.get(name) or None for name in ("settlement", "team", "standing", "flag"))
    return VisitFilter(settlement, team, _day(query.get("day")), standing, flag)


def _day(words: str | None) -> date | None:
    try:
        return date.fromisoformat(words) if words else None
    except ValueError:
        why = _("{words} is no day such as 2026-10-12.").format(words=words)
        raise WrongRequest(field="day", why=why) from None


def _below() -> Place | None:
    words = read_cursor(request.args, "")
    if not words:
        return None
    try:
        at, instance_id = words.split(" ")
        return Place(datetime.fromisoformat(at), str(UUID(instance_id)))
    except ValueError:  # a cursor of another list
        raise WrongRequest(field="cursor", why=_("this is no place in the list. Begin without it.")) from None
