"""Long lists in pages: how many rows at once, and where the next page begins.

A cursor is opaque to those who use it and signed by the installation for the list that it was made for, so that it
cannot be made up and leads nowhere in another list.
"""

from collections.abc import Mapping

from flask import current_app, request
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer

from tracker.errors import WrongRequest

LARGEST_PAGE = 5_000


def page_limit(query: Mapping[str, str], default: int | None) -> int | None:
    """`limit` of a query, 1 to 5,000; WrongRequest for anything else."""
    words = query.get("limit")
    if words is None:
        return default
    if not (words.isascii() and words.isdigit() and len(words) <= 6 and 1 <= int(words) <= LARGEST_PAGE):
        raise WrongRequest(field="limit", why=_("a whole number from 1 to {largest}.").format(largest=LARGEST_PAGE))
    return int(words)


def write_cursor(place: str) -> str:
    return _signer().dumps(place)


def read_cursor(query: Mapping[str, str], start: str) -> str:
    """Where the page begins; `start` without a cursor. WrongRequest for a cursor that we did not write."""
    words = query.get("cursor")
    if not words:
        return start
    try:
        return str(_signer().loads(words))
    except BadSignature:
        raise WrongRequest(field="cursor", why=_("this is no place in the list. Begin without it.")) from None


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key or "", salt=f"cursor of {request.path}")
