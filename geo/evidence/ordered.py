"""Medians and quantiles of columns in which some values are missing (NaN): exact, as numpy's, and without a loop."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def medians(values: Floats) -> Floats:
    """Of each column of (t, n): the mean of the two in the middle; NaN where all are missing."""
    return quantiles(values, 0.5)


def quantiles(values: Floats, share: float) -> Floats:
    """Of each column of (t, n), linear between neighbours; NaN where all are missing."""
    if not len(values):
        return np.full(values.shape[1:], np.nan)
    ordered = np.sort(values, axis=0)  # missing ones last
    at = (np.isfinite(values).sum(0) - 1) * share
    low = np.clip(np.floor(at), 0, None).astype(np.intp)
    high = np.clip(np.ceil(at), 0, None).astype(np.intp)
    below, above = (np.take_along_axis(ordered, which[None], axis=0)[0] for which in (low, high))
    return np.asarray(np.where(low == high, below, (1 - (at - low)) * below + (at - low) * above))


def medians_of_others(values: Floats) -> Floats:
    """(t, k) of (t, k): for each value the median of the other values of its row; NaN where it is missing itself."""
    order = np.argsort(values, axis=1, kind="stable")
    ordered = np.take_along_axis(values, order, axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(values.shape[1])[None], axis=1)
    others = np.isfinite(values).sum(1)[:, None] - 1
    last = values.shape[1] - 1

    def without_own(which: npt.NDArray[np.intp]) -> Floats:
        """The value at this place among the others: one further where one's own stands before."""
        return np.take_along_axis(ordered, np.clip(which + (which >= rank), 0, last), axis=1)

    low, high = (others - 1) // 2, others // 2
    middle = (without_own(np.broadcast_to(low, rank.shape)) + without_own(np.broadcast_to(high, rank.shape))) / 2
    return np.where(np.isfinite(values) & (others > 0), middle, np.nan)
