"""Try a file, or take it in: the same verbs as the commands, within the person's areas, and what changes by it.

`apply` does the work in the caller's transaction: a dry run rolls it back, a writing keeps it. What is needed to take
it back is noted beside it. Each kind is one small function; rows outside the person's areas are refused by name.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import text
from sqlalchemy.orm import Session

from tracker import settings
from tracker.accounts.scope import Scope
from tracker.areas.importing import AreaFields, import_areas
from tracker.areas.models import LEVELS
from tracker.areas.settlements import SettlementFields, import_settlements
from tracker.campaigns.models import Campaign
from tracker.campaigns.planning import import_microplan, import_teams
from tracker.campaigns.settlements import refresh_all, refresh_pinned_to
from tracker.campaigns.tables import DIGITS
from tracker.denominators.changing import Wish, change_targets
from tracker.errors import NotAllowed, RowError, RowsRefused, WrongRequest
from tracker.set_up.models import Upload
from tracker.set_up.reading import chosen_fields, features_of, rows_under_our_names, the_file
from tracker.visits.file_formats import NotAVisitsFile
from tracker.visits.file_import import import_visits, rejects_to

MOST_CHANGES_TOLD = 200
MOST_REFUSED_KEPT = 500
SHOWN_FIELDS = {
    "areas": ("name", "level", "parent", "km2"), "settlements": ("name", "type", "under_five", "area"),
    "teams": ("type", "area", "supervisor"), "microplan": ("target", "team", "day"), "targets": ("target",),
}  # fmt: skip
Progress = Callable[[int], None]
Things = dict[str, tuple[Any, ...]]  # code: what is shown of it


@dataclass
class Outcome:
    """What came of it: counts, what changed (code, was, is), who was refused, and how to take it back."""

    summary: dict[str, Any]
    changes: list[dict[str, Any]] = field(default_factory=list)
    refused: list[RowError] = field(default_factory=list)
    back: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        told = [error.as_dict() for error in self.refused[:MOST_REFUSED_KEPT]]
        return {"summary": self.summary, "changes": self.changes[:MOST_CHANGES_TOLD],
                "changed": len(self.changes), "refused": told}  # fmt: skip


SNAPSHOTS = {
    "areas": text("""
        SELECT a.code, a.name_en, a.level, p.code, round(CAST(a.area_km2 AS numeric), 2)::text
        FROM area a LEFT JOIN area p ON p.id = a.parent_id WHERE a.vintage = :vintage"""),
    "settlements": text("""
        SELECT s.code, s.name_en, s.type, s.under_five, (SELECT a.code FROM settlement_place p
               JOIN area a ON a.id = p.area_id WHERE p.settlement_id = s.id ORDER BY p.vintage DESC LIMIT 1)
        FROM settlement s"""),
    "teams": text("""
        SELECT t.code, t.type, a.code, t.supervisor FROM team t LEFT JOIN area a ON a.id = t.area_id
        WHERE t.campaign_id = :campaign"""),
    "microplan": text("""
        SELECT x.code, x.target, t.code, x.last_day::text FROM campaign_settlement x
        LEFT JOIN team t ON t.id = x.team_id WHERE x.campaign_id = :campaign"""),
    "targets": text("SELECT code, target FROM campaign_settlement WHERE campaign_id = :campaign"),
}  # fmt: skip


def apply(session: Session, by: Scope, upload: Upload, campaign: Campaign | None, progress: Progress) -> Outcome:
    """Take the file in, in the caller's transaction. Rows that cannot be taken stand in the outcome; all-or-nothing
    kinds raise RowsRefused."""
    if upload.kind == "visits":
        return _visits(session, by, upload, _of(campaign), progress)
    before = _snapshot(session, upload, campaign)
    summary, back = HOW[upload.kind](session, by, upload, campaign)
    session.flush()
    changes = _differences(upload.kind, before, _snapshot(session, upload, campaign))
    created = [change["code"] for change in changes if change["was"] is None]
    updated = {c["code"]: c["was"] for c in changes if c["was"] is not None and c["now"] is not None}
    return Outcome(summary, changes, [], {**back, "created": created, "updated": updated})


def _of(campaign: Campaign | None) -> Campaign:
    if campaign is None:
        raise WrongRequest(field="campaign", why=_("choose the campaign."))
    return campaign


def _snapshot(session: Session, upload: Upload, campaign: Campaign | None) -> Things:
    values: dict[str, Any] = {"campaign": campaign.id if campaign else None, "vintage": upload.choice.get("vintage")}
    return {row[0]: tuple(row[1:]) for row in session.execute(SNAPSHOTS[upload.kind], values)}


def _differences(kind: str, before: Things, after: Things) -> list[dict[str, Any]]:
    names = SHOWN_FIELDS[kind]

    def told(values: tuple[Any, ...] | None) -> dict[str, Any] | None:
        return None if values is None else dict(zip(names, values, strict=True))

    return [
        {"code": code, "was": told(before.get(code)), "now": told(after.get(code))}
        for code in sorted({*before, *after}) if before.get(code) != after.get(code)
    ]  # fmt: skip


def _areas(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    if not by.everything:
        raise NotAllowed
    level, vintage = upload.choice.get("level", ""), _vintage(upload)
    if level not in LEVELS:
        raise WrongRequest(field="level", why=_("choose the level."))
    with the_file(upload) as path:
        features = features_of(upload, path)
    chosen: dict[str, Any] = {**chosen_fields(upload, list(features.attributes))}
    fields = AreaFields(**chosen)
    summary = import_areas(session, features, fields, level, vintage)
    if summary.errors:
        raise RowsRefused(summary.errors)
    if summary.created or summary.updated:
        refresh_pinned_to(session, vintage)
    return summary.as_dict(), {"vintage": vintage.isoformat(), "level": level}


def _vintage(upload: Upload) -> date:
    try:
        return date.fromisoformat(upload.choice.get("vintage", ""))
    except ValueError:
        raise WrongRequest(field="vintage", why=_("give the day from which the boundaries hold.")) from None


OUTSIDE = text("""
    SELECT s.code FROM settlement s WHERE s.code = ANY(:codes)
      AND NOT EXISTS (SELECT 1 FROM settlement_place p WHERE p.settlement_id = s.id AND in_areas(p.area_id, :areas))""")


def _settlements(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    with the_file(upload) as path:
        features = features_of(upload, path)
    chosen = chosen_fields(upload, list(features.attributes))
    codes = [str(code or "") for code in features.attributes[chosen["code"]]]
    known_outside = set(session.scalars(OUTSIDE, {"codes": codes, **by.binds()}))
    fields = {ours: theirs for ours, theirs in chosen.items() if ours not in ("lon", "lat")}
    summary = import_settlements(session, features, SettlementFields(**fields))
    if summary.errors:
        raise RowsRefused(summary.errors)
    session.flush()
    outside = known_outside | set(session.scalars(OUTSIDE, {"codes": codes, **by.binds()}))
    _refuse_outside(codes, outside, "code", by)
    if summary.created or summary.updated:
        refresh_all(session)
    return summary.as_dict(), {}


def _refuse_outside(codes: list[str], outside: set[str], name: str, by: Scope) -> None:
    """All or nothing: a row that lies elsewhere refuses the file, as if what it names did not exist."""
    if by.everything or not outside:
        return
    why = _("{code} lies in none of your areas.")
    raise RowsRefused([
        RowError(at, name, "not_yours", why.format(code=code)) for at, code in enumerate(codes, 1) if code in outside
    ])  # fmt: skip


OWN_AREAS = text("SELECT a.code FROM area a WHERE a.vintage = :vintage AND in_areas(a.id, :areas)")
OTHER_TEAMS = text("""
    SELECT code FROM team WHERE campaign_id = :campaign AND code = ANY(:codes)
      AND NOT coalesce(in_areas(area_id, :areas), false)""")


def _teams(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    of = _of(campaign)
    rows = _rows(upload)
    if not by.everything:
        own = set(session.scalars(OWN_AREAS, {"vintage": of.vintage, **by.binds()}))
        areas = [row.get("area", "") for row in rows]
        _refuse_outside(areas, set(areas) - own, "area", by)
        codes = [row.get("team", "") for row in rows]
        outside = set(session.scalars(OTHER_TEAMS, {"campaign": of.id, "codes": codes, **by.binds()}))
        _refuse_outside(codes, outside, "team", by)
    return import_teams(session, of, rows).as_dict(), {}


def _rows(upload: Upload) -> list[dict[str, str]]:
    with the_file(upload) as path:
        return rows_under_our_names(upload, path)


OTHER_STOPS = text("""
    SELECT t.code AS team, p.on_date::text AS date, s.code AS settlement, p.target_children::text AS target_children
    FROM plan_stop p JOIN team t ON t.id = p.team_id JOIN settlement s ON s.id = p.settlement_id
    JOIN campaign_settlement x ON x.campaign_id = :campaign AND x.settlement_id = p.settlement_id
    WHERE p.microplan_id = :microplan AND NOT in_areas(x.area_id, :areas)""")
OWN_SETTLEMENTS = text("""
    SELECT code FROM campaign_settlement WHERE campaign_id = :campaign AND in_areas(area_id, :areas)""")


def _microplan(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A coordinator's plan replaces that of the own areas; what is planned elsewhere goes on as it is."""
    of = _of(campaign)
    rows, before = [_day(row) for row in _rows(upload)], of.microplan_id
    if not by.everything:
        own = set(session.scalars(OWN_SETTLEMENTS, {"campaign": of.id, **by.binds()}))
        codes = [row.get("settlement", "") for row in rows]
        _refuse_outside(codes, set(codes) - own, "settlement", by)
        others = session.execute(OTHER_STOPS, {"campaign": of.id, "microplan": before, **by.binds()}).mappings()
        rows += [dict(row) for row in others]
    summary = import_microplan(session, of, rows, source=upload.file_name)
    return summary.as_dict(), {"microplan": before}


