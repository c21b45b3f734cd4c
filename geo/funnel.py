"""How far may a share lie from the common one by chance alone? Limits of a funnel plot, exact for counts."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

LARGEST = 20_000  # of n: beyond, the limits hardly change any more


def share_limits(common: float, n: Whole, within: float) -> tuple[Floats, Floats]:
    """Lowest and highest share that chance gives in `within` of all cases, for each number of trials.

    common : share over all, 0 … 1.   n : (k,) trials, at least 1; more than 20,000 count as 20,000
    returns : (low, high), (k,) each: quantiles of the binomial distribution ÷ n.   raises ValueError beyond 0 … 1
    source : Spiegelhalter 2005, doi:10.1002/sim.1970, without his adjustment for overdispersion
    """
    if not 0 <= common <= 1 or not 0 < within < 1:
        raise ValueError(f"shares lie between 0 and 1: {common}, {within}")
    tail = (1 - within) / 2
    sizes, which = np.unique(np.minimum(n, LARGEST), return_inverse=True)
    pairs = [_quantiles(common, int(size), tail) for size in sizes]
    low, high = np.array(pairs, np.float64).reshape(-1, 2)[which].T
    return low, high


def _quantiles(common: float, size: int, tail: float) -> tuple[float, float]:
    if common in (0.0, 1.0):
        return common, common
    successes = np.arange(size + 1)
    chances = np.exp(
        _LOG_FACTORIAL[size] - _LOG_FACTORIAL[successes] - _LOG_FACTORIAL[size - successes]
        + successes * np.log(common) + (size - successes) * np.log1p(-common)
    )  # fmt: skip
    so_far = np.cumsum(chances)
    low, high = int(np.searchsorted(so_far, tail)), int(np.searchsorted(so_far, 1 - tail))
    return low / size, min(high, size) / size


_LOG_FACTORIAL = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, LARGEST + 1)))])
