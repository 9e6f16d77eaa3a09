"""Proximal Adam against a scalar loop of its formula, autograd, and moves of one coordinate."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lpnet.losses.classification import (
    BinaryLogLoss,
    Hinge,
    MulticlassHinge,
    SoftmaxLogLoss,
)
from sklearn_lpnet.losses.regression import AbsoluteError, Huber, Quantile, SquaredError
from sklearn_lpnet.network import Network
from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.penalties.lp import LpPenalty
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.progress import Report
from sklearn_lpnet.problem.units import Standardizer
from sklearn_lpnet.solvers.gradient.proximal import proximal, proximal_partial
from sklearn_lpnet.solvers.gradient.stack import Phase, Stack

LOSSES = [
    SquaredError(),
    AbsoluteError(),
    Huber(0.5),
    Quantile(0.8),
    BinaryLogLoss(),
    SoftmaxLogLoss(),
    Hinge(),
    MulticlassHinge(),
]
DEFAULTS = {
    "n_neurons": 16,
    "max_iter": 300,
    "tol": 0.0,
    "learning_rate": 0.03,
    "batch_size": None,
    "n_init": 1,
    "seed": 0,
}
WITH_OUTPUTS = [(loss, o) for loss in LOSSES for o in (1, 3) if o > 1 or loss.separable]
FIELDS = ("direction", "theta", "bias", "intercept", "skip")


@pytest.fixture(autouse=True)
def one_thread():
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def make_problem(X, y, *, p=0.5, alpha=1e-2, weight=None, dtype=torch.float64, **settings):
    y = np.asarray(y, dtype=float).reshape(X.shape[0], -1)
    parts = ("penalize_bias", "fit_intercept", "skip")
    parametrization = Parametrization(**{k: settings.pop(k) for k in parts if k in settings})
    return Problem.create(
        X,
        y,
        np.ones(len(y)) if weight is None else weight,
        scaler=Standardizer.identity(X.shape[1], y.shape[1]),
        dtype=dtype,
        penalty=LpPenalty(p),
        alpha=alpha,
        parametrization=parametrization,
        **{"loss": SquaredError(), "device": torch.device("cpu")} | settings,
    )


def targets(loss, n_samples, n_outputs):
    rng = np.random.default_rng(1)
    if isinstance(loss, BinaryLogLoss):
        return rng.integers(0, 2, (n_samples, n_outputs))
    if isinstance(loss, Hinge):
        return rng.choice([-1.0, 1.0], (n_samples, n_outputs))
    if isinstance(loss, SoftmaxLogLoss | MulticlassHinge):
        return np.eye(n_outputs)[rng.integers(0, n_outputs, n_samples)]
    return rng.normal(size=(n_samples, n_outputs))


def regression(n_samples=60, n_features=5, n_outputs=1, seed=0):
    """Two features matter, the others do not."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    y = np.abs(X[:, :1] - 0.3) @ rng.uniform(0.5, 1.5, (1, n_outputs)) - X[:, 1:2]
    return X, y + 0.1 * rng.normal(size=y.shape)


def solve(problem, **changes):
    return proximal(problem, **(DEFAULTS | changes))


def random_stack(problem, n_neurons=4, n_models=1, seed=0):
    stack = Stack.random(problem, n_neurons, n_models, torch.Generator().manual_seed(seed))
    noise = np.random.default_rng(seed).normal(size=stack.affine.shape)
    stack.affine += 0.3 * torch.as_tensor(noise, dtype=problem.dtype)
    return stack


def assert_same_network(actual, expected, rtol=0.0, atol=0.0):
    for name in FIELDS:
        a, b = getattr(actual, name), getattr(expected, name)
        assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=name)


