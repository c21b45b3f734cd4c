"""How much light does the ground send back? From digital numbers to reflectance, and which pixels to believe."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.generic]

LOWEST, HIGHEST = -0.02, 1.2  # reflectance outside is no land: the pixel is not used
ROUNDING = 1e-9  # a number on a limit is within it
FLOOR = 1e-4  # what lies between LOWEST and this counts as this


def reflectance(dn: Numbers, scale: float, offset: float, nodata: tuple[float, ...] = ()) -> Floats:
    """DN × scale + offset, NaN where it may not be used.

    dn : any shape.   offset : in reflectance.   nodata : digital numbers that mean "nothing there"; NaN always does
    returns : float64 in FLOOR…HIGHEST; NaN for nodata and outside LOWEST…HIGHEST
    """
    values = dn.astype(np.float64)
    rho = values * scale + offset
    with np.errstate(invalid="ignore"):
        usable = (rho >= LOWEST - ROUNDING) & (rho <= HIGHEST + ROUNDING)  # False for NaN
    for number in nodata:
        usable &= values != number
    return np.where(usable, np.clip(rho, FLOOR, HIGHEST), np.nan)


def averaged(values: Floats, factor: int) -> Floats:
    """Means of factor × factor pixels; NaN where one of them is. Rows and columns must be whole multiples."""
    rows, columns = values.shape
    return np.asarray(values.reshape(rows // factor, factor, columns // factor, factor).mean(axis=(1, 3)))
