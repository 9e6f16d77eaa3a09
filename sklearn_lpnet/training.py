"""One training run: from encoded data in the user's units to a network in the user's units.

The estimators decide what to fit and expose the result. This module does the work between, and
is where PyTorch comes in: import it when a fit begins, not before.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.sparsefuncs import min_max_axis

from .callbacks import TrainingTasks
from .losses import Loss
from .network import Network
from .penalty import LpPenalty
from .problem import (
    Matrix,
    Monitor,
    Problem,
    Progress,
    Report,
    Skip,
    Standardizer,
    merge_rows,
    stored,
)
from .solvers import Solver, adam, choose_solver, proximal
from .solvers.one_feature import BestKnots, has_best_knots
from .solvers.polish import polish
from .solvers.proximal import proximal_partial
from .solvers.univariate import Interpolant
from .tuning import automatic_alpha

# With batch_size="auto", the most rows of a full batch, and the rows of a mini-batch otherwise.
_FULL_BATCH, _MINI_BATCH = 4096, 1024

# With max_iter="auto", the iterations on full batches and on mini-batches.
_FULL_STEPS, _MINI_STEPS = 600, 4000
# Where there are best knots to start from, and so many samples that these are well determined.
_STEPS_BESIDE_KNOTS, _KNOTS_DETERMINED = 60, 50

# By how much F of a network may exceed that of the best constant, for rounding.
_OBJECTIVE_TOLERANCE = 1e-4

# Multiplications in a gradient step for each thread. With fewer, threads wait for each other,
# and where other processes keep the cores busy they wait long.
_WORK_PER_THREAD = 2**24


@dataclass(frozen=True)
class Settings:
    """What an estimator's parameters say about training, with every "auto" but alpha's resolved.

    Attributes
    ----------
    loss : Loss
    classification : bool
    alpha : float or "auto"
    solver : Solver
    skip : {"none", "penalized", "free"}
        The affine part that the solver carries.
    skip_becomes_neuron : bool
        Whether the affine part is turned into always-on neurons at the end.
    device : torch.device
    dtype : torch.dtype

    The other attributes are the parameters of the same name.
    """

    loss: Loss
    classification: bool
    p: float
    alpha: float | str
    n_neurons: int
    solver: Solver
    penalize_bias: bool
    fit_intercept: bool
    skip: Skip
    skip_becomes_neuron: bool
    standardize: bool
    max_iter: int | str
    tol: float
    learning_rate: float | str
    batch_size: int | str
    polish: bool
    n_init: int
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    device: torch.device
    dtype: torch.dtype
    verbose: int
    time_limit: float = 10.0

    @classmethod
    def of(cls, estimator: Any, loss: Loss) -> Settings:
        """Read the parameters of an estimator."""
        params = vars(estimator)
        solver = chosen_solver(estimator)
        skip, skip_becomes_neuron = affine_part(
            params["skip_connection"],
            solver,
            free_biases=not params["penalize_bias"],
            fit_intercept=params["fit_intercept"],
        )
        resolved = {
            "loss": loss,
            "classification": is_classifier(estimator),
            "solver": solver,
            "skip": skip,
            "skip_becomes_neuron": skip_becomes_neuron,
            "device": resolve_device(params["device"]),
            "dtype": torch.float64 if solver.interpolates else getattr(torch, params["dtype"]),
        }
        names = cls.__dataclass_fields__.keys()
        return cls(**{name: params[name] for name in names if name in params} | resolved)

    def scaler(self, X: Matrix, y: np.ndarray, weight: np.ndarray) -> Standardizer:
        """The standardisation that these data call for."""
        if not self.standardize:
            return Standardizer.identity(X.shape[1], y.shape[1])
        return Standardizer.fit(
            X,
            y,
            weight,
            # A penalized bias is measured from the origin, and without an intercept zero is
            # a value like no other: both would be lost by centring.
            center_x=self.fit_intercept and not self.penalize_bias,
            center_y=self.fit_intercept and not self.classification,
            scale_y=not self.classification,
        )

    def problem(
        self, X: Matrix, y: np.ndarray, weight: np.ndarray, scaler: Standardizer
    ) -> Problem:
        """The data in the solver's units; alpha is 0 where it has yet to be chosen."""
        return Problem.create(
            X,
            y,
            weight,
            scaler=scaler,
            device=self.device,
            dtype=self.dtype,
            loss=self.loss,
            penalty=LpPenalty(float(self.p)),
            alpha=0.0 if self.alpha == "auto" else float(self.alpha),
            penalize_bias=self.penalize_bias,
            fit_intercept=self.fit_intercept,
            skip=self.skip,
        )

    def rows_a_step(self, n_samples: int) -> int | None:
        """Batch size, None for all rows."""
        if self.batch_size == "auto":
            return None if n_samples <= _FULL_BATCH else _MINI_BATCH
        return None if int(self.batch_size) >= n_samples else int(self.batch_size)

    def steps(self, n_samples: int) -> int:
        """Number of iterations: more of them where a step sees but a part of the rows."""
        if self.max_iter != "auto":
            return int(self.max_iter)
        # The published algorithm counts passes over the data.
        in_passes = not self.solver.minimizes_objective
        full = self.rows_a_step(n_samples) is None
        return _FULL_STEPS if full or in_passes else _MINI_STEPS

    def most_reports(self, n_samples: int) -> int:
        """Number of reporting steps of the solver, if it does not end early."""
        n_steps = self.steps(n_samples)
        if self.solver.minimizes_objective:
            every = max(1, n_steps // proximal.N_REPORTS)
        else:
            every = max(adam.REPORT_EVERY, n_steps // adam.N_REPORTS)
        return -(-n_steps // every)

    def polishes(self, problem: Problem) -> bool:
        """Whether second-order steps follow the solver."""
        return self.polish and self.solver.minimizes_objective and problem.loss.smooth

    def rate(self, n_samples: int) -> float:
        """Learning rate: half of the solver's for mini-batches."""
        if self.learning_rate != "auto":
            return float(self.learning_rate)
        full = self.rows_a_step(n_samples) is None
        return self.solver.learning_rate * (1.0 if full else 0.5)


@dataclass(frozen=True)
class Trained:
    """What a training run leaves behind.

    Attributes
    ----------
    network : Network
        In the user's units.
    alpha, objective, loss, path_norm : float
        The penalty's strength; F, the mean loss and R_p in the units of training.
    feature_importances : ndarray of shape (n_features,)
        Shares of the ℓ1 path norm in the units of training.
    report : Report
    validation_scores : list of float or None
    best_validation_score : float or None
    interpolant : Interpolant or None
        The same function as the network, faster and without rounding errors; for one feature and
        alpha = 0.
    """

    network: Network
    alpha: float
    objective: float
    loss: float
    path_norm: float
    feature_importances: np.ndarray
    report: Report
    validation_scores: list[float] | None = None
    best_validation_score: float | None = None
    interpolant: Interpolant | None = None


def train(
    settings: Settings,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    *,
    rng: np.random.RandomState,
    start: Network | None = None,
    tasks: TrainingTasks | None = None,
) -> Trained:
    """Train a network from random weights, or on from `start` (in the user's units)."""
    seed = draw_seed(rng)
    X, y, weight = merge_rows(X, y, weight)
    held_out = None
    if settings.early_stopping:
        (X, y, weight), held_out = _split(settings, X, y, weight, rng)
    scaler = settings.scaler(X, y, weight)
    problem = settings.problem(X, y, weight, scaler)
    if settings.max_iter == "auto" and knots_suffice(settings, problem):
        settings = replace(settings, max_iter=_STEPS_BESIDE_KNOTS)
    stopping = None
    if held_out is not None:
        score = _Score(settings, scaler, *held_out)
        stopping = _EarlyStopping(score, settings.n_iter_no_change, settings.tol)

    def result(network: Network, report: Report) -> Trained:
        trained = finished(settings, problem, scaler, network, X, report)
        if stopping is None:
            return trained
        return replace(
            trained,
            validation_scores=list(stopping.scores),
            best_validation_score=stopping.best_score,
        )

    if tasks is not None:
        tasks.begin(settings.most_reports(problem.n_samples) + settings.polishes(problem))
    with threads_for(settings, problem):
        try:
            knots = best_knots(settings, problem)
            problem = with_alpha(settings, problem, seed, knots)
        except KeyboardInterrupt:
            problem = replace(problem, alpha=1.0)
            network, report = problem.constant_network(), Report(interrupted=True)
            _warn_unless_converged(settings, problem, network, report, None)
        else:
            # No solver adds neurons to a network that it is given.
            if start is not None:
                usable = start.n_active_neurons > 0
                start = in_solver_units(problem, scaler, start, X) if usable else None
            watch = _Watch(settings, problem, stopping, tasks, result)
            network, report = _solve(settings, problem, seed, start, watch, knots)
        return result(network, report)


def gradient_trained(
    settings: Settings,
    problem: Problem,
    seed: int,
    *,
    max_iter: int | None = None,
    **options: Any,
) -> tuple[Network, Report]:
    """Run the solver on a problem, by default for `settings.steps`; networks are in its units.

    `options` are further arguments of the solver.
    """
    return settings.solver.load()(
        problem,
        n_neurons=settings.n_neurons,
        max_iter=max_iter or settings.steps(problem.n_samples),
        tol=settings.tol,
        learning_rate=settings.rate(problem.n_samples),
        batch_size=settings.rows_a_step(problem.n_samples),
        n_init=settings.n_init,
        seed=seed,
        **options,
    )


def finished(
    settings: Settings,
    problem: Problem,
    scaler: Standardizer,
    network: Network,
    X: Matrix,
    report: Report,
) -> Trained:
    """Take a network in the solver's units; X are the rows that it was trained on."""
    network = scaler.to_user(network)
    if problem.skip != "none" and problem.fit_intercept:
        network = network.fold_always_on(stored(X))
    return _trained(settings, problem, scaler, network, _column_range(X), report)


def train_partial(
    settings: Settings,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    *,
    rng: np.random.RandomState,
    state: dict[str, Any] | None,
) -> tuple[Trained, dict[str, Any]]:
    """Make one pass over the rows, in the units and with the alpha of the first pass.

    The state holds NumPy arrays and numbers only, and is None before the first pass.
    """
    seed = draw_seed(rng)
    X, y, weight = merge_rows(X, y, weight)
    if state is None:
        state = _first_state(settings.scaler(X, y, weight))
    scaler = Standardizer(**state["scaler"])
    if len(scaler.y_mean) != y.shape[1]:
        raise ValueError(
            f"y has {y.shape[1]} outputs, but {len(scaler.y_mean)} at the first call to "
            "partial_fit."
        )
    problem = settings.problem(X, y, weight, scaler)
    lower, upper = _column_range(X)
    lower, upper = np.minimum(lower, state["lower"]), np.maximum(upper, state["upper"])
    report = Report(
        n_iter=state["n_iter"] + 1,
        history={name: list(column) for name, column in state["history"].items()},
    )
    with threads_for(settings, problem):
        if state["alpha"] is None:
            problem = with_alpha(settings, problem, seed)
        else:
            problem = replace(problem, alpha=state["alpha"])
        network, solver_state = proximal_partial(
            problem,
            state["solver"],
            n_neurons=settings.n_neurons,
            learning_rate=settings.rate(problem.n_samples),
            seed=seed,
        )
        network = scaler.to_user(network)
        trained = _trained(settings, problem, scaler, network, (lower, upper), report)
    report.record(progress_of(problem, scaler.from_user(network), report.n_iter))
    return trained, {
        **state,
        "alpha": problem.alpha,
        "solver": solver_state,
        "history": report.history,
        "n_iter": report.n_iter,
        "lower": lower,
        "upper": upper,
    }


def resolve_device(device: str) -> torch.device:
    """Return the device of this name, or raise an error that says what there is instead."""
    if device == "cpu":
        return torch.device("cpu")
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if n_gpus else "cpu")
    cuda = re.fullmatch(r"cuda(?::(\d+))?", device)
    if cuda is None:
        raise ValueError(
            f"device={device!r} is unknown; use 'cpu', 'cuda', 'cuda:i' with the number i of a "
            "GPU, or 'auto'."
        )
    if n_gpus == 0:
        raise ValueError(
            f"device={device!r} asks for CUDA, which PyTorch {torch.__version__} does not find "
            "on this machine; use device='cpu', or 'auto' to use a GPU where there is one."
        )
    if int(cuda[1] or 0) >= n_gpus:
        raise ValueError(
            f"device={device!r} is not there: the GPUs found are cuda:0 to cuda:{n_gpus - 1}."
        )
    return torch.device(device)


def chosen_solver(estimator: Any) -> Solver:
    """The solver of an estimator; before it knows its features, there are several."""
    on_a_line = (
        getattr(estimator, "n_features_in_", None) == 1
        and not estimator.penalize_bias
        and estimator.fit_intercept
        and estimator.skip_connection in (True, "auto")
    )
    return choose_solver(estimator.solver, estimator.alpha, on_a_line=on_a_line)


def affine_part(
    skip_connection: bool | str, solver: Solver, *, free_biases: bool, fit_intercept: bool
) -> tuple[Skip, bool]:
    """The affine part that the solver carries, and whether neurons replace it at the end."""
    if solver.name == "univariate":
        _check_univariate(skip_connection, free_biases, fit_intercept)
        return "free", False
    if skip_connection == "penalized" and not solver.penalizes_skip:
        raise ValueError(
            f"skip_connection='penalized' is not available for solver={solver.name!r}; use "
            "skip_connection=True or False, or solver='proximal'."
        )
    if skip_connection == "penalized":
        return "penalized", False
    if skip_connection == "auto":
        return ("penalized" if free_biases and solver.penalizes_skip else "none"), False
    if skip_connection:
        return "free", False
    # A neuron that is on for all data needs a bias that costs nothing, and an intercept to take
    # that bias back.
    if solver.penalizes_skip and free_biases and fit_intercept and not solver.interpolates:
        return "penalized", True
    return "none", False


def _check_univariate(skip_connection: bool | str, free_biases: bool, fit_intercept: bool) -> None:
    asked_for = {
        "skip_connection": (skip_connection, skip_connection in (True, "auto"), "True"),
        "penalize_bias": (not free_biases, free_biases, "False"),
        "fit_intercept": (fit_intercept, fit_intercept, "True"),
    }
    for name, (value, possible, remedy) in asked_for.items():
        if not possible:
            raise ValueError(
                f"{name}={value!r} is not available for solver='univariate', whose affine part "
                f"and biases are free; use {name}={remedy}, or solver='vertex'."
            )


def _solve(
    settings: Settings,
    problem: Problem,
    seed: int,
    start: Network | None,
    watch: _Watch,
    knots: BestKnots | None,
) -> tuple[Network, Report]:
    """Run the solver under a watch, and warn if it did not get there."""
    watch.begin()
    network, report = gradient_trained(settings, problem, seed, start=start, monitor=watch.monitor)
    if knots is not None:
        from_knots = knots.network(problem.alpha)
        if start is None and knots_suffice(settings, problem):
            network = min(network, from_knots, key=problem.objective)
        else:
            report.other_starts.append(from_knots)
    with _keeping_interrupts(report):
        watch.end(network, report)
    stopping = watch.stopping
    if stopping is not None and stopping.best_network is not None:
        network = stopping.best_network
    polishes = settings.polishes(problem) and not watch.stopped_by_callback
    if polishes and not report.interrupted and not report.diverged:
        watch.begin_polish()
        polished = _polished(problem, network, report)
        if stopping is None or stopping.accepts(polished):
            network = polished
        network, report.diverged = _or_constant(problem, network, diverged=False)
        with _keeping_interrupts(report):
            watch.end_polish(network, report)
    else:
        network, report.diverged = _or_constant(problem, network, diverged=report.diverged)
    _warn_unless_converged(settings, problem, network, report, watch)
    return network, report


@contextmanager
def _keeping_interrupts(report: Report) -> Iterator[None]:
    """Let an interrupt end training, as solvers do, rather than lose what has been trained."""
    try:
        yield
    except KeyboardInterrupt:
        report.interrupted = True


def _polished(problem: Problem, network: Network, report: Report) -> Network:
    """The best of the polished starts."""
    network, report.interrupted = polish(problem, network)
    for start in report.other_starts:
        if report.interrupted:
            break
        other, report.interrupted = polish(problem, start)
        network = min(network, other, key=problem.objective)
    report.converged = not report.interrupted
    report.record(progress_of(problem, network, report.n_iter))
    return network


def _or_constant(problem: Problem, network: Network, *, diverged: bool) -> tuple[Network, bool]:
    """The best constant in place of a network that has gone astray, and whether one has."""
    if problem.is_astray(network):
        return problem.constant_network(), True
    # A network that reads nothing is the best constant, without the rounding of training.
    return (network if len(network.used_features) else problem.constant_network()), diverged


@contextmanager
def threads_for(settings: Settings, problem: Problem) -> Iterator[None]:
    """Let PyTorch use as many threads as the work of a gradient step is worth."""
    rows = settings.rows_a_step(problem.n_samples) or problem.n_samples
    inputs_and_outputs = problem.n_features + problem.n_outputs
    work = rows * settings.n_neurons * settings.n_init * inputs_and_outputs
    n_threads = torch.get_num_threads()
    torch.set_num_threads(min(n_threads, 1 + work // _WORK_PER_THREAD))
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)


def draw_seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(np.iinfo(np.int32).max))


def best_knots(settings: Settings, problem: Problem) -> BestKnots | None:
    """The best knots, where they are what the solver is looking for."""
    return BestKnots(problem) if settings.polishes(problem) and has_best_knots(problem) else None


def knots_suffice(settings: Settings, problem: Problem) -> bool:
    """Whether there is little hope to find a better network from random weights."""
    determined = problem.n_samples >= _KNOTS_DETERMINED and not settings.early_stopping
    # Where the affine part is penalized the best knots are others.
    exact = problem.skip == "free" and has_best_knots(problem)
    return determined and exact and settings.polishes(problem)


def with_alpha(
    settings: Settings, problem: Problem, seed: int, knots: BestKnots | None = None
) -> Problem:
    if settings.alpha != "auto":
        return problem
    alpha = automatic_alpha(problem, n_neurons=settings.n_neurons, seed=seed, knots=knots)
    return replace(problem, alpha=alpha)


def _split(
    settings: Settings, X: Matrix, y: np.ndarray, weight: np.ndarray, rng: np.random.RandomState
) -> tuple[tuple[Matrix, np.ndarray, np.ndarray], tuple[Matrix, np.ndarray, np.ndarray]]:
    """Training and validation rows; of each class a share, unless there are several labels."""
    stratify = None
    if settings.classification and not settings.loss.separable:
        stratify = y.argmax(axis=1)
    elif settings.classification and y.shape[1] == 1:
        stratify = y[:, 0]
    try:
        training, validation = train_test_split(
            np.arange(X.shape[0]),
            test_size=settings.validation_fraction,
            random_state=rng,
            stratify=stratify,
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True with validation_fraction={settings.validation_fraction} cannot "
            f"split {X.shape[0]} distinct samples: {error}"
        ) from error
    return (
        (X[training], y[training], weight[training]),
        (X[validation], y[validation], weight[validation]),
    )


def in_solver_units(problem: Problem, scaler: Standardizer, network: Network, X: Matrix) -> Network:
    """A network in the user's units as the solvers see it, with the problem's affine part."""
    if problem.skip == "none":
        network = network.skip_as_neurons(*_padded(*_column_range(X)))
    elif problem.fit_intercept:
        network = network.fold_always_on(stored(X))
    network = scaler.from_user(network)
    if not problem.fit_intercept:
        network = replace(network, intercept=np.zeros_like(network.intercept))
    return network


def _trained(
    settings: Settings,
    problem: Problem,
    scaler: Standardizer,
    network: Network,
    column_range: tuple[np.ndarray, np.ndarray],
    report: Report,
) -> Trained:
    """Take a network in the user's units."""
    network = network.compact(fold_constants=problem.fit_intercept)
    in_training = scaler.from_user(network)
    by_feature = in_training.path_norm_by_feature(1.0)
    loss, path_norm = problem.empirical_loss(in_training), problem.path_norm(in_training)
    if settings.skip_becomes_neuron:
        network = network.skip_as_neurons(*_padded(*column_range))
    return Trained(
        network=network,
        alpha=problem.alpha,
        objective=loss + problem.alpha * path_norm,
        loss=loss,
        path_norm=path_norm,
        feature_importances=by_feature / (by_feature.sum() or 1.0),
        report=report,
    )


def _column_range(X: Matrix) -> tuple[np.ndarray, np.ndarray]:
    X = stored(X)
    lower, upper = min_max_axis(X, axis=0) if sp.issparse(X) else (X.min(axis=0), X.max(axis=0))
    return lower.astype(np.float64), upper.astype(np.float64)


def _padded(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave room for data beyond those of the fit, as much on either side as they take."""
    return lower - (upper - lower), upper + (upper - lower)


def _first_state(scaler: Standardizer) -> dict[str, Any]:
    """The state before the first pass, with the units of all passes."""
    n_features = len(scaler.x_mean)
    return {
        "scaler": {name: getattr(scaler, name) for name in scaler.__dataclass_fields__},
        "alpha": None,
        "solver": None,
        "history": Report().history,
        "n_iter": 0,
        "lower": np.full(n_features, np.inf),
        "upper": np.full(n_features, -np.inf),
    }


def progress_of(problem: Problem, network: Network, iteration: int) -> Progress:
    """A reporting step on a network in the solver's units."""
    loss = problem.empirical_loss(network)
    return Progress(
        iteration=iteration,
        objective=loss + problem.alpha * problem.path_norm(network),
        loss=loss,
        n_active_neurons=network.n_active_neurons,
        n_nonzero_weights=network.n_nonzero_weights(
            penalize_bias=problem.penalize_bias, penalize_skip=problem.skip == "penalized"
        ),
        settled=False,
        network=lambda: network,
    )


def _warn_unless_converged(
    settings: Settings, problem: Problem, network: Network, report: Report, watch: _Watch | None
) -> None:
    bound = problem.objective(problem.constant_network()) * (1 + _OBJECTIVE_TOLERANCE)
    if report.interrupted:
        message = (
            f"Training was interrupted after {report.n_iter} iterations. The estimator holds the "
            "best network so far."
        )
    elif watch is not None and watch.stopped_by_callback:
        if not report.diverged:
            return
        message = (
            f"A callback ended training after {report.n_iter} iterations, when the network was no "
            "better than a constant, which the estimator then holds."
        )
    elif report.diverged:
        message = (
            f"Training diverged with learning_rate={settings.rate(problem.n_samples):g}, or ended "
            "no better than a constant, which the estimator then holds. Use a smaller learning_rate"
            ", or more iterations if it was small already"
            + ("." if settings.standardize else ", or standardize=True.")
        )
    elif settings.solver.minimizes_objective and problem.objective(network) > bound:
        message = (
            "Training ended with an objective above that of a constant, which the loss alone is "
            "not. Increase max_iter or alpha, use a smaller learning_rate, or polish=True."
        )
    elif not report.converged and settings.tol > 0 and not (watch and watch.stopped_early):
        message = (
            f"Training ended at max_iter={settings.steps(problem.n_samples)} iterations before the "
            f"objective settled to tol={settings.tol:g}. Increase max_iter or tol."
        )
    else:
        return
    warnings.warn(message, ConvergenceWarning, stacklevel=7)


class _Watch:
    """What looks at training at its reporting steps: `verbose`, early stopping and callbacks."""

    def __init__(
        self,
        settings: Settings,
        problem: Problem,
        stopping: _EarlyStopping | None,
        tasks: TrainingTasks | None,
        result: Callable[[Network, Report], Trained],
    ) -> None:
        self.problem, self.stopping, self.tasks, self.result = problem, stopping, tasks, result
        self.printer = PrintProgress() if settings.verbose else None
        self.steps_left = settings.most_reports(problem.n_samples)
        self.seen = Report()
        self.stopped_by_callback = False

    @property
    def stopped_early(self) -> bool:
        """Whether early stopping has ended training."""
        return self.stopping is not None and self.stopping.stopped

    @property
    def monitor(self) -> Monitor | None:
        """What the solver is to call, if anything."""
        looks = (self.printer, self.stopping, self.tasks)
        return None if all(look is None for look in looks) else self

    def begin(self) -> None:
        """Begin a reporting step."""
        if self.tasks is not None and self.steps_left > 0:
            self.steps_left -= 1
            self.tasks.begin_subtask("training-step")

    def __call__(self, progress: Progress) -> bool:
        """Look at the end of a reporting step; True ends training."""
        self.seen.record(progress)
        self.seen.n_iter = progress.iteration
        if self.printer is not None:
            self.printer(progress)
        stop = self.stopping is not None and self.stopping(progress)
        self.stopped_by_callback = self._end_step(progress.network, self.seen)
        if stop or self.stopped_by_callback:
            return True
        self.begin()
        return False

    def end(self, network: Network, report: Report) -> None:
        """Look at what is left when the solver has ended."""
        n_recorded, n_seen = (len(one.history["iteration"]) for one in (report, self.seen))
        if n_recorded > n_seen and np.isfinite(report.history["objective"][-1]):
            # A solver that has come to rest does not ask whether to go on.
            last: dict[str, Any] = {name: column[-1] for name, column in report.history.items()}
            self.steps_left = 0
            self(Progress(**last, settled=True, network=lambda: network))
        elif report.n_iter > self.seen.n_iter:
            self._end_step(lambda: network, replace(self.seen, n_iter=report.n_iter))
        elif self.tasks is not None:
            self.tasks.end_subtask()

    def begin_polish(self) -> None:
        """Begin what follows the solver."""
        if self.tasks is not None:
            self.tasks.begin_subtask("polish")

    def end_polish(self, network: Network, report: Report) -> None:
        """Look at the network that polish leaves."""
        if self.printer is not None and not report.interrupted:
            self.printer(progress_of(self.problem, network, report.n_iter))
        self._end_subtask(lambda: network, report)

    def _end_step(self, network: Callable[[], Network], report: Report) -> bool:
        """End a reporting step; True if a callback ends training with it."""
        best = None if self.stopping is None else self.stopping.best_network
        return self._end_subtask(network if best is None else lambda: best, report)

    def _end_subtask(self, network: Callable[[], Network], report: Report) -> bool:
        """End a task with what training comes to if it ends there; True if a callback wants to."""
        if self.tasks is None:
            return False

        def trained() -> Trained:
            history = {name: list(column) for name, column in report.history.items()}
            kept, _ = _or_constant(self.problem, network(), diverged=False)
            return self.result(kept, replace(report, history=history))

        return self.tasks.end_subtask(trained)


class _Score:
    """Validation score of a network in the solver's units.

    For classification the accuracy; for regression the share of the loss of the best constant
    that the network takes away, which for the squared error is R².
    """

    def __init__(
        self,
        settings: Settings,
        scaler: Standardizer,
        X: Matrix,
        y: np.ndarray,
        weight: np.ndarray,
    ) -> None:
        self.settings, self.scaler, self.X, self.y, self.weight = settings, scaler, X, y, weight

    def __call__(self, network: Network) -> float:
        f = self.scaler.to_user(network).evaluate(self.X).astype(np.float64)
        return self._accuracy(f) if self.settings.classification else self._explained(f)

    def _accuracy(self, f: np.ndarray) -> float:
        if self.settings.loss.separable:
            correct = ((f > 0) == (self.y > 0)).all(axis=1)
        else:
            correct = f.argmax(axis=1) == self.y.argmax(axis=1)
        return float(np.average(correct, weights=self.weight))

    def _explained(self, f: np.ndarray) -> float:
        loss = self.settings.loss
        y, outputs = (torch.as_tensor(self.scaler.labels(values)) for values in (self.y, f))
        weight = torch.as_tensor(self.weight)
        constant = loss.constant(y, weight).expand_as(y)
        total = float(weight @ loss.value(y, constant))
        left = float(weight @ loss.value(y, outputs))
        if total == 0:
            return float(left == 0)
        return 1 - left / total


class _EarlyStopping:
    """A monitor that ends training once the validation score has stopped rising.

    While the network is still being thinned out its score says little: it is recorded, but
    neither ends the training nor makes a network the best.
    """

    def __init__(self, score: Callable[[Network], float], patience: int, tol: float) -> None:
        self.score, self.patience, self.tol = score, patience, tol
        self.scores: list[float] = []
        self.best_network: Network | None = None
        self.best_settled, self.waited, self.stopped = -np.inf, 0, False

    @property
    def best_score(self) -> float | None:
        """Score of the network that was kept."""
        if self.best_network is not None:
            return self.best_settled
        return self.scores[-1] if self.scores else None

    def __call__(self, progress: Progress) -> bool:
        network = progress.network()
        score = self.score(network)
        self.scores.append(score)
        if not progress.settled:
            return False
        self.waited = 0 if score >= self.best_settled + self.tol else self.waited + 1
        if score > self.best_settled:
            self.best_settled, self.best_network = score, network
        self.stopped = self.waited > self.patience
        return self.stopped

    def accepts(self, network: Network) -> bool:
        """Whether a network that training did not pass through scores no worse than the best."""
        score = self.score(network)
        self.scores.append(score)
        if self.best_network is not None and score < self.best_settled:
            return False
        self.best_settled, self.best_network = score, network
        return True


class PrintProgress:
    """A monitor that prints an aligned line a call."""

    def __init__(self) -> None:
        self.start = time.perf_counter()
        print("iteration     objective          loss  neurons  weights      time")

    def __call__(self, progress: Progress) -> bool:
        print(
            f"{progress.iteration:9d}  {progress.objective:12.6g}  {progress.loss:12.6g}  "
            f"{progress.n_active_neurons:7d}  {progress.n_nonzero_weights:7d}  "
            f"{time.perf_counter() - self.start:7.1f}s",
            flush=True,
        )
        return False