def autograd(problem, neurons, affine, direction):
    """Gradient of the loss, along the sphere for the directions."""
    parameters = [t.clone().requires_grad_() for t in (neurons, affine, direction)]
    X1 = problem.rows.all()
    w, c, a = parameters
    a = a / a.norm(dim=1, keepdim=True)
    f = torch.relu(X1 @ w.T) @ a + X1 @ c.T
    (problem.weight @ problem.loss.value(problem.y, f)).backward()
    by_w, by_c, by_a = (p.grad for p in parameters)
    by_c[:, :-1] *= problem.parametrization.skip != "none"
    by_c[:, -1] *= problem.parametrization.fit_intercept
    return by_w, by_c, by_a


class TestGradient:
    @pytest.mark.parametrize("settings", [{}, {"skip": "none"}, {"fit_intercept": False}], ids=str)
    @pytest.mark.parametrize("loss, n_outputs", WITH_OUTPUTS, ids=repr)
    def test_is_that_of_autograd(self, loss, n_outputs, settings):
        X, _ = regression(n_samples=40)
        weight = np.random.default_rng(2).uniform(0.2, 2, 40)
        y = targets(loss, 40, n_outputs)
        problem = make_problem(X, y, weight=weight, loss=loss, **settings)
        stack = random_stack(problem, n_neurons=6, n_models=2)
        stack.step(problem.rows.all(), problem.y, problem.weight[:, None], Phase(0.0, None))
        for model in range(2):
            by_w, by_c, by_a = autograd(
                problem, stack.neurons[model], stack.affine[model], stack.direction[model]
            )
            assert_allclose(stack.gradient_neurons[model], by_w, rtol=1e-9, atol=1e-13)
            assert_allclose(stack.gradient_affine[model], by_c, rtol=1e-9, atol=1e-13)
            if n_outputs > 1:
                assert_allclose(stack.gradient_direction[model], by_a, rtol=1e-9, atol=1e-13)


class Formula:
    """θ ← S(θ − η m, η c), number by number, for one network."""

    def __init__(self, problem, stack):
        self.problem, self.n_steps = problem, 0
        self.parts = [t[0].clone() for t in (stack.neurons, stack.affine, stack.direction)]
        self.moments = [[torch.zeros_like(t), torch.zeros_like(t)] for t in self.parts]

    def step(self, rate, eps):
        self.n_steps += 1
        moved, etas = [], []
        gradients = autograd(self.problem, *self.parts)
        for part, gradient, (m, v) in zip(self.parts, gradients, self.moments, strict=True):
            m.copy_(0.9 * m + 0.1 * gradient)
            v.copy_(0.95 * v + 0.05 * gradient**2)
            eta = rate / ((v / (1 - 0.95**self.n_steps)).sqrt() + 1e-8)
            etas.append(eta)
            moved.append(part - eta * m / (1 - 0.9**self.n_steps))
        (theta, affine, direction), (eta_theta, eta_affine, _) = self.parts, etas
        n_outputs, d1 = affine.shape
        penalized_bias = self.problem.parametrization.penalize_bias
        for k in range(len(theta)):
            for j in range(d1 if penalized_bias else d1 - 1):
                u, size = float(moved[0][k, j]), abs(float(theta[k, j]))
                moved[0][k, j] = self.shrunk(u, abs(u), size, float(eta_theta[k, j]), eps)
        for j in range(d1 - 1):
            # One rate a column, from the mean of its squared gradients: its norm is one weight.
            v = self.moments[1][1][:, j].mean() / (1 - 0.95**self.n_steps)
            eta = float(rate / (v.sqrt() + 1e-8))
            gradient_step = (moved[1][:, j] - affine[:, j]) * eta / eta_affine[:, j]
            column = affine[:, j] + gradient_step
            if self.problem.parametrization.skip == "penalized":
                column = self.shrunk(
                    column, float(column.norm()), float(affine[:, j].norm()), eta, eps
                )
            moved[1][:, j] = column
        moved[2] = direction
        if n_outputs > 1:
            moved[2] = torch.nn.functional.normalize(
                direction - etas[2] * self.moments[2][0] / (1 - 0.9**self.n_steps), dim=1
            )
        self.parts = moved

    def shrunk(self, u, norm, size, eta, eps):
        if eps is None:
            return u
        p = self.problem.penalty.p
        threshold = eta * self.problem.alpha * p * (size + eps) ** (p - 1)
        return u * max(0.0, 1 - threshold / norm) if norm > 0 else u


