"""The evening pack on paper: the same sheet as on screen, with everything inside, printed by Chromium."""

from datetime import datetime

from flask import render_template
from flask_babel import get_locale

from tracker.campaigns.models import Campaign
from tracker.evening.pack import GAPS_SHOWN, ORDERS_SHOWN, Pack
from tracker.orders.reasons import REASON_WORDS
from tracker.printing import as_pdf, fonts_inside, styles_inside, symbols_inside

# what the sheet needs beside the pack itself, on screen and on paper
SHEET = {"reason_words": REASON_WORDS, "gaps_shown": GAPS_SHOWN, "orders_shown": ORDERS_SHOWN}


def pack_as_pdf(pack: Pack, campaign: Campaign, made_by: str, now: datetime) -> bytes:
    """Within a request (a command opens one of its own), whose language it speaks."""
    return as_pdf(pack_as_page(pack, campaign, made_by, now))


def pack_as_page(pack: Pack, campaign: Campaign, made_by: str, now: datetime) -> str:
    """The HTML of the printed pack, complete in itself."""
    return render_template(
        "evening/print.html", pack=pack, campaign=campaign, made_by=made_by, now=now, inline_symbols=True,
        fonts=fonts_inside(str(get_locale() or "en")), symbols=symbols_inside(),
        styles=styles_inside("tokens", "base", "components", "orders", "evening", "print"), **SHEET,
    )  # fmt: skip


def file_name(pack: Pack, campaign: Campaign) -> str:
    return f"{campaign.code}-{pack.place.code}-{pack.day.isoformat()}-{get_locale()}.pdf"
