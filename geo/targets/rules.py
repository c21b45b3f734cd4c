"""How long does work take, how much may a team-day hold, and what is a better plan? All figures of one campaign."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """Defaults are our choice unless said otherwise; each can be set per campaign."""

    minutes_a_household: float = 3.0  # visit, mark, tally
    people_a_household: float = 7.5  # where households are not listed; the median of KP's census localities is 8.1
    speed_kmh: float = 3.5  # on level ground
    detour: float = 1.3  # walked ÷ straight line
    hours: float = 6.5  # most field hours of a team-day: after assembly, ways there and back, and rest
    children: int = 150  # most children of a team-day
    block_children: int = 0  # most children of a block; 0: a quarter of the mean team-day, within the two limits below
    smallest_block: int = 10
    largest_block: int = 40
    transport_km: float = 3.0  # a longer way between two stops needs transport
    latest_day: int = 2  # priority settlements are visited by this day (1 is the first)
    filled_to: float = 0.85  # of the hours there are: lumps remain, and a plan that fills more is over somewhere
    teams_a_zone: int = 4  # per area in charge
    start_minute: int = 8 * 60  # teams begin at 08:00
    rounds: int = 30  # of disturbance and repair; 0: quicker, and 2–7 % more walking

    @property
    def minutes_a_metre(self) -> float:
        """Of walking between two places, straight line."""
        return self.detour * 60 / (self.speed_kmh * 1000)

    @property
    def capacity_minutes(self) -> float:
        return self.hours * 60


# weights of the objective: doubling one against another moves the 95th percentiles by 0.03 and walking by 3–7 %
FREE_SHARE = 0.10  # a team-day may differ so much from the mean before it costs
UNBALANCED = 60.0  # per square of what it differs more
WALKED_MINUTE = 0.02
IN_PIECES = 3.0  # a team-day that is not connected
AREA_IN_PIECES = 1.5  # a team's days together
OVER_CAPACITY = 20.0  # per share of a cap exceeded
NEED_UNMET = 12.0  # per unit
PRIORITY_LATE = 6.0  # per unit after its latest day
PRIORITY_WAITS = 0.02  # per unit and day
