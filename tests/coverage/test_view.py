"""What the address of the coverage page asks for, and what the page makes of it."""

from dataclasses import replace
from datetime import date

import pytest

from tracker.coverage.outlines import OwnAreas, Placed
from tracker.coverage.overview import class_of
from tracker.coverage.view import SETTLEMENT, read_view
from tracker.errors import NotFound, WrongRequest

OWN = OwnAreas(levels=("district", "tehsil"), highest=("PK2",))


def placed(code, level, parent=None):
    return Placed(1, code, level, code, None, None, parent, 71.5, 34.0, 71.0, 33.5, 72.0, 34.5)


AREAS = {
    "PK2": placed("PK2", "province"), "PK201": placed("PK201", "district", "PK2"),
    "PK20101": placed("PK20101", "tehsil", "PK201"),
}  # fmt: skip


def view(until=None, **asked):
    return read_view(asked, OWN, AREAS, until)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"area": "PK201"},
        {"area": "PK201", "level": "district", "measure": "check", "class": "0,4"},
        {"settlement": "KILI", "area": "PK20101"},
        {"status": "missed,doubtful", "word": "none", "order": "name", "page": "3"},
        {"team": "T1", "list": "inside"},
    ],
)
def test_the_address_holds_the_whole_state(asked):
    assert view(**asked).query() == asked
    assert view(date(2025, 11, 10), **asked).query() == {**asked, "until": "2025-11-10"}


def test_an_area_is_opened_one_level_down():
    assert view().level == "district"
    assert view(area="PK201").level == "tehsil"
    assert view(area="PK20101").level == SETTLEMENT
    assert view(status="missed").level == SETTLEMENT


def test_the_list_holds_neighbours_and_on_wish_what_lies_inside():
    assert view(area="PK201").list_level == "district"
    assert view(area="PK201", list="inside").list_level == "tehsil"
    assert view(area="PK201", level=SETTLEMENT).lists_settlements is False
    assert view(area="PK201", level=SETTLEMENT, list="inside").lists_settlements is True
    assert view(status="missed").lists_settlements is True


def test_a_filter_pressed_twice_is_gone():
    once = view().toggled("missed")

    assert (once.statuses, once.level) == (("missed",), SETTLEMENT)
    assert once.toggled("missed") == view()
    assert once.toggled("covered").statuses == ("missed", "covered")


def test_another_list_begins_at_its_first_page():
    assert view(status="missed", page="3").toggled("covered").page == 1


@pytest.mark.parametrize(
    ("name", "word"),
    [("level", "galaxy"), ("measure", "luck"), ("status", "missed,lost"), ("class", "7"), ("order", "x")],
)
def test_words_that_mean_nothing_are_named(name, word):
    with pytest.raises(WrongRequest) as refused:
        view(**{name: word})

    assert refused.value.facts["field"] == name


def test_an_area_that_there_is_not():
    with pytest.raises(NotFound):
        view(area="NOWHERE")


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99999999"])
def test_a_page_that_there_is_not_is_the_first(page):
    assert view(page=page).page == 1


# the map's scale


def row(**more):
    known = {"target": 100, "vaccinated": 0, "vaccinated_confirmed": 0, "cells": 0, "cells_reached": 0}
    return known | more


@pytest.mark.parametrize(("confirmed", "number"), [(49, 0), (50, 1), (79, 1), (80, 2), (94, 3), (95, 4), (130, 4)])
def test_confirmed_coverage_falls_into_five_classes(confirmed, number):
    assert class_of(row(vaccinated_confirmed=confirmed), "confirmed") == number
    assert class_of(row(vaccinated=confirmed), "reported") == number
    assert class_of(row(cells=100, cells_reached=confirmed), "geographic") == number


@pytest.mark.parametrize(("waiting", "number"), [(20, 0), (19, 1), (10, 1), (9, 2), (5, 2), (4, 3), (1, 3), (0, 4)])
def test_the_share_to_check_is_worst_where_most_waits(waiting, number):
    assert class_of(row(vaccinated=60 + waiting, vaccinated_confirmed=60), "check") == number


@pytest.mark.parametrize(("target", "coloured"), [(0, False), (9, False), (10, True)])
def test_a_target_under_ten_has_no_colour(target, coloured):
    assert (class_of(row(target=target), "confirmed") is not None) == coloured
    assert class_of(row(cells=0), "geographic") is None


def test_a_team_without_areas_has_settlements_to_look_at():
    assert read_view({}, replace(OWN, levels=()), AREAS, None).levels == (SETTLEMENT,)
