from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo.targets.orders import path_minutes, shortest_path


@pytest.mark.parametrize("directed", [False, True])
@given(st.integers(1, 7), st.integers(0, 10_000))
def test_up_to_seven_places_no_order_is_shorter(directed, n, seed):
    random = np.random.default_rng(seed)
    xy = random.random((n, 2))
    minutes = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))
    minutes = minutes * random.uniform(0.8, 1.3, (n, n)) if directed else minutes

    found = shortest_path(minutes)

    best = min(path_minutes(minutes, list(order)) for order in permutations(range(n)))
    assert sorted(found) == list(range(n))
    assert path_minutes(minutes, found) == pytest.approx(best)


@pytest.mark.parametrize("n", [8, 9])
def test_sets_and_orders_agree(n):
    xy = np.random.default_rng(n).random((n, 2))
    minutes = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))

    found = path_minutes(minutes, shortest_path(minutes))

    steps = np.array(list(permutations(range(n))))
    assert found == pytest.approx(minutes[steps[:, :-1], steps[:, 1:]].sum(axis=1).min())


@pytest.mark.parametrize("n", [10, 40, 200])
def test_longer_ways_visit_all_and_do_not_cross(n):
    xy = np.random.default_rng(n).random((n, 2))
    minutes = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1))

    found = shortest_path(minutes)

    assert sorted(found) == list(range(n))
    assert path_minutes(minutes, found) < 0.95 * np.sqrt(n)
