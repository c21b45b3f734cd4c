"""Can so much have been planted in a month?"""

from bisect import bisect_left
from collections import defaultdict
from datetime import date

import numpy as np
from flask_babel import lazy_gettext as _l

from tracker.plantations.rules.rule import Asked, CampaignClaims, ClaimRule
from tracker.rule_limits import DOUBT, RuleLimits


class Limits(RuleLimits):
    over_stock: float = 1.1  # stems of a month ÷ plants that nurseries gave out until its end; our choice
    times_before: float = 10.0  # the same implementer's month before, of which 0 counts as 1; our choice
    above_stems: int = 100_000  # only then does a jump count; our choice


def ask(claims: CampaignClaims, limits: Limits) -> Asked:
    """Natural regeneration plants nothing and is left out."""
    counted = ~np.isnan(claims.stems) & ~np.isnat(claims.planted_on) & (claims.kind != "enclosure")
    month = claims.planted_on.astype("datetime64[M]").astype(int)  # months since 1970
    in_month: dict[int, float] = defaultdict(float)
    by_implementer: dict[tuple[str, int], float] = defaultdict(float)
    for k in np.flatnonzero(counted):
        in_month[month[k]] += claims.stems[k]
        if claims.implementer[k]:
            by_implementer[claims.implementer[k], month[k]] += claims.stems[k]
    given_out = {of: _issued(claims.issued, int(of)) for of in in_month}
    rows, stems, stock, before = [], [], [], []
    for k in np.flatnonzero(counted):
        mine = by_implementer.get((claims.implementer[k], month[k]), 0.0)
        month_before = by_implementer.get((claims.implementer[k], month[k] - 1), 0.0)
        jumps = mine > limits.times_before * max(month_before, 1) and mine > limits.above_stems
        issued = given_out[month[k]]
        beyond = issued is not None and in_month[month[k]] > limits.over_stock * issued
        if jumps or beyond:
            rows.append(k)
            stems.append(in_month[month[k]] if beyond else mine)
            stock.append(np.nan if issued is None else issued)
            before.append(month_before)
    numbers = {"stems": np.array(stems), "stock": np.array(stock), "month_before": np.array(before)}
    return Asked(np.array(rows, dtype=int), np.full(len(rows), DOUBT), numbers)


def _issued(issued: list[tuple[date, int]], month: int) -> int | None:
    """Plants given out until the end of a month (months since 1970); None: nothing is known of nurseries."""
    if not issued:
        return None
    first_after = date(1970 + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return sum(stems for _day, stems in issued[: bisect_left([day for day, _stems in issued], first_after)])


RULE = ClaimRule(
    name="pace",
    question=_l("Can so much have been planted in a month?"),
    limits=Limits(),
    ask=ask,
    message=_l("{stems} stems in one month: more than nurseries had given out, or many times the month before"),
    advice=_l("Several months may have been reported as one. Ask for delivery notes of the nurseries."),
    over_the_campaign=True,
)
