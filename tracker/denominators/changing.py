"""How many children does a settlement have? Somebody says otherwise than the plan: with a reason, logged, undoable.

Writes `target_change` and the current base in `campaign_settlement`; the fixed base stays as it was published. Reads
and writes within the person's areas only.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign, TargetChange
from tracker.campaigns.planning import LARGEST_TARGET
from tracker.errors import CampaignClosed, NotFound, RasaiError, RowError, RowsRefused

LONGEST_REASON = 500
MOST_AT_ONCE = 20_000


class ChangedSince(RasaiError):
    """Somebody changed one of them again: an undo would take that back unseen."""

    message = _l("{settlement} was changed again since, to {target}. Change it by hand.")
    status = 409


@dataclass(frozen=True)
class Wish:
    settlement: str  # code
    target: int


CURRENT = text("""
    SELECT x.settlement_id, x.code, x.area_id, x.target FROM campaign_settlement x
    WHERE x.campaign_id = :campaign AND x.code = ANY(:codes)
      AND (in_areas(x.area_id, :areas) OR x.settlement_id = ANY(:settlement_ids))
    ORDER BY x.settlement_id FOR UPDATE""")

SET = text("""
    UPDATE campaign_settlement x SET target = n.target
    FROM unnest(CAST(:settlements AS integer[]), CAST(:targets AS integer[])) n (settlement_id, target)
    WHERE x.campaign_id = :campaign AND x.settlement_id = n.settlement_id""")


def change_targets(
    session: Session, by: Scope, campaign: Campaign, wishes: Sequence[Wish], reason: str
) -> tuple[uuid.UUID, int]:
    """(the act, how many targets it changed). All or nothing; raises RowsRefused, CampaignClosed."""
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    reason = " ".join(reason.split())
    there = _current(session, by, campaign, [wish.settlement for wish in wishes])
    _refuse(wishes, reason, there)
    changed = [wish for wish in wishes if there[wish.settlement].target != wish.target]
    batch = uuid.uuid4()
    if changed:
        rows = [
            {"settlement_id": there[w.settlement].settlement_id, "area_id": there[w.settlement].area_id,
             "old_target": there[w.settlement].target, "new_target": w.target} for w in changed
        ]  # fmt: skip
        _write(session, by, campaign, rows, reason, batch, None)
        facts = {
            "reason": reason,
            "settlements": len(changed),
            "children": sum(r["new_target"] - r["old_target"] for r in rows),
        }
        audit.record(session, by, "change targets", "campaign", campaign.code, {**facts, "batch": str(batch)})
    return batch, len(changed)


def _current(session: Session, by: Scope, campaign: Campaign, codes: list[str]) -> dict[str, Any]:
    found = session.execute(CURRENT, {"campaign": campaign.id, "codes": codes, **by.binds()})
    return {row.code: row for row in found}


def _refuse(wishes: Sequence[Wish], reason: str, there: dict[str, Any]) -> None:
    errors, seen = [], set[str]()
    if not reason or len(reason) > LONGEST_REASON:
        why = _("Say why, in 1 to {most} letters.").format(most=LONGEST_REASON)
        errors.append(RowError(0, "reason", "reason_missing", why))
    for number, wish in enumerate(wishes, 1):
        if wish.settlement not in there:
            why = _("No settlement {code} in your areas of this campaign.").format(code=wish.settlement or "–")
            errors.append(RowError(number, "settlement", "unknown_settlement", why))
        elif wish.settlement in seen:
            why = _("Settlement {code} stands there twice.").format(code=wish.settlement)
            errors.append(RowError(number, "settlement", "duplicate_settlement", why))
        if not 0 <= wish.target <= LARGEST_TARGET:
            why = _("{value} is not a whole number from 0 to {most}.").format(value=wish.target, most=LARGEST_TARGET)
            errors.append(RowError(number, "target_children", "not_a_count", why))
        seen.add(wish.settlement)
    if errors:
        raise RowsRefused(errors)


def _write(
    session: Session,
    by: Scope,
    campaign: Campaign,
    rows: list[dict[str, Any]],
    reason: str,
    batch: uuid.UUID,
    undoes: uuid.UUID | None,
) -> None:
    common = {
        "campaign_id": campaign.id, "reason": reason, "person_id": by.person_id, "batch": batch, "undoes": undoes,
        "changed_at": datetime.now(UTC),
    }  # fmt: skip
    session.execute(insert(TargetChange), [{**row, **common} for row in rows])
    session.execute(SET, {
        "campaign": campaign.id, "settlements": [row["settlement_id"] for row in rows],
        "targets": [row["new_target"] for row in rows],
    })  # fmt: skip
    campaign.revision = Campaign.revision + 1  # kept answers are out of date; no visit has to be judged anew
    session.flush()
    session.refresh(campaign, ["revision"])


OF_BATCH = text("""
    SELECT t.settlement_id, x.code, x.area_id, t.old_target, t.new_target, x.target AS now_target,
           t.id = (SELECT max(id) FROM target_change n
                   WHERE n.campaign_id = t.campaign_id AND n.settlement_id = t.settlement_id) AS is_newest
    FROM target_change t JOIN campaign_settlement x USING (campaign_id, settlement_id)
    WHERE t.campaign_id = :campaign AND t.batch = :batch AND (in_areas(x.area_id, :areas))
    ORDER BY t.settlement_id FOR UPDATE OF x""")


def undo_changes(session: Session, by: Scope, campaign: Campaign, batch: uuid.UUID) -> int:
    """Take an act back by another that restores what was there; how many targets. Raises NotFound, ChangedSince."""
    if campaign.state == "closed":
        raise CampaignClosed(code=campaign.code)
    found = session.execute(OF_BATCH, {"campaign": campaign.id, "batch": batch, **by.binds()}).all()
    if not found:
        raise NotFound
    for row in found:
        if not row.is_newest:
            raise ChangedSince(settlement=row.code, target=row.now_target)
    rows = [
        {"settlement_id": row.settlement_id, "area_id": row.area_id, "old_target": row.now_target,
         "new_target": row.old_target} for row in found
    ]  # fmt: skip
    _write(session, by, campaign, rows, _("Undone"), uuid.uuid4(), batch)
    facts = {"batch": str(batch), "settlements": len(rows)}
    audit.record(session, by, "undo change of targets", "campaign", campaign.code, facts)
    return len(rows)
