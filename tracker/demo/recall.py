"""How much of what was planted did the rules find, and how often did they ask about honest work?

Reads the truth that the generator kept apart and the flags of the demonstration round; writes a table for `docs/`.
"""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.visits.models import DOUBTFUL, REJECTED

FLAGS = text("""
    SELECT CAST(f.instance_id AS text) AS instance_id, array_agg(f.rule) AS rules
    FROM flag f JOIN campaign c ON c.id = f.campaign_id WHERE c.code = :campaign GROUP BY f.instance_id""")

STANDINGS = text("""
    SELECT CAST(v.instance_id AS text) AS instance_id, v.standing
    FROM visit v JOIN campaign c ON c.id = v.campaign_id WHERE c.code = :campaign""")


@dataclass(frozen=True)
class RuleRecall:
    """What one rule did. `honest` visits are those that no planted fault touches, not even from beside."""

    rule: str
    planted: int
    found: int
    flagged: int
    honest_flagged: int
    honest: int

    @property
    def recall(self) -> float | None:
        return self.found / self.planted if self.planted else None

    @property
    def false_alarms(self) -> float:
        return self.honest_flagged / self.honest if self.honest else 0.0


@dataclass(frozen=True)
class Recall:
    rules: list[RuleRecall]
    honest: int
    honest_not_valid: int  # doubtful or rejected although nothing was planted there

    @property
    def false_alarms(self) -> float:
        return self.honest_not_valid / self.honest if self.honest else 0.0


def measure_recall(session: Session, truth_file: Path, campaign: str, rules: list[str]) -> Recall:
    """Compare planted faults with flags, rule by rule in the order given."""
    planted, touched = _read_truth(truth_file)
    flags = {row.instance_id: set(row.rules) for row in session.execute(FLAGS, {"campaign": campaign})}
    standing = {row.instance_id: row.standing for row in session.execute(STANDINGS, {"campaign": campaign})}
    honest = standing.keys() - touched
    flagged = Counter(rule for rules_ in flags.values() for rule in rules_)
    honest_flagged = Counter(rule for visit in honest for rule in flags.get(visit, ()))
    return Recall(
        rules=[
            RuleRecall(
                rule=rule,
                planted=len(planted[rule]),
                found=sum(rule in flags.get(visit, ()) for visit in planted[rule]),
                flagged=flagged[rule],
                honest_flagged=honest_flagged[rule],
                honest=len(honest),
            )
            for rule in rules
        ],
        honest=len(honest),
        honest_not_valid=sum(standing[visit] in (DOUBTFUL, REJECTED) for visit in honest),
    )


def _read_truth(path: Path) -> tuple[dict[str, set[str]], set[str]]:
    """({rule: planted instance ids}, every id that some fault touches)."""
    planted: dict[str, set[str]] = defaultdict(set)
    touched = set()
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["fault"] != "sent_twice":  # the same visit again: the row itself is honest
                touched.add(row["instance_id"])
            if row["rule"]:
                planted[row["rule"]].add(row["instance_id"])
    return planted, touched


def as_markdown(recall: Recall, size: float, seed: int) -> str:
    """The table as it stands in `docs/recall.md`."""
    lines = [
        "# What the rules find",
        "",
        f"Made by `flask demo recall` on the demonstration round (size {size:g}, seed {seed}). Planted faults are kept",
        "apart from the round;",
        "a fault counts as found when the rule meant for it asks. False alarms are counted over the"
        f" {recall.honest:,} visits that no fault touches,",
        f"of which {recall.honest_not_valid:,} ({recall.false_alarms:.2%}) do not stand as valid.",
        "",
        "| rule | planted | found | recall | visits asked about | honest ones | false alarms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for r in recall.rules:
        share = "–" if r.recall is None else f"{r.recall:.1%}"
        numbers = (f"{r.planted:,}", f"{r.found:,}", share, f"{r.flagged:,}", f"{r.honest_flagged:,}")
        lines.append(f"| `{r.rule}` | {' | '.join(numbers)} | {r.false_alarms:.3%} |")
    return "\n".join(lines) + "\n"
