"""A person's word on visits, over the flags: keep, set aside, and undo.

Writes `decision` (append-only in meaning: the newest counts, older ones stay), `visit.decided`, and notes the teams
for judging, which gives the visits their new standing and counts them. Audited once per act.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker.accounts.audit import record
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.errors import NotAllowed, NotFound, RasaiError, WrongRequest
from tracker.visits.models import KEEP, SET_ASIDE

ACTIONS = {"keep": KEEP, "set_aside": SET_ASIDE}
LONGEST_REASON = 2_000  # characters, as for a note

# decided in one order everywhere, so that two people who decide on the same visits wait for each other
IN_SCOPE = text("""
    SELECT v.instance_id FROM visit v
    WHERE v.instance_id = ANY(CAST(:ids AS uuid[])) AND v.campaign_id = :campaign_id
      AND (in_areas(v.area_id, :areas)
           OR coalesce(v.area_id, 0) = 0
              AND v.team_id IN (SELECT id FROM team WHERE in_areas(area_id, :areas)) OR :everything)
    ORDER BY v.instance_id FOR UPDATE""")

DECIDE = text("""
    WITH told AS (
        INSERT INTO decision (instance_id, campaign_id, action, reason, person_id, batch)
        SELECT i, :campaign_id, :action, :reason, :person_id, :batch FROM unnest(CAST(:ids AS uuid[])) AS i
    ), decided AS (
        UPDATE visit SET decided = :decided WHERE instance_id = ANY(CAST(:ids AS uuid[])) RETURNING team_id
    )
    INSERT INTO waiting (campaign_id, team_ids)
    SELECT :campaign_id, array_agg(DISTINCT team_id ORDER BY team_id) FROM decided""")

# an act is in force for a visit until it is undone; the newest one in force decides
OF_BATCH = text("""
    SELECT d.instance_id FROM decision d
    WHERE d.batch = :batch AND d.campaign_id = :campaign_id AND d.action <> 'undo'
      AND NOT EXISTS (SELECT 1 FROM decision u WHERE u.instance_id = d.instance_id AND u.undoes = d.batch)
      AND NOT EXISTS (
          SELECT 1 FROM decision later
          WHERE later.instance_id = d.instance_id AND later.id > d.id AND later.action <> 'undo'
            AND NOT EXISTS (
                SELECT 1 FROM decision u WHERE u.instance_id = later.instance_id AND u.undoes = later.batch))""")

# what holds again: the newest act that is still in force once this one is taken back
UNDO = text("""
    WITH told AS (
        INSERT INTO decision (instance_id, campaign_id, action, reason, person_id, batch, undoes)
        SELECT i, :campaign_id, 'undo', :reason, :person_id, :undo_batch, :batch FROM unnest(CAST(:ids AS uuid[])) AS i
    ), before AS (
        SELECT DISTINCT ON (d.instance_id) d.instance_id, d.action FROM decision d
        WHERE d.instance_id = ANY(CAST(:ids AS uuid[])) AND d.action <> 'undo' AND d.batch <> :batch
          AND NOT EXISTS (SELECT 1 FROM decision u WHERE u.instance_id = d.instance_id AND u.undoes = d.batch)
        ORDER BY d.instance_id, d.id DESC
    ), decided AS (
        UPDATE visit v
        SET decided = (SELECT CASE b.action WHEN 'keep' THEN :keep WHEN 'set_aside' THEN :set_aside END
                       FROM before b WHERE b.instance_id = v.instance_id)
        WHERE v.instance_id = ANY(CAST(:ids AS uuid[])) RETURNING team_id
    )
    INSERT INTO waiting (campaign_id, team_ids)
    SELECT :campaign_id, array_agg(DISTINCT team_id ORDER BY team_id) FROM decided""")


class DecidedMeanwhile(RasaiError):
    """All visits of the act were decided on again, or it was undone already."""

    message = _l("Somebody has decided on these visits since. Nothing was undone.")
    status = 409


def decide(
    session: Session, campaign: Campaign, scope: Scope, instance_ids: Sequence[Any], action: str, reason: str
) -> uuid.UUID:
    """Keep (they count as valid) or set aside (they count nowhere) these visits, whatever the flags say; give the
    act's id.

    Raises NotAllowed for a role that may not, NotFound when any visit lies outside the scope or the campaign,
    WrongRequest for an unknown action or an empty or overlong reason. Nothing is decided then.
    """
    if not scope.decides:
        raise NotAllowed
    if action not in ACTIONS:
        raise WrongRequest(field="action", why=_l("it is one of {actions}.").format(actions=", ".join(ACTIONS)))
    reason = _sound(reason)
    wanted = sorted({str(i) for i in instance_ids})
    ids = _in_scope(session, campaign, scope, wanted)
    if not ids or len(ids) < len(wanted):
        raise NotFound
    batch = uuid.uuid4()
    values = {"ids": ids, "action": action, "reason": reason, "batch": batch, "decided": ACTIONS[action]}
    session.execute(DECIDE, {"campaign_id": campaign.id, "person_id": scope.person_id, **values})
    facts = {"action": action, "reason": reason, "visits": len(ids), "batch": str(batch)}
    record(session, scope, "decide", "campaign", campaign.code, facts)
    return batch


def undo(session: Session, campaign: Campaign, scope: Scope, batch: uuid.UUID, reason: str = "undone") -> int:
    """Take an act back, for every visit on which nobody decided since; give how many.

    Raises NotAllowed; NotFound when the act touches a visit outside the scope; DecidedMeanwhile when nothing is left
    to undo.
    """
    if not scope.decides:
        raise NotAllowed
    wanted = [str(i) for i in session.scalars(OF_BATCH, {"batch": batch, "campaign_id": campaign.id})]
    if not wanted:
        raise DecidedMeanwhile
    ids = _in_scope(session, campaign, scope, wanted)
    if len(ids) < len(wanted):
        raise NotFound
    values = {"ids": ids, "reason": _sound(reason), "batch": batch, "undo_batch": uuid.uuid4()}
    people = {"campaign_id": campaign.id, "person_id": scope.person_id}
    session.execute(UNDO, {**values, **people, "keep": KEEP, "set_aside": SET_ASIDE})
    record(session, scope, "undo", "campaign", campaign.code, {"batch": str(batch), "visits": len(ids)})
    return len(ids)


def _sound(reason: str) -> str:
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise WrongRequest(field="reason", why=_l("say why, in at most {most} characters.").format(most=LONGEST_REASON))
    return reason


def _in_scope(session: Session, campaign: Campaign, scope: Scope, ids: list[str]) -> list[str]:
    """Those of the visits that the person may decide on, locked until the transaction ends."""
    values = {"ids": ids, "campaign_id": campaign.id, "areas": scope.areas, "everything": scope.everything}
    return [str(i) for i in session.scalars(IN_SCOPE, values)]
