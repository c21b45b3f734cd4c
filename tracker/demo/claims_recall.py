"""How much of what was planted among the demonstration's claims was found, and how often honest claims were accused?

Reads the truth that the generator kept apart, findings and evidence; writes a table for `docs/`.
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from tracker.accounts.scope import SERVER
from tracker.campaigns.models import Campaign
from tracker.demo.claims import FAULTS, QUESTIONS
from tracker.plantations.reading import campaign_report

SIZES_HA = ((0.0, 0.5), (0.5, 1.0), (1.0, 3.0), (3.0, 100.0))
AGES = ((0, 3), (3, 5), (5, 7), (7, 9))


@dataclass(frozen=True)
class Told:
    """A claim with its truth and with what was said of it."""

    fault: str
    finder: str  # rule or question meant for the fault
    stands: str
    hectares: float
    age_years: float
    rules: frozenset[str]
    verdicts: dict[str, str]
    beside_fault: bool  # honest, but a pair with a faulty claim stands on it too

    @property
    def is_found(self) -> bool:
        return self.says(self.finder)

    def says(self, finder: str) -> bool:
        return self.verdicts.get(finder) == "contradicts" if finder in QUESTIONS else finder in self.rules


def told_claims(session: Session, campaign: Campaign, truth_file: Path) -> list[Told]:
    """Every claim of the demonstration, with its truth."""
    with truth_file.open(newline="", encoding="utf-8") as file:
        truth = {row["claim"]: row for row in csv.DictReader(file)}
    return [_told(claim, truth) for claim in campaign_report(session, campaign, SERVER)["claims"]]


def _told(claim: dict[str, Any], truth: dict[str, dict[str, str]]) -> Told:
    true = truth[claim["claim"]]
    others = [f["numbers"]["other"] for f in claim["findings"] if "other" in f["numbers"]]
    return Told(
        fault=true["fault"],
        finder=true["finder"],
        stands=true["stands"],
        hectares=float(true["hectares"]),
        age_years=float(true["age_years"]),
        rules=frozenset(f["rule"] for f in claim["findings"]),
        verdicts={question: answer["verdict"] for question, answer in claim["verdicts"].items()},
        beside_fault=not true["fault"] and any(truth[other]["fault"] for other in others if other in truth),
    )


def as_markdown(claims: list[Told], seed: int) -> str:
    """The page as it stands in `docs/`."""
    honest = [c for c in claims if not c.fault and not c.beside_fault]
    accused = [c for c in honest if c.rules or "contradicts" in c.verdicts.values()]
    lines = [
        "# What is found among plantation claims",
        "",
        f"Made by `flask demo claims-recall` on the demonstration's {len(claims)} claims (seed {seed}).",
        "Land, claims and scenes are synthetic.",
        "A fault counts as found when the rule meant for it asks, or its question to the scenes says *contradicts*.",
        f"False alarms are counted over the {len(honest)} honest claims,",
        f"of which {len(accused)} have any finding or contradiction.",
        "",
        "| fault | found by | planted | found | recall | honest claims accused |",
        "|---|---|---:|---:|---:|---:|",
        *_fault_lines(claims, honest),
        "",
        "Scenes alone do not find every ghost: where too little can be seen they say *cannot tell*, and that is right.",
        "Behind a fence grass grows although nothing was planted. Young claims are told to be too young.",
        "",
        "## How often the scenes cannot tell whether there is a gain",
        "",
        "Share of *cannot tell*, with how many claims, by size and age of the claim (all claims with trees expected).",
        "",
        "| age in years | " + " | ".join(_span(low, high, "ha") for low, high in SIZES_HA) + " |",
        "|---|" + "---:|" * len(SIZES_HA),
        *_cannot_tell_lines(claims),
        "",
        "## Verdicts on the gain, by what truly stands there",
        "",
        "| what stands there | supports | contradicts | cannot tell |",
        "|---|---:|---:|---:|",
        *_verdict_lines(claims),
    ]
    return "\n".join(lines) + "\n"


def _fault_lines(claims: list[Told], honest: list[Told]) -> Iterable[str]:
    for fault, (_count, finder) in FAULTS.items():
        its = [c for c in claims if c.fault == fault]
        found = sum(c.is_found for c in its)
        accused = sum(c.says(finder) for c in honest)
        recall = f"{found / len(its):.0%}" if its else "–"
        yield f"| {fault} | `{finder}` | {len(its)} | {found} | {recall} | {accused} |"


def _cannot_tell_lines(claims: list[Told]) -> Iterable[str]:
    for young, old in AGES:
        cells = []
        for small, large in SIZES_HA:
            its = [c for c in claims if young <= c.age_years < old and small <= c.hectares < large]
            undecided = sum(c.verdicts.get("gain") == "cannot tell" for c in its)
            cells.append(f"{undecided / len(its):.0%} of {len(its)}" if its else "–")
        yield f"| {young}–{old} | " + " | ".join(cells) + " |"


def _verdict_lines(claims: list[Told]) -> Iterable[str]:
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for c in claims:
        verdicts[c.stands][c.verdicts.get("gain", "cannot tell")] += 1
    for stands, counts in sorted(verdicts.items()):
        yield f"| {stands} | {counts['supports']} | {counts['contradicts']} | {counts['cannot tell']} |"


def _span(low: float, high: float, unit: str) -> str:
    if low == 0:
        return f"under {high:g} {unit}"
    return f"from {low:g} {unit}" if high >= 100 else f"{low:g}–{high:g} {unit}"
