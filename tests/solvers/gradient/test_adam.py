"""Algorithm 1 against a plain loop of it with autograd and torch.optim.Adam."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from sklearn_lpnet.losses.classification import BinaryLogLoss, SoftmaxLogLoss
from sklearn_lpnet.losses.regression import Huber, SquaredError
from sklearn_lpnet.network import Network
from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.penalties.lp import LpPenalty
from sklearn_lpnet.problem import problem as problem_module
from sklearn_lpnet.problem import rows as rows_module
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.units import Standardizer
from sklearn_lpnet.solvers.gradient.adam import adam, adam_stack
from sklearn_lpnet.solvers.gradient.adam_weights import Weights, random_weights

DEFAULTS = {
    "n_neurons": 20,
    "max_iter": 200,
    "tol": 0.0,
    "learning_rate": 0.01,
    "batch_size": None,
    "n_init": 1,
    "seed": 0,
}


def make_problem(X, y, *, p=0.5, alpha=0.01, weight=None, dtype=torch.float64, **settings):
    y = np.asarray(y, dtype=float).reshape(X.shape[0], -1)
    settings = {"loss": SquaredError(), "skip": "none", "device": torch.device("cpu")} | settings
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
        **settings,
    )


def regression(n_samples=30, n_features=4, n_outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n_samples, n_features))
    y = np.abs(X[:, :1] - 0.3) @ rng.uniform(0.5, 1.5, (1, n_outputs)) - X[:, -1:]
    return X, y


def targets(loss, n_samples, n_outputs):
    rng = np.random.default_rng(1)
    if isinstance(loss, BinaryLogLoss):
        return rng.integers(0, 2, (n_samples, n_outputs))
    if isinstance(loss, SoftmaxLogLoss):
        return np.eye(n_outputs)[rng.integers(0, n_outputs, n_samples)]
    return rng.normal(size=(n_samples, n_outputs))


def solve(problem, **changes):
    return adam(problem, **(DEFAULTS | changes))


def train_stack(problem, weights, **changes):
    settings = DEFAULTS | changes
    names = ("max_iter", "tol", "learning_rate", "batch_size")
    generator = torch.Generator().manual_seed(settings["seed"])
    return adam_stack(problem, weights, generator=generator, **{k: settings[k] for k in names})


def start_weights(problem, n_neurons=20, n_models=1, seed=0):
    return random_weights(problem, n_neurons, n_models, torch.Generator().manual_seed(seed))


def assert_same_network(actual, expected, rtol=1e-12):
    for name in ("direction", "theta", "bias", "intercept", "skip"):
        np.testing.assert_allclose(
            getattr(actual, name), getattr(expected, name), rtol=rtol, atol=1e-13, err_msg=name
        )


def algorithm_1(problem, weights, *, max_iter, learning_rate):
    """A plain loop: autograd, torch.optim.Adam, no neuron ever dropped."""
    X, y, s = problem.rows.all()[:, :-1], problem.y, problem.weight
    p, fit_bias = problem.penalty.p, problem.parametrization.penalize_bias
    w, b = weights.hidden[0, :, :-1].clone(), weights.hidden[0, :, -1].clone()
    v, c = weights.output[0].clone(), y.new_zeros(y.shape[1])
    A = y.new_zeros(y.shape[1], X.shape[1])
    if problem.parametrization.fit_intercept:
        c = weights.affine[0, :, -1].clone()
    free = [c] * problem.parametrization.fit_intercept + [A] * (
        problem.parametrization.skip == "free"
    )
    parameters = [tensor.requires_grad_() for tensor in (w, b, v, *free)]
    optimizer = torch.optim.Adam(parameters, lr=learning_rate)

    def coordinates():
        return torch.cat([w, b[:, None]], dim=1) if fit_bias else w.clone()

    for step in range(1, max_iter + 1):
        with torch.no_grad():
            before = v.norm(dim=1, keepdim=True) * coordinates()
        optimizer.zero_grad()
        f = torch.relu(X @ w.T + b) @ v + X @ A.T + c
        (s @ problem.loss.value(y, f)).backward()
        optimizer.step()
        if step < 6:
            continue
        with torch.no_grad():
            threshold = problem.alpha * learning_rate * p * before.abs() ** (p - 1)
            product = v.norm(dim=1, keepdim=True) * coordinates()
            u = product.sign() * (product.abs() - threshold).clamp(min=0)
            norm = u.norm(dim=1, keepdim=True)
            u, norm = torch.where(norm < 1e-8, 0.0, u), torch.where(norm < 1e-8, 0.0, norm)
            balanced = torch.where(norm > 0, u / norm.sqrt(), 0.0)
            w.copy_(balanced[:, : X.shape[1]])
            if fit_bias:
                b.copy_(balanced[:, -1])
            v.copy_(norm.sqrt() * torch.nn.functional.normalize(v, dim=1))
    gain = v.norm(dim=1, keepdim=True)
    direction, theta, bias, c, A = (
        t.detach().numpy()
        for t in (torch.nn.functional.normalize(v, dim=1), gain * w, gain[:, 0] * b, c, A)
    )
    network = Network(direction, theta, bias, c, A)
    return network.compact(fold_constants=problem.parametrization.fit_intercept)


@pytest.mark.parametrize("p", [0.4, 0.7, 1.0])
@pytest.mark.parametrize("penalize_bias", [False, True])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("fit_intercept, skip", [(False, "none"), (True, "none"), (True, "free")])
def test_trajectory_is_that_of_the_plain_loop(p, penalize_bias, n_outputs, fit_intercept, skip):
    X, y = regression(n_outputs=n_outputs)
    weight = np.random.default_rng(2).uniform(0.5, 2, len(X))
    problem = make_problem(
        X,
        y,
        p=p,
        alpha=0.05,
        weight=weight,
        penalize_bias=penalize_bias,
        fit_intercept=fit_intercept,
        skip=skip,
    )
    weights = start_weights(problem)
    (network,), _ = train_stack(problem, weights, max_iter=100)
    expected = algorithm_1(problem, weights, max_iter=100, learning_rate=0.01)
    assert 0 < network.n_nonzero_weights() < 20 * X.shape[1]
    assert_same_network(network, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "loss, n_outputs", [(BinaryLogLoss(), 2), (SoftmaxLogLoss(), 3), (Huber(), 1)]
)
def test_trajectory_for_other_losses(loss, n_outputs):
    X, _ = regression()
    problem = make_problem(X, targets(loss, len(X), n_outputs), loss=loss)
    weights = start_weights(problem)
    (network,), _ = train_stack(problem, weights, max_iter=100)
    expected = algorithm_1(problem, weights, max_iter=100, learning_rate=0.01)
    assert_same_network(network, expected, rtol=1e-6)


def test_random_weights_are_those_of_two_linear_layers():
    problem = make_problem(*regression(), dtype=torch.float32)
    weights = start_weights(problem, n_neurons=7, seed=3)
    torch.manual_seed(3)
    hidden, output = torch.nn.Linear(4, 7), torch.nn.Linear(7, 1, bias=False)
    torch.testing.assert_close(weights.hidden[0, :, :-1], hidden.weight.detach())
    torch.testing.assert_close(weights.hidden[0, :, -1], hidden.bias.detach())
    torch.testing.assert_close(weights.output[0], output.weight.detach().T)
    assert float(weights.affine[0]) == pytest.approx(float(problem.y.mean()))


def test_a_zero_product_stays_zero():
    X, y = regression()
    rng = np.random.default_rng(0)
    theta = rng.normal(size=(12, 4)) * (rng.uniform(size=(12, 4)) < 0.5)
    theta[:, 0] = 1.0
    start = Network(
        np.sign(rng.normal(size=(12, 1))), theta, rng.normal(size=12), [0.0], [[0.0] * 4]
    )
    network, _ = solve(make_problem(X, y, alpha=1e-6), start=start, max_iter=50)
    np.testing.assert_array_equal(network.theta != 0, theta != 0)


def test_the_network_is_thinned_out_and_keeps_no_dead_neuron():
    counts = []

    def count(progress):
        network = progress.network()
        counts.append((network.n_neurons, network.n_nonzero_weights()))
        assert counts[-1] == (progress.n_active_neurons, progress.n_nonzero_weights)
        assert network.n_active_neurons == network.n_neurons

    network, _ = solve(make_problem(*regression(), alpha=0.05), max_iter=500, monitor=count)
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == (network.n_neurons, network.n_nonzero_weights()) < (20, 80)


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_a_network_may_die_altogether(fit_intercept):
    X, y = regression()
    problem = make_problem(X, y, alpha=5.0, fit_intercept=fit_intercept)
    network, report = solve(problem, max_iter=500)
    assert network.n_neurons == 0
    assert report.history["n_nonzero_weights"][-1] == 0
    np.testing.assert_allclose(network.intercept, y.mean(axis=0) * fit_intercept, atol=0.01)


def test_history_records_the_objective_of_the_network():
    problem = make_problem(*regression())
    network, report = solve(problem, max_iter=255)
    history = report.history
    assert history["iteration"] == [*range(20, 260, 20), 255]
    assert history["objective"][-1] == pytest.approx(problem.objective(network), rel=1e-9)
    assert history["loss"][-1] == pytest.approx(problem.empirical_loss(network), rel=1e-9)
    assert history["objective"][-1] < history["objective"][0]
    assert (report.n_iter, report.converged, report.diverged) == (255, False, False)


def test_restarts_side_by_side_are_those_one_by_one():
    problem = make_problem(*regression(n_outputs=2))
    weights = start_weights(problem, n_models=3)
    networks, _ = train_stack(problem, weights, max_iter=300)
    for m, network in enumerate(networks):
        (alone,), _ = train_stack(problem, weights.model(m), max_iter=300)
        assert_same_network(network, alone, rtol=1e-9)


def test_the_restart_of_lowest_objective_wins():
    problem = make_problem(*regression())
    networks, _ = train_stack(problem, start_weights(problem, n_models=4))
    objectives = [problem.objective(network) for network in networks]
    best, report = solve(problem, n_init=4)
    assert len(set(objectives)) == 4
    assert problem.objective(best) == pytest.approx(min(objectives), rel=1e-12)
    assert report.history["objective"][-1] == pytest.approx(min(objectives), rel=1e-9)


def test_stacked_weights_are_networks_of_their_own_seeds():
    problem = make_problem(*regression())
    stack = Weights.stack(start_weights(problem, seed=seed) for seed in (5, 6))
    networks, _ = train_stack(problem, stack, max_iter=50)
    for seed, network in zip((5, 6), networks, strict=True):
        assert_same_network(network, solve(problem, seed=seed, max_iter=50)[0], rtol=1e-9)


def test_mini_batches_learn():
    X, y = regression(n_samples=103)
    problem = make_problem(X, y, alpha=1e-3)
    network, report = solve(problem, max_iter=600, batch_size=20)
    assert problem.empirical_loss(network) < 0.1 * y.var() / 2
    assert report.n_iter == 600


def test_mini_batches_draw_without_replacement_and_weigh_every_row_alike():
    X, y = regression(n_samples=7)
    rows = []

    class Recorder(SquaredError):
        def gradient(self, y, f):
            rows.extend(y[:, 0].tolist())
            return super().gradient(y, f)

    solve(make_problem(X, y, loss=Recorder()), max_iter=6, batch_size=3)
    assert sorted(rows) == sorted([*y[:, 0], *y[:, 0]])


def test_a_batch_of_all_rows_is_a_full_batch():
    problem = make_problem(*regression())
    full, _ = solve(problem)
    assert_same_network(solve(problem, batch_size=30)[0], full, rtol=0)
    assert_same_network(solve(problem, batch_size=1000)[0], full, rtol=0)


def test_rows_in_several_blocks_are_a_full_batch(monkeypatch):
    X, y = regression(n_outputs=2)
    expected, _ = solve(make_problem(X, y, fit_intercept=True, skip="free"))
    for module in (rows_module, problem_module):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 200)
    assert not make_problem(X, y).fits_one_block(20)
    actual, _ = solve(make_problem(X, y, fit_intercept=True, skip="free"))
    assert_same_network(actual, expected, rtol=1e-8)


@pytest.mark.parametrize("batch_size", [None, 8])
def test_sparse_rows_train_as_dense_ones(batch_size):
    X, y = regression()
    X[np.abs(X) < 0.5] = 0
    dense, _ = solve(make_problem(X, y), batch_size=batch_size)
    sparse, _ = solve(make_problem(sp.csr_array(X), y), batch_size=batch_size)
    assert_same_network(sparse, dense, rtol=0)


def test_a_weight_is_a_number_of_repetitions():
    X, y = regression()
    times = np.random.default_rng(0).integers(1, 4, len(X))
    weighted, _ = solve(make_problem(X, y, weight=times.astype(float)))
    repeated, _ = solve(make_problem(np.repeat(X, times, axis=0), np.repeat(y, times, axis=0)))
    assert_same_network(weighted, repeated, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [None, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_equal_seeds_give_equal_networks(dtype, batch_size):
    problem = make_problem(*regression(), dtype=dtype)
    first, _ = solve(problem, batch_size=batch_size, n_init=2, seed=4)
    again, _ = solve(problem, batch_size=batch_size, n_init=2, seed=4)
    other, _ = solve(problem, batch_size=batch_size, n_init=2, seed=5)
    assert_same_network(again, first, rtol=0)
    assert other.theta.shape != first.theta.shape or not np.allclose(other.theta, first.theta)


def test_tol_ends_the_training_once_the_objective_rests():
    problem = make_problem(*regression(), alpha=0.05)
    _, report = solve(problem, max_iter=20_000, tol=1e-3)
    assert report.converged and report.n_iter < 20_000
    objective = np.minimum.accumulate(report.history["objective"])
    assert objective[-11] - objective[-1] < 1e-3 * objective[-1]


def test_the_monitor_ends_the_training():
    _, report = solve(
        make_problem(*regression()), monitor=lambda progress: progress.iteration == 40
    )
    assert report.n_iter == 40 and not report.interrupted


def test_an_interrupt_keeps_the_network_so_far():
    problem = make_problem(*regression())

    def interrupt(progress):
        if progress.iteration == 60:
            raise KeyboardInterrupt

    network, report = solve(problem, monitor=interrupt)
    assert report.interrupted and report.n_iter == 60
    assert_same_network(network, solve(problem, max_iter=60)[0], rtol=0)


@pytest.mark.parametrize("learning_rate", [100.0, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_divergence_is_reported_and_the_network_finite(dtype, learning_rate):
    X, y = regression(n_outputs=2)
    problem = make_problem(X, y, dtype=dtype)
    network, report = solve(problem, learning_rate=learning_rate, n_init=2)
    assert report.diverged
    assert np.isfinite(network.evaluate(X)).all()
    assert np.isfinite(network.path_norm(0.5))


def test_a_start_is_gone_on_from():
    problem = make_problem(*regression(n_outputs=2), fit_intercept=True, skip="free")
    first, _ = solve(problem, max_iter=500)
    resumed, _ = solve(problem, start=first, max_iter=1, learning_rate=1e-12)
    assert_same_network(resumed, first, rtol=1e-6)
    second, _ = solve(problem, start=first, max_iter=500, n_init=3)
    assert problem.objective(second) < problem.objective(first)
    assert second.n_neurons <= first.n_neurons


def test_an_empty_start_trains_the_intercept():
    X, y = regression()
    network, _ = solve(make_problem(X, y), start=Network.empty(4, [0.0]), max_iter=2000)
    np.testing.assert_allclose(network.intercept, y.mean(axis=0), rtol=1e-3)


@pytest.mark.parametrize(
    "settings, message",
    [({"skip": "penalized"}, "skip_connection=True"), ({"alpha": 0.0}, "needs alpha > 0, got 0.0")],
)
def test_what_it_cannot_train_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        solve(make_problem(*regression(), **settings))


def test_a_start_with_a_skip_connection_needs_a_place_for_it():
    start = Network(np.zeros((0, 1)), np.zeros((0, 4)), [], [0.0], np.ones((1, 4)))
    with pytest.raises(ValueError, match="start has a skip connection"):
        solve(make_problem(*regression()), start=start)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("batch_size", [None, 8])
def test_a_cuda_device_gives_the_network_of_the_cpu(batch_size):
    X, y = regression(n_outputs=2)
    on_cpu, _ = solve(make_problem(X, y), n_init=2, batch_size=batch_size)
    on_gpu, _ = solve(
        make_problem(X, y, device=torch.device("cuda")), n_init=2, batch_size=batch_size
    )
    assert_same_network(on_gpu, on_cpu, rtol=1e-6)
