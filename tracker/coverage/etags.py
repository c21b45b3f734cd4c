"""When may a browser keep the answer it has? An ETag of what numbers depend on, and of who may see which."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request
from flask_babel import get_locale

from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign


def tagged(
    campaign: Campaign,
    scope: Scope,
    now: datetime,
    make: Callable[[], str | bytes],
    mimetype: str = "application/json",
    *,
    has_numbers: bool = True,
    also: tuple[Any, ...] = (),
) -> Response:
    """The answer, or 304 when the browser has it: same question, language, scope, (when it has numbers) counts, and
    whatever else it hangs on (`also`).
    """
    today = now.astimezone(ZoneInfo(campaign.timezone)).date()
    counted: tuple[Any, ...] = (campaign.id, campaign.revision)
    if has_numbers:
        counted = (*counted, campaign.counted_at, campaign.microplan_id, campaign.state, today)
    who = (scope.role, scope.areas, scope.team_id, scope.settlement_ids)
    tag = hashlib.sha256(repr((counted, also, who, request.full_path, str(get_locale()))).encode()).hexdigest()[:32]
    answer = Response(status=304) if tag in request.if_none_match else _made(make(), mimetype)
    answer.set_etag(tag)
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _made(body: Any, mimetype: str) -> Response:
    return Response(body, mimetype=mimetype) if body else Response(status=204)
