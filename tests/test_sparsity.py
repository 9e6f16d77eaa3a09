"""What the estimators exist for: the smallest network that explains the data.

The oracles are networks known beforehand: teachers, the paper's univariate example, and a
piecewise-linear function under noise.
"""

import numpy as np
import pytest

from sklearn_lpnet import LpReLURegressor


def teacher(n_features, n_neurons, n_inputs, seed):
    """A random network with unit-norm neurons, as a function, and its number of weights."""
    rng = np.random.default_rng(seed)
    theta = np.zeros((n_neurons, n_features))
    for row in theta:
        row[rng.choice(n_features, n_inputs, replace=False)] = rng.standard_normal(n_inputs)
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    bias = 0.5 * rng.standard_normal(n_neurons)
    output = rng.choice([-1, 1], n_neurons) * rng.uniform(0.5, 1.5, n_neurons)
    return lambda X: np.maximum(X @ theta.T + bias, 0) @ output


def recovers(size, seed):
    n_samples, n_features, n_neurons, n_inputs = size
    function = teacher(n_features, n_neurons, n_inputs, seed)
    rng = np.random.default_rng(100 + seed)
    X, fresh = (rng.standard_normal((n, n_features)) for n in (n_samples, 2000))
    model = LpReLURegressor(alpha=1e-4, skip_connection=True, warm_start=True, random_state=0)
    model.fit(X, function(X))
    model.set_params(alpha=1e-6).fit(X, function(X))
    error = model.predict(fresh) - function(fresh)
    relative = np.sqrt(np.mean(error**2)) / function(fresh).std()
    return relative < 1e-3 and model.n_nonzero_weights_ <= n_neurons * n_inputs


@pytest.mark.parametrize("size", [(100, 5, 3, 2), (200, 10, 5, 2), (400, 10, 5, 3)], ids=str)
def test_a_teacher_is_recovered_from_its_labels(size):
    assert sum(recovers(size, seed) for seed in range(3)) >= 2


@pytest.mark.slow
@pytest.mark.parametrize(
    "size", [(100, 5, 3, 2), (200, 10, 5, 2), (400, 10, 5, 3), (1000, 20, 8, 3)], ids=str
)
def test_nineteen_of_twenty_teachers_are_recovered(size):
    assert sum(recovers(size, seed) for seed in range(20)) >= 19


def peak_and_plateau(seed):
    x = np.arange(-2.0, 4.0)[:, np.newaxis]
    y = np.array([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    return LpReLURegressor(p=0.4, alpha=1e-4, random_state=seed).fit(x, y)


def test_peak_and_plateau_are_three_neurons():
    assert [peak_and_plateau(seed).n_active_neurons_ for seed in range(4)] == [3] * 4


@pytest.mark.slow
def test_peak_and_plateau_are_three_neurons_from_every_seed():
    assert [peak_and_plateau(seed).n_active_neurons_ for seed in range(20)] == [3] * 20


def noisy_bends(alpha, seed):
    """Two bends under noise; with a free affine part two neurons can be the truth."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, 300)
    y = np.abs(x) - 1.5 * np.maximum(0, x - 1) + 0.05 * rng.standard_normal(300)
    model = LpReLURegressor(alpha=alpha, skip_connection=True, random_state=seed)
    return model.fit(x[:, np.newaxis], y)


@pytest.mark.parametrize("alpha", [1e-4, 3e-3])
def test_two_noisy_bends_take_no_more_than_three_neurons(alpha):
    for seed in range(2):
        model = noisy_bends(alpha, seed)
        assert 2 <= model.n_active_neurons_ <= 3
        x = np.linspace(-3, 3, 500)
        truth = np.abs(x) - 1.5 * np.maximum(0, x - 1)
        assert np.sqrt(np.mean((model.predict(x[:, np.newaxis]) - truth) ** 2)) < 0.05


@pytest.mark.slow
@pytest.mark.parametrize("alpha", [1e-4, 3e-4, 1e-3, 3e-3])
def test_two_noisy_bends_take_no_more_than_three_neurons_from_every_seed(alpha):
    assert all(noisy_bends(alpha, seed).n_active_neurons_ <= 3 for seed in range(20))
