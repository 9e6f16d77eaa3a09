"""One training run: from encoded data in the user's units to a network in the user's units.

The estimators decide what to fit and expose the result. This module does the work between, and
is where PyTorch comes in: import it when a fit begins, not before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from ..network.network import Network
from ..problem.merging import Matrix, merge_rows
from ..problem.problem import Problem
from ..problem.progress import Report
from ..solvers.second_order.polish import polish
from ..solvers.splines import best_knots as knots_module
from ..solvers.splines.best_knots import BestKnots
from .automatic_alpha import automatic_alpha
from .early_stopping import EarlyStopping, ValidationScore, split_rows
from .monitors import Tasks, Watch
from .null import beyond_the_null, tells_the_null
from .outcome import Outcome, Trained
from .results import finished, in_solver_units, or_constant, progress_of
from .settings import Settings
from .threads import threads_for

# Where there are best knots to start from, and so many samples that these are well determined.
_STEPS_BESIDE_KNOTS, _KNOTS_DETERMINED = 60, 50
#: By how much F of a network may exceed that of the best constant, for rounding.
_OBJECTIVE_TOLERANCE = 1e-4


def train(
    settings: Settings,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    *,
    rng: np.random.RandomState,
    start: Network | None = None,
    tasks: Tasks | None = None,
) -> Trained:
    """Train a network from random weights, or on from `start` (in the user's units)."""
    seed = draw_seed(rng)
    X, y, weight = merge_rows(X, y, weight)
    held_out = None
    if settings.early_stopping:
        (X, y, weight), held_out = split_rows(settings, X, y, weight, rng)
    scaler = settings.scaler(X, y, weight)
    problem = settings.problem(X, y, weight, scaler)
    if settings.max_iter == "auto" and knots_suffice(settings, problem):
        settings = replace(settings, max_iter=_STEPS_BESIDE_KNOTS)
    stopping = None
    if held_out is not None:
        score = ValidationScore(settings, scaler, *held_out)
        stopping = EarlyStopping(score, settings.n_iter_no_change, settings.tol)

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
            outcome = _outcome(settings, problem, network, report)
        else:
            # No solver adds neurons to a network that it is given.
            if start is not None:
                usable = start.n_active_neurons > 0
                start = in_solver_units(problem, scaler, start, X) if usable else None
            watch = Watch(settings, problem, stopping, tasks, result)
            network, report = _solve(settings, problem, seed, start, watch, knots)
            outcome = _outcome(settings, problem, network, report, watch)
        return replace(result(network, report), outcome=outcome)


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


def _solve(
    settings: Settings,
    problem: Problem,
    seed: int,
    start: Network | None,
    watch: Watch,
    knots: BestKnots | None,
) -> tuple[Network, Report]:
    """Run the solver under a watch, then polish."""
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
        network, report.diverged = or_constant(problem, network, diverged=False)
        if settings.alpha == "auto" and stopping is None and tells_the_null(problem):
            with _keeping_interrupts(report):
                network = beyond_the_null(problem, network, seed)
        report.record(progress_of(problem, network, report.n_iter))
        with _keeping_interrupts(report):
            watch.end_polish(network, report)
    else:
        network, report.diverged = or_constant(problem, network, diverged=report.diverged)
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
    return network


def draw_seed(rng: np.random.RandomState) -> int:
    return int(rng.randint(np.iinfo(np.int32).max))


def best_knots(settings: Settings, problem: Problem) -> BestKnots | None:
    """The best knots, where they are what the solver is looking for."""
    possible = settings.polishes(problem) and knots_module.refuses(problem) is None
    return BestKnots(problem) if possible else None


def knots_suffice(settings: Settings, problem: Problem) -> bool:
    """Whether there is little hope to find a better network from random weights."""
    determined = problem.n_samples >= _KNOTS_DETERMINED and not settings.early_stopping
    # Where the affine part is penalized the best knots are others.
    exact = problem.parametrization.skip_is_free and knots_module.refuses(problem) is None
    return determined and exact and settings.polishes(problem)


def with_alpha(
    settings: Settings, problem: Problem, seed: int, knots: BestKnots | None = None
) -> Problem:
    if settings.alpha != "auto":
        return problem
    alpha = automatic_alpha(problem, n_neurons=settings.n_neurons, seed=seed, knots=knots)
    return replace(problem, alpha=alpha)


def _outcome(
    settings: Settings,
    problem: Problem,
    network: Network,
    report: Report,
    watch: Watch | None = None,
) -> Outcome:
    why = _why(settings, problem, network, report, watch)
    return Outcome(report.interrupted, report.diverged, report.converged, why)


def _why(
    settings: Settings, problem: Problem, network: Network, report: Report, watch: Watch | None
) -> str:
    """What a user should know of a training run."""
    bound = problem.objective(problem.constant_network()) * (1 + _OBJECTIVE_TOLERANCE)
    if report.interrupted:
        return (
            f"Training was interrupted after {report.n_iter} iterations. The estimator holds the "
            "best network so far."
        )
    if watch is not None and watch.stopped_by_callback:
        if not report.diverged:
            return ""
        return (
            f"A callback ended training after {report.n_iter} iterations, when the network was no "
            "better than a constant, which the estimator then holds."
        )
    if report.diverged:
        return (
            f"Training diverged with learning_rate={settings.rate(problem.n_samples):g}, or ended "
            "no better than a constant, which the estimator then holds. Use a smaller learning_rate"
            ", or more iterations if it was small already"
            + ("." if settings.standardize else ", or standardize=True.")
        )
    if settings.solver.minimizes_objective and problem.objective(network) > bound:
        return (
            "Training ended with an objective above that of a constant, which the loss alone is "
            "not. Increase max_iter or alpha, use a smaller learning_rate, or polish=True."
        )
    if not report.converged and settings.tol > 0 and not (watch and watch.stopped_early):
        return (
            f"Training ended at max_iter={settings.steps(problem.n_samples)} iterations before the "
            f"objective settled to tol={settings.tol:g}. Increase max_iter or tol."
        )
    return ""
