"""Photos of visits over HTTP: send, list, look at."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from flask_babel import gettext as _

from tracker.accounts.identity import SEE_VISITS, SEND_VISITS, may, signed_in, takes_files
from tracker.accounts.scope import campaign_in_scope
from tracker.database import transaction
from tracker.errors import CampaignClosed, WrongRequest
from tracker.photos.attaching import attach, photos_of, picture

api = APIBlueprint("photos_api", __name__, tag="Visits")


@api.post("/campaigns/<code>/visits/<instance_id>/photos")
@api.doc(
    summary="Send a photo of a visit",
    description="The photo as the body (image/jpeg, image/png, image/webp), or as the file `photo` of a form. Sent"
    " again, it changes nothing. Position and time are read; what is served holds the picture alone.",
)
@may(SEND_VISITS)
@takes_files
def post_photo(code: str, instance_id: str) -> tuple[dict[str, Any], int]:
    scope = signed_in().scope
    with transaction() as session:
        campaign = campaign_in_scope(session, code, scope)
        if campaign.state == "closed":
            raise CampaignClosed(code=code)
        sent = request.files.get("photo")
        if sent is None and not (request.mimetype or "").startswith("image/"):
            photos_of(session, scope, campaign, instance_id)  # what lies elsewhere is not found, whatever was sent
            raise WrongRequest(field="photo", why=_("send the photo as the body, or as the file photo."))
        sha256, is_new = attach(session, scope, campaign, instance_id, sent.stream if sent else request.stream)
    return {"photo": sha256, "status": "accepted" if is_new else "duplicate"}, 201 if is_new else 200


@api.get("/campaigns/<code>/visits/<instance_id>/photos")
@api.doc(summary="Photos of a visit")
@may(SEE_VISITS)
def get_photos(code: str, instance_id: str) -> dict[str, Any]:
    scope = signed_in().scope
    with transaction() as session:
        found = photos_of(session, scope, campaign_in_scope(session, code, scope), instance_id)
    return {"rows": found, "next": None}


@api.get("/campaigns/<code>/visits/<instance_id>/photos/<sha256>.jpg")
@api.doc(summary="A photo, without its metadata; that you looked is on record")
@may(SEE_VISITS)
def get_photo(code: str, instance_id: str, sha256: str) -> Response:
    scope = signed_in().scope
    with transaction() as session:
        data = picture(session, scope, campaign_in_scope(session, code, scope), instance_id, sha256)
    answer = Response(data, mimetype="image/jpeg")
    answer.headers["Content-Disposition"] = "inline"
    return answer
