"""What would the teams of a block really do? Three days from door to door, and a catch-up day for the children not met.

Columns are numpy arrays of one length per visit, named as in the visit contract; `at_s` is seconds since the epoch.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from tracker.demo.ground import Ground
from tracker.demo.places import DAYS, METRES_PER_DEGREE, Block

ZONE = "Asia/Karachi"
COUNTS = (
    "children_eligible",
    "vaccinated",
    "absent",
    "refused",
    "other_missed",
    "guests_vaccinated",
    "zero_dose",
    "finger_marked",
)
WALKING_M_S, RIDING_M_S = 1.1, 7.0
Columns = dict[str, np.ndarray]


def honest_visits(
    block: Block, ground: Ground, start: date, rng: np.random.Generator, *, skipped: np.ndarray, silent: np.ndarray
) -> Columns:
    """All honest visits of a block, before any fault is planted.

    skipped : indices of settlements where nobody goes.   silent : mobile teams that are never heard.
    """
    refusing = _refusal_rate(block, rng)
    diligence = rng.beta(45, 0.9, block.mobile_teams)  # share of doors that a team reaches
    goes = (rng.random(len(block.house_team)) < diligence[block.house_team]) & ~np.isin(block.house_settlement, skipped)
    goes &= ~np.isin(block.house_team, silent)
    first = _visits_at(block, np.flatnonzero(goes), block.house_day[goes], rng)
    first |= _tally(block.house_children[goes], refusing[block.house_settlement[goes]], 0.03, rng)
    first["is_revisit"] = np.zeros(len(first["team"]), bool)
    again = _revisits(first, refusing, rng)
    posts = _posts(block, ground, rng)
    joined = {c: np.concatenate([first[c], again[c], posts[c]]) for c in first}
    fits = joined["second"] < 17 * 3600
    joined = {c: v[fits] for c, v in joined.items()}
    midnights = np.array([_midnight(start + timedelta(days=d)) for d in range(DAYS + 1)])
    joined["at_s"] = midnights[joined["day"]] + joined.pop("second")
    order = np.lexsort((joined["at_s"], joined["team"]))
    return _with_gps({c: v[order] for c, v in joined.items()}, rng)


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).timestamp())


def _refusal_rate(block: Block, rng: np.random.Generator) -> np.ndarray:
    """Chance of refusal per settlement: low, but for two neighbourhoods where word has gone round."""
    rate = np.full(len(block.code), 0.006)
    for centre in rng.choice(len(block.code), 2, replace=False):
        near = np.hypot(block.lon - block.lon[centre], block.lat - block.lat[centre]) < 0.2
        rate[near] = rng.uniform(0.10, 0.28, near.sum())
    return rate


def _visits_at(block: Block, house: np.ndarray, day: np.ndarray, rng: np.random.Generator) -> Columns:
    """Visits to these doors, each team-day's in the order given, with a clock."""
    lon, lat, team = block.house_lon[house], block.house_lat[house], block.house_team[house]
    return {
        "team": team,
        "day": day,
        "settlement": block.house_settlement[house],
        "lon": lon,
        "lat": lat,
        "second": _clock(team * 10 + day, lon, lat, rng),
    }