class TestStep:
    @pytest.mark.parametrize("penalize_bias", [False, True])
    @pytest.mark.parametrize("skip", ["none", "penalized"])
    @pytest.mark.parametrize("n_outputs", [1, 3])
    @pytest.mark.parametrize("p", [0.4, 1.0])
    def test_is_the_formula(self, p, n_outputs, skip, penalize_bias):
        X, y = regression(n_outputs=n_outputs)
        problem = make_problem(X, y, p=p, alpha=0.02, skip=skip, penalize_bias=penalize_bias)
        stack = random_stack(problem)
        if skip == "none":
            stack.affine[:, :, :-1] = 0
        formula = Formula(problem, stack)
        for eps in (None, 0.1, 0.1, 0.03, 0.01, 1e-3, 1e-3, 1e-3):
            stack.step(problem.rows.all(), problem.y, problem.weight[:, None], Phase(0.02, eps))
            formula.step(0.02, eps)
        assert bool((formula.parts[0][:, :-1] == 0).any())
        parts = (stack.neurons, stack.affine, stack.direction)
        for actual, expected in zip(parts, formula.parts, strict=True):
            assert_allclose(actual[0], expected, rtol=1e-9, atol=1e-12)

    def test_free_skip_moves_without_a_threshold(self):
        X, y = regression()
        problem = make_problem(X, y, alpha=10.0, skip="free")
        stack = random_stack(problem)
        formula = Formula(problem, stack)
        for _ in range(5):
            stack.step(problem.rows.all(), problem.y, problem.weight[:, None], Phase(0.02, 0.1))
            formula.step(0.02, 0.1)
        assert_allclose(stack.affine[0], formula.parts[1], rtol=1e-9, atol=1e-12)
        assert bool((stack.affine[:, :, :-1] != 0).all())


class TestStack:
    @pytest.mark.parametrize("n_outputs", [1, 2])
    def test_models_train_as_they_would_alone(self, n_outputs):
        X, y = regression(n_outputs=n_outputs)
        problem = make_problem(X, y)
        stack = random_stack(problem, n_neurons=8, n_models=3)
        parts = (stack.neurons, stack.affine, stack.direction)
        alone = [Stack(problem, *(t[[m]].clone() for t in parts)) for m in range(3)]
        for step in range(120):
            phase = Phase(0.03, None if step < 20 else 0.1 * 0.95**step + 1e-4)
            for s in (stack, *alone):
                s.step(problem.rows.all(), problem.y, problem.weight[:, None], phase)
                if step % 20 == 19:
                    s.compact()
        assert stack.width < 8
        networks = [stack.network(m) for m in range(3)]
        for network, other in zip(networks, alone, strict=True):
            assert_same_network(network, other.network(0), rtol=1e-7, atol=1e-9)
        objectives = [problem.objective(network) for network in networks]
        assert_allclose(stack.objective()[0], objectives, rtol=1e-10)
        winner = stack.best_network(Report())
        assert_allclose(problem.objective(winner), min(objectives), rtol=1e-12)

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_compacting_leaves_the_functions_as_they_are(self, fit_intercept):
        X, y = regression(n_outputs=2)
        problem = make_problem(X, y, fit_intercept=fit_intercept)
        stack = random_stack(problem, n_neurons=9, n_models=2)
        if not fit_intercept:
            stack.affine[:, :, -1] = 0
        stack.neurons[0, 2:, :-1] = 0
        stack.neurons[1, :5, :-1] = 0
        before = stack.forward(problem.rows.all())[1]
        stack.compact()
        assert stack.width < 9
        assert_allclose(stack.forward(problem.rows.all())[1], before, rtol=1e-12, atol=1e-13)
        for model in range(2):
            assert_allclose(stack.network(model).evaluate(X), before[model], rtol=1e-12, atol=1e-13)

    def test_models_may_have_weights_of_their_own(self):
        X, y = regression()
        weight = torch.as_tensor(np.random.default_rng(0).random((2, len(X), 1)))
        problem = make_problem(X, y)
        stack = random_stack(problem, n_models=2)
        alone = Stack(problem, *(t[[1]] for t in (stack.neurons, stack.affine, stack.direction)))
        X1 = problem.rows.all()
        stack.step(X1, problem.y, weight, Phase(0.03, 0.1))
        alone.step(X1, problem.y, weight[1], Phase(0.03, 0.1))
        assert_allclose(stack.flat[1], alone.flat[0], rtol=1e-12, atol=1e-14)


