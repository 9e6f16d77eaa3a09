"""Polish: F never rises; its quadratic model, deletions and moves against NumPy."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_lpnet.losses.classification import BinaryLogLoss, Hinge, SoftmaxLogLoss
from sklearn_lpnet.losses.regression import AbsoluteError, Huber, Quantile, SquaredError
from sklearn_lpnet.network import Network
from sklearn_lpnet.network.parametrization import Parametrization
from sklearn_lpnet.penalties.lp import LpPenalty
from sklearn_lpnet.problem.problem import Problem
from sklearn_lpnet.problem.units import Standardizer
from sklearn_lpnet.solvers.gradient.proximal import proximal
from sklearn_lpnet.solvers.second_order import polish as polish_module
from sklearn_lpnet.solvers.second_order.deletion import deletions
from sklearn_lpnet.solvers.second_order.moves import merged, reoriented, simplified, turned
from sklearn_lpnet.solvers.second_order.point import Point, evaluated
from sklearn_lpnet.solvers.second_order.quadratic import (
    PenaltyTerms,
    Quadratic,
    Support,
    gradient_and_diagonal,
)


def polish(problem, network):
    """The polished network; nothing here interrupts the search."""
    polished, interrupted = polish_module.polish(problem, network)
    assert not interrupted
    return polished


#: A loss with a number of outputs.
TASKS = {
    "squared": (SquaredError(), 1),
    "squared, 2 outputs": (SquaredError(), 2),
    "huber": (Huber(0.5), 1),
    "log": (BinaryLogLoss(), 1),
    "softmax": (SoftmaxLogLoss(), 3),
    "multilabel": (BinaryLogLoss(), 2),
}


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


def task_problem(task, n_samples, n_features, seed, **settings):
    """Labels that depend on two features through a kink."""
    loss, n_outputs = TASKS[task]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    f = np.abs(X[:, :1] - 0.3) @ rng.normal(size=(1, n_outputs))
    f += X[:, 1:2] @ rng.normal(size=(1, n_outputs)) + 0.3 * rng.normal(size=f.shape)
    if isinstance(loss, BinaryLogLoss):
        y = f > 0
    elif isinstance(loss, SoftmaxLogLoss):
        y = np.eye(n_outputs)[f.argmax(axis=1)]
    else:
        y = f
    return make_problem(X, y, loss=loss, weight=rng.uniform(0.5, 2, n_samples), **settings)


def random_network(problem, n_neurons=6, seed=0, density=0.8):
    """A network with what the problem allows, not trained at all."""
    rng = np.random.default_rng(seed)
    d, o = problem.n_features, problem.n_outputs
    direction = rng.normal(size=(n_neurons, o))
    skip = (
        rng.normal(size=(o, d)) * (rng.random(d) < 0.7) * (problem.parametrization.skip != "none")
    )
    return Network(
        direction / np.linalg.norm(direction, axis=1, keepdims=True),
        rng.normal(size=(n_neurons, d)) * (rng.random((n_neurons, d)) < density),
        rng.normal(size=n_neurons),
        rng.normal(size=o) * problem.parametrization.fit_intercept,
        skip,
    )


def inputs(problem):
    return problem.rows.all()[:, :-1].numpy()


class TestNeverRises:
    @pytest.mark.parametrize("p", [0.3, 0.5, 1.0])
    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    @pytest.mark.parametrize("task", TASKS)
    def test_from_random_networks(self, task, skip, p):
        seed = len(task) + len(skip) + int(10 * p)
        settings = {
            "penalize_bias": seed % 3 == 0,
            "fit_intercept": seed % 2 == 0,
            "skip": skip,
            "p": p,
        }
        alpha = (1e-1, 1e-2, 1e-3)[seed % 3]
        problem = task_problem(task, 40, 4, seed, alpha=alpha, **settings)
        self.check(problem, random_network(problem, seed=seed))

    @pytest.mark.parametrize("fit_intercept", [True, False])
    @pytest.mark.parametrize("penalize_bias", [True, False])
    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    def test_whatever_is_penalised(self, skip, penalize_bias, fit_intercept):
        problem = task_problem(
            "squared, 2 outputs",
            30,
            4,
            0,
            skip=skip,
            penalize_bias=penalize_bias,
            fit_intercept=fit_intercept,
        )
        self.check(problem, random_network(problem))

    @pytest.mark.parametrize("task", TASKS)
    def test_with_more_weights_than_samples(self, task):
        problem = task_problem(task, 12, 8, 3, alpha=1e-3)
        self.check(problem, random_network(problem, n_neurons=10, density=1.0))

    @pytest.mark.parametrize("task", ["squared", "softmax"])
    def test_from_trained_networks_in_single_precision(self, task):
        problem = task_problem(task, 80, 5, 5, alpha=3e-3, dtype=torch.float32)
        network, _ = proximal(
            problem,
            n_neurons=20,
            max_iter=200,
            tol=0.0,
            learning_rate=0.03,
            batch_size=None,
            n_init=1,
            seed=0,
        )
        polished = self.check(problem, network)
        assert polished.n_nonzero_weights() <= network.n_nonzero_weights()

    @pytest.mark.parametrize("n_samples", [1, 2, 3])
    @pytest.mark.parametrize("task", ["squared", "squared, 2 outputs", "huber", "softmax"])
    def test_on_tiny_data(self, task, n_samples):
        problem = task_problem(task, n_samples, 2, 0)
        self.check(problem, random_network(problem, n_neurons=3))

    def test_where_all_labels_are_one_class(self):
        X = np.random.default_rng(0).normal(size=(3, 2))
        problem = make_problem(X, np.ones(3), loss=BinaryLogLoss())
        assert self.check(problem, random_network(problem, n_neurons=3)).n_neurons == 0

    @pytest.mark.parametrize("size", [1e-6, 1e6])
    def test_from_networks_of_extreme_size(self, size):
        problem = task_problem("squared", 40, 4, 0)
        network = random_network(problem)
        scaled = replace(network, theta=size * network.theta, bias=size * network.bias)
        self.check(problem, scaled)

    def test_where_a_sample_decides(self):
        problem = task_problem("squared", 9000, 5, 0, dtype=torch.float32)
        polished = self.check(problem, random_network(problem, n_neurons=8))
        assert polished.used_features.tolist() == [0, 1]

    def test_on_a_duplicated_and_a_constant_feature(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(50, 4))
        X[:, 2], X[:, 3] = X[:, 0], 0.0
        problem = make_problem(X, np.abs(X[:, 0]))
        polished = self.check(problem, random_network(problem, density=1.0))
        assert not polished.theta[:, 3].any() and not polished.skip[:, 3].any()

    @staticmethod
    def check(problem, network):
        polished = polish(problem, network)
        before = problem.objective(network)
        assert problem.objective(polished) <= before * (1 + 1e-12)
        for name in ("direction", "theta", "bias", "intercept", "skip"):
            assert np.all(np.isfinite(getattr(polished, name)))
        assert polished.theta.dtype == np.float64
        norms = np.linalg.norm(polished.direction, axis=1)
        assert_allclose(norms, np.ones(polished.n_neurons), rtol=1e-9)
        if problem.parametrization.skip == "none":
            assert not polished.skip.any()
        if not problem.parametrization.fit_intercept:
            assert not polished.intercept.any()
        return polished


class TestPolish:
    @pytest.mark.parametrize("task", ["squared", "log", "softmax"])
    def test_a_second_time_changes_little(self, task):
        problem = task_problem(task, 80, 4, 1)
        once = polish(problem, random_network(problem))
        twice = polish(problem, once)
        first, second = problem.objective(once), problem.objective(twice)
        assert first * (1 - 1e-2) <= second <= first
        thrice = problem.objective(polish(problem, twice))
        assert second * (1 - 1e-3) <= thrice <= second

    def test_no_coordinate_move_lowers_the_objective(self):
        problem = task_problem("squared", 80, 4, 2)
        network = polish(problem, random_network(problem))
        objective = problem.objective(network)
        for name in ("theta", "bias", "intercept", "skip"):
            values = getattr(network, name)
            for index in np.ndindex(values.shape):
                for step in (-1e-2, 1e-2):
                    moved = values.copy()
                    moved[index] += step
                    after = problem.objective(replace(network, **{name: moved}))
                    assert after >= objective - 1e-3 * abs(step), (name, index, step)

    def test_empty_network_stays_where_a_weight_does_not_pay(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
        problem = make_problem(X, y, alpha=1.0)
        network = polish(problem, Network.empty(3, y.mean()))
        assert network.n_neurons == 0 and not network.skip.any()
        assert_allclose(network.intercept, y.mean(), rtol=1e-6)

    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    def test_constant_labels_need_no_network(self, skip):
        X = np.random.default_rng(0).normal(size=(30, 3))
        problem = make_problem(X, np.full(30, 2.0), skip=skip, alpha=1e-2)
        network = polish(problem, random_network(problem, n_neurons=3))
        assert network.n_neurons == 0
        assert_allclose(network.evaluate(X), 2.0, atol=1e-3)

    @pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.3), Hinge()], ids=repr)
    def test_a_loss_that_is_not_smooth_is_an_error(self, loss):
        X, y = np.zeros((3, 2)), np.ones((3, 1))
        with pytest.raises(ValueError, match="smooth"):
            polish(make_problem(X, y, loss=loss), Network.empty(2, 1.0))

    @pytest.mark.parametrize("alphas, tolerance", [((1e-4,), 1e-2), ((1e-4, 1e-5), 2e-3)])
    def test_finds_teachers(self, alphas, tolerance):
        """Noise-free networks of 5 neurons with 2 features each, from 200 samples in R^10."""
        found = 0
        for seed in range(5):
            teacher, X, y = teacher_data(200, 10, 5, 2, seed)
            network, _ = proximal(
                make_problem(X, y, alpha=alphas[0]),
                n_neurons=50,
                max_iter=600,
                tol=0.0,
                learning_rate=0.03,
                batch_size=None,
                n_init=1,
                seed=0,
            )
            for alpha in alphas:
                network = polish(make_problem(X, y, alpha=alpha), network)
            fresh = np.random.default_rng(100 + seed).normal(size=(1000, 10))
            truth = teacher.evaluate(fresh)
            error = np.linalg.norm(network.evaluate(fresh) - truth)
            few = network.n_nonzero_weights() <= teacher.n_nonzero_weights()
            found += few and error < tolerance * np.linalg.norm(truth - truth.mean())
        assert found >= 4


def teacher_data(n_samples, n_features, n_neurons, n_used, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    theta = np.zeros((n_neurons, n_features))
    for row in theta:
        row[rng.choice(n_features, n_used, replace=False)] = rng.normal(size=n_used)
    theta /= np.linalg.norm(theta, axis=1, keepdims=True)
    sign = rng.choice([-1.0, 1.0], (n_neurons, 1))
    level = rng.uniform(-1, 1, n_neurons)
    teacher = Network(sign, theta, level, np.zeros(1), np.zeros((1, n_features)))
    unit = teacher.evaluate(X).std()
    teacher = replace(teacher, theta=theta / unit, bias=level / unit)
    return teacher, X, teacher.evaluate(X)


def clear_of_kinks(task, n_rows, n_features, seed=0, **settings):
    """A problem, and a network with no row near a hyperplane of its neurons."""
    problem = task_problem(task, 400, n_features, seed, **settings)
    network = random_network(problem, n_neurons=3, seed=seed)
    margin = np.abs(inputs(problem) @ network.theta.T + network.bias).min(axis=1)
    rows = np.argsort(-margin)[:n_rows]
    clear = make_problem(
        inputs(problem)[rows], problem.y[rows].numpy(), loss=problem.loss, **settings
    )
    return clear, network


def jacobian(problem, point, support, step=1e-6):
    """Central differences of all outputs in the parameters, of shape (N, o, P)."""
    X, u = inputs(problem), support.read(point)
    columns = []
    for j in range(support.size):
        shift = torch.zeros_like(u)
        shift[j] = step
        up, down = (support.write(point, v).network().evaluate(X) for v in (u + shift, u - shift))
        columns.append((up - down) / (2 * step))
    return np.stack(columns, axis=2)


class TestQuadratic:
    @pytest.mark.parametrize("with_direction", [False, True])
    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    @pytest.mark.parametrize("task", TASKS)
    def test_gradient_and_hessian_are_difference_quotients(self, task, skip, with_direction):
        problem, network = clear_of_kinks(task, 60, 3, skip=skip)
        point = Point.of(problem, network)
        support = Support.of(problem, point, with_direction=with_direction)
        model = Quadratic.at(problem, point, support=support)
        J = jacobian(problem, point, support)
        f = torch.as_tensor(network.evaluate(inputs(problem)))
        weight = problem.weight.numpy()
        slope = problem.loss.gradient(problem.y, f).numpy()
        assert_allclose(
            model.gradient, np.einsum("n,no,nop->p", weight, slope, J), rtol=1e-6, atol=1e-8
        )
        curvature = problem.loss.curvature(problem.y, f).numpy()
        if problem.loss.separable:
            curvature = curvature[:, :, None] * np.eye(f.shape[1])
        expected = np.einsum("n,nop,noq,nqr->pr", weight, J, curvature, J)
        # Log losses leave out rows that count for next to nothing.
        exact = isinstance(problem.loss, SquaredError | Huber)
        atol = (1e-7 if exact else 1e-2) * np.abs(expected).max()
        assert_allclose(model.hessian, expected, atol=atol)

    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    @pytest.mark.parametrize("task", TASKS)
    def test_gradient_and_diagonal_of_weights_that_may_come(self, task, skip):
        problem, network = clear_of_kinks(task, 60, 3, skip=skip)
        network.theta[0, 1] = network.theta[2, 0] = 0.0
        point = Point.of(problem, network)
        support = Support.everything(problem, point)
        J = jacobian(problem, point, support)
        f = torch.as_tensor(network.evaluate(inputs(problem)))
        weight = problem.weight.numpy()
        slope = problem.loss.gradient(problem.y, f).numpy()
        curvature = problem.loss.curvature(problem.y, f).numpy()
        if problem.loss.separable:
            curvature = curvature[:, :, None] * np.eye(f.shape[1])
        gradient, diagonal = gradient_and_diagonal(problem, point, support)
        assert_allclose(gradient, np.einsum("n,no,nop->p", weight, slope, J), rtol=1e-6, atol=1e-8)
        expected = np.einsum("n,nop,noq,nqp->p", weight, J, curvature, J)
        assert_allclose(diagonal, expected, rtol=1e-6, atol=1e-7)

    @pytest.mark.parametrize("n_outputs", [1, 2])
    def test_is_the_loss_itself_within_a_cell(self, n_outputs):
        task = "squared" if n_outputs == 1 else "squared, 2 outputs"
        problem, network = clear_of_kinks(task, 60, 3, alpha=0.0)
        point = Point.of(problem, network)
        support = Support.of(problem, point, with_direction=False)
        model = Quadratic.at(problem, point, support=support)
        for seed in range(5):
            step = 0.02 * torch.as_tensor(np.random.default_rng(seed).normal(size=support.size))
            after = problem.empirical_loss(support.write(point, model.u + step).network())
            predicted = point.objective + model.gradient @ step + step @ model.hessian @ step / 2
            assert_allclose(after, float(predicted), rtol=1e-10)

    def test_support_reads_what_it_writes(self):
        problem = task_problem("softmax", 20, 4, 0)
        point = Point.of(problem, random_network(problem))
        support = Support.of(problem, point, with_direction=True)
        u = support.read(point)
        assert len(u) == support.size
        back = support.write(point, u)
        for name in ("theta", "bias", "direction", "skip", "intercept"):
            assert_allclose(getattr(back, name), getattr(point, name), rtol=1e-14)

    def test_without_intercept_nothing_moves_it(self):
        problem, network = clear_of_kinks("squared", 30, 3, fit_intercept=False)
        point = Point.of(problem, network)
        support = Support.of(problem, point, with_direction=False)
        model = Quadratic.at(problem, point, support=support)
        assert not model.gradient[support.intercept].any()
        assert not model.hessian[support.intercept].any()


class TestDelete:
    """The optimum is exact and all penalties tiny: least squares is what should come out."""

    @pytest.mark.parametrize("small", range(5))
    def test_of_a_weight_is_constrained_least_squares(self, small):
        rng = np.random.default_rng(small)
        X = rng.normal(size=(60, 5)) @ (np.eye(5) + 0.3)
        u = np.r_[rng.choice([-1.0, 1.0], 5) * rng.uniform(1, 2, 5), 0.0]
        u[small] = 1e-4
        u[-1] = 2 * np.abs(X @ u[:-1]).max()  # on for every row
        columns = np.column_stack([X, np.ones(60)])
        y = columns @ u
        problem = make_problem(X, y, p=0.3, alpha=1e-6, skip="none", fit_intercept=False)
        neuron = np.ones((1, 1)), u[None, :-1], u[-1:], np.zeros(1), np.zeros((1, 5))
        point = Point.of(problem, Network(*neuron))
        after, n_deleted = self.delete_one(problem, point)
        assert n_deleted == 1
        assert_array_equal(np.flatnonzero(after.theta[0] == 0), [small])
        kept = np.delete(np.arange(6), small)
        expected = np.linalg.lstsq(columns[:, kept], y, rcond=None)[0]
        moved = np.r_[after.theta[0].numpy(), after.bias.numpy()][kept] - u[kept]
        assert np.abs(moved).max() > 1e-5
        assert_allclose(moved, expected - u[kept], rtol=1e-3, atol=1e-8)
        assert evaluated(problem, after).objective < point.objective

    @pytest.mark.parametrize("n_outputs", [1, 2])
    def test_of_a_neuron_leaves_the_least_squares_fit(self, n_outputs):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 4))
        X = X[np.abs(X[:, 1] - 0.2) > 0.1]
        theta = np.zeros((1, 4))
        theta[0, 1] = 1e-3
        direction = np.ones((1, n_outputs)) / n_outputs**0.5
        skip, intercept = rng.normal(size=(n_outputs, 4)), rng.normal(size=n_outputs)
        network = Network(direction, theta, np.array([-2e-4]), intercept, skip)
        y = network.evaluate(X)
        problem = make_problem(X, y, alpha=1e-5, skip="free")
        after, n_deleted = self.delete_one(problem, Point.of(problem, network))
        assert n_deleted == 1
        assert not after.theta.any() and not after.bias.any()
        columns = np.column_stack([X, np.ones(len(X))])
        expected = np.linalg.lstsq(columns, y, rcond=None)[0].T
        assert np.abs(expected[:, :-1] - skip).max() > 1e-5
        assert_allclose(after.skip, expected[:, :-1], atol=1e-9)
        assert_allclose(after.intercept, expected[:, -1], atol=1e-9)

    def test_deletes_nothing_that_does_not_pay(self):
        X = np.random.default_rng(0).normal(size=(60, 4))
        teacher = random_network(make_problem(X, X[:, 0]), n_neurons=2, density=1.0)
        problem = make_problem(X, teacher.evaluate(X), alpha=1e-6)
        point = Point.of(problem, teacher)
        assert self.delete_one(problem, point)[1] == 0

    def test_stops_at_the_number_asked_for(self):
        problem = task_problem("squared", 60, 4, 0, alpha=10.0)
        point = Point.of(problem, random_network(problem))
        for most in (1, 3, 7):
            assert self.delete_one(problem, point, most)[1] == most

    @pytest.mark.parametrize("task", ["squared", "multilabel"])
    def test_of_many_leaves_the_minimum_of_the_model(self, task):
        problem = task_problem(task, 300, 12, 0, alpha=0.02, skip="penalized")
        point = Point.of(problem, random_network(problem, n_neurons=15, density=1.0))
        support = Support.of(problem, point, with_direction=False)
        model = Quadratic.at(problem, point, support=support)
        majorizer = PenaltyTerms.at(problem, support, model.u).majorizer
        inverse = torch.linalg.inv(model.hessian + torch.diag(majorizer)).numpy()
        start = model.u.numpy()
        n_gone = []
        for _, after in deletions(problem, point, model):
            u = support.read(after).numpy()
            gone = np.flatnonzero((u == 0) & (start != 0))
            share = np.linalg.solve(inverse[np.ix_(gone, gone)], start[gone])
            expected = start - inverse[:, gone] @ share
            assert_allclose(u, expected, atol=1e-6 * np.abs(start).max())
            assert np.abs(u - start)[u != 0].max() > 0.01
            n_gone.append(len(gone))
        assert n_gone[0] < 20 and n_gone[-1] > 100

    @staticmethod
    def delete_one(problem, point, most=1):
        support = Support.of(problem, point, with_direction=False)
        model = Quadratic.at(problem, point, support=support)
        n_deleted = 0
        for n_deleted, after in deletions(problem, point, model, most=most):  # noqa: B007
            point = after
        return point, n_deleted


class TestMoves:
    @pytest.mark.parametrize("n_outputs", [1, 3])
    def test_turning_leaves_the_function_as_it_is_everywhere(self, n_outputs):
        problem = task_problem("squared" if n_outputs == 1 else "softmax", 20, 4, 0)
        point = Point.of(problem, random_network(problem))
        X = 100 * np.random.default_rng(1).normal(size=(200, 4))
        for k in range(point.n_neurons):
            other = turned(point, k)
            assert_array_equal(other.theta[k], -point.theta[k])
            assert_allclose(
                other.network().evaluate(X), point.network().evaluate(X), rtol=1e-10, atol=1e-9
            )

    def test_reorientation_finds_the_turns_that_make_the_affine_part_vanish(self):
        rng = np.random.default_rng(0)
        for seed in range(10):
            problem = task_problem("squared", 20, 4, seed, skip="penalized")
            point = Point.of(problem, random_network(problem, n_neurons=6, seed=seed))
            point = replace(point, skip=torch.zeros_like(point.skip))
            hidden = point
            for k in rng.choice(6, 2, replace=False):
                hidden = turned(hidden, int(k))
            found = reoriented(problem, hidden)
            assert not found.skip.any()
            X = np.random.default_rng(1).normal(size=(200, 4))
            expected = point.network().evaluate(X)
            assert_allclose(found.network().evaluate(X), expected, rtol=1e-9, atol=1e-9)

    @pytest.mark.parametrize("turn", [1.0, -1.0])
    @pytest.mark.parametrize("n_outputs", [1, 3])
    def test_merging_neurons_of_one_ray_leaves_the_function_as_it_is(self, n_outputs, turn):
        problem = task_problem("squared" if n_outputs == 1 else "softmax", 20, 4, 0)
        network = random_network(problem)
        for size in (0.3, 2.5):
            theta, bias, direction = (
                t.copy() for t in (network.theta, network.bias, network.direction)
            )
            theta[4], bias[4] = size * theta[1], size * bias[1]
            direction[4] = turn * direction[4]
            point = Point.of(problem, replace(network, theta=theta, bias=bias, direction=direction))
            for pair in ((1, 4), (4, 1)):
                one = merged(point, *pair)
                assert one.n_neurons == point.n_neurons - 1
                X = 10 * np.random.default_rng(1).normal(size=(200, 4))
                expected = point.network().evaluate(X)
                assert_allclose(one.network().evaluate(X), expected, rtol=1e-9, atol=1e-9)
                norms = np.linalg.norm(one.direction, axis=1)
                assert_allclose(norms, np.ones(one.n_neurons), rtol=1e-12)

    @pytest.mark.parametrize("skip", ["none", "penalized", "free"])
    @pytest.mark.parametrize("penalize_bias", [False, True])
    @pytest.mark.parametrize("task", ["squared", "softmax"])
    def test_simplifying_keeps_the_fit_and_never_raises_the_path_norm(
        self, task, penalize_bias, skip
    ):
        for seed in range(5):
            problem = task_problem(task, 15, 3, seed, skip=skip, penalize_bias=penalize_bias)
            network = random_network(problem, n_neurons=12, seed=seed)
            theta, bias, direction = (
                t.copy() for t in (network.theta, network.bias, network.direction)
            )
            bias[0], bias[1] = 50.0, -50.0  # on for all, off for all
            theta[3], bias[3] = 1.001 * theta[2], bias[2]  # one pattern,
            direction[3] = direction[2]  # one direction
            network = replace(network, theta=theta, bias=bias, direction=direction)
            point = Point.of(problem, network)
            after = simplified(problem, point).network()
            X = inputs(problem)
            assert_allclose(after.evaluate(X), network.evaluate(X), rtol=1e-9, atol=1e-9)
            assert problem.path_norm(after) <= problem.path_norm(point.network()) * (1 + 1e-12)
            expected = 12 - 2 - (skip != "none")
            assert after.n_neurons <= expected

    def test_simplifying_leaves_one_neuron_a_direction_and_pattern(self):
        problem = task_problem("squared", 4, 2, 0)
        network = random_network(problem, n_neurons=40)
        after = simplified(problem, Point.of(problem, network)).network()
        on = inputs(problem) @ after.theta.T + after.bias > 0
        kinds = np.vstack([on, after.direction.T]).T
        assert len(np.unique(kinds, axis=0)) == after.n_neurons < 40
        assert not on.all(axis=0).any() and on.any(axis=0).all()
