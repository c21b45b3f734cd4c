"""Among many tests at once, which small p-values are still believed?"""

from collections.abc import Sequence

import numpy as np


def q_values(p: Sequence[float | None]) -> list[float | None]:
    """Benjamini–Hochberg's q of each p: the share of false finds in a list that ends with it.

    p : 0…1, None where there was no test; such stay None and are not counted.   returns : as long as p
    source : Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x
    """
    tested = [k for k, value in enumerate(p) if value is not None]
    values = np.array([p[k] for k in tested], dtype=float)
    order = np.argsort(values, kind="stable")
    rank = np.arange(1, len(values) + 1)
    stepped = np.minimum.accumulate((values[order] * len(values) / rank)[::-1])[::-1]
    out: list[float | None] = [None] * len(p)
    for k, q in zip(order, np.minimum(stepped, 1.0), strict=True):
        out[tested[k]] = float(q)
    return out
