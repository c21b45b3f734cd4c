import copy

import numpy as np

from geo.targets.replanning import ComingDay, LeftOver, replan
from geo.targets.rules import Rules
from tests.geo.targets.made_ground import units_at, villages


def two_days_and_left_over(left: int = 4):
    """Two zones of 12 units on one coming day each, and some units left over from yesterday."""
    xy, _children = villages(24 + left, side_m=3_000)
    xy[:12, 0] -= 10_000
    u = units_at(xy, np.full(24 + left, 8))
    units = LeftOver(u.lon, u.lat, u.xy, u.minutes, u.children, u.needs.copy(), u.priority,
                     np.r_[np.zeros(12, int), np.ones(12 + left, int)], np.ones(24 + left, bool))  # fmt: skip
    days = [ComingDay(0, 1, 0, 0, list(range(12))), ComingDay(1, 1, 1, 0, list(range(12, 18))),
            ComingDay(2, 1, 1, 0, list(range(18, 24)))]  # fmt: skip
    return units, list(range(24, 24 + left)), days


def test_what_is_left_over_goes_into_its_own_zone_and_nothing_else_moves():
    units, left, days = two_days_and_left_over()
    before = copy.deepcopy(days)

    found = replan(units, left, days, Rules())

    assert set(found.place) == set(left)
    assert all(days[k].zone == 1 for k in found.place.values())
    assert found.moved == found.beyond == []
    assert all(set(was.units) <= set(now.units) for was, now in zip(before, days, strict=True))


def test_nothing_left_over_changes_nothing():
    units, _left, days = two_days_and_left_over()
    before = copy.deepcopy(days)

    found = replan(units, [], days, Rules())

    assert days == before
    assert found.place == {}


def test_a_fixed_team_day_and_one_whose_team_lacks_what_it_takes_are_left_alone():
    units, left, days = two_days_and_left_over()
    units.needs[left] = 1
    days[1].is_fixed, days[1].abilities = True, 1
    days[2].abilities = 1

    found = replan(units, left, days, Rules())

    assert set(found.place.values()) == {2}


def test_what_fits_nowhere_in_time_goes_to_the_catch_up_day():
    units, left, days = two_days_and_left_over()
    days.append(ComingDay(1, 5, 1, 0, [], is_catch_up=True))
    full = Rules(hours=float(max(units.minutes[day.units].sum() for day in days)) / 60)

    found = replan(units, left, days, full)

    assert 3 in found.place.values()


def test_what_exceeds_a_cap_is_told():
    units, left, days = two_days_and_left_over()

    found = replan(units, left, days, Rules(hours=1.0))

    assert set(left) <= set(found.place)
    assert found.beyond
