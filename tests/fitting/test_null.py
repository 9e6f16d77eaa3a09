"""A default fit finds nothing where there is nothing, and lines where there are lines."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor
from sklearn_lpnet.fitting.null import N_DRAWS, N_KNOTS, beyond_the_null, null_gains
from sklearn_lpnet.losses.classification import SoftmaxLogLoss
from sklearn_lpnet.losses.regression import SquaredError
from sklearn_lpnet.network.network import Network
from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.penalties.lp import LpPenalty
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.units import Standardizer


def make_problem(X, y, loss=None, penalty=None, weight=None):
    y = np.asarray(y, dtype=float).reshape(len(X), -1)
    return Problem.create(
        X,
        y,
        np.ones(len(y)) if weight is None else weight,
        scaler=Standardizer.identity(X.shape[1], y.shape[1]),
        device=torch.device("cpu"),
        dtype=torch.float64,
        loss=loss or SquaredError(),
        penalty=penalty or LpPenalty(0.5),
        alpha=0.1,
        parametrization=Parametrization(),
    )


def least_squares_gain(regressor, y, weight):
    """By how much half the weighted mean squared error falls beside an intercept."""
    root = np.sqrt(weight / weight.sum())
    design = np.column_stack([np.ones_like(regressor), regressor]) * root[:, None]
    residual = root * y - design @ np.linalg.lstsq(design, root * y, rcond=None)[0]
    mean = np.average(y, weights=weight)
    return 0.5 * (np.average((y - mean) ** 2, weights=weight) - residual @ residual)


def test_gains_are_those_of_least_squares_on_labels_in_random_order():
    rng = np.random.default_rng(0)
    X, y, weight = rng.standard_normal((25, 2)), rng.standard_normal(25), rng.uniform(1, 2, 25)
    problem = make_problem(X, y, weight=weight)
    linear, bent = null_gains(problem, seed=3)
    # Of as many samples as the weights sum to, which vary less than the rows.
    share = weight.sum() / (weight @ weight)
    generator = torch.Generator().manual_seed(3)
    orders = [torch.randperm(25, generator=generator).numpy() for _ in range(N_DRAWS)]
    # The gradients are shuffled, whose mean is that of the labels in their own order.
    centred = y - np.average(y, weights=weight)
    levels = np.arange(1, N_KNOTS + 1) / (N_KNOTS + 1)
    hinges = [
        np.maximum(sign * (x - knot), 0)
        for x in X.T
        for knot in np.quantile(x, levels)
        for sign in (1, -1)
    ]
    for draw in (0, 7):
        shuffled = centred[orders[draw]]
        gain = max(least_squares_gain(x, shuffled, weight) for x in X.T)
        assert_allclose(linear[draw], share * gain, rtol=1e-9)
        gain = max(least_squares_gain(h, shuffled, weight) for h in hinges if (h > 0).sum() >= 2)
        assert_allclose(bent[draw], share * gain, rtol=1e-9)


def test_gains_of_classes_do_not_depend_on_which_class_is_which():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((40, 3)), np.eye(3)[rng.integers(3, size=40)]
    first = null_gains(make_problem(X, y, SoftmaxLogLoss()), seed=0)
    second = null_gains(make_problem(X, y[:, [2, 0, 1]], SoftmaxLogLoss()), seed=0)
    assert_allclose(first, second, rtol=1e-6)


def test_a_neuron_has_a_price_of_its_own():
    network = Network(
        direction=np.array([[1.0], [-1.0]]),
        theta=np.array([[1.0, 4.0], [0.0, 9.0]]),
        bias=np.zeros(2),
        intercept=np.zeros(1),
        skip=np.array([[0.25, 0.0]]),
    )
    X = np.random.default_rng(2).standard_normal((10, 2))
    problem = make_problem(X, X[:, 0], penalty=LpPenalty(0.5, neuron_price=3.0))
    assert_allclose(problem.path_norm(network), 1 + 2 + 3 + 0.5 + 2 * 3)


@pytest.mark.parametrize("n_features", [1, 6])
def test_pure_noise_is_constant(n_features):
    constant = []
    for seed in range(20):
        rng = np.random.default_rng([seed, n_features])
        X, y = rng.standard_normal((80, n_features)), rng.standard_normal(80)
        model = LpReLURegressor(random_state=seed, n_neurons=50).fit(X, y)
        constant.append(model.n_nonzero_coefs_ == 0)
        assert model.history_["n_nonzero_weights"][-1] == model.n_nonzero_weights_
        assert model.history_["objective"][-1] == pytest.approx(model.objective_)
    # Of 20 draws at a level of 97.5%, fewer than 16 are right once in a hundred thousand times.
    assert sum(constant) >= 16


@pytest.mark.parametrize("noise", [0.05, 1.0])
def test_a_linear_truth_is_linear_in_its_own_features(noise):
    right = []
    for seed in range(10):
        rng = np.random.default_rng([seed, 1])
        X = rng.standard_normal((300, 8))
        truth = X[:, 0] - 2 * X[:, 1]
        y = truth + noise * truth.std() * rng.standard_normal(300)
        model = LpReLURegressor(random_state=seed, n_neurons=50).fit(X, y)
        used = model.network_.used_features.tolist()
        right.append(model.n_active_neurons_ == 0 and used == [0, 1])
    assert sum(right) >= 7


@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.95, 0.05), (0.4, 0.3, 0.3)])
def test_random_labels_are_constant(shares):
    constant = []
    for seed in range(10):
        rng = np.random.default_rng([seed, 2])
        X, y = rng.standard_normal((200, 5)), rng.choice(len(shares), 200, p=shares)
        model = LpReLUClassifier(random_state=seed, n_neurons=50).fit(X, y)
        constant.append(model.n_nonzero_coefs_ == 0)
        if constant[-1]:
            found = np.bincount(y, minlength=len(shares)) / 200
            assert_allclose(model.predict_proba(X[:1])[0], found, atol=1e-6)
    assert sum(constant) >= 8


def test_what_discrete_data_say_is_heard():
    """Some rows stand for hundreds of samples each: it is these that count."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 2, (4000, 3)).astype(float)
    y = (rng.random(4000) < 0.2 + 0.3 * X[:, 0] + 0.3 * X[:, 0] * X[:, 1]).astype(int)
    model = LpReLUClassifier(random_state=0).fit(X, y)
    shares = np.array([y[(row == X).all(axis=1)].mean() for row in np.unique(X, axis=0)])
    assert_allclose(model.predict_proba(np.unique(X, axis=0))[:, 1], shares, atol=0.05)
    noise = LpReLUClassifier(random_state=0).fit(X, rng.integers(0, 2, 4000))
    assert noise.n_nonzero_coefs_ == 0


