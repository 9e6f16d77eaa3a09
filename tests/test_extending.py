"""A new loss is a class and a row, and so is a new penalty: nothing else has to know of them."""

from dataclasses import dataclass
from math import log

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn.datasets import make_friedman1
from torch.nn.functional import softplus

from sklearn_lpnet import LpReLURegressor, LpReLURegressorCV, lp_path
from sklearn_lpnet.export import export_text, to_torch
from sklearn_lpnet.losses.base import Loss
from sklearn_lpnet.losses.table import REGRESSION, LossRow
from sklearn_lpnet.penalties.base import Penalty
from sklearn_lpnet.penalties.table import PENALTIES, PenaltyRow

FAST = {"n_neurons": 30, "max_iter": 200, "random_state": 0}


class LogCosh(Loss):
    """The sum of log cosh r: squares near zero, absolute values far from it."""

    def value(self, y, f):
        size = (f - y).abs()
        return (size + softplus(-2 * size) - log(2)).sum(dim=-1)

    def gradient(self, y, f):
        return (f - y).tanh()

    def curvature(self, y, f):
        return 1 - (f - y).tanh().square()

    def constant(self, y, weight):
        low, high = y.amin(dim=0), y.amax(dim=0)
        for _ in range(64):
            middle = (low + high) / 2
            above = weight @ self.gradient(y, middle.expand_as(y)) > 0
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        return middle


@dataclass(frozen=True)
class Mcp(Penalty):
    """The minimax concave price of Zhang (2010): t - t²/2 up to one, then constant."""

    def value(self, size):
        rising = size.clip(max=1)
        return rising - rising * rising / 2

    def unit_slope_(self, size):
        return (1 - size).clamp_(min=0)

    def unit_majorizer(self, size):
        return (1 - size).clamp(min=0) / size

    def elasticity(self, size):
        return torch.where(size < 1, -size / (1 - size).clamp(min=1e-12), 0.0)


class McpRegressor(LpReLURegressor):
    _penalty = "mcp"


@pytest.fixture
def log_cosh(monkeypatch):
    monkeypatch.setitem(REGRESSION, "log_cosh", LossRow(f"{__name__}:LogCosh"))


@pytest.fixture
def mcp(monkeypatch):
    monkeypatch.setitem(PENALTIES, "mcp", PenaltyRow(f"{__name__}:Mcp"))


@pytest.fixture(scope="module")
def friedman():
    X, y = make_friedman1(400, n_features=7, noise=0.3, random_state=0)
    return X[:300], y[:300], X[300:], y[300:]


def test_a_new_loss_trains_chooses_alpha_and_is_polished(log_cosh, friedman):
    X, y, X_test, y_test = friedman
    model = LpReLURegressor(loss="log_cosh", **FAST).fit(X, y)
    rough = LpReLURegressor(loss="log_cosh", alpha=model.alpha_, polish=False, **FAST).fit(X, y)
    assert model.alpha_ > 0
    assert model.objective_ < rough.objective_
    assert model.n_nonzero_weights_ < rough.n_nonzero_weights_
    assert model.score(X_test, y_test) > 0.85


def test_a_network_of_a_new_loss_is_at_a_minimum_of_its_objective(log_cosh, friedman):
    """By SciPy, which knows neither the gradient nor the penalty's majorizer."""
    X, y, *_ = friedman
    X, y = X[:, :2], (y - y.mean()) / y.std()
    model = LpReLURegressor(loss="log_cosh", alpha=0.05, standardize=False, **FAST).fit(X, y)
    network = model.network_
    used = np.flatnonzero(network.theta)

    def objective(u):
        theta = network.theta.ravel().copy()
        theta[used] = u[: len(used)]
        neurons = X @ theta.reshape(network.theta.shape).T + u[len(used) : -3]
        f = np.maximum(neurons, 0) @ network.direction[:, 0] + X @ (u[-3:-1] * skip) + u[-1]
        cost = np.sum(np.abs(u[: len(used)]) ** 0.5) + np.sum(np.abs(u[-3:-1] * skip) ** 0.5)
        return np.log(np.cosh(f - y)).mean() + 0.05 * cost

    skip = network.skip[0] != 0
    start = np.concatenate(
        [network.theta.ravel()[used], network.bias, network.skip[0], network.intercept]
    )
    assert_allclose(objective(start), model.objective_, rtol=1e-5)
    better = minimize(objective, start, method="Nelder-Mead", options={"maxiter": 2000})
    assert better.fun > model.objective_ * (1 - 1e-3)


def test_a_new_loss_walks_a_path_is_cross_validated_and_exported(log_cosh, friedman):
    X, y, X_test, y_test = friedman
    path = lp_path(X, y, estimator=LpReLURegressor(loss="log_cosh"), n_alphas=5, **FAST)
    assert np.all(np.diff(path.losses) >= 0)
    assert path.n_nonzero_weights[-1] == 0
    model = LpReLURegressorCV(loss="log_cosh", n_alphas=4, cv=2, **FAST).fit(X, y)
    assert model.score(X_test, y_test) > 0.8
    values = {name: X_test[0, j] for j, name in enumerate(f"x{j}" for j in range(7))}
    text = export_text(model, digits=None)
    exec(text, {"max": max}, values)
    assert_allclose(values["y"], model.predict(X_test[:1])[0])
    outputs = to_torch(model)(torch.from_numpy(X_test)).detach()
    assert_allclose(outputs, model.predict(X_test))


def test_a_loss_without_a_likelihood_has_no_information_criterion(log_cosh, friedman):
    with pytest.raises(ValueError, match="needs a loss that stands for a likelihood"):
        LpReLURegressorCV(loss="log_cosh", selection="bic", **FAST).fit(*friedman[:2])


def test_a_new_penalty_trains_and_is_polished(mcp, friedman):
    X, y, X_test, y_test = friedman
    parameters = {**FAST, "alpha": 0.02}
    rough = McpRegressor(**parameters, polish=False).fit(X, y)
    model = McpRegressor(**parameters).fit(X, y)
    assert model.objective_ < rough.objective_
    assert model.n_nonzero_weights_ < rough.n_nonzero_weights_
    assert model.score(X_test, y_test) > 0.85
    # The objective is the loss and the prices of this penalty, in the units of training.
    assert model.history_["objective"][-1] == pytest.approx(model.objective_)
    most = 0.5 * parameters["alpha"] * model.n_nonzero_weights_
    assert model.history_["loss"][-1] < model.objective_ < model.history_["loss"][-1] + most


def test_large_weights_are_free_under_a_penalty_that_levels_off(mcp):
    """A line of slope five is not shrunk: its slope is that of least squares."""
    x = np.linspace(-1, 1, 50)[:, None]
    y = 5 * x[:, 0] + 0.1 * np.cos(7 * x[:, 0])

    def slope(values):
        return np.polyfit(x[:, 0], values, 1)[0]

    free = McpRegressor(alpha=0.1, standardize=False, **FAST).fit(x, y)
    shrunk = LpReLURegressor(alpha=0.1, standardize=False, **FAST).fit(x, y)
    assert_allclose(slope(free.predict(x)), slope(y), rtol=1e-3)
    assert slope(shrunk.predict(x)) < slope(y) * (1 - 5e-3)


def test_solvers_that_are_exact_for_one_penalty_refuse_others(mcp, friedman):
    for parameters in ({"alpha": 0}, {"alpha": 0.1, "solver": "adam"}):
        with pytest.raises(ValueError, match="is for the ℓp path norm"):
            McpRegressor(**parameters).fit(*friedman[:2])
