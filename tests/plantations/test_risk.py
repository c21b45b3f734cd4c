"""Risk is a sum whose parts are shown; missing evidence adds, it never subtracts."""

from datetime import date

import pytest

from tracker.plantations.risk import Scored, is_old, risk_of

SUPPORTED = dict.fromkeys(("gain", "open_before", "kept", "plantable"), "supports")


def scored(worst=None, verdicts=SUPPORTED, **more) -> int:
    return risk_of(Scored(1, worst or {}, verdicts=verdicts, **more))[0]


def test_a_claim_without_findings_and_with_support_has_only_its_missing_photo():
    risk, parts = risk_of(Scored(1, {}, verdicts=SUPPORTED))

    assert (risk, parts) == (10, [{"part": "no photo", "points": 10}])


@pytest.mark.parametrize(
    ("worst", "points"),
    [({"size": "warn"}, 5), ({"size": "doubt"}, 15), ({"size": "reject"}, 40), ({"size": "warn", "spike": "warn"}, 10)],
)
def test_each_rule_counts_once_by_its_gravest_finding(worst, points):
    assert scored(worst) == 10 + points


@pytest.mark.parametrize(("share", "points"), [(0.02, 5), (0.125, 5), (0.2, 8), (1.0, 40)])
def test_an_overlap_counts_by_its_share_and_at_least_by_its_severity(share, points):
    assert scored({"overlap": "warn"}, overlapped=share) == 10 + points


@pytest.mark.parametrize(("question", "points"), [("plantable", 45), ("gain", 40), ("open_before", 30), ("kept", 20)])
def test_a_question_that_contradicts(question, points):
    assert scored(verdicts={**SUPPORTED, question: "contradicts"}) == 10 + points


@pytest.mark.parametrize(("old", "points"), [(False, 5), (True, 10)])
def test_a_gain_that_cannot_be_told_counts_more_when_it_could_be_by_now(old, points):
    assert scored(verdicts={**SUPPORTED, "gain": "cannot tell"}, is_old=old) == 10 + points
    assert scored(verdicts={}, is_old=old) == 10 + points


def test_it_never_passes_a_hundred_and_the_largest_part_stands_first():
    worst = dict.fromkeys(("size", "spike", "density", "overlap"), "reject")

    risk, parts = risk_of(Scored(1, worst, rejected_share=0.5))

    assert risk == 100
    assert [p["points"] for p in parts] == sorted((p["points"] for p in parts), reverse=True)
    assert {"part": "implementer", "points": 10.0} in parts


@pytest.mark.parametrize(
    ("species", "planted_on", "old"),
    [
        ((("poplar", 1.0),), date(2021, 1, 1), True), ((("poplar", 1.0),), date(2021, 8, 1), False),
        ((("chir pine", 1.0),), date(2021, 1, 1), False), ((), date(2014, 1, 1), True), ((), None, False),
    ],
)  # fmt: skip
def test_when_trees_of_a_kind_can_be_seen(species, planted_on, old):
    assert is_old(species, planted_on, date(2026, 6, 1)) is old