def _clock(team_day: np.ndarray, lon: np.ndarray, lat: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Seconds after midnight: from about 08:00, a walk or ride to each door and some minutes there; days fill until
    16:00."""
    n = len(team_day)
    opens = np.r_[True, team_day[1:] != team_day[:-1]]
    step = (
        np.hypot(np.diff(lon, prepend=lon[:1]) * np.cos(np.radians(lat)), np.diff(lat, prepend=lat[:1]))
        * METRES_PER_DEGREE
    )
    travel = np.where(opens, 0, np.where(step > 1500, 240 + step * 1.25 / RIDING_M_S, step * 1.2 / WALKING_M_S))
    group = np.cumsum(opens) - 1
    free = np.maximum(40.0, (7.6 * 3600 - np.bincount(group, travel)) / np.bincount(group))
    service = rng.gamma(3.5, np.minimum(free, 340)[group] / 3.5, n) + 6
    spent = np.cumsum(travel + service)
    begin = rng.uniform(7.7 * 3600, 8.4 * 3600, group[-1] + 1 if n else 0)
    at_s: np.ndarray = np.round(begin[group] + spent - spent[opens][group]).astype(np.int64)
    return at_s


def _tally(children: np.ndarray, refusing: np.ndarray, absent_share: float, rng: np.random.Generator) -> Columns:
    """What became of the children at each door."""
    n = len(children)
    absent = rng.binomial(children, absent_share)
    refused = rng.binomial(children - absent, refusing)
    other = rng.binomial(children - absent - refused, 0.006)
    vaccinated = children - absent - refused - other
    guests = rng.poisson(0.05, n)
    return {
        "children_eligible": children,
        "vaccinated": vaccinated,
        "absent": absent,
        "refused": refused,
        "other_missed": other,
        "guests_vaccinated": guests,
        "zero_dose": rng.binomial(vaccinated, 0.015),
        "finger_marked": rng.binomial(vaccinated + guests, 0.985),
    }


def _revisits(first: Columns, refusing: np.ndarray, rng: np.random.Generator) -> Columns:
    """The catch-up day: two of three doors with somebody absent, and some that refused, are tried again."""
    sought = first["absent"] + first["refused"]
    again = np.flatnonzero((sought > 0) & (rng.random(len(sought)) < 0.66))
    visits = {c: first[c][again] for c in ("team", "settlement", "lon", "lat")}
    visits["day"] = np.full(len(again), DAYS)
    visits["second"] = _clock(visits["team"] * 10 + DAYS, visits["lon"], visits["lat"], rng)
    visits |= _tally(sought[again], refusing[visits["settlement"]] * 0.8, 0.25, rng)
    visits["is_revisit"] = np.ones(len(again), bool)
    return visits


def _posts(block: Block, ground: Ground, rng: np.random.Generator) -> Columns:
    """Fixed and transit teams: one spot, about forty children's visits a day."""
    busy = np.argsort(-np.bincount(block.house_settlement, minlength=len(block.code)))[: block.posts]
    a_day = 40
    n = a_day * DAYS
    place = np.repeat(busy, n)
    seconds = np.sort(rng.integers(8 * 3600, 15 * 3600, (block.posts * DAYS, a_day)), axis=1).ravel()
    visits = {
        "team": block.mobile_teams + np.repeat(np.arange(block.posts), n),
        "day": np.tile(np.repeat(np.arange(DAYS), a_day), block.posts),
        "settlement": place,
        "lon": block.lon[place] + 0.0004,
        "lat": block.lat[place] + 0.0003,
        "second": seconds,
    }
    visits |= _tally(np.minimum(1 + rng.poisson(0.4, len(place)), 5), np.full(len(place), 0.001), 0.005, rng)
    visits["is_revisit"] = np.zeros(len(place), bool)
    return visits


def _with_gps(visits: Columns, rng: np.random.Generator) -> Columns:
    """Positions as phones give them: the accuracy told is the 68 % radius of the error."""
    n = len(visits["lon"])
    accuracy = np.clip(rng.lognormal(np.log(9), 0.4, n), 3, 48)
    east, north = rng.normal(0, accuracy / 1.515, (2, n))
    visits["lon"] = np.round(visits["lon"] + east / (METRES_PER_DEGREE * np.cos(np.radians(visits["lat"]))), 7)
    visits["lat"] = np.round(visits["lat"] + north / METRES_PER_DEGREE, 7)
    visits["accuracy_m"] = np.round(accuracy, 1)
    visits["declared"] = rng.random(n) < 0.9  # one in ten names no settlement
    visits["mock_location"] = np.zeros(n, bool)
    return visits
