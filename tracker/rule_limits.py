"""What rules of visits and of claims share: how grave a finding is, and limits that a campaign may set otherwise."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

WARN, DOUBT, REJECT = 1, 2, 3
LARGEST = 1_000_000  # of any limit, whatever its unit: more would switch the rule off unsaid
SEVERITY_NAMES = {WARN: "warn", DOUBT: "doubt", REJECT: "reject"}


class RuleLimits(BaseModel):
    """What of a rule can be set; itself: nothing. Whole numbers stay whole, none is negative, an unknown name is
    refused.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _not_negative(self) -> Self:
        for name, value in self:
            if value < 0:
                raise ValueError(f"{name} cannot be negative")
            if value > (24 if name.endswith("_hour") else LARGEST):
                raise ValueError(f"{name} is too large")
        return self
