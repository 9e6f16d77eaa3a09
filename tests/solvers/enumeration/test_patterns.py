"""Activation patterns: against Cover's count, linear programs and random hyperplanes."""

from itertools import product
from math import comb

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.optimize import linprog

from sklearn_lpnet.solvers.enumeration.patterns import activation_patterns


def is_realisable(X, pattern):
    """Whether a linear program finds (w, b) that separates with a margin."""
    sides = np.where(pattern, 1, -1)[:, None] * np.column_stack([X, np.ones(len(X))])
    free = [(None, None)] * sides.shape[1]
    return linprog(
        np.zeros(sides.shape[1]), A_ub=-sides, b_ub=-np.ones(len(X)), bounds=free
    ).success


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("n", "d"), [(1, 1), (2, 1), (7, 1), (3, 2), (9, 2), (8, 3), (12, 3)])
def test_general_position_has_as_many_patterns_as_cover_counts(n, d, bias):
    X = np.random.default_rng(n).standard_normal((n, d))
    expected = 2 * sum(comb(n - 1, i) for i in range(d + bias))
    assert len(activation_patterns(X, bias=bias)) == expected


@pytest.mark.parametrize("seed", range(8))
def test_patterns_are_those_that_linear_programs_find(seed):
    # Small integers are full of collinear points.
    X = np.random.default_rng(seed).integers(0, 3, (6, 2)).astype(float)
    X = np.unique(X, axis=0)
    expected = [p for p in product([False, True], repeat=len(X)) if is_realisable(X, p)]
    assert_array_equal(activation_patterns(X), expected)


def test_neurons_on_the_data_have_patterns_of_the_list():
    rng = np.random.default_rng(0)
    X = rng.uniform(size=(7, 3))
    found = {tuple(p) for p in activation_patterns(X).tolist()}
    for _ in range(500):
        w, b = rng.standard_normal(3), rng.standard_normal()
        assert tuple((X @ w + b > 0).tolist()) in found


def test_points_that_almost_coincide_are_told_apart():
    patterns = activation_patterns([[0.0], [1e-300], [1.0], [1.0 + 2**-52]])
    assert len(patterns) == 8


def test_samples_at_the_origin_are_inactive_without_bias():
    assert_array_equal(
        activation_patterns([[0.0, 0.0], [1.0, 0.0]], bias=False), [[False, False], [False, True]]
    )


def test_equal_samples_have_equal_activations():
    patterns = activation_patterns([[1.0, 2.0], [1.0, 2.0], [0.0, 1.0]])
    assert len(patterns) == 4
    assert_array_equal(patterns[:, 0], patterns[:, 1])
