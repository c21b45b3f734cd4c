"""Campaigns over HTTP."""

from typing import Any

from apiflask import APIBlueprint

from tracker.accounts.identity import signed_in
from tracker.accounts.scope import reading
from tracker.campaigns.reading import as_dict, campaigns_in_scope

api = APIBlueprint("campaigns_api", __name__, tag="Campaigns")


@api.get("/campaigns")
@api.doc(summary="Campaigns that touch your areas, newest first")
def get_campaigns() -> dict[str, Any]:
    scope = signed_in().scope
    with reading(scope) as session:
        return {"rows": [as_dict(c) for c in campaigns_in_scope(session, scope)], "next": None}
