"""Why could nobody work in a settlement, and under what are its children counted?"""

from datetime import timedelta

import pytest

from tests.builders import CATCH_UP, LAST_DAY, a_hamlet, a_round
from tests.coverage.counted import a_count
from tests.coverage.test_report import AFTERWARDS, at
from tracker.accounts.scope import SERVER
from tracker.errors import NotAllowed, NotFound, WrongRequest
from tracker.orders.gap_list import Wish, list_gaps
from tracker.orders.history import earlier_rounds
from tracker.orders.reasons import (
    ReasonChanged,
    Said,
    close_settlement,
    reopen_settlement,
    said_before,
    standing_reasons,
)

SNOW = Said("snow", "supervisor", "the pass is shut", None)


def close(session, story, who, code="MOST", said=SNOW, seen=None, today=LAST_DAY):
    return close_settlement(session, story.round, story.scopes[who], code, said, seen=seen, today=today)


def reasons(session, story, code="MOST", now=AFTERWARDS):
    rows = list_gaps(session, story.round, SERVER, Wish(), now=now).rows
    return next(dict(row["reasons"]) for row in rows if row["code"] == code)


def test_dawar_closes_nothing_in_peshawar(session, story):
    with pytest.raises(NotFound):
        close(session, story, "Dawar")


@pytest.mark.parametrize("who", ["Bilal", "Oman", "Veda"])
def test_a_reason_is_for_those_who_answer_for_the_area(session, story, who):
    with pytest.raises(NotAllowed):
        close(session, story, who)


def test_the_children_stay_in_the_target_under_the_reason(session, story):
    before = list_gaps(session, story.round, SERVER, Wish(), now=AFTERWARDS)

    close(session, story, "Sana")
    close(session, story, "Sana", "LESS", Said("boycott", "elder", "", None))
    after = list_gaps(session, story.round, SERVER, Wish(), now=AFTERWARDS)

    assert after.children == before.children == 50 + 20 + 40
    assert reasons(session, story) == {"snow": 50}
    assert reasons(session, story, "LESS") == {"absent": 6, "refused": 4, "boycott": 10}  # known reasons first
    assert (after.by_reason["snow"], after.by_reason["boycott"], after.by_reason["no_visit"]) == (50, 10, 40)


@pytest.mark.parametrize(("days_later", "holds"), [(0, True), (1, False)])
def test_a_reason_holds_up_to_and_with_its_last_day(session, story, days_later, holds):
    close(session, story, "Sana", said=Said("flood", "army", "", CATCH_UP))

    on = at(CATCH_UP + timedelta(days=days_later), 12)

    assert ("flood" in reasons(session, story, now=on)) is holds


def test_whoever_comes_second_sees_what_the_first_wrote(session, story):
    first = close(session, story, "Sana")

    with pytest.raises(ReasonChanged):
        close(session, story, "Amina", said=Said("empty", "elder", "", None), seen=None)
    second = close(session, story, "Amina", said=Said("empty", "elder", "", None), seen=first)

    standing = standing_reasons(session, story.round, SERVER, LAST_DAY)
    assert {row.reason for row in standing.values()} == {"empty"}
    assert [row.id for row in said_before(session, SERVER, story.places["MOST"].id)] == [second, first]


def test_a_settlement_is_opened_again_and_the_record_stays(session, story):
    closure = close(session, story, "Sana")

    reopen_settlement(session, story.round, story.scopes["Amina"], "MOST", seen=closure)

    assert reasons(session, story) == {"no_visit": 50}
    (row,) = said_before(session, SERVER, story.places["MOST"].id)
    assert (row.person, row.ended_by) == ("Sana", "Amina")


@pytest.mark.parametrize(("said", "field"), [
    (Said("lazy", "x", "", None), "reason"), (Said("snow", " ", "", None), "said_by"),
    (Said("snow", "x" * 201, "", None), "said_by"), (Said("snow", "x", "n" * 2001, None), "note"),
    (Said("snow", "x", "", LAST_DAY - timedelta(days=1)), "until"),
])  # fmt: skip
def test_what_cannot_be_said_is_told_by_its_field(session, story, said, field):
    with pytest.raises(WrongRequest) as refused:
        close(session, story, "Sana", said=said)

    assert refused.value.facts["field"] == field


