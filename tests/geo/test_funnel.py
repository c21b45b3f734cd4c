"""How far may a share lie from the common one by chance alone?"""

import numpy as np
import pytest
from scipy.stats import binom

from geo.funnel import share_limits


@pytest.mark.parametrize("within", [0.95, 0.998])
@pytest.mark.parametrize("common", [0.01, 0.1, 0.5, 0.97])
def test_limits_are_the_quantiles_of_the_binomial_distribution(common, within):
    n = np.array([1, 20, 137, 2000])
    tail = (1 - within) / 2

    low, high = share_limits(common, n, within)

    assert (low * n).round().tolist() == binom.ppf(tail, n, common).tolist()
    assert (high * n).round().tolist() == binom.ppf(1 - tail, n, common).tolist()


def test_where_nobody_or_everybody_is_questioned_there_is_no_room_for_chance():
    assert [limit.tolist() for limit in share_limits(0.0, np.array([50]), 0.95)] == [[0.0], [0.0]]
    assert [limit.tolist() for limit in share_limits(1.0, np.array([50]), 0.95)] == [[1.0], [1.0]]
    with pytest.raises(ValueError, match="between 0 and 1"):
        share_limits(1.2, np.array([50]), 0.95)
