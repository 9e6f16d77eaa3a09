"""The door between NumPy and the solvers, against counting, np.repeat and plain loops."""

from collections import Counter
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
from sklearn_lpnet.problem import problem as problem_module
from sklearn_lpnet.problem import rows as rows_module
from sklearn_lpnet.problem.merging import merge_rows
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.rows import DenseRows, SparseRows
from sklearn_lpnet.problem.units import Standardizer

CPU = torch.device("cpu")

both_kinds = pytest.mark.parametrize("kind", [np.asarray, sp.csr_array], ids=["dense", "csr"])


def merged(X, y, weight):
    """What `merge_rows` returns, with the rows gathered."""
    rows, *others = merge_rows(X, y, weight)
    return rows if sp.issparse(rows) else rows[:], *others


def repeated_rows(n_samples=80, seed=0):
    """Rows of which many are equal, some of them with unequal labels; integer weights."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (n_samples, 3)).astype(float)
    y = rng.integers(0, 2, (n_samples, 2)).astype(float)
    return X, y, rng.integers(1, 5, n_samples).astype(float)


def dense(X):
    return X.toarray() if sp.issparse(X) else X


def assert_same_rows(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        assert_array_equal(dense(a), dense(b))


def random_network(n_features, n_outputs, n_neurons=5, seed=0):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=(n_neurons, n_outputs))
    theta = rng.normal(size=(n_neurons, n_features))
    theta[rng.random(theta.shape) < 0.3] = 0
    theta[:, 0] = rng.normal(size=n_neurons)
    return Network(
        direction / np.linalg.norm(direction, axis=1, keepdims=True),
        theta,
        rng.normal(size=n_neurons),
        rng.normal(size=n_outputs),
        rng.normal(size=(n_outputs, n_features)) * (rng.random(n_features) < 0.7),
    )


def make_problem(X, y, weight=None, *, scaler=None, dtype=torch.float64, **settings):
    settings = {"loss": SquaredError(), "penalty": LpPenalty(0.5), "alpha": 0.1} | settings
    parts = ("penalize_bias", "fit_intercept", "skip")
    parametrization = Parametrization(**{k: settings.pop(k) for k in parts if k in settings})
    return Problem.create(
        X,
        y,
        np.ones(len(y)) if weight is None else weight,
        scaler=scaler or Standardizer.identity(X.shape[1], y.shape[1]),
        device=CPU,
        dtype=dtype,
        parametrization=parametrization,
        **settings,
    )


class TestMergeRows:
    @both_kinds
    def test_order_of_rows_does_not_matter(self, kind):
        X, y, weight = repeated_rows()
        order = np.random.default_rng(1).permutation(len(X))
        assert_same_rows(
            merged(kind(X[order]), y[order], weight[order]), merged(kind(X), y, weight)
        )

    @both_kinds
    def test_weight_is_repetition_to_the_last_bit(self, kind):
        X, y, weight = repeated_rows()
        times = weight.astype(int)
        repeated = merged(
            kind(np.repeat(X, times, axis=0)), np.repeat(y, times, axis=0), np.ones(times.sum())
        )
        assert_same_rows(merged(kind(X), y, weight), repeated)

    @both_kinds
    def test_rows_of_weight_zero_go(self, kind):
        X, y, weight = repeated_rows()
        X_more, y_more = np.vstack([X, X + 0.5]), np.vstack([y, y])
        more = merged(kind(X_more), y_more, np.r_[weight, 0 * weight])
        assert_same_rows(more, merged(kind(X), y, weight))

    @both_kinds
    def test_nothing_is_lost(self, kind):
        X, y, weight = repeated_rows()
        expected = Counter()
        for row, s in zip(np.column_stack([X, y]), weight, strict=True):
            expected[tuple(row)] += s
        X_merged, y_merged, total = merged(kind(X), y, weight)
        rows = [tuple(row) for row in np.column_stack([dense(X_merged), y_merged])]
        assert len(set(rows)) == len(rows)
        assert dict(zip(rows, total, strict=True)) == dict(expected)

    @both_kinds
    def test_negative_zero_is_zero(self, kind):
        X, y = np.array([[0.0, 1.0], [-0.0, 1.0]]), np.array([[-0.0], [0.0]])
        X_merged, _, total = merged(kind(X), y, np.array([1.0, 2.0]))
        assert X_merged.shape == (1, 2)
        assert_array_equal(total, [3.0])

    def test_zeros_that_a_sparse_matrix_stores_are_zeros(self):
        stored = sp.csr_array(([0.0, 2.0, 2.0], [0, 1, 1], [0, 2, 3]), shape=(2, 2))
        X_merged, _, total = merged(stored, np.ones((2, 1)), np.ones(2))
        assert_array_equal(X_merged.toarray(), [[0.0, 2.0]])
        assert_array_equal(total, [2.0])
        assert stored.nnz == 3

    def test_positive_units_and_shifts_keep_the_order(self):
        X, y, weight = repeated_rows()
        unit, shift = np.array([2.0, 1e-12, 1e9]), np.array([3.0, -1.0, 0.0])
        X_merged, y_merged, total = merged(X, y, weight)
        expected = X_merged * unit + shift, 7 * y_merged - 2, total
        assert_same_rows(merged(X * unit + shift, 7 * y - 2, weight), expected)

    @both_kinds
    def test_first_rows_are_a_sample(self, kind):
        x = np.arange(2000.0)
        X_merged, *_ = merged(kind(np.column_stack([x, x % 7])), x[:, None], np.ones(2000))
        position = dense(X_merged)[:500, 0] / 2000
        assert_allclose(np.quantile(position, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.07)

    @both_kinds
    def test_one_row(self, kind):
        rows = merged(kind(np.array([[1.0, 2.0]])), np.array([[3.0]]), np.array([0.5]))
        assert_same_rows(rows, (np.array([[1.0, 2.0]]), np.array([[3.0]]), np.array([0.5])))


class TestStandardizer:
    @both_kinds
    def test_moments_are_those_of_repeated_rows(self, kind):
        X, y, weight = repeated_rows()
        X += np.array([0.0, 10.0, -1.0])
        times = weight.astype(int)
        scaler = Standardizer.fit(
            kind(X), y, weight / 7, center_x=True, center_y=True, scale_y=True
        )
        X, y = np.repeat(X, times, axis=0), np.repeat(y, times, axis=0)
        assert_allclose(scaler.x_mean, X.mean(axis=0), rtol=1e-12, atol=1e-14)
        assert_allclose(scaler.x_scale, X.std(axis=0), rtol=1e-12)
        assert_allclose(scaler.y_mean, y.mean(axis=0), rtol=1e-12)
        assert_allclose(scaler.y_scale, y.std(axis=0), rtol=1e-12)

    @both_kinds
    def test_what_is_not_asked_for_is_left_undone(self, kind):
        X, y, weight = repeated_rows()
        done = Standardizer.fit(kind(X), y, weight, center_x=True, center_y=True, scale_y=True)
        undone = Standardizer.fit(kind(X), y, weight, center_x=False, center_y=False, scale_y=False)
        assert_array_equal(undone.x_mean, np.zeros(3))
        assert_array_equal(undone.y_mean, np.zeros(2))
        assert_array_equal(undone.y_scale, np.ones(2))
        assert_array_equal(undone.x_scale, done.x_scale)

    @both_kinds
    @pytest.mark.parametrize("value", [0.0, 5.0, 0.1, -1e30, 1e-30, 1 / 3])
    def test_constant_column_becomes_zero_exactly(self, kind, value):
        weight = np.random.default_rng(0).random(37)
        X = np.column_stack([np.full(37, value), np.arange(37.0)])
        scaler = Standardizer.fit(
            kind(X), X[:, :1], weight, center_x=True, center_y=True, scale_y=True
        )
        assert np.all(np.isfinite(scaler.x_scale)) and np.all(scaler.x_scale > 0)
        rows = DenseRows(X, scaler, CPU, torch.float64).all()
        assert_array_equal(rows[:, 0], np.zeros(37))
        assert_array_equal(scaler.labels(X[:, :1]), np.zeros((37, 1)))

    @both_kinds
    @pytest.mark.parametrize("unit", [1e30, 1e-30, 1e200, 1e-200])
    def test_units_beyond_squares(self, kind, unit):
        X, y, weight = repeated_rows()
        options = {"center_x": True, "center_y": True, "scale_y": True}
        plain = Standardizer.fit(kind(X), y, weight, **options)
        scaled = Standardizer.fit(kind(X * unit), y * unit, weight, **options)
        for name in ("x_mean", "x_scale", "y_mean", "y_scale"):
            expected = getattr(plain, name) * unit
            assert_allclose(getattr(scaled, name), expected, rtol=1e-12, atol=1e-14 * unit)

    def test_labels_have_mean_zero_and_variance_one(self):
        X, y, weight = repeated_rows()
        scaler = Standardizer.fit(X, y, weight, center_x=True, center_y=True, scale_y=True)
        labels = scaler.labels(y)
        assert_allclose(np.average(labels, axis=0, weights=weight), 0, atol=1e-14)
        assert_allclose(np.average(labels**2, axis=0, weights=weight), 1, rtol=1e-12)

    @pytest.mark.parametrize("n_outputs", [1, 3])
    def test_to_user_is_the_same_function_and_from_user_its_inverse(self, n_outputs):
        rng = np.random.default_rng(0)
        X = rng.normal(3, [1, 100, 1e-3, 1], (50, 4))
        y = rng.normal(-5, 20, (50, n_outputs))
        scaler = Standardizer.fit(X, y, np.ones(50), center_x=True, center_y=True, scale_y=True)
        network = random_network(4, n_outputs)
        user = scaler.to_user(network)
        inside = network.evaluate((X - X.mean(axis=0)) / X.std(axis=0))
        assert_allclose(user.evaluate(X), y.mean(axis=0) + y.std(axis=0) * inside, rtol=1e-9)
        assert_array_equal(user.theta != 0, network.theta != 0)
        assert_array_equal(user.skip != 0, network.skip != 0)
        back = scaler.from_user(user)
        for name in ("direction", "theta", "bias", "intercept", "skip"):
            assert_allclose(getattr(back, name), getattr(network, name), rtol=1e-9, atol=1e-11)

    def test_identity_changes_nothing(self):
        scaler, network = Standardizer.identity(3, 2), random_network(3, 2)
        for other in (scaler.to_user(network), scaler.from_user(network)):
            assert_allclose(other.theta, network.theta, rtol=1e-15)
            assert_allclose(other.bias, network.bias, rtol=1e-15)
            assert_allclose(other.skip, network.skip, rtol=1e-15)


def make_rows(kind, n_samples=23, n_features=4, dtype=torch.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_samples, n_features)) * (rng.random((n_samples, n_features)) < 0.5)
    scaler = Standardizer(
        rng.normal(size=n_features), rng.uniform(1, 2, n_features), np.zeros(1), np.ones(1)
    )
    expected = np.column_stack([(X - scaler.x_mean) / scaler.x_scale, np.ones(n_samples)])
    rows = DenseRows if kind is np.asarray else SparseRows
    return rows(kind(X), scaler, CPU, dtype), expected


class TestRows:
    @both_kinds
    def test_are_standardised_with_a_trailing_one(self, kind):
        rows, expected = make_rows(kind)
        assert (len(rows), rows.width) == expected.shape
        index = torch.tensor([5, 0, 22, 5])
        assert_allclose(rows.all(), expected, rtol=1e-14)
        assert_allclose(rows.take(index), expected[index.numpy()], rtol=1e-14)
        assert_allclose(rows.take(slice(3, 9)), expected[3:9], rtol=1e-14)

    @both_kinds
    @pytest.mark.parametrize("width", [1, 7, 1000])
    def test_blocks_hold_every_row_once_and_stay_small(self, kind, width, monkeypatch):
        monkeypatch.setattr(rows_module, "BLOCK_ENTRIES", 64)
        rows, expected = make_rows(kind)
        seen = []
        for where, block in rows.blocks(width):
            assert_allclose(block, expected[where], rtol=1e-14)
            assert len(block) == 1 or len(block) * width <= 64
            seen.extend(range(where.start, where.stop))
        assert seen == list(range(23))

    @both_kinds
    def test_have_the_dtype_asked_for(self, kind):
        rows, expected = make_rows(kind, dtype=torch.float32)
        assert rows.all().dtype == torch.float32
        assert_allclose(rows.all(), expected, rtol=1e-6)


def log1p_exp(t):
    return np.logaddexp(0, t)


def rival(y, f):
    return max(f[j] for j in range(len(f)) if y[j] == 0)


#: Loss of one sample, by the book.
BY_THE_BOOK = {
    SquaredError(): lambda y, f: sum((f - y) ** 2) / 2,
    AbsoluteError(): lambda y, f: sum(abs(f - y)),
    Huber(0.5): lambda y, f: sum(r**2 / 2 if r <= 0.5 else 0.5 * (r - 0.25) for r in np.abs(f - y)),
    Quantile(0.8): lambda y, f: sum(0.8 * r if r > 0 else -0.2 * r for r in y - f),
    BinaryLogLoss(): lambda y, f: sum(
        log1p_exp(-t) if label else log1p_exp(t) for label, t in zip(y, f, strict=True)
    ),
    SoftmaxLogLoss(): lambda y, f: np.log(np.exp(f).sum()) - f[np.argmax(y)],
    Hinge(): lambda y, f: sum(max(0, 1 - t) for t in y * f),
    MulticlassHinge(): lambda y, f: max(0, 1 + rival(y, f) - f[np.argmax(y)]),
}


def targets(loss, n_samples, n_outputs, seed=1):
    rng = np.random.default_rng(seed)
    if isinstance(loss, BinaryLogLoss):
        return rng.integers(0, 2, (n_samples, n_outputs)).astype(float)
    if isinstance(loss, Hinge):
        return rng.choice([-1.0, 1.0], (n_samples, n_outputs))
    if isinstance(loss, SoftmaxLogLoss | MulticlassHinge):
        return np.eye(n_outputs)[rng.integers(0, n_outputs, n_samples)]
    return rng.normal(size=(n_samples, n_outputs))


def naive_objective(problem, network, X, y, weight):
    """F by loops over samples, neurons and features."""
    loss = BY_THE_BOOK[problem.loss]
    total = 0.0
    for x, label, s in zip(X, y, weight, strict=True):
        f = network.skip @ x + network.intercept
        for a, theta, beta in zip(network.direction, network.theta, network.bias, strict=True):
            f = f + a * max(0.0, theta @ x + beta)
        total += s * loss(label, f) / sum(weight)
    weights = [abs(t) for t in network.theta.flat]
    if problem.parametrization.penalize_bias:
        weights += [abs(b) for b in network.bias]
    if problem.parametrization.skip == "penalized":
        weights += [np.sqrt(sum(column**2)) for column in network.skip.T]
    return total + problem.alpha * sum(w**problem.penalty.p for w in weights if w > 0)


class TestProblem:
    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    @pytest.mark.parametrize("penalize_bias", [False, True])
    @pytest.mark.parametrize("loss", BY_THE_BOOK, ids=repr)
    def test_objective_is_that_of_plain_loops(self, loss, penalize_bias, skip, monkeypatch):
        monkeypatch.setattr(rows_module, "BLOCK_ENTRIES", 64)
        n_outputs = 3 if not loss.separable or penalize_bias else 1
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, 4)), targets(loss, 20, n_outputs)
        weight = rng.uniform(0.5, 3, 20)
        network = random_network(4, n_outputs)
        if skip == "none":
            network = replace(network, skip=np.zeros((n_outputs, 4)))
        problem = make_problem(
            X, y, weight, loss=loss, skip=skip, penalize_bias=penalize_bias, alpha=0.3
        )
        expected = naive_objective(problem, network, X, y, weight)
        assert_allclose(problem.objective(network), expected, rtol=1e-12)
        without = replace(problem, alpha=0.0)
        assert_allclose(
            problem.empirical_loss(network),
            naive_objective(without, network, X, y, weight),
            rtol=1e-12,
        )

    @both_kinds
    def test_is_in_the_units_of_the_solver(self, kind):
        rng = np.random.default_rng(0)
        X, y = rng.normal(3, 2, (30, 4)), rng.normal(50, 7, (30, 1))
        weight = rng.uniform(size=30)
        scaler = Standardizer.fit(X, y, weight, center_x=True, center_y=True, scale_y=True)
        problem = make_problem(kind(X), y, weight, scaler=scaler)
        network = random_network(4, 1)
        residual = (scaler.to_user(network).evaluate(X) - y) / scaler.y_scale
        expected = np.average(0.5 * residual[:, 0] ** 2, weights=weight)
        assert_allclose(problem.empirical_loss(network), expected, rtol=1e-10)
        assert (problem.n_samples, problem.n_features, problem.n_outputs) == (30, 4, 1)

    def test_large_weights_do_not_count_more(self):
        X, y, weight = repeated_rows()
        network = random_network(3, 2)
        plain, heavy = make_problem(X, y, weight), make_problem(X, y, 1e6 * weight)
        assert_allclose(plain.objective(network), heavy.objective(network), rtol=1e-12)

    @both_kinds
    def test_first_rows(self, kind):
        X, y, weight = repeated_rows()
        network = random_network(3, 2)
        problem = make_problem(kind(X), y, weight, dtype=torch.float32, skip="free")
        first = problem.first_rows(11, torch.float64)
        assert (first.n_samples, first.n_features, first.dtype) == (11, 3, torch.float64)
        expected = naive_objective(problem, network, X[:11], y[:11], weight[:11])
        assert_allclose(first.objective(network), expected, rtol=1e-6)
        assert_allclose(float(first.weight.sum()), 1.0, rtol=1e-12)
        assert problem.n_samples == len(X)

    def test_rows_fit_one_block_if_their_values_do(self, monkeypatch):
        X, y, _ = repeated_rows(n_samples=10)
        monkeypatch.setattr(problem_module, "BLOCK_ENTRIES", 100)
        problem = make_problem(X, y)
        assert problem.fits_one_block(10)
        assert not problem.fits_one_block(11)
