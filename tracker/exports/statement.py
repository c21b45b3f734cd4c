"""What a file says of itself: which rows, counted on which base, as of when, taken out by whom."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tracker.campaigns.models import Campaign

BASE = "target: current base (with logged changes); target_fixed: as published with the microplan"
SUPPRESSED = "targets under 10 are left out"


@dataclass(frozen=True)
class Statement:
    list_name: str
    campaign: str  # code
    campaign_name: str
    filter: str  # as in the address; "all" without one
    base: str
    as_of: str  # ISO 8601, in the campaign's zone
    counted_at: str
    taken_by: str

    def as_dict(self) -> dict[str, str]:
        return {
            "list": self.list_name, "campaign": self.campaign, "campaign_name": self.campaign_name,
            "filter": self.filter, "base": self.base, "as_of": self.as_of, "counted_at": self.counted_at,
            "taken_by": self.taken_by,
        }  # fmt: skip


def statement(
    campaign: Campaign, list_name: str, asked: dict[str, str], *, now: datetime, by: str, role: str
) -> Statement:
    """`asked` is the filter by name, `by` the person's e-mail address."""
    zone = ZoneInfo(campaign.timezone)
    said = "; ".join(f"{name} = {value}" for name, value in sorted(asked.items())) or "all"
    scope = "own areas" if role != "admin" else "all areas"
    return Statement(
        list_name, campaign.code, campaign.name, f"{said} ({scope})",
        f"{BASE}; {SUPPRESSED}" if role == "observer" else BASE,
        now.astimezone(zone).isoformat(timespec="seconds"),
        (campaign.counted_at or now).astimezone(zone).isoformat(timespec="seconds"), by,
    )  # fmt: skip
