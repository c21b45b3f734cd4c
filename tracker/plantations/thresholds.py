"""Which limits hold for the claims of a campaign? The rules' defaults, overridden where somebody decided so.

A campaign keeps what differs beside the limits of visits: {"claim.RULE": {name: value}}.
"""

from typing import Any

from flask_babel import gettext as _
from pydantic import ValidationError

from tracker.campaigns.models import Campaign
from tracker.errors import WrongRequest
from tracker.plantations.rules import RULES
from tracker.rule_limits import RuleLimits

DEFAULTS: dict[str, RuleLimits] = {rule.name: rule.limits for rule in RULES}


def claim_limits_of(campaign: Campaign) -> dict[str, Any]:
    """The limits of every rule as they hold in this campaign."""
    return {
        rule: type(default).model_validate(campaign.thresholds.get(_key(rule), {}))
        for rule, default in DEFAULTS.items()
    }


def set_claim_limits(campaign: Campaign, rule: str, changes: dict[str, Any]) -> None:
    """Override limits of one rule, others stay; None goes back to the default. The next check goes by them.

    Raises WrongRequest for an unknown rule or name and for a value that makes no sense.
    """
    if rule not in DEFAULTS:
        known = ", ".join(DEFAULTS)
        raise WrongRequest(field=rule, why=_("there is no such rule. Known: {rules}.").format(rules=known))
    kept = {**campaign.thresholds.get(_key(rule), {}), **changes}
    kept = {name: value for name, value in kept.items() if value is not None}
    try:
        type(DEFAULTS[rule]).model_validate(kept)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise WrongRequest(field=".".join([rule, *map(str, first["loc"])]), why=first["msg"]) from None
    others = {name: value for name, value in campaign.thresholds.items() if name != _key(rule)}
    campaign.thresholds = {**others, **({_key(rule): kept} if kept else {})}


def _key(rule: str) -> str:
    return f"claim.{rule}"
