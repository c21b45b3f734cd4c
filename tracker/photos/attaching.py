"""A photo comes with a visit: kept as sent, drawn anew in a limited process, and what it says in columns.

The same photo sent again changes nothing. Writes `photo` and `visit_photo`; the bytes lie on the shelves `photos` (as
sent, never served) and `pictures` (what is served).
"""

import io
import json
import struct
import subprocess
import sys
import uuid
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from tracker.accounts import audit
from tracker.accounts.scope import Scope
from tracker.campaigns.models import Campaign
from tracker.errors import NotFound, RasaiError
from tracker.kept_files import keep, read_kept
from tracker.photos.models import Photo, VisitPhoto

SENT, SHOWN = "photos", "pictures"
LARGEST_BYTES = 15_000_000
PATIENCE_S = 40
PICTURING = Path(__file__).with_name("picturing.py")
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # where no process may be made, its threads would wait for ever
MOST_OF_A_VISIT = 10


class NotAPhoto(RasaiError):
    message = _l("This is no photo that we can read. Send a JPEG, PNG or WebP of at most 15 MB.")
    status = 422


class TooManyPhotos(RasaiError):
    message = _l("A visit has at most {most} photos.")
    status = 422


VISIT = text("""
    SELECT v.instance_id, v.team_id FROM visit v JOIN team t ON t.id = v.team_id
    WHERE v.instance_id = :id AND v.campaign_id = :campaign
      AND (v.team_id = :scope_team_id OR in_areas(v.area_id, :areas)
           OR (coalesce(v.area_id, 0) = 0 AND in_areas(t.area_id, :areas)))""")


def attach(session: Session, by: Scope, campaign: Campaign, instance_id: str, stream: IO[bytes]) -> tuple[str, bool]:
    """(hash of the photo, whether it is new for the visit). Raises NotFound, NotAPhoto, TooManyPhotos."""
    visit = _visit(session, by, campaign, instance_id)
    data = stream.read(LARGEST_BYTES + 1)
    if not data or len(data) > LARGEST_BYTES:
        raise NotAPhoto
    kept = keep(io.BytesIO(data), SENT)
    if session.get(Photo, kept.sha256) is None:
        facts, drawn = look_at(data)
        shown = keep(io.BytesIO(drawn), SHOWN)
        session.execute(insert(Photo).on_conflict_do_nothing(), [
            {"sha256": kept.sha256, "shown_sha256": shown.sha256, "size_bytes": kept.size, **_columns(facts, campaign)}
        ])  # fmt: skip
    if session.query(VisitPhoto).filter_by(instance_id=visit.instance_id).count() >= MOST_OF_A_VISIT:
        raise TooManyPhotos(most=MOST_OF_A_VISIT)
    added = insert(VisitPhoto).values(
        instance_id=visit.instance_id, sha256=kept.sha256, campaign_id=campaign.id, team_id=visit.team_id,
        person_id=by.person_id,
    )  # fmt: skip
    is_new = session.scalar(added.on_conflict_do_nothing().returning(VisitPhoto.sha256)) is not None
    return kept.sha256, is_new


def _visit(session: Session, by: Scope, campaign: Campaign, instance_id: str) -> Any:
    try:
        wanted = uuid.UUID(instance_id)
    except ValueError:
        raise NotFound from None
    values = {"id": wanted, "campaign": campaign.id, **by.binds()}
    visit = session.execute(VISIT, values).one_or_none() if by.sees_visits else None
    if visit is None:
        raise NotFound
    return visit


def look_at(data: bytes) -> tuple[dict[str, Any], bytes]:
    """What the photo says, and the picture drawn anew, by a process that can do no harm. Raises NotAPhoto."""
    try:
        done = subprocess.run(  # noqa: S603  our own file; it imports nothing of ours
            [sys.executable, "-I", str(PICTURING)], input=data, capture_output=True, timeout=PATIENCE_S, env=ONE_THREAD
        )
    except subprocess.TimeoutExpired:
        raise NotAPhoto from None
    if done.returncode != 0 or len(done.stdout) < 4:
        raise NotAPhoto
    (length,) = struct.unpack(">I", done.stdout[:4])
    facts: dict[str, Any] = json.loads(done.stdout[4 : 4 + length])
    return facts, done.stdout[4 + length :]


def _columns(facts: dict[str, Any], campaign: Campaign) -> dict[str, Any]:
    taken = facts.pop("taken")
    at = datetime.fromisoformat(taken) if taken else None
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(campaign.timezone))
    gps = facts.pop("gps_at")
    return {**facts, "taken_at": at, "gps_at": datetime.fromisoformat(gps) if gps else None}


PHOTOS = text("""
    SELECT p.sha256, p.width, p.height, p.taken_at, p.gps_at, p.lon, p.lat, p.camera, q.received_at
    FROM visit_photo q JOIN photo p ON p.sha256 = q.sha256
    WHERE q.instance_id = :id AND q.campaign_id = :campaign ORDER BY q.received_at, p.sha256""")


def photos_of(session: Session, by: Scope, campaign: Campaign, instance_id: str) -> list[dict[str, Any]]:
    visit = _visit(session, by, campaign, instance_id)
    found = session.execute(PHOTOS, {"id": visit.instance_id, "campaign": campaign.id}).mappings()
    return [dict(row) for row in found]


def picture(session: Session, by: Scope, campaign: Campaign, instance_id: str, sha256: str) -> bytes:
    """The picture without any metadata. That somebody looked stands in the audit trail."""
    visit = _visit(session, by, campaign, instance_id)
    photo = (
        session.query(Photo).join(VisitPhoto, VisitPhoto.sha256 == Photo.sha256)
        .filter(VisitPhoto.instance_id == visit.instance_id, Photo.sha256 == sha256).one_or_none()
    )  # fmt: skip
    if photo is None:
        raise NotFound
    audit.record(session, by, "look at photo", "visit", str(visit.instance_id), {"photo": sha256[:16]})
    return read_kept(photo.shown_sha256, SHOWN)
