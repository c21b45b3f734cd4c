"""Take claims from a file of any kind that geo.vector_files reads. The file itself is kept unchanged under its hash."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.orm import Session

from geo.features import Features
from geo.vector_files import FileNotReadable, read_features
from tracker.accounts.scope import SERVER, Scope
from tracker.campaigns.models import Campaign
from tracker.plantations.claim_row import OUTLINE_COLUMNS
from tracker.plantations.incoming import Incoming, read_claims
from tracker.plantations.registering import Raw, RegisterSummary, check_takes_claims, register_claims
from tracker.raw_files import keep_raw, readable_name


def import_claims(
    session: Session,
    campaign: Campaign,
    file: Path,
    raw_folder: Path,
    named: Mapping[str, str],
    *,
    layer: str | None = None,
    channel: str = "file",
    scope: Scope = SERVER,
) -> tuple[RegisterSummary, Features]:
    """Register the claims of a file; the caller commits. Gives the rows as read, too, for those that are refused.

    named : {our field: the file's}.   Raises FileNotReadable, WrongRequest, CampaignClosed.
    """
    check_takes_claims(campaign)
    if not file.is_file():
        raise FileNotReadable(
            f"{readable_name(file)} is no file that can be opened. Zip a folder, and name the archive."
        )
    raw = keep_raw(file, raw_folder)
    features, incoming = read_kept(raw, readable_name(file), named, layer)
    arrived = Raw(channel, bytes.fromhex(raw.name), "application/octet-stream", file_name=readable_name(file))
    return register_claims(session, campaign, incoming, arrived, scope), features


def read_kept(raw: Path, name: str, named: Mapping[str, str], layer: str | None = None) -> tuple[Features, Incoming]:
    """What stands in a kept file, read under the name that it came with."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder) / (Path(name).name or "claims")
        link.symlink_to(raw.absolute())
        columns = {ours: theirs for ours, theirs in named.items() if ours in OUTLINE_COLUMNS}
        features = read_features(link, layer, outlines=columns)
    return features, read_claims(features, named)
