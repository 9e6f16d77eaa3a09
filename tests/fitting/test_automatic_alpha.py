"""The default alpha: what it says about noise that is known, and its invariances."""

from math import log

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose
from sklearn.datasets import make_friedman1

from sklearn_lpnet.fitting.automatic_alpha import automatic_alpha
from sklearn_lpnet.losses.classification import (
    BinaryLogLoss,
    Hinge,
    MulticlassHinge,
    SoftmaxLogLoss,
)
from sklearn_lpnet.losses.regression import AbsoluteError, Huber, Quantile, SquaredError
from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.penalties.lp import LpPenalty
from sklearn_lpnet.problem.merging import merge_rows
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.units import Standardizer

#: The usual size of a weight for targets.
WEIGHT_OF_TARGETS = SquaredError.usual_weight

LOSSES = [
    SquaredError(),
    AbsoluteError(),
    Huber(),
    Quantile(0.8),
    BinaryLogLoss(),
    SoftmaxLogLoss(),
    Hinge(),
    MulticlassHinge(),
]


@pytest.fixture(autouse=True)
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def alpha_of(X, y, *, weight=None, loss=None, p=0.5, scale_y=True, seed=0, n_neurons=50):
    """As the estimators ask for it: merged rows, standardised units."""
    y = np.asarray(y, dtype=float).reshape(X.shape[0], -1)
    X, y, weight = merge_rows(X, y, np.ones(len(y)) if weight is None else weight)
    scaler = Standardizer.fit(X, y, weight, center_x=True, center_y=scale_y, scale_y=scale_y)
    problem = Problem.create(
        X,
        y,
        weight,
        scaler=scaler,
        device=torch.device("cpu"),
        dtype=torch.float32,
        loss=loss or SquaredError(),
        penalty=LpPenalty(p),
        alpha=0.0,
        parametrization=Parametrization(),
    )
    return automatic_alpha(problem, n_neurons=n_neurons, seed=seed)


def targets(loss, f):
    """Labels of one class where f is largest, or f itself."""
    if isinstance(loss, BinaryLogLoss):
        return f[:, :1] > f[:, 1:2]
    if isinstance(loss, Hinge):
        return np.where(f[:, :1] > f[:, 1:2], 1.0, -1.0)
    if isinstance(loss, SoftmaxLogLoss | MulticlassHinge):
        return np.eye(f.shape[1])[f.argmax(axis=1)]
    return f[:, :1]


@pytest.mark.parametrize("noise", [1.0, 2.0, 4.0])
def test_tells_the_noise_of_friedman1_within_a_factor_of_two(noise):
    X, y = make_friedman1(2000, 10, noise=noise, random_state=0)
    # The formula, read backwards: σ² log(N) / 2N a weight.
    held_out = alpha_of(X, y) * SquaredError.usual_weight**0.5 * len(y) / log(len(y))
    assert 0.5 * noise**2 < 2 * held_out * y.var() < 2 * noise**2


def test_grows_with_the_noise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    noise = rng.normal(size=300)
    alphas = [
        alpha_of(X, np.abs(X[:, 0]) + size * noise, scale_y=False) for size in (0.1, 0.3, 1, 3)
    ]
    assert alphas == sorted(alphas)
    assert alphas[-1] > 10 * alphas[0]


def test_shrinks_with_the_number_of_samples():
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(1600, 3)), rng.normal(size=1600)
    y = np.abs(X[:, 0]) + noise
    assert alpha_of(X[:100], y[:100]) > 4 * alpha_of(X, y)


def test_for_pure_noise_is_the_constant_networks_bic():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 5)), rng.normal(size=400)
    expected = 0.5 * log(400) / 400 / SquaredError.usual_weight**0.5
    assert_allclose(alpha_of(X, y), expected, rtol=0.05)


@pytest.mark.parametrize("p", [0.3, 1.0])
def test_exponent_only_changes_what_a_usual_weight_pays(p):
    X, y = make_friedman1(200, 5, noise=1.0, random_state=0)
    assert_allclose(
        alpha_of(X, y, p=p) * SquaredError.usual_weight**p,
        alpha_of(X, y, p=0.5) * SquaredError.usual_weight**0.5,
        rtol=1e-6,
    )


def test_order_and_repetition_of_rows_do_not_matter():
    X, y = make_friedman1(150, 5, noise=1.0, random_state=0)
    order = np.random.default_rng(1).permutation(150)
    alpha = alpha_of(X, y)
    assert alpha_of(X[order], y[order]) == alpha
    weight = np.random.default_rng(2).integers(1, 4, 150)
    repeated = alpha_of(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    assert alpha_of(X, y, weight=weight.astype(float)) == repeated


def test_units_do_not_matter():
    X, y = make_friedman1(150, 5, noise=1.0, random_state=0)
    assert_allclose(alpha_of(1000 * X - 7, 0.01 * y + 3), alpha_of(X, y), rtol=0.02)


def test_same_seed_same_alpha():
    X, y = make_friedman1(150, 5, noise=1.0, random_state=0)
    assert alpha_of(X, y, seed=3) == alpha_of(X, y, seed=3)
    assert_allclose(alpha_of(X, y, seed=3), alpha_of(X, y, seed=4), rtol=0.3)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 4, 60])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_is_positive_and_finite(loss, n_samples):
    rng = np.random.default_rng(0)
    X, f = rng.normal(size=(n_samples, 3)), rng.normal(size=(n_samples, 3))
    alpha = alpha_of(X, targets(loss, f), loss=loss, scale_y=False)
    assert 0 < alpha < np.inf


@pytest.mark.parametrize("value", [0.0, 3.0, -1e6, 0.1])
def test_constant_labels(value):
    X = np.random.default_rng(0).normal(size=(20, 3))
    assert 0 < alpha_of(X, np.full(20, value)) < np.inf
    assert 0 < alpha_of(X, np.full(20, value), scale_y=False) < np.inf


def test_labels_of_one_class():
    X = np.random.default_rng(0).normal(size=(20, 3))
    assert 0 < alpha_of(X, np.ones(20), loss=BinaryLogLoss(), scale_y=False) < np.inf


@pytest.mark.parametrize("n_neurons", [1, 2, 1000])
def test_any_width(n_neurons):
    X, y = make_friedman1(60, 5, noise=1.0, random_state=0)
    assert 0 < alpha_of(X, y, n_neurons=n_neurons) < np.inf


def test_sparse_rows_are_read_as_they_are():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)) * (rng.random((200, 4)) < 0.5)
    y = np.abs(X[:, 0]) + 0.5 * rng.normal(size=200)
    # The two kinds merge in different orders, and so have different folds.
    assert_allclose(alpha_of(sp.csr_array(X), y), alpha_of(X, y), rtol=0.25)


def test_perfectly_predictable_labels_meet_the_floor():
    x = np.linspace(-1, 1, 2000)[:, None]
    assert_allclose(alpha_of(x, 2 * x), 1e-4 * 0.5 / SquaredError.usual_weight**0.5, rtol=0.01)
