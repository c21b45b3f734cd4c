"""Which visits are to be believed? Every visit of the teams with news is located, asked about and given its standing.

Reads what waits, and for the teams concerned all visits of the round, as arrays. Writes flags, standing and place where they
differ from what is kept. Hands on what it judged, so that the same arrays are counted in the same transaction.
"""
from dataclasses import dataclass

import numpy as np

from tracker.campaigns.models import Campaign


@dataclass(frozen=True)
class Judged:
    """Some teams of a campaign, judged whole: whatever counts these teams had before is to be replaced."""

    campaign: Campaign
    team_ids: list[int]     # also those that have no visit any more
    visits: np.ndarray      # (n,) geo.visits.VISIT, sorted by (team, at_us, instance); replaced ones are there, with standing 4
    days: np.ndarray        # (n,) datetime64[D]: the visit's day in the campaign's zone
