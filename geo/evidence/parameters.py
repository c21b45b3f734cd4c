"""Every number that decides about evidence, in one typed object that is written into each record."""

from dataclasses import asdict, dataclass
from typing import Any

Season = tuple[tuple[int, int], tuple[int, int]]  # first and last (month, day)


@dataclass(frozen=True)
class Parameters:
    """Defaults are those of Khyber Pakhtunkhwa. Lengths in metres, times in days, indices without unit."""

    # pixels
    least_weight: float = 0.5  # pixels covered by less are left out
    full_weight: float = 0.999
    full_pixels: int = 8
    lost_share: float = 0.6
    clear_share: float = 0.8  # of the claim's weight, for a date to count
    box_clear_share: float = 0.5  # of the pixels around, for a date to count
    snow_share: float = 0.05
    # control blocks
    shifts: int = 5
    shift_step_m: float = 60.0
    keep_away_m: float = 30.0
    layer_share: float = 0.2
    block_pre: tuple[int, float] = (5, 0.6)  # dates: at least so many, and this share of the claim's
    block_post: tuple[int, float] = (4, 0.6)
    distance: float = 0.10
    blocks: int = 30
    blocks_needed: int = 12
    blocks_at_a_date: int = 8
    # periods
    seasons: tuple[Season, Season] = (((10, 1), (12, 15)), ((4, 15), (6, 20)))  # grass is brown, evergreens are not
    deciduous: tuple[str, ...] = ("walnut",)  # bare in the first season: only the second counts
    pre_days: int = 1095
    pre_ends_days: int = 60
    post_after_days: int = 180
    post_days: int = 400
    pre_dates: int = 6
    post_dates: int = 5
    half_dates: int = 4
    # gain
    least_spread: float = 0.010
    least_gain: float = 0.02
    least_gain_unexplained: float = 0.03  # where nobody said what to expect
    # open_before
    forest_median: float = 0.45
    forest_second_lowest: float = 0.35
    forest_dates: int = 4  # in each season
    brown_season: float = 0.35
    forest_share: float = 0.30
    open_layer_share: float = 0.10
    open_share: float = 0.05
    tree_cover_percent: float = 30.0
    cover_years: int = 3
    known_weight: float = 0.8  # pixels of this share of the weight must have enough dates
    # prepared
    prepared_days: int = 120
    least_fall: float = 0.05
    bare_rise: float = 0.03
    # kept
    memory_days: int = 400
    memory_dates: int = 6
    least_loss: float = 0.10
    recent_days: int = 365
    recent_dates: int = 12
    longest_gap_days: int = 90
    least_noise: float = 0.02
    # plantable
    wet_dates: int = 6
    wet_ndvi: float = 0.10
    barren_ndvi: float = 0.12
    barren_dates: int = 10
    barren_days: int = 365
    barren_share: float = 0.8
    barren_age_years: float = 3.0
    unplantable_share: float = 0.5
    plantable_share: float = 0.05

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "random_seed": None}  # nothing is drawn


DEFAULTS = Parameters()