@pytest.mark.parametrize("n_samples", [3, 4, 6])
def test_exact_lines_of_a_few_samples_leave_a_finite_price(n_samples):
    rng = np.random.default_rng(n_samples)
    X = rng.standard_normal((n_samples, 3))
    model = LpReLURegressor(random_state=0).fit(X, X @ [3.0, -2.0, 1.0])
    assert np.all(np.isfinite(model.predict(X)))
    # As many features as samples, which fit exactly whatever the price.
    problem = make_problem(X[:3], X[:3] @ [30.0, -20.0, 10.0])
    line = Network(
        direction=np.zeros((0, 1)),
        theta=np.zeros((0, 3)),
        bias=np.zeros(0),
        intercept=np.zeros(1),
        skip=np.array([[30.0, -20.0, 10.0]]),
    )
    found = beyond_the_null(problem, line, seed=0)
    assert np.isfinite(problem.objective(found))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_noise_is_constant_on_a_gpu_too():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((80, 6)), rng.standard_normal(80)
    assert LpReLURegressor(random_state=0, device="cuda").fit(X, y).n_nonzero_coefs_ == 0


def test_a_bend_that_is_there_is_found():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 5))
    y = np.abs(X[:, 0]) + 0.5 * rng.standard_normal(200)
    model = LpReLURegressor(random_state=0).fit(X, y)
    assert model.n_active_neurons_ > 0
    assert 0 in model.network_.used_features


def test_a_given_alpha_means_the_objective_and_nothing_else():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((80, 30)), rng.standard_normal(80)
    automatic = LpReLURegressor(random_state=0).fit(X, y)
    given = LpReLURegressor(alpha=automatic.alpha_, random_state=0).fit(X, y)
    assert automatic.n_nonzero_coefs_ == 0 < given.n_nonzero_coefs_
    assert given.objective_ <= automatic.objective_
