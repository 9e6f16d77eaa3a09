"""The solver "vertex" and its parts: cells, linear programs, curves of interpolants."""

import time
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import linprog

from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.solvers.interpolation import cell_lp, elimination
from sklearn_lpnet.solvers.interpolation.cells import Patterned, Setting
from sklearn_lpnet.solvers.interpolation.vertex import vertex

CONVENTIONS = [
    (penalize_bias, fit_intercept, skip)
    for penalize_bias in (False, True)
    for fit_intercept in (False, True)
    for skip in ("none", "free", "penalized")
]


def random_data(n, d, seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (n, d)), rng.uniform(-1, 1, n)


class Task(NamedTuple):
    """What is to be interpolated, and by what."""

    X: np.ndarray
    y: np.ndarray
    p: float
    parametrization: Parametrization


def make_problem(X, y, *, p=0.5, penalize_bias=False, fit_intercept=True, skip="penalized"):
    return Task(X, np.ravel(y), p, Parametrization(penalize_bias, fit_intercept, skip))


def solve(problem, *, seconds=1.0, seed=0, n_init=1, **options):
    return vertex(
        problem.X,
        problem.y,
        problem.parametrization,
        p=problem.p,
        n_neurons=30,
        n_init=n_init,
        seed=seed,
        time_limit=seconds,
        **options,
    )


def parameters(network, problem):
    return problem.parametrization.n_parameters(network)


def make_setting(X, y, p=0.5):
    """Free biases and intercept, a penalized affine part."""
    d = X.shape[1]
    price = np.ones((2, d + 1))
    price[:, -1] = 0.0
    X1 = np.column_stack([X, np.ones(len(y))])
    return Setting(X1, y, price, np.ones((2, d + 1), dtype=bool), price > 0, p)


def wide_network(setting, n_neurons, seed):
    """A random wide network, moved to interpolate."""
    rng = np.random.default_rng(seed)
    while True:
        table = rng.standard_normal((n_neurons + 1, setting.X1.shape[1]))
        sign = np.append(1.0, rng.choice([-1.0, 1.0], n_neurons))
        network = Patterned.of(setting, sign, table).corrected(50)
        if network is not None:
            return network


@pytest.mark.parametrize(("penalize_bias", "fit_intercept", "skip"), CONVENTIONS)
def test_it_interpolates_under_every_convention(penalize_bias, fit_intercept, skip):
    X, y = random_data(8, 3, 0)
    problem = make_problem(
        X, y, penalize_bias=penalize_bias, fit_intercept=fit_intercept, skip=skip
    )
    network, report = solve(problem, seconds=0.7)
    np.testing.assert_allclose(network.evaluate(X)[:, 0], y, atol=1e-9)
    assert skip != "none" or not network.skip.any()
    assert fit_intercept or not network.intercept.any()
    # No network with fewer parameters than samples interpolates random labels.
    assert parameters(network, problem) >= len(y)
    assert report.converged == (parameters(network, problem) == len(y))


@pytest.mark.parametrize("seed", range(4))
def test_the_bound_is_met_with_many_features(seed):
    rng = np.random.RandomState(seed)
    X, y = rng.uniform(-1, 1, (10, 50)), rng.uniform(-1, 1, 10)
    problem = make_problem(X, y, p=0.4, penalize_bias=True, fit_intercept=False, skip="none")
    network, report = solve(problem, seconds=30.0)
    assert network.n_nonzero_weights(penalize_bias=True) == 10
    assert report.converged
    assert np.abs(network.evaluate(X)[:, 0] - y).max() < 1e-12


def test_the_same_seed_gives_the_same_network_where_the_bound_is_met():
    problem = make_problem(*random_data(10, 5, 3))
    (first, report), (second, _) = solve(problem, seconds=60.0), solve(problem, seconds=60.0)
    assert report.converged
    np.testing.assert_array_equal(first.theta, second.theta)
    np.testing.assert_array_equal(first.bias, second.bias)


def test_labels_of_a_small_network_need_no_more_than_it():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (60, 4))
    y = np.maximum(X[:, 0] - X[:, 2], 0) - 2 * np.maximum(X[:, 1] + 0.3, 0)
    network, report = solve(make_problem(X, y), seconds=10.0)
    # Three weights, two biases, the intercept.
    assert parameters(network, make_problem(X, y)) == 6
    assert report.converged
    np.testing.assert_allclose(network.evaluate(X)[:, 0], y, atol=1e-10)


def test_an_affine_function_needs_no_neuron():
    X, _ = random_data(30, 5, 0)
    network, _ = solve(make_problem(X, 2 * X[:, 3] - 1))
    assert network.n_active_neurons == 0
    np.testing.assert_allclose(network.skip, [[0, 0, 0, 2, 0]], atol=1e-9)