def _day(row: dict[str, str]) -> dict[str, str]:
    """31/12/2026 and 31.12.2026, as districts write days, are 2026-12-31."""
    words = row.get("date", "").translate(DIGITS).split("T")[0]
    parts = words.replace(".", "/").replace("-", "/").split("/")
    if len(parts) == 3 and len(parts[2]) == 4 and all(part.isdigit() for part in parts):
        words = f"{parts[2]}-{int(parts[1]):02}-{int(parts[0]):02}"
    return {**row, "date": words}


def _targets(
    session: Session, by: Scope, upload: Upload, campaign: Campaign | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    wishes, errors = [], []
    for at, row in enumerate(_rows(upload), 1):
        words = row.get("target_children", "").translate(DIGITS).replace(",", "")
        if words.isascii() and words.isdigit():
            wishes.append(Wish(row.get("settlement", ""), int(words[:12])))
        else:
            why = _("{value} is not a whole number.").format(value=words or "–")
            errors.append(RowError(at, "target_children", "not_a_count", why))
    if errors:
        raise RowsRefused(errors)
    batch, changed = change_targets(session, by, _of(campaign), wishes, upload.choice.get("reason", ""))
    return {"read": len(wishes), "updated": changed, "unchanged": len(wishes) - changed}, {"batch": str(batch)}


HOW: dict[str, Callable[[Session, Scope, Upload, Campaign | None], tuple[dict[str, Any], dict[str, Any]]]] = {
    "areas": _areas, "settlements": _settlements, "teams": _teams, "microplan": _microplan, "targets": _targets,
}  # fmt: skip


def _visits(session: Session, by: Scope, upload: Upload, campaign: Campaign, progress: Progress) -> Outcome:
    """Good rows go in, each refused one is named. Whose rows may be of any team sees all of the campaign."""
    if not by.everything:
        raise NotAllowed
    raw_folder = settings.from_environment().data_dir / "raw"
    with the_file(upload) as path, rejects_to(None) as rejects:
        rejects.SHOWN = MOST_REFUSED_KEPT
        try:
            if upload.columns:
                with NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as plain:
                    _write_csv(plain, rows_under_our_names(upload, path))
                    named = Path(plain.name)
                    summary = import_visits(
                        session, campaign, named, raw_folder, rejects, channel="upload", progress=progress
                    )
            else:
                summary = import_visits(
                    session, campaign, path, raw_folder, rejects, channel="upload", progress=progress
                )
        except NotAVisitsFile as error:
            raise RowsRefused([RowError(0, "file", "not_readable", str(error))]) from None
    return Outcome(summary.as_dict(), [], rejects.shown)


def _write_csv(file: Any, rows: list[dict[str, str]]) -> None:
    writer = csv.DictWriter(file, list(rows[0]) if rows else ["instance_id"])
    writer.writeheader()
    writer.writerows(
        {name: value.translate(DIGITS) if name != "note" else value for name, value in row.items()} for row in rows
    )
    file.flush()
