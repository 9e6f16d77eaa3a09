"""What a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..network.network import Network
from ..problem.problem import Problem
from ..problem.progress import Report
from ..solvers.splines.univariate import Interpolant

if TYPE_CHECKING:
    from .monitors import Watch
    from .settings import Settings

#: By how much F of a network may exceed that of the best constant, for rounding.
_OBJECTIVE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Outcome:
    """How a fit has ended, and what its user should know of that.

    Attributes
    ----------
    interrupted : bool
        Ended by KeyboardInterrupt.
    diverged : bool
        The constant network takes the place of one that has gone astray.
    converged : bool
    why : str
        What to warn of; empty if there is nothing.
    """

    interrupted: bool = False
    diverged: bool = False
    converged: bool = True
    why: str = ""

    @classmethod
    def of(
        cls,
        settings: Settings,
        problem: Problem,
        network: Network,
        report: Report,
        watch: Watch | None = None,
    ) -> Outcome:
        """That of a training run."""
        why = _why(settings, problem, network, report, watch)
        return cls(report.interrupted, report.diverged, report.converged, why)


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
    outcome : Outcome
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
    outcome: Outcome = Outcome()


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
