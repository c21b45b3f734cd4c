"""What a notice says, in words."""

from typing import Any

from flask_babel import gettext as _
from markupsafe import Markup

from tracker import figures


def told_words(kind: str, thing: str, facts: dict[str, Any], *, plain: bool = False) -> Markup | str:
    """A sentence; `plain` without isolates, for mail."""
    sentence, its = _sentence(kind, thing, facts)
    return sentence.format(**its) if plain else figures.sentence(sentence, its)


def _sentence(kind: str, thing: str, facts: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if kind == "silent_team":
        if facts.get("at"):
            words = _("Team {team} has not been heard for {hours} hours (last {at}). The phone may have no signal.")
            return words, {"team": thing, **facts}
        return _("Team {team} has not been heard at all. The phone may have no signal."), {"team": thing}
    if kind == "below_due":
        return _("{confirmed} of {due} children due by now are confirmed, under {per_cent} %."), facts
    return _("{refused} children refused in {settlements} neighbouring settlements; {expected} would be usual."), facts
