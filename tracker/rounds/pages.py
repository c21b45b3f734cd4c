"""Rounds compared: trends by area, and settlements that are missed again and again."""

from datetime import UTC, datetime

from apiflask import APIBlueprint
from flask import render_template, request

from tracker.accounts.identity import SEE_NUMBERS, may, signed_in
from tracker.accounts.scope import campaign_in_scope, reading
from tracker.coverage.outlines import own_areas, placed_areas
from tracker.database import transaction
from tracker.evening.pages import area_choices
from tracker.orders.reasons import REASON_WORDS
from tracker.rounds.comparing import compare_rounds, trend
from tracker.rounds.vintages import ask_for_shares

pages = APIBlueprint("rounds_pages", __name__, enable_openapi=False)


@pages.get("/campaigns/<code>/rounds")
@may(SEE_NUMBERS)
def rounds(code: str) -> str:
    scope, now = signed_in().scope, datetime.now(UTC)
    level, area = request.args.get("level"), request.args.get("area") or None
    with reading(scope) as session:
        campaign = campaign_in_scope(session, code, scope)
        compared = compare_rounds(session, campaign, scope, level, area, now=now)
        areas, own = placed_areas(session, campaign), own_areas(session, campaign, scope)
    if compared.shares_missing:
        with transaction() as session:
            for other in compared.shares_missing:
                ask_for_shares(session, other.vintage, campaign.vintage)
    return render_template(
        "rounds/rounds.html", campaign=campaign, compared=compared, trend=trend, area=area,
        area_choices=area_choices(own, areas), reason_words=REASON_WORDS,
    )  # fmt: skip
