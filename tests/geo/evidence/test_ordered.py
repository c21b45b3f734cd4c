"""The same medians as numpy's, also where values are missing."""

import warnings

import numpy as np
import pytest

from geo.evidence.ordered import medians, medians_of_others, quantiles


@pytest.fixture
def holes():
    rng = np.random.default_rng(6)
    values = rng.normal(0, 1, (17, 40)).round(2)  # with ties
    values[rng.random(values.shape) < 0.3] = np.nan
    values[:, 3], values[:16, 4] = np.nan, np.nan
    return values


def test_medians_and_quantiles_are_numpys(holes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        np.testing.assert_allclose(medians(holes), np.nanmedian(holes, axis=0), rtol=0, atol=1e-15)
        np.testing.assert_allclose(quantiles(holes, 0.9), np.nanpercentile(holes, 90, axis=0), rtol=0, atol=1e-14)


def test_medians_of_others_leave_oneself_out(holes):
    found = medians_of_others(holes)

    for t in range(17):
        for k in range(40):
            others = np.delete(holes[t], k)
            wanted = np.nanmedian(others) if np.isfinite(holes[t, k]) else np.nan
            np.testing.assert_allclose(found[t, k], wanted, rtol=0, atol=1e-15)


def test_of_nothing_there_is_no_median():
    assert np.isnan(medians(np.empty((0, 3)))).all()
    assert np.isnan(medians_of_others(np.array([[1.0, np.nan]]))).all()
