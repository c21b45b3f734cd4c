"""The checks that every visit passes, in the order in which their bits stand in `visit.flags`.

Adding a rule: one file here, one line at the END of this list (bits are kept), one test.
"""

from tracker.visits.rules import (
    arithmetic,
    clock,
    copied,
    impossible_speed,
    mock_location,
    no_position,
    outside_campaign_area,
    outside_hours,
    outside_team_area,
    pace,
    repeated_household,
    repeated_position,
    rounded_position,
    settlement_mismatch,
    stacked,
    team_pattern,
    weak_position,
)

RULES = (
    outside_campaign_area.RULE,
    outside_team_area.RULE,
    settlement_mismatch.RULE,
    no_position.RULE,
    weak_position.RULE,
    outside_hours.RULE,
    clock.RULE,
    impossible_speed.RULE,
    stacked.RULE,
    pace.RULE,
    copied.RULE,
    repeated_position.RULE,
    rounded_position.RULE,
    mock_location.RULE,
    arithmetic.RULE,
    repeated_household.RULE,
    team_pattern.RULE,
)
BY_NAME = {rule.name: rule for rule in RULES}


def bit_of(name: str) -> int:
    """Place of a rule's bit in `visit.flags`."""
    return next(bit for bit, rule in enumerate(RULES) if rule.name == name)


def names_of(flags: int) -> list[str]:
    """Rule names of a bit mask, in the list's order."""
    return [rule.name for bit, rule in enumerate(RULES) if flags >> bit & 1]
