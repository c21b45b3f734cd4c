"""Who is asked to go where, and what became of it?"""

from datetime import timedelta

import pytest

from tests.builders import CATCH_UP, LAST_DAY, a_hamlet, a_team
from tests.coverage.counted import a_count
from tracker.accounts.scope import SERVER
from tracker.errors import CampaignClosed, NotAllowed, NotFound, WrongRequest
from tracker.orders.orders import GivenMeanwhile, give_orders, orders_between, orders_for, withdraw_orders


def give(session, story, who, codes, team=None, on=CATCH_UP, note="", today=LAST_DAY):
    return give_orders(session, story.round, story.scopes[who], codes, team, on, note, today=today)


def states(session, story, today=LAST_DAY, scope=SERVER):
    rows = orders_between(session, story.round, scope, LAST_DAY, CATCH_UP + timedelta(days=9), today=today)
    return {(row.code, row.team): row.state for row in rows}


def test_dawar_orders_nobody_into_peshawar(session, story):
    with pytest.raises(NotFound):
        give(session, story, "Dawar", ["MOST", "BANDA"])

    assert states(session, story) == {}


@pytest.mark.parametrize("who", ["Sana", "Bilal", "Oman", "Veda"])
def test_only_who_plans_gives_orders(session, story, who):
    with pytest.raises(NotAllowed):
        give(session, story, who, ["MOST"])


def test_each_place_goes_to_the_team_of_its_plan_unless_one_is_named(session, story):
    a_team(session, story.round, "T9", story.ground.peshawar_tehsil)

    given = give(session, story, "Amina", ["MOST", "LESS"], note="bring the imam")
    give(session, story, "Amina", ["MOST"], "T9")

    assert (given.orders, given.children, given.already) == (2, 50 + 20, 0)
    assert states(session, story) == {("MOST", "T1"): "open", ("LESS", "T1"): "open", ("MOST", "T9"): "open"}


def test_the_same_order_twice_is_one(session, story):
    give(session, story, "Amina", ["MOST"])

    with pytest.raises(GivenMeanwhile):
        give(session, story, "Amina", ["MOST"])
    more = give(session, story, "Amina", ["MOST", "LESS"])

    assert (more.orders, more.already) == (1, 1)


def test_an_order_is_done_when_visits_of_that_team_arrive_on_its_day_or_later(session, story):
    give(session, story, "Amina", ["MOST", "LESS"])

    a_count(session, story.round, story.team, story.places["MOST"], LAST_DAY, vaccinated=5)  # the day before
    assert states(session, story)["MOST", "T1"] == "open"
    assert states(session, story, today=CATCH_UP + timedelta(days=1))["MOST", "T1"] == "late"

    a_count(session, story.round, story.team, story.places["MOST"], CATCH_UP, vaccinated=5)
    assert states(session, story)["MOST", "T1"] == "done"


def test_visits_of_another_team_or_set_aside_fulfil_nothing(session, story):
    give(session, story, "Amina", ["MOST"])

    a_count(session, story.round, story.other, story.places["MOST"], CATCH_UP, vaccinated=5)
    a_count(session, story.round, story.team, story.places["MOST"], CATCH_UP, visits_rejected=1)

    assert states(session, story)["MOST", "T1"] == "open"


def test_what_was_there_before_the_order_fulfils_nothing(session, story):
    a_count(session, story.round, story.team, story.places["MOST"], CATCH_UP, vaccinated=5)

    give(session, story, "Amina", ["MOST"], today=CATCH_UP)

    assert states(session, story, today=CATCH_UP)["MOST", "T1"] == "open"


def test_an_order_is_no_longer_needed_when_others_reached_the_children(session, story):
    give(session, story, "Amina", ["MOST"])

    a_count(session, story.round, story.other, story.places["MOST"], CATCH_UP, vaccinated=50)

    assert states(session, story)["MOST", "T1"] == "not_needed"


def test_orders_are_taken_back_together_or_one_by_one(session, story):
    batch = give(session, story, "Amina", ["MOST", "LESS", "DONE"]).batch
    place = story.places["DONE"].id
    one = orders_for(session, story.round, SERVER, [place], today=LAST_DAY)[place][0]

    assert withdraw_orders(session, story.round, story.scopes["Amina"], order=one.id) == 1
    assert withdraw_orders(session, story.round, story.scopes["Amina"], batch=batch) == 2
    assert states(session, story) == {}
    with pytest.raises(NotFound):
        withdraw_orders(session, story.round, story.scopes["Amina"], batch=batch)


def test_dawar_takes_no_order_of_peshawar_back(session, story):
    batch = give(session, story, "Amina", ["MOST"]).batch

    with pytest.raises(NotFound):
        withdraw_orders(session, story.round, story.scopes["Dawar"], batch=batch)


def test_orders_are_seen_in_ones_areas_and_by_the_team_that_they_are_for(session, story):
    give(session, story, "Amina", ["MOST"])
    give(session, story, "Dawar", ["BANDA"])

    seen = {who: set(states(session, story, scope=scope)) for who, scope in story.scopes.items()}

    assert seen["Amina"] == seen["Bilal"] == seen["Oman"] == {("MOST", "T1")}
    assert seen["Dawar"] == {("BANDA", "T2")}


def test_an_observer_is_told_no_children_of_a_small_target(session, story):
    from tracker.campaigns.settlements import refresh_settlements

    for code, children in (("NINE", 9), ("TEN", 10)):
        a_hamlet(session, code, under_five=children)
    refresh_settlements(session, story.round)
    give(session, story, "Amina", ["NINE", "TEN"], "T1")

    rows = orders_between(session, story.round, story.scopes["Oman"], LAST_DAY, CATCH_UP, today=LAST_DAY)

    assert {row.code: (row.children, row.unreached) for row in rows} == {"NINE": (None, None), "TEN": (10, 10)}


@pytest.mark.parametrize(("change", "field"), [
    ({"codes": []}, "settlement"), ({"on": LAST_DAY - timedelta(days=1)}, "on_date"),
    ({"on": LAST_DAY + timedelta(days=61)}, "on_date"), ({"note": "x" * 501}, "note"),
    ({"team": "T2"}, "team"), ({"team": "NONE"}, "team"),
])  # fmt: skip
def test_what_cannot_be_ordered_is_said_by_its_field(session, story, change, field):
    wish = {"codes": ["MOST"], **change}

    with pytest.raises(WrongRequest) as refused:
        give(session, story, "Amina", wish.pop("codes"), **wish)

    assert refused.value.facts["field"] == field


def test_a_closed_round_takes_no_orders(session, story):
    story.round.state = "closed"

    with pytest.raises(CampaignClosed):
        give(session, story, "Amina", ["MOST"])


def test_a_place_without_a_team_is_named_and_not_forgotten(session, story):
    from tracker.campaigns.settlements import refresh_settlements

    a_hamlet(session, "LONE", under_five=12)
    refresh_settlements(session, story.round)

    given = give(session, story, "Amina", ["LONE", "MOST"])

    assert (given.orders, given.without_team) == (1, ["LONE"])
