"""Where along a Hilbert curve does a place lie? Neighbours on the curve are neighbours on the ground."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LEVELS = 16  # 65,536 cells a side


def hilbert_index(x: Floats, y: Floats) -> Whole:
    """Places in order along the curve over their own bounding square.

    x, y : (n,) in any unit.   returns : (n,) 0…4^LEVELS − 1
    source : the classic algorithm (Warren, Hacker's Delight, 2nd ed., section 16-2), for whole arrays
    """
    if not len(x):
        return np.empty(0, np.int64)
    side = max(float(np.ptp(x)), float(np.ptp(y)), 1e-12)
    most = 2**LEVELS - 1
    column, row = (np.clip((v - v.min()) / side * most, 0, most).astype(np.int64) for v in (x, y))
    along = np.zeros(len(x), np.int64)
    for level in range(LEVELS - 1, -1, -1):
        half = 1 << level
        right, upper = (column & half) > 0, (row & half) > 0
        along += half * half * ((3 * right) ^ upper)
        turned = ~upper
        mirrored = turned & right
        column = np.where(mirrored, most - column, column)
        row = np.where(mirrored, most - row, row)
        column, row = np.where(turned, row, column), np.where(turned, column, row)
    return along
