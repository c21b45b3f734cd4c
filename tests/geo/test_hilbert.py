"""Neighbours on the curve are neighbours on the ground."""

import numpy as np

from geo.hilbert import hilbert_index


def test_the_curve_visits_every_cell_once_and_steps_to_a_neighbour():
    row, column = np.divmod(np.arange(256), 16)

    order = np.argsort(hilbert_index(column * 1.0, row * 1.0))

    steps = np.abs(np.diff(row[order])) + np.abs(np.diff(column[order]))
    assert steps.tolist() == [1] * 255


def test_nothing_and_one_place():
    assert len(hilbert_index(np.empty(0), np.empty(0))) == 0
    assert len(hilbert_index(np.array([71.0]), np.array([34.0]))) == 1
