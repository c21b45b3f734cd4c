"""Which limits hold in a campaign? RULES' defaults, overridden where somebody decided so.

A campaign keeps only what differs: {rule: {name: value}}. What cannot be understood is refused when it is set, never
when a visit is judged.
"""

from typing import Any

from flask_babel import gettext as _
from pydantic import Field, ValidationError
from sqlalchemy.orm import Session

from geo.places import WIDEST_REACH_M
from tracker.campaigns.models import Campaign
from tracker.campaigns.settlements import measure_anew
from tracker.errors import WrongRequest
from tracker.visits.rules import RULES
from tracker.visits.rules.rule import SLACK_LIMIT_M, RuleLimits

LOCATING = "locating"


class LocatingLimits(RuleLimits):
    """How far from a settlement a visit may lie that names none."""

    locate_reach_m: float = Field(150.0, le=WIDEST_REACH_M - SLACK_LIMIT_M)
    # metres beyond accuracy from its extent; our choice: villages outgrow what was drawn


DEFAULTS: dict[str, RuleLimits] = {LOCATING: LocatingLimits(), **{rule.name: rule.limits for rule in RULES}}


def limits_of(campaign: Campaign) -> dict[str, Any]:
    """The limits of every rule, and of locating, as they hold in this campaign."""
    return {rule: type(default).model_validate(campaign.thresholds.get(rule, {})) for rule, default in DEFAULTS.items()}


def set_limits(session: Session, campaign: Campaign, rule: str, changes: dict[str, Any]) -> None:
    """Override limits of one rule, others stay; None goes back to the default. All visits wait to be judged anew.

    Raises WrongRequest for an unknown rule or name and for a value that makes no sense.
    """
    if rule not in DEFAULTS:
        raise WrongRequest(
            field=rule, why=_("there is no such rule. Known: {rules}.").format(rules=", ".join(DEFAULTS))
        )
    kept = {**campaign.thresholds.get(rule, {}), **changes}
    kept = {name: value for name, value in kept.items() if value is not None}
    try:
        type(DEFAULTS[rule]).model_validate(kept)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join([rule, *map(str, first["loc"])])
        raise WrongRequest(field=field, why=first["msg"]) from None
    campaign.thresholds = {
        **{r: v for r, v in campaign.thresholds.items() if r != rule},
        **({rule: kept} if kept else {}),
    }
    measure_anew(session, campaign)
