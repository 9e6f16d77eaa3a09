"""sparsest_interpolant_milp: against the exact recurrence, an LP over supports, and the bound."""

from itertools import combinations, product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import linprog

from sklearn_lpnet.solvers.enumeration import milp as milp_module
from sklearn_lpnet.theory import min_path_norm_interpolant, sparsest_interpolant_milp

PEAK = np.arange(-2, 4.0), np.array([0, 0, 1, 1, 0, 0.0])


def assert_interpolates(result, X, y):
    X = np.reshape(X, (len(y), -1))
    error = np.abs(result.network.evaluate(X)[:, 0] - y).max()
    assert error <= 1e-9 * (np.ptp(y) or 1)


def small_data(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    x = rng.uniform(-1, 1, n) if seed % 2 else np.arange(n, dtype=float)
    y = rng.standard_normal(n) if seed % 3 else rng.integers(0, 3, n).astype(float)
    return x, y


def fewest_weights_of_one_feature(x, y, most):
    """Fewest neurons beside an intercept: every choice of patterns and signs by LP.

    The patterns of one feature are read off the order; x is ascending.
    """
    n = len(x)
    Z = np.column_stack([x, np.ones(n)])
    patterns = [np.arange(n) >= k for k in range(n)] + [np.arange(n) < k for k in range(1, n)]
    for number in range(most):
        for chosen in combinations(list(product(range(len(patterns)), (1, -1))), number):
            blocks = [s * patterns[k][:, None] * Z for k, s in chosen]
            sides = [np.where(patterns[k], 1, -1)[:, None] * Z for k, _ in chosen]
            width = 2 * number + 1
            A = np.hstack([*blocks, np.ones((n, 1))])
            cone = np.zeros((n * number, width))
            for i, side in enumerate(sides):
                cone[i * n : (i + 1) * n, 2 * i : 2 * i + 2] = -side
            solution = linprog(
                np.zeros(width),
                A_ub=cone if number else None,
                b_ub=np.zeros(n * number) if number else None,
                A_eq=A,
                b_eq=y,
                bounds=[(None, None)] * width,
            )
            if solution.success:
                return number
    return most


@pytest.mark.parametrize("seed", range(24))
def test_one_feature_with_a_free_affine_part_takes_as_many_weights_as_knots(seed):
    x, y = small_data(seed)
    result = sparsest_interpolant_milp(x, y, skip_connection=True)
    assert result.n_nonzero == min_path_norm_interpolant(x, y, 0).n_knots
    assert result.proven
    assert result.lower_bound == result.n_nonzero
    assert_interpolates(result, x, y)


@pytest.mark.parametrize("seed", range(4))
def test_without_an_affine_part_it_is_what_linear_programs_over_all_patterns_find(seed):
    rng = np.random.default_rng(seed)
    x, y = np.arange(4.0 + seed % 2), rng.standard_normal(4 + seed % 2)
    result = sparsest_interpolant_milp(x, y)
    assert result.proven
    assert result.n_nonzero == fewest_weights_of_one_feature(x, y, result.n_nonzero + 1)
    assert_interpolates(result, x, y)


@pytest.mark.parametrize("skip_connection", [False, True, "penalized"])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("penalize_bias", [False, True])
@pytest.mark.parametrize("count", ["weights", "parameters"])
def test_every_kind_of_network_interpolates_and_counts_as_the_estimators_do(
    count, penalize_bias, fit_intercept, skip_connection
):
    rng = np.random.default_rng(1)
    X, y = rng.uniform(size=(4, 2)), rng.standard_normal(4)
    options = {
        "count": count,
        "penalize_bias": penalize_bias,
        "fit_intercept": fit_intercept,
        "skip_connection": skip_connection,
    }
    result = sparsest_interpolant_milp(X, y, **options, time_limit=0.4)
    assert_interpolates(result, X, y)
    counted = {"penalize_bias": penalize_bias, "penalize_skip": skip_connection is not True}
    assert result.n_nonzero == result.network.n_nonzero_weights(**counted)
    assert result.n_parameters == result.network.n_parameters(
        **counted, fit_intercept=fit_intercept
    )
    assert result.n_parameters >= 4
    assert fit_intercept or not result.network.intercept.any()
    assert skip_connection or not result.network.skip.any()


@pytest.mark.parametrize("seed", [0, 4, 5])
def test_two_features_meet_the_bound_on_parameters(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.uniform(-1, 1, (8, 2)), rng.uniform(-1, 1, 8)
    result = sparsest_interpolant_milp(X, y, count="parameters", general_position=True)
    assert (result.n_parameters, result.lower_bound, result.proven) == (8, 8, True)
    assert_interpolates(result, X, y)


def test_a_teacher_is_found_though_the_labels_are_not_in_general_position():
    X = np.random.default_rng(0).uniform(-1, 1, (8, 2))
    y = 2 * np.maximum(X[:, 0] + 0.1, 0) - 1
    result = sparsest_interpolant_milp(X, y)
    assert (result.n_nonzero, result.n_parameters, result.proven) == (1, 3, True)


def test_a_network_within_max_neurons():
    x, y = PEAK
    assert sparsest_interpolant_milp(x, y, max_neurons=3, skip_connection=True).n_nonzero == 3
    with pytest.raises(ValueError, match=r"max_neurons=2 .* exists\. Increase"):
        sparsest_interpolant_milp(x, y, max_neurons=2, skip_connection=True)


def test_coefficients_within_max_coefficient():
    x, y = PEAK
    with pytest.raises(ValueError, match=r"coefficients up to 0\.01 in scaled units exists"):
        sparsest_interpolant_milp(x, y, max_coefficient=0.01)
    bounded = sparsest_interpolant_milp(x, y, max_coefficient=8, skip_connection=True)
    assert np.all(np.abs(bounded.network.theta) <= bounded.max_coefficient * (1 + 1e-9))


def test_the_best_so_far_is_left_when_time_runs_out():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(9, 3)), rng.standard_normal(9)
    result = sparsest_interpolant_milp(X, y, time_limit=0.1)
    assert not result.proven
    assert result.lower_bound < result.n_nonzero
    assert_interpolates(result, X, y)


def test_the_best_so_far_is_left_by_an_interrupt(monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(milp_module.PatternProgram, "solve", interrupt)
    result = sparsest_interpolant_milp(*PEAK, skip_connection=True)
    assert not result.proven
    assert_interpolates(result, *PEAK)


@pytest.mark.parametrize("scale", [1e-12, 1e12])
@pytest.mark.parametrize("shift", [0.0, 5.0])
def test_units_and_shifts_change_no_count(scale, shift):
    x, y = PEAK
    x, y = scale * (x + shift), scale * (y - shift)
    result = sparsest_interpolant_milp(x, y, skip_connection=True)
    assert (result.n_nonzero, result.proven) == (3, True)
    assert_interpolates(result, x, y)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize(("X", "y"), [([[2.0]], [3.0]), ([[2.0, 1.0]], [0.0]), ([1, 1], [7, 7])])
def test_a_single_point_takes_no_weight(X, y, fit_intercept):
    result = sparsest_interpolant_milp(X, y, fit_intercept=fit_intercept)
    assert (result.n_nonzero, result.proven) == (0, True)
    assert_allclose(result.network.evaluate(np.reshape(X, (len(y), -1)))[:, 0], y)


def test_two_points_take_one_weight():
    result = sparsest_interpolant_milp([[0.0, 1.0], [1.0, 1.0]], [1.0, 2.0])
    assert (result.n_nonzero, result.proven) == (1, True)


def test_equal_rows_count_once():
    x, y = PEAK
    result = sparsest_interpolant_milp(np.tile(x, 3), np.tile(y, 3), skip_connection=True)
    assert result.n_nonzero == 3


@pytest.mark.parametrize(
    ("X", "y", "options", "message"),
    [
        ([0, 1, 1], [0, 1, 2], {}, "equal rows 1 and 2"),
        ([0, np.nan], [0, 1], {}, "X must be finite"),
        ([0, 1], [0, np.inf], {}, "y must be finite"),
        (np.eye(13)[:, :2] + np.arange(13)[:, None], np.arange(13), {}, "13 distinct rows"),
        (np.eye(4), np.arange(4), {}, "4 features"),
        ([[0.0], [1e-15], [1.0]], [0, 1, 0], {}, r"\[0\.0\] and \[1e-15\], so close"),
        ([0, 1], [0, 1], {"count": "neurons"}, "count must be 'weights' or 'parameters'"),
        ([0, 1], [0, 1], {"skip_connection": "free"}, "skip_connection must be"),
        ([0, 1], [0, 1], {"penalize_bias": None}, "penalize_bias must be True or False"),
        ([0, 1], [0, 1], {"max_neurons": -1}, "max_neurons must be a whole number"),
        ([0, 1], [0, 1], {"max_coefficient": 0}, "max_coefficient must be"),
        ([0, 1], [0, 1], {"time_limit": np.nan}, "time_limit must be"),
    ],
)
def test_bad_input_is_named(X, y, options, message):
    with pytest.raises(ValueError, match=message):
        sparsest_interpolant_milp(X, y, **options)
