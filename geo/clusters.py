"""Where do rare things crowd together? A circular scan statistic over places, in numpy."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from geo.neighbourhoods import on_sphere

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MOST_PLACES = 15  # in one cluster; our choice: what one team can still visit in two days
WITHIN_M = 5_000.0  # radius of a cluster; our choice: an hour on foot
REPLICATES = 99
LEVEL = 0.05
MOST_CLUSTERS = 12


@dataclass(frozen=True)
class Cluster:
    """Places that together have more cases than their share."""

    places: Whole  # rows of the input, the middle first, then by distance
    cases: int
    expected: float  # if cases fell on all places in proportion to their population
    p: float  # share of random rounds whose strongest cluster is at least as strong


def crowded_places(
    lon: Floats,
    lat: Floats,
    cases: Whole,
    population: Whole,
    *,
    within_m: float = WITHIN_M,
    most_places: int = MOST_PLACES,
    replicates: int = REPLICATES,
    level: float = LEVEL,
    seed: int = 1,
) -> list[Cluster]:
    """Clusters of at least two places, strongest first, none sharing a place with another.

    lon, lat : (n,) degrees EPSG:4326.   cases, population : (n,) counts, 0 ≤ cases
    returns  : at most 12; empty for fewer than two cases, or when all that is seen is likely by chance
    Circles about each place with cases grow to its nearest neighbours; the strongest by likelihood ratio (Poisson) is
    compared with the strongest of random rounds with as many cases. The same input gives the same answer.
    source   : Kulldorff 1997, doi:10.1080/03610929708831995
    """
    counted = np.flatnonzero((population > 0) | (cases > 0))
    total, people = int(cases[counted].sum()), int(population[counted].sum())
    if total < 2 or len(counted) < 2 or people == 0:
        return []
    near = _neighbours(lon[counted], lat[counted], within_m, min(most_places, len(counted)))
    expected = np.cumsum(_gathered(population[counted] * (total / people), near), axis=1)
    strength = _strength(np.cumsum(_gathered(cases[counted].astype(float), near), axis=1), expected, near, total)
    chance = _strongest_by_chance(population[counted], near, expected, total, replicates, seed)
    return [
        Cluster(counted[near[row, : size + 1]], round(float(found)), float(expected[row, size]), p)
        for row, size, found, p in _chosen(strength, near, cases[counted], chance, level)
    ]


def _neighbours(lon: Floats, lat: Floats, within_m: float, most: int) -> Whole:
    """(n, most) rows of the nearest places, oneself first; n where there is none within reach."""
    from scipy.spatial import cKDTree  # 27 MB of memory: only where it is used

    xyz = on_sphere(lon, lat)
    _, near = cKDTree(xyz).query(xyz, k=most, distance_upper_bound=within_m)
    return np.asarray(near, np.int64).reshape(len(lon), most)


def _gathered(values: npt.NDArray[Any], near: Whole) -> Floats:
    """Values of the neighbours; 0 where there is none."""
    gathered: Floats = np.append(values, 0.0)[near]
    return gathered


def _strength(found: Floats, expected: Floats, near: Whole, total: int) -> Floats:
    """Log likelihood ratio of each circle; 0 where it is no excess, no circle of its own, or a single place."""
    outside, beyond = total - found, np.maximum(total - expected, 1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = np.where(found > 0, found * np.log(found / np.maximum(expected, 1e-9)), 0.0)
        outer = np.where(outside > 0, outside * np.log(outside / beyond), 0.0)
    its_own = (found > expected) & (near < len(near))
    its_own[:, 0] = False
    return np.where(its_own, inner + outer, 0.0)


def _strongest_by_chance(
    population: Whole, near: Whole, expected: Floats, total: int, replicates: int, seed: int
) -> Floats:
    """(replicates,) the strongest circle of rounds in which the cases fall at random on the population."""
    rng = np.random.default_rng(seed)
    shares = population / population.sum()
    strongest = np.empty(replicates)
    for number in range(replicates):
        found = np.cumsum(_gathered(rng.multinomial(total, shares).astype(float), near), axis=1)
        strongest[number] = _strength(found, expected, near, total).max()
    return strongest


def _chosen(
    strength: Floats, near: Whole, cases: Whole, chance: Floats, level: float
) -> list[tuple[int, int, float, float]]:
    """(row, size - 1, cases, p) of the circles that stand out, each place in one of them at most."""
    best = strength.argmax(axis=1)
    power = strength[np.arange(len(strength)), best]
    taken = np.zeros(len(strength) + 1, bool)
    chosen: list[tuple[int, int, float, float]] = []
    for row in np.argsort(-power, kind="stable"):
        p = (1 + int((chance >= power[row]).sum())) / (1 + len(chance))
        if power[row] <= 0 or p > level or len(chosen) == MOST_CLUSTERS:
            break
        members = near[row, : best[row] + 1]
        if not taken[members].any():
            taken[members] = True
            chosen.append((int(row), int(best[row]), float(cases[members].sum()), p))
    return chosen
