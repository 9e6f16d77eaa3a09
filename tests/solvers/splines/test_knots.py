"""Best knots for one feature: sums, sizes, local minima."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize

from sklearn_lpnet.solvers.splines.knots import Moments, best_fits, followed, penalized_fit


def noisy_spline(n=200, seed=0, noise=0.1, knots=(0.2, 0.5, 0.7), repeated=False):
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, n)
    if repeated:
        x = np.round(x, 2)
    y = np.interp(x, [0, *knots, 1], [0.0, 1.0, -0.5, 0.5, 0.0])
    return x, y + noise * rng.standard_normal(n), rng.uniform(0.5, 1.5, n)


def moments(x, y, weight):
    return Moments(x, y, weight / weight.sum())


def design(x, t):
    return np.column_stack([np.ones_like(x), x, np.maximum(x[:, None] - t, 0)])


@pytest.mark.parametrize("repeated", [False, True])
def test_a_fit_with_given_knots_is_weighted_least_squares(repeated):
    x, y, weight = noisy_spline(repeated=repeated)
    t = np.array([0.13, 0.5, 0.81])
    fit = moments(x, y, weight).fit_with(t)
    root = np.sqrt(weight / weight.sum())
    expected, square, *_ = np.linalg.lstsq(design(x, t) * root[:, None], y * root, rcond=None)
    np.testing.assert_allclose(fit.coefficients, expected, rtol=1e-6)
    assert fit.loss == pytest.approx(square[0] / 2, rel=1e-9)


def test_gradient_in_coefficients_and_knots_is_that_of_differences():
    x, y, weight = noisy_spline()
    data = moments(x, y, weight)
    t, c = np.array([0.31, 0.62]), np.array([0.2, 1.0, -3.0, 2.0])

    def loss(u):
        return 0.5 * np.average((design(x, u[4:]) @ u[:4] - y) ** 2, weights=weight)

    gradient, hessian = data.model(data.fit_with(t, c))
    u, step = np.concatenate([c, t]), 1e-6 * np.eye(6)
    numeric = [(loss(u + e) - loss(u - e)) / 2e-6 for e in step]
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-7)
    jacobian = np.column_stack([design(x, t), (x[:, None] > t) * -c[2:]])
    expected = jacobian.T @ (jacobian * (weight / weight.sum())[:, None])
    np.testing.assert_allclose(hessian, expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_each_size_is_no_worse_than_the_best_of_a_grid(seed):
    x, y, weight = noisy_spline(60, seed)
    data = moments(x, y, weight)
    fits = best_fits(data)
    places = np.quantile(x, np.linspace(0.05, 0.95, 19))
    for k in range(4):
        on_the_grid = min(data.fit_with(np.array(t)).loss for t in combinations(places, k))
        assert fits[k].n_knots == k
        assert fits[k].loss <= on_the_grid * (1 + 1e-9)


def test_exact_knots_are_found_from_exact_labels():
    x, y, weight = noisy_spline(300, noise=0.0)
    fit = best_fits(moments(x, y, weight))[3]
    np.testing.assert_allclose(fit.knots, [0.2, 0.5, 0.7], atol=1e-6)
    np.testing.assert_allclose(fit(x), y, atol=1e-6)


def test_the_loss_falls_with_each_knot_and_the_data_limit_their_number():
    for n in (1, 2, 3, 4, 7, 40):
        x, y, weight = noisy_spline(n)
        fits = best_fits(moments(x, y, weight))
        losses = [fit.loss for fit in fits]
        assert losses == sorted(losses, reverse=True)
        assert len(fits) <= max(1, (n - 1) // 2)


def test_a_repetition_is_a_weight():
    x, y, _ = noisy_spline(50)
    counts = np.random.default_rng(0).integers(1, 4, 50)
    once = best_fits(moments(x, y, counts.astype(float)))
    twice = best_fits(moments(np.repeat(x, counts), np.repeat(y, counts), np.ones(counts.sum())))
    np.testing.assert_allclose(once[3].knots, twice[3].knots, atol=1e-6)


@pytest.mark.parametrize("p", [0.3, 0.5, 1.0])
def test_a_penalized_fit_is_a_local_minimum(p):
    x, y, weight = noisy_spline()
    data, alpha = moments(x, y, weight), 1e-3
    fit = penalized_fit(data, best_fits(data)[3], alpha, p)
    k = fit.n_knots

    def objective(u):
        loss = 0.5 * np.average((design(x, u[k + 2 :]) @ u[: k + 2] - y) ** 2, weights=weight)
        return loss + alpha * np.sum(np.abs(u[2 : k + 2]) ** p)

    start = np.concatenate([fit.coefficients, fit.knots])
    found = objective(start)
    assert found == pytest.approx(fit.loss + alpha * fit.path_norm(p))
    better = minimize(objective, start, method="Nelder-Mead", options={"maxiter": 4000})
    assert better.fun > found * (1 - 1e-3)


def test_along_alpha_path_norms_fall_and_end_at_a_line():
    x, y, weight = noisy_spline()
    data = moments(x, y, weight)
    fits = best_fits(data)
    along_alpha = [fits := followed(data, fits, alpha, 0.5) for alpha in np.geomspace(1e-5, 1, 20)]
    norms = [fits[-1].path_norm(0.5) for fits in along_alpha]
    assert norms == sorted(norms, reverse=True)
    assert fits[-1].n_knots == 0


def test_the_network_is_the_same_function():
    x, y, weight = noisy_spline()
    fit = best_fits(moments(x, y, weight))[4]
    network = fit.to_network()
    np.testing.assert_allclose(network.evaluate(x[:, None])[:, 0], fit(x), atol=1e-10)
    assert network.n_active_neurons == 4
    assert network.path_norm(0.5, penalize_skip=False) == pytest.approx(fit.path_norm(0.5))


@pytest.mark.parametrize(("rate", "least"), [(9, 1e-300), (7, 1e-12)])
def test_a_spike_among_rows_of_hardly_any_weight_warns_of_nothing(rate, least):
    x = np.sort(np.random.default_rng(0).uniform(-1, 1, 60))
    y = np.where(np.arange(60) == 30, 1e6, 0.0)
    weight = np.where(np.arange(60) % rate == 0, 1.0, least)
    data = moments((x - x.mean()) / x.std(), (y - y.mean()) / y.std(), weight / weight.sum())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fits = best_fits(data)
        for alpha in (1e-8, 1e-2, 1e3):
            found = followed(data, fits, alpha, 0.5)[-1]
            assert np.isfinite(found.loss) and np.isfinite(found.coefficients).all()
            # No worse than the line of least squares, which needs no knot.
            assert found.loss + alpha * found.path_norm(0.5) <= fits[0].loss * (1 + 1e-9)