def test_the_path_norm_is_below_that_of_adam_interpolating_on_one_feature_alone():
    X, y = random_data(12, 3, 1)
    problem = make_problem(X, y)
    first, _ = solve(problem, seconds=1e-9)
    best, _ = solve(problem, seconds=2.0)
    norms = [problem.parametrization.path_norm(network, problem.p) for network in (best, first)]
    assert norms[0] < norms[1]
    np.testing.assert_allclose(first.evaluate(X)[:, 0], y, atol=1e-9)


def test_an_interrupt_keeps_an_interpolant():
    X, y = random_data(20, 2, 0)

    def interrupt(progress):
        raise KeyboardInterrupt

    network, report = solve(make_problem(X, y), monitor=interrupt)
    assert report.interrupted
    np.testing.assert_allclose(network.evaluate(X)[:, 0], y, atol=1e-9)


def test_a_monitor_ends_the_search():
    _, report = solve(make_problem(*random_data(20, 2, 0)), monitor=lambda progress: True)
    assert len(report.history["iteration"]) == 1


def test_a_linear_program_finds_the_least_l1_norm_of_its_cell():
    """With one pattern on for all data and p = 1 it is basis pursuit."""
    X, y = random_data(6, 10, 0)
    setting = make_setting(X, y, p=1.0)
    start = Patterned.of(setting, np.ones(1), np.zeros((1, 11)))
    solved = list(cell_lp.descend(start, time.perf_counter() + 10))[-1]
    oracle = linprog(
        np.append(np.ones(20), 0.0),
        A_eq=np.column_stack([X, -X, np.ones(6)]),
        b_eq=y,
        bounds=[(0, None)] * 20 + [(None, None)],
    )
    assert solved.path_norm == pytest.approx(oracle.fun)
    assert solved.interpolates


@pytest.mark.parametrize("p", [0.3, 0.7, 1.0])
def test_descent_keeps_to_the_labels_and_the_norm_falls(p):
    X, y = random_data(15, 3, 2)
    start = wide_network(make_setting(X, y, p), 25, 0)
    networks = list(cell_lp.descend(start, time.perf_counter() + 20))
    assert all(network.interpolates for network in networks)
    assert networks[-1].path_norm < start.path_norm / 2


@pytest.mark.parametrize("seed", range(5))
def test_elimination_takes_parameters_and_keeps_to_the_labels(seed):
    X, y = random_data(12, 3, seed)
    start = wide_network(make_setting(X, y), 8, seed)
    fewer = elimination.eliminate(start, 12, time.perf_counter() + 20)
    assert fewer.interpolates
    assert 12 <= fewer.n_parameters < start.n_parameters - 5
    network = fewer.to_network()
    assert network.n_parameters() == fewer.n_parameters
    np.testing.assert_allclose(network.evaluate(X)[:, 0], y, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_rank_one_updates_agree_with_a_factorization(seed):
    X, y = random_data(8, 3, seed)
    curve = elimination._Curve.at(wide_network(make_setting(X, y), 6, seed))
    rng = np.random.default_rng(seed)
    for step in range(6):
        sample, neuron = rng.integers(8), rng.integers(1, 7)
        assert (curve._run_along if step == 3 else curve._cross)(sample, neuron)
        jacobian = curve.network.sign[curve.row] * curve.on[:, curve.row]
        jacobian = jacobian * X_with_ones(X)[:, curve.column] * curve.scale
        n = len(y)
        np.testing.assert_allclose(jacobian @ curve.pseudo_inverse[:, :n], np.eye(n), atol=1e-7)
        np.testing.assert_allclose(jacobian @ curve.basis, 0, atol=1e-7)
        gram = curve.basis.T @ curve.basis
        np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-7)


def X_with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def test_perturbed_networks_interpolate():
    X, y = random_data(12, 3, 0)
    network = wide_network(make_setting(X, y), 6, 0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        assert elimination.perturb(network, rng).corrected().interpolates


def test_tidying_changes_nothing_on_the_data():
    X, y = random_data(12, 2, 0)
    setting = make_setting(X, y)
    table = np.array([[0.5, 0, 0], [1, 1, 9], [1, 1, -9], [1, 0, 0.1], [0, 0, 2.0]])
    network = Patterned.of(setting, np.array([1.0, -1, 1, 1, -1]), table)
    tidy = network.tidy()
    assert len(tidy.table) == 2
    np.testing.assert_allclose(tidy.residual(), network.residual(), atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize(("n", "d"), [(8, 2), (8, 3), (10, 2), (10, 3)])
def test_the_bound_is_met_by_random_labels_on_the_plane(n, d):
    problem = make_problem(*random_data(n, d, 7), p=0.4)
    network, report = solve(problem, seconds=60.0)
    assert report.converged
    assert parameters(network, problem) == n
