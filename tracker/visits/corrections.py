"""Which visits are replaced by a correction?

A correction reaches the visit that it names, in its own campaign, when its sender may correct that visit's team. Of several corrections of
one visit the last made counts. Corrections that name each other in a circle cannot all be right: the last made of them stays.
"""
import uuid
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import text
from sqlalchemy.orm import Session

CORRECTIONS = text("""
    SELECT c.instance_id, c.replaces, c.visited_at, c.team_id, c.submission_id, o.team_id AS original_team, o.submission_id AS original_submission,
           o.instance_id IS NOT NULL AND (c.replaces_team_id IS NULL OR c.replaces_team_id = o.team_id) AS reaches
    FROM visit c LEFT JOIN visit o ON o.instance_id = c.replaces AND o.campaign_id = c.campaign_id
    WHERE c.campaign_id = :campaign AND c.replaces IS NOT NULL AND c.replaces <> c.instance_id""")


@dataclass(frozen=True)
class Correction:
    instance: uuid.UUID
    replaces: uuid.UUID
    visited_at: datetime
    team: int
    submission: int
    original_team: int | None           # None: the visit it names has not arrived
    original_submission: int | None
    reaches: bool

    @property
    def order(self) -> tuple[datetime, uuid.UUID]:
        return self.visited_at, self.instance


def read_corrections(session: Session, campaign_id: int) -> list[Correction]:
    return [Correction(*row) for row in session.execute(CORRECTIONS, {"campaign": campaign_id})]


def replaced_ids(corrections: list[Correction]) -> np.ndarray:
    """Ids of replaced visits as sorted 16-byte strings."""
    found = _superseded(corrections)
    reaching = {c.instance: c for c in corrections if c.reaches and c.instance not in found}
    found |= {c.replaces for c in reaching.values()}
    for last in _last_of_circles(reaching):
        found.discard(last)
    return np.array(sorted(i.bytes for i in found), dtype="S16")


def _superseded(corrections: list[Correction]) -> set[uuid.UUID]:
    """Corrections of a visit that was corrected again, later, with equal right."""
    last: dict[tuple[uuid.UUID, bool], Correction] = {}
    superseded = set()
    for c in sorted(corrections, key=lambda c: c.order):
        before = last.get((c.replaces, c.reaches))
        if before:
            superseded.add(before.instance)
        last[c.replaces, c.reaches] = c
    return superseded


def _last_of_circles(reaching: dict[uuid.UUID, Correction]) -> list[uuid.UUID]:
    """Of each circle of corrections the one made last."""
    done: set[uuid.UUID] = set()
    lasts = []
    for start in reaching:
        path: list[uuid.UUID] = []
        at = start
        while at in reaching and at not in done:
            done.add(at)
            path.append(at)
            at = reaching[at].replaces
        if at in path:
            lasts.append(max(path[path.index(at):], key=lambda i: reaching[i].order))
    return lasts


def teams_touched_by(corrections: list[Correction], submissions: np.ndarray) -> set[int]:
    """Teams whose visits may become replaced, or come to stand again, through these submissions."""
    new = set(submissions.tolist())
    named = {c.replaces for c in corrections if c.submission in new or c.original_submission in new}
    return {team for c in corrections if c.replaces in named or c.instance in named for team in (c.team, c.original_team) if team is not None}
