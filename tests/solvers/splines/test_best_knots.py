"""Fits of one feature: best knots as starts, and the alpha that they suggest."""

import numpy as np
import pytest

from sklearn_lpnet import LpReLUClassifier, LpReLURegressor, lp_path

KNOTS, VALUES = np.array([0, 0.2, 0.5, 0.7, 1]), np.array([0.0, 1.0, -0.5, 0.5, 0.0])
GRID = np.linspace(0, 1, 1001)


def noisy(n, seed, noise=0.1):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, n)
    return x[:, np.newaxis], np.interp(x, KNOTS, VALUES) + noise * rng.standard_normal(n)


def error(model):
    return np.sqrt(
        np.mean((model.predict(GRID[:, np.newaxis]) - np.interp(GRID, KNOTS, VALUES)) ** 2)
    )


def error_told_the_knots(X, y):
    def design(x):
        return np.column_stack(
            [np.ones_like(x), x, np.maximum(np.subtract.outer(x, KNOTS[1:-1]), 0)]
        )

    coefficients = np.linalg.lstsq(design(X[:, 0]), y, rcond=None)[0]
    return np.sqrt(np.mean((design(GRID) @ coefficients - np.interp(GRID, KNOTS, VALUES)) ** 2))


@pytest.mark.parametrize("n", [100, 1000, 20_000])
def test_the_default_alpha_finds_the_breaks_and_is_not_much_worse_than_knowing_them(n):
    errors, told = [], []
    for seed in range(5):
        X, y = noisy(n, seed)
        model = LpReLURegressor(skip_connection=True, random_state=seed).fit(X, y)
        assert 3 <= model.n_active_neurons_ <= 4
        errors.append(error(model))
        told.append(error_told_the_knots(X, y))
    # Eight parameters in place of five.
    assert np.mean(errors) < 2 * np.mean(told)


@pytest.mark.parametrize("skip", [True, "penalized"])
@pytest.mark.parametrize("alpha", [1e-4, 1e-3, 1e-2])
def test_the_objective_is_no_higher_than_of_several_random_starts(skip, alpha):
    # With a second feature there are no best knots to start from.
    X, y = noisy(600, 1)
    model = LpReLURegressor(alpha=alpha, skip_connection=skip, random_state=0).fit(X, y)
    twice = np.column_stack([X, np.zeros(len(X))])
    random_starts = LpReLURegressor(alpha=alpha, skip_connection=skip, n_init=3, random_state=0)
    random_starts.fit(twice, y)
    assert model.objective_ <= random_starts.objective_ * (1 + 5e-3)


def test_a_path_holds_the_network_of_each_number_of_breaks():
    X, y = noisy(500, 0)
    path = lp_path(X, y, skip_connection=True, random_state=0)
    assert {0, 1, 2, 3} & set(path.n_active_neurons) >= {0, 3}
    model = path.select(max_active_neurons=3)
    knots = np.sort(-model.network_.bias / model.network_.theta[:, 0])
    np.testing.assert_allclose(knots, KNOTS[1:-1], atol=0.02)


def test_other_tasks_of_one_feature_are_fitted_as_before():
    X, y = noisy(200, 0)
    assert LpReLURegressor(loss="huber", random_state=0).fit(X, y).score(X, y) > 0.8
    assert LpReLURegressor(penalize_bias=True, random_state=0).fit(X, y).score(X, y) > 0.5
    both = LpReLURegressor(random_state=0).fit(X, np.column_stack([y, -y]))
    assert both.score(X, np.column_stack([y, -y])) > 0.8
    classifier = LpReLUClassifier(random_state=0).fit(X, y > 0.3)
    assert classifier.score(X, y > 0.3) > 0.85
