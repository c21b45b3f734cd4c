"""Is every plan whole, fair and repeatable? On any ground, however odd."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.targets import measures
from geo.targets.graph import neighbours
from geo.targets.planning import plan
from geo.targets.rules import Rules
from tests.geo.targets.made_ground import teams_of, units_at, villages

QUICK = Rules(rounds=3)


@st.composite
def grounds(draw):
    """Scattered, on one line, at one spot, one huge town among hamlets, two pieces far apart."""
    n = draw(st.integers(1, 60))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["scattered", "line", "spot", "town", "apart"]))
    xy, children = random.random((n, 2)) * 9_000, random.integers(0, 40, n)
    if kind == "line":
        xy[:, 1] = xy[:, 0] * 0.5
    if kind == "spot":
        xy[:] = 100.0
    if kind == "town":
        children[0] = 4_000
    if kind == "apart":
        xy[::2] += 60_000
    return units_at(xy, children)


@settings(max_examples=40, deadline=None)
@given(grounds(), st.integers(1, 8), st.integers(1, 5))
def test_every_unit_is_in_exactly_one_team_day_and_none_is_empty_while_there_are_units_enough(units, teams, days):
    found = plan(units, teams_of(teams, days), QUICK)

    assert ((found.team >= 0) & (found.team < teams) & (found.day >= 0) & (found.day < days)).all()
    used = set(zip(found.team.tolist(), found.day.tolist(), strict=True))
    assert len(used) == min(len(units), teams * days)
    for team, day in used:
        its = (found.team == team) & (found.day == day)
        assert sorted(found.order[its]) == list(range(1, its.sum() + 1))


@settings(max_examples=15, deadline=None)
@given(grounds(), st.integers(1, 6), st.integers(1, 4), st.integers(0, 5))
def test_the_same_seed_gives_the_same_plan_with_its_rows_shuffled(units, teams, days, seed):
    shuffled = np.random.default_rng(1).permutation(len(units))

    one = plan(units, teams_of(teams, days), QUICK, seed=seed)
    other = plan(units.taken(shuffled), teams_of(teams, days), QUICK, seed=seed)

    assert one.team[shuffled].tolist() == other.team.tolist()
    assert one.day[shuffled].tolist() == other.day.tolist()
    assert one.order[shuffled].tolist() == other.order.tolist()


def test_one_process_and_two_make_the_same_plan():
    units = units_at(*villages(180))

    one = plan(units, teams_of(40, 2), QUICK, seed=4)
    two = plan(units, teams_of(40, 2), QUICK, seed=4, processes=2)

    assert one.team.tolist() == two.team.tolist()
    assert one.day.tolist() == two.day.tolist()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_plan_is_balanced_connected_and_short_as_other_code_counts_it(seed):
    units = units_at(*villages(400))
    teams, days = 20, 4

    found = plan(units, teams_of(teams, days), Rules(rounds=10), seed=seed)

    metres = pyproj.Geod(ellps="WGS84")
    graph = nx.Graph(neighbours(units.xy).edges.tolist())
    graph.add_nodes_from(range(len(units)))
    hours, whole = [], []
    for key in {*zip(found.team.tolist(), found.day.tolist(), strict=True)}:
        its = np.flatnonzero((found.team == key[0]) & (found.day == key[1]))
        walked = its[np.argsort(found.order[its])]
        km = metres.line_length(units.lon[walked], units.lat[walked]) / 1000 if len(walked) > 1 else 0
        assert found.walk_km[its].sum() == pytest.approx(km * 1.3, rel=1e-6)
        hours.append((units.minutes[its].sum() + km * 1.3 / 3.5 * 60) / 60)
        whole.append(nx.is_connected(graph.subgraph(its.tolist())))
    assert np.percentile(hours, 95) / np.mean(hours) <= 1.25
    assert np.max(hours) / np.mean(hours) <= 1.55
    assert np.mean(whole) >= 0.98


def test_needs_are_met_and_priority_comes_early_when_the_teams_suffice():
    random = np.random.default_rng(3)
    xy, children = villages(240)
    units = units_at(xy, children, needs=(random.random(240) < 0.15).astype(int), priority=random.random(240) < 0.2)
    able = [1, 0, 1, 0] * 3

    found = plan(units, teams_of(12, 4, able), Rules(rounds=5))

    unmet = [k for k in np.flatnonzero(units.needs) if not able[found.team[k]]]
    assert unmet == []
    assert (found.day[units.priority] < 2).all()


def test_what_a_person_fixed_does_not_move():
    units = units_at(*villages(80))
    fixed = np.full((80, 2), -1)
    fixed[[3, 40, 77]] = [(2, 1), (0, 0), (3, 1)]

    found = plan(units, teams_of(4, 2), QUICK, fixed=fixed)

    assert [(found.team[k], found.day[k]) for k in (3, 40, 77)] == [(2, 1), (0, 0), (3, 1)]


def test_one_child_more_does_not_change_the_other_zones():
    xy, children = villages(160)
    zone = (xy[:, 0] > 6_000).astype(int)
    units = units_at(xy, children)
    more = children.copy()
    more[int(np.flatnonzero(zone == 0)[0])] += 1

    one = plan(units, teams_of(8, 2), QUICK, zone=zone)
    other = plan(units_at(xy, more), teams_of(8, 2), QUICK, zone=zone)

    assert one.team[zone == 1].tolist() == other.team[zone == 1].tolist()
    assert one.day[zone == 1].tolist() == other.day[zone == 1].tolist()


def test_too_few_teams_are_told_and_the_number_named_clears_it():
    xy, children = villages(120, side_m=4_000)
    units, rules = units_at(xy, children), Rules(rounds=3)

    found = plan(units, teams_of(2, 2), rules)
    total = float((units.minutes + found.walk_minutes).sum())
    short = measures.shortage(total, int(children.sum()), 4, 2, rules)
    enough = 2 + short.teams
    again = plan(units, teams_of(enough, 2), rules)

    assert short.teams > 0
    its = measures.totals(again.team, again.day, units.minutes, again.walk_minutes, units.children, again.walk_km)
    assert (its.minutes > rules.capacity_minutes).mean() <= 0.05


@pytest.mark.parametrize(("children", "short"), [(150 * 4, False), (150 * 4 + 1, True)])
def test_it_is_short_by_one_child_past_the_cap(children, short):
    assert bool(measures.shortage(60.0, children, 4, 2, Rules())) == short


def test_a_team_with_one_free_day_gets_one_day():
    teams = replace(teams_of(2, 2), free=[[1], [0, 1]])

    found = plan(units_at(*villages(30)), teams, QUICK)

    assert set(found.day[found.team == 0].tolist()) == {1}
    assert set(found.day[found.team == 1].tolist()) == {0, 1}
