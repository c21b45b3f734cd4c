"""Which day and hour was it there? Instants into a zone's calendar, many at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

QUARTER_S = 900  # no zone changes its offset within a quarter of an hour


def local_clock(at_s: np.ndarray, zone: ZoneInfo) -> tuple[np.ndarray, np.ndarray]:
    """Local day (datetime64[D]) and seconds since local midnight (float64) of instants in seconds since the epoch:
    (n,), (n,).
    """
    quarters, which = np.unique(np.floor_divide(at_s, QUARTER_S).astype(np.int64), return_inverse=True)
    offset_s = np.array([_offset_s(int(q) * QUARTER_S, zone) for q in quarters], float)
    local = at_s + offset_s[which] if len(quarters) else np.asarray(at_s, float)
    day = np.floor_divide(local, 86400)
    return day.astype(np.int64).astype("datetime64[D]"), local - day * 86400


def _offset_s(at_s: int, zone: ZoneInfo) -> float:
    offset = datetime.fromtimestamp(at_s, UTC).astimezone(zone).utcoffset()
    return offset.total_seconds() if offset else 0.0
