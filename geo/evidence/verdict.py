"""How a question about a claim is answered: a verdict, the reason in words, and the numbers behind it."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal

Word = Literal["supports", "contradicts", "cannot tell"]
QUESTIONS = ("gain", "open_before", "prepared", "kept", "plantable")
DECIMALS = 6  # of every number that leaves: the same inputs give the same bytes


@dataclass(frozen=True)
class Verdict:
    """`numbers` are named with their units; None among them: not to be had."""

    verdict: Word
    reason: str
    numbers: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {"verdict": self.verdict, "reason": self.reason, **rounded(self.numbers)}


def cannot_tell(reason: str, **numbers: Any) -> Verdict:
    return Verdict("cannot tell", reason, numbers)


def supports(reason: str, **numbers: Any) -> Verdict:
    return Verdict("supports", reason, numbers)


def contradicts(reason: str, **numbers: Any) -> Verdict:
    return Verdict("contradicts", reason, numbers)


def rounded(value: Any) -> Any:
    """The same structure with every number at DECIMALS; what is no number (NaN) becomes None, -0.0 becomes 0.0."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return round(float(value), DECIMALS) + 0.0 if math.isfinite(value) else None
    return value