class TestProximal:
    def test_zeros_are_exact_and_never_small_numbers(self):
        X, y = regression(n_features=8)
        network, _ = solve(make_problem(X, y, alpha=0.01), max_iter=800)
        weights = np.abs(np.concatenate([network.theta.ravel(), network.skip.ravel()]))
        assert 2 <= np.count_nonzero(weights) <= 10
        assert weights[weights > 0].min() > 1e-3
        assert network.used_features.tolist() == [0, 1]

    def test_same_seed_same_network(self):
        X, y = regression()
        problem = make_problem(X, y)
        first, _ = solve(problem, batch_size=16)
        again, _ = solve(problem, batch_size=16)
        other, _ = solve(problem, batch_size=16, seed=1)
        assert_same_network(again, first)
        assert problem.objective(other) != problem.objective(first)

    def test_history_ends_at_the_objective_of_the_network(self):
        X, y = regression(n_outputs=2)
        problem = make_problem(X, y)
        network, report = solve(problem, n_init=3)
        assert report.n_iter == 300 == report.history["iteration"][-1]
        assert_allclose(report.history["objective"][-1], problem.objective(network), rtol=1e-10)
        assert_allclose(report.history["loss"][-1], problem.empirical_loss(network), rtol=1e-10)
        assert report.history["n_active_neurons"][-1] == network.n_active_neurons
        assert report.history["n_nonzero_weights"][-1] == network.n_nonzero_weights()
        assert len({len(column) for column in report.history.values()}) == 1

    @pytest.mark.parametrize("loss", [SquaredError(), BinaryLogLoss()], ids=repr)
    def test_ends_where_no_coordinate_move_lowers_the_objective(self, loss):
        X, y = regression(n_samples=50, n_features=3)
        if isinstance(loss, BinaryLogLoss):
            y = (y > y.mean()).astype(float)
        problem = make_problem(X, y, loss=loss, alpha=0.01)
        network, _ = solve(problem, max_iter=4000)
        assert network.n_active_neurons > 0
        objective = problem.objective(network)
        for name in ("theta", "bias", "intercept", "skip"):
            values = getattr(network, name)
            for index in np.ndindex(values.shape):
                for step in (-1e-3, -1e-4, 1e-4, 1e-3):
                    # Where a hyperplane passes through a sample F has two slopes.
                    moved = values.copy()
                    moved[index] += step
                    after = problem.objective(replace(network, **{name: moved}))
                    assert after >= objective - 2e-3 * abs(step), (name, index, step)

    def test_gradient_is_zero_on_the_support_away_from_kinks(self):
        X, y = regression(n_samples=50, n_features=3)
        problem = make_problem(X, y, alpha=0.01)
        network, _ = solve(problem, max_iter=4000)
        margin = np.abs(X @ network.theta.T + network.bias).min(axis=0)
        clear = np.flatnonzero(margin > 1e-3)
        spots = [("theta", (k, j)) for k in clear for j in np.flatnonzero(network.theta[k])]
        spots += [("bias", (k,)) for k in clear] + [("intercept", (0,))]
        spots += [("skip", (0, j)) for j in np.flatnonzero(network.skip[0])]
        assert len(spots) > 1
        for name, index in spots:
            up, down = getattr(network, name).copy(), getattr(network, name).copy()
            up[index] += 1e-5
            down[index] -= 1e-5
            rise = problem.objective(replace(network, **{name: up}))
            rise -= problem.objective(replace(network, **{name: down}))
            assert abs(rise) / 2e-5 < 1e-3, (name, index)

    def test_sparse_rows_are_dense_rows(self):
        X, y = regression(n_samples=50)
        X[np.abs(X) < 0.7] = 0
        for batch_size in (None, 12):
            networks = [
                solve(make_problem(kind(X), y), batch_size=batch_size)[0]
                for kind in (np.asarray, sp.csr_array)
            ]
            assert_same_network(*networks, rtol=1e-9, atol=1e-12)

    def test_mini_batches_end_near_the_full_batch(self):
        X, y = regression(n_samples=230)
        problem = make_problem(X, y)
        constant = problem.objective(Network.empty(5, y.mean()))
        full = problem.objective(solve(problem, max_iter=1000)[0])
        batches = problem.objective(solve(problem, max_iter=1000, batch_size=64)[0])
        assert batches < full + 0.1 * (constant - full)

    def test_a_batch_of_all_rows_is_the_full_batch(self):
        X, y = regression()
        problem = make_problem(X, y)
        full, _ = solve(problem)
        assert_same_network(solve(problem, batch_size=len(X))[0], full)
        assert_same_network(solve(problem, batch_size=10 * len(X))[0], full)

    def test_start_is_where_it_starts(self):
        X, y = regression()
        problem = make_problem(X, y)
        network, _ = solve(problem, max_iter=2000)
        again, _ = solve(problem, max_iter=50, learning_rate=1e-3, start=network)
        assert again.n_neurons <= network.n_neurons
        assert problem.objective(again) <= problem.objective(network) * (1 + 1e-3)
        assert problem.objective(solve(problem, max_iter=50)[0]) > problem.objective(network)

    def test_start_without_neurons(self):
        X, y = regression()
        problem = make_problem(X, y)
        network, _ = solve(problem, start=Network.empty(5, y.mean()))
        assert network.n_neurons == 0
        assert problem.objective(network) < problem.objective(Network.empty(5, y.mean()))

    def test_tol_ends_early_and_zero_never_does(self):
        X, y = regression()
        problem = make_problem(X, y)
        _, loose = solve(problem, max_iter=1000, tol=1e-2)
        _, strict = solve(problem, max_iter=1000, tol=0.0)
        assert 667 <= loose.n_iter < 1000 and loose.converged
        assert strict.n_iter == 1000

    def test_ctrl_c_keeps_the_network_so_far(self):
        X, y = regression()
        problem = make_problem(X, y)

        def interrupt(progress):
            if progress.iteration >= 150:
                raise KeyboardInterrupt

        network, report = solve(problem, monitor=interrupt)
        assert report.interrupted and report.n_iter == 150
        assert problem.objective(network) < problem.objective(Network.empty(5, y.mean()))

    def test_monitor_sees_the_present_network_and_may_stop(self):
        X, y = regression()
        problem = make_problem(X, y)
        seen = []

        def monitor(progress):
            objective = problem.objective(progress.network())
            assert_allclose(progress.objective, objective, rtol=1e-9)
            seen.append((progress.iteration, progress.settled))
            return len(seen) == 48

        network, report = solve(problem, monitor=monitor)
        iterations, settled = zip(*seen, strict=True)
        assert report.n_iter == iterations[-1] < 300
        assert not report.interrupted
        assert list(iterations) == sorted(set(iterations))
        assert list(settled) == sorted(settled) and settled[-1] and not settled[0]
        assert_allclose(problem.objective(network), report.history["objective"][-1], rtol=1e-9)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
    @pytest.mark.parametrize("learning_rate", [100.0, 1e20, 1e30])
    def test_huge_learning_rate_gives_a_finite_network(self, learning_rate, dtype):
        X, y = regression()
        problem = make_problem(X, y, dtype=dtype)
        network, _ = solve(problem, learning_rate=learning_rate)
        for name in FIELDS:
            assert np.all(np.isfinite(getattr(network, name)))

    @pytest.mark.parametrize("max_iter", [1, 2, 3, 7])
    def test_few_iterations(self, max_iter):
        X, y = regression()
        problem = make_problem(X, y)
        network, report = solve(problem, max_iter=max_iter)
        assert report.n_iter == max_iter
        assert np.isfinite(problem.objective(network))

    @pytest.mark.parametrize("n_outputs", [1, 2])
    @pytest.mark.parametrize("n_samples", [1, 2])
    def test_tiny_data(self, n_samples, n_outputs):
        X, y = regression(n_samples=n_samples, n_outputs=n_outputs)
        problem = make_problem(X, y, alpha=1e-4)
        network, _ = solve(problem, n_init=2, batch_size=1)
        assert np.isfinite(problem.objective(network))
        if n_samples == 1:
            assert_allclose(network.evaluate(X), y, atol=0.05)

    @pytest.mark.parametrize("n_neurons", [1, 2, 3])
    def test_few_neurons(self, n_neurons):
        X, y = regression()
        network, _ = solve(make_problem(X, y), n_neurons=n_neurons)
        assert network.n_neurons <= n_neurons

    @pytest.mark.parametrize("n_outputs", [1, 2])
    def test_without_affine_part_there_is_none(self, n_outputs):
        X, y = regression(n_outputs=n_outputs)
        network, _ = solve(make_problem(X, y, skip="none", fit_intercept=False))
        assert network.n_active_neurons > 0
        assert_array_equal(network.skip, np.zeros((n_outputs, 5)))
        assert_array_equal(network.intercept, np.zeros(n_outputs))