def test_gaps_are_ranked_as_the_verb_behind_the_api_ranks_them(session, story):
    from tracker.coverage.gaps import rank_gaps

    ours = list_gaps(session, story.round, SERVER, Wish(), now=AFTERWARDS).rows
    theirs = rank_gaps(session, story.round, SERVER, now=AFTERWARDS)

    assert [(r["rank"], r["code"], r["unreached"], r["days_waiting"], r["zero_dose"]) for r in ours] == [
        (r["rank"], r["code"], r["unreached"], r["days_waiting"], r["zero_dose"]) for r in theirs
    ]


def test_dawar_sees_the_gaps_of_bannu_only(session, story):
    listed = list_gaps(session, story.round, story.scopes["Dawar"], Wish(), now=AFTERWARDS)

    assert [row["code"] for row in listed.rows] == ["BANDA"]
    with pytest.raises(NotFound):
        list_gaps(session, story.round, story.scopes["Dawar"], Wish(area="PK201"), now=AFTERWARDS)


@pytest.mark.parametrize(("wish", "codes"), [
    (Wish(), ["MOST", "BANDA", "LESS"]), (Wish(area="PK201"), ["MOST", "LESS"]), (Wish(team="T2"), ["BANDA"]),
    (Wish(team="NONE"), []), (Wish(why="refused"), ["LESS"]), (Wish(status="missed"), ["MOST", "BANDA", "LESS"]),
    (Wish(status="partly"), []), (Wish(chronic=True), ["MOST", "LESS"]),
    (Wish(order="missed_before"), ["MOST", "LESS", "BANDA"]),
    (Wish(page=2), []),
])  # fmt: skip
def test_filters(session, story, wish, codes):
    earlier = a_round(
        session, "OCT", [story.ground.peshawar], starts_on=story.round.starts_on - timedelta(days=40),
        ends_on=story.round.starts_on - timedelta(days=38), catch_up=[],
    )  # fmt: skip
    a_count(session, earlier, story.team, story.places["DONE"], earlier.starts_on, vaccinated=20)

    assert [row["code"] for row in list_gaps(session, story.round, SERVER, wish, now=AFTERWARDS).rows] == codes


def test_how_earlier_rounds_ended_stands_beside_the_gap_oldest_first(session, story):
    for months, code in ((2, "SEP"), (1, "OCT")):
        start = story.round.starts_on - timedelta(days=30 * months)
        earlier = a_round(session, code, [story.ground.peshawar], starts_on=start, ends_on=start, catch_up=[])
        if code == "SEP":
            a_count(session, earlier, story.team, story.places["MOST"], start, vaccinated=50)

    listed = list_gaps(session, story.round, SERVER, Wish(), now=AFTERWARDS)
    most = listed.rows[0]

    assert [r.code for r in listed.rounds] == ["OCT", "SEP"]
    assert [then.status for then in most["rounds"]] == ["covered", "missed"]
    assert (most["missed_before"], most["chronic"]) == (1, True)


def test_an_observer_sees_no_gap_of_a_small_target(session, story):
    from tracker.campaigns.settlements import refresh_settlements

    a_hamlet(session, "NINE", under_five=9)
    refresh_settlements(session, story.round)

    listed = list_gaps(session, story.round, story.scopes["Oman"], Wish(), now=AFTERWARDS)

    assert [row["code"] for row in listed.rows] == ["MOST", "LESS"]
    assert listed.children == 70


def test_a_practice_round_stands_beside_nothing(session, story):
    long_ago = story.round.starts_on - timedelta(days=60)
    practice = a_round(session, "PRACTICE", [story.ground.peshawar], starts_on=long_ago, ends_on=long_ago, catch_up=[])
    assert [r.code for r in earlier_rounds(session, story.round, SERVER)] == ["PRACTICE"]

    practice.practice = True
    session.flush()

    assert earlier_rounds(session, story.round, SERVER) == []
