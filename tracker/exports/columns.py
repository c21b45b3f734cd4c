"""What each column of a list holds: its name, its kind and one sentence. The data dictionary is made of this."""

from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

TEXT, WHOLE, NUMBER, YES_NO, MOMENT, DAY = "text", "whole", "number", "yes_no", "moment", "day"
KIND_WORDS = {
    TEXT: _l("text"), WHOLE: _l("whole number"), NUMBER: _l("number"), YES_NO: _l("true or false"),
    MOMENT: _l("time, UTC"), DAY: _l("day"),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    name: str  # as in files and over HTTP
    kind: str
    words: Any  # what it holds, in one sentence


def _all_of(kind: str, **words: Any) -> list[Column]:
    return [Column(name, kind, said) for name, said in words.items()]


KNOWN = {column.name: column for column in (
    *_all_of(
        TEXT,
        code=_l("Code; a P-code for areas"), name=_l("Name in Latin letters"), name_ur=_l("Name in Urdu"),
        name_ps=_l("Name in Pashto"), level=_l("Level of the area, or what the row is about"),
        type=_l("Type of the settlement or team"), area=_l("Code of the lowest area"),
        area_name=_l("Name of the lowest area"), team=_l("Code of the team"),
        supervisor=_l("Code of the area in charge"),
        status=_l("missed, partly, doubtful, covered or not_started"), parent=_l("Code of the area above"),
        instance_id=_l("Identity of the visit, made on the phone"),
        replaces=_l("The visit that this one corrects"), settlement=_l("Code of the settlement as declared"),
        settlement_resolved=_l("Code of the settlement in which the visit counts"),
        area_resolved=_l("Code of the lowest area in which the visit counts"),
        standing=_l("valid, doubtful, rejected, replaced or waiting"),
        flags=_l("Rules that ask about the visit, with ; between"), note=_l("Note of the team"),
        reason=_l("Why, in the words of who decided"), changed_by=_l("Who changed it"),
    ),
    *_all_of(
        WHOLE,
        rank=_l("1 is the most urgent"),
        settlements=_l("Settlements"), settlements_visited=_l("Settlements with a visit that is not rejected"),
        target=_l("Children under five to reach, with all logged changes (current base)"),
        target_fixed=_l("The same as published with the microplan (fixed base)"),
        visits=_l("Visits; corrected ones count once"), visits_valid=_l("Visits that nothing speaks against"),
        visits_doubtful=_l("Visits to check"), visits_rejected=_l("Visits that count nowhere"),
        eligible=_l("Resident children under five found on first visits"),
        vaccinated=_l("Children reported as vaccinated: the claim"),
        vaccinated_confirmed=_l("Of these, in valid visits only"),
        vaccinated_rejected=_l("Reported in rejected visits, counted nowhere"),
        guests=_l("Vaccinated children who live elsewhere"), zero_dose=_l("Children who never had a dose before"),
        missed_absent=_l("Missed: not at home"), missed_refused=_l("Missed: refused"),
        missed_other=_l("Missed: other reasons"), recovered=_l("Vaccinated on a revisit"),
        still_missed=_l("Missed and not yet found again"), due=_l("Target of the places whose day has begun"),
        no_word=_l("Settlements whose day has begun and whose team has not been heard"),
        unreached=_l("Children of the target not yet confirmed"), cells=_l("Inhabited cells"),
        cells_reached=_l("Inhabited cells with a valid visit"),
        missed=_l("Settlements that are missed"), partly=_l("Settlements partly done"),
        doubtful=_l("Settlements to check"), covered=_l("Settlements that are covered"),
        not_started=_l("Settlements not started"), no_visit=_l("Unreached children without a visit"),
        absent=_l("Children not at home"), refused=_l("Children refused"), other=_l("Unreached for other reasons"),
        days_waiting=_l("Days since the planned day"), children_eligible=_l("Children under five of the household"),
        other_missed=_l("Missed for other reasons"), guests_vaccinated=_l("Vaccinated children who live elsewhere"),
        finger_marked=_l("Finger marks seen"), old_target=_l("Target before the change"),
        new_target=_l("Target after the change"), change=_l("New target less old target"),
    ),
    *_all_of(
        NUMBER,
        reported_coverage=_l("Vaccinated ÷ target, not capped"),
        confirmed_coverage=_l("Confirmed ÷ target, not capped"),
        geographic_coverage=_l("Cells reached ÷ inhabited cells"), lon=_l("Longitude, degrees WGS 84"),
        lat=_l("Latitude, degrees WGS 84"), accuracy_m=_l("Accuracy of the position, metres"),
        area_km2=_l("Area on the ellipsoid, km²"),
    ),
    *_all_of(
        YES_NO,
        high_risk=_l("Marked as high risk"), silent=_l("Its day has begun and its team has not been heard"),
        is_revisit=_l("A second visit to the household"), mock_location=_l("The phone says that the place is made up"),
    ),
    *_all_of(
        MOMENT,
        heard_at=_l("Newest submission of the teams concerned"), visited_at=_l("When, by the phone's clock"),
        changed_at=_l("When it was changed"),
    ),
    *_all_of(DAY, first_day=_l("First planned day"), last_day=_l("Last planned day"), day=_l("Day")),
)}  # fmt: skip


def columns(*names: str) -> tuple[Column, ...]:
    return tuple(KNOWN[name] for name in names)