def partial(problem, state, **changes):
    settings = {"n_neurons": 16, "learning_rate": 0.03, "seed": 0, "batch_size": 16}
    return proximal_partial(problem, state, **(settings | changes))


class TestProximalPartial:
    @pytest.mark.parametrize("n_passes", [1, 60, 160])
    @pytest.mark.parametrize("n_outputs", [1, 2])
    def test_resumes_exactly_after_pickling(self, n_outputs, n_passes):
        X, y = regression(n_outputs=n_outputs)
        problem = make_problem(X, y, dtype=torch.float32)
        state = None
        for _ in range(n_passes):
            _, state = partial(problem, state)
        saved = pickle.dumps(state)
        network, after = partial(problem, state)
        reloaded, after_too = partial(problem, pickle.loads(saved))
        assert_same_network(reloaded, network)
        for name, value in after.items():
            assert isinstance(value, np.ndarray | int)
            assert_array_equal(after_too[name], value)
        # The state is left as it was found.
        assert pickle.dumps(state) == saved

    def test_a_pass_is_its_batches_one_after_the_other(self):
        X, y = regression()
        problem = make_problem(X, y)
        start, _ = solve(problem, max_iter=600)
        whole, _ = partial(problem, None, start=start)
        state = None
        for low in range(0, len(X), 16):
            rows = slice(low, low + 16)
            network, state = partial(make_problem(X[rows], y[rows]), state, start=start)
        assert_same_network(network, whole, rtol=1e-9, atol=1e-12)

    def test_many_passes_fit_with_exact_zeros(self):
        X, y = regression(n_samples=200)
        problem = make_problem(X, y)
        state = None
        for _ in range(60):
            network, state = partial(problem, state, batch_size=20)
        assert state["steps"] == 600
        assert problem.empirical_loss(network) < 0.1 * y.var() / 2
        assert network.n_nonzero_weights() <= 20

    def test_starts_from_a_network(self):
        X, y = regression()
        problem = make_problem(X, y)
        start, _ = solve(problem, max_iter=2000)
        network, state = partial(problem, None, start=start, learning_rate=1e-3)
        again, _ = partial(problem, state, start=start, learning_rate=1e-3)
        assert network.n_neurons <= start.n_neurons
        for other in (network, again):
            assert problem.objective(other) < problem.objective(start) * 1.01
        assert state["direction"].shape[1] <= start.n_neurons
