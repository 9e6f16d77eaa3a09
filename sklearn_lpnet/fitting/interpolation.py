"""Interpolation: from data in the user's units to a network that goes through them (alpha = 0)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from ..network.network import Network
from ..penalties.lp import LpPenalty
from ..problem.progress import Progress, Report
from ..solvers.interpolation.cells import Patterned, Setting
from ..solvers.interpolation.points import distinct_rows
from ..solvers.interpolation.vertex import vertex
from ..solvers.splines.univariate import univariate
from .monitors import PrintProgress
from .outcome import Outcome, Trained
from .results import finished
from .settings import Settings
from .single import draw_seed
from .threads import one_thread

if TYPE_CHECKING:
    from ..problem.progress import Monitor

#: Errors beyond this share of the largest label are worth a warning.
_WORTH_A_WARNING = 1e-8


def interpolate(
    settings: Settings,
    X: Any,
    y: np.ndarray,
    weight: np.ndarray,
    *,
    rng: np.random.RandomState,
    start: Network | None = None,
) -> Trained:
    """Interpolate the rows that have a weight; which weight makes no difference.

    Parameters
    ----------
    settings : Settings
        With a solver that interpolates.
    X : {ndarray, sparse array} of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, 1)
    weight : ndarray of shape (n_samples,)
    rng : RandomState
    start : Network, optional
        In the user's units, for the solver "vertex".

    Returns
    -------
    Trained
        The objective is the path norm.
    """
    seed = draw_seed(rng)
    monitor = PrintProgress() if settings.verbose else None
    if y.shape[1] > 1:
        raise ValueError(
            f"alpha=0 interpolates a single output, but y has {y.shape[1]}. Fit an estimator for "
            "each, for instance with sklearn.multioutput.MultiOutputRegressor, or use a positive "
            "alpha."
        )
    X = (X.toarray() if sp.issparse(X) else X).astype(np.float64)
    rows = np.flatnonzero(weight > 0)
    if settings.solver.name == "univariate":
        return _univariate(settings, X[rows], y[rows, 0], monitor)
    rows = distinct_rows(X, y[:, 0], rows, other_remedy=", or use a positive alpha")
    return _vertex(settings, X[rows], y[rows], seed, start, monitor)


def _univariate(
    settings: Settings, X: np.ndarray, y: np.ndarray, monitor: Monitor | None
) -> Trained:
    if X.shape[1] > 1:
        raise ValueError(
            f"solver='univariate' takes one feature, but X has {X.shape[1]}; use solver='vertex'."
        )
    interpolant = univariate(X[:, 0], y, settings.p)
    network = interpolant.to_network()
    report = Report(n_iter=1, converged=True)
    progress = Progress(
        iteration=1,
        objective=interpolant.cost,
        loss=0.0,
        n_active_neurons=network.n_active_neurons,
        n_nonzero_weights=settings.parametrization.n_weights(network),
        settled=True,
        network=lambda: network,
    )
    report.record(progress)
    if monitor is not None:
        monitor(progress)
    uses_feature = bool(len(network.used_features))
    return Trained(
        network=network,
        alpha=0.0,
        objective=interpolant.cost,
        loss=0.0,
        path_norm=interpolant.cost,
        feature_importances=np.array([float(uses_feature)]),
        report=report,
        interpolant=interpolant,
    )


def _vertex(
    settings: Settings,
    X: np.ndarray,
    y: np.ndarray,
    seed: int,
    start: Network | None,
    monitor: Monitor | None,
) -> Trained:
    weight = np.ones(len(y))
    scaler = settings.scaler(X, y, weight)
    # The penalty of a problem that is trained on is none for p = 0.
    penalty = settings.penalty or LpPenalty(1.0)
    problem = replace(settings, penalty=penalty).problem(X, y, weight, scaler)
    # The matrices are small: threads would wait for each other.
    with one_thread():
        network, report = vertex(
            problem.rows.all()[:, :-1].numpy(force=True),
            problem.y[:, 0].numpy(force=True),
            settings.parametrization,
            p=settings.p,
            n_neurons=settings.n_neurons,
            n_init=settings.n_init,
            seed=seed,
            time_limit=settings.time_limit,
            start=None if start is None else scaler.from_user(start),
            monitor=monitor,
        )
        trained = finished(settings, problem, scaler, network, X, report)
        network = _refined(settings, trained.network, X, y[:, 0])
    error = _error(network, X, y[:, 0])
    path_norm = settings.parametrization.path_norm(scaler.from_user(network), settings.p)
    return replace(
        trained,
        network=network,
        objective=path_norm,
        path_norm=path_norm,
        outcome=_outcome(report, error),
    )


def _outcome(report: Report, error: float) -> Outcome:
    """How the search has ended; the error is the network's in units of the largest label."""
    why = ""
    if report.interrupted:
        why = "The search was interrupted. The estimator holds the best interpolant so far."
    elif not error <= _WORTH_A_WARNING:
        why = (
            f"In floating point the interpolant misses labels by up to {error:.1e} times the "
            "largest: some samples are too close to each other for the difference of their "
            "labels. Drop some of them, or use a positive alpha."
        )
    return Outcome(report.interrupted, report.diverged, report.converged, why)


def _refined(settings: Settings, network: Network, X: np.ndarray, y: np.ndarray) -> Network:
    """Correct rounding errors by least squares on the weights that the network has."""
    ones = np.ones((2, X.shape[1] + 1), dtype=bool)
    setting = Setting(np.column_stack([X, np.ones(len(y))]), y, ones * 1.0, ones, ones, 1.0)
    if len(y) * network.n_neurons > 2**22:
        return network
    corrected = Patterned.from_network(setting, network).corrected()
    if corrected is None:
        return network
    refined = corrected.to_network()
    return refined if _error(refined, X, y) < _error(network, X, y) else network


def _error(network: Network, X: np.ndarray, y: np.ndarray) -> float:
    """Largest error, in units of the largest label."""
    return float(np.abs(network.evaluate(X)[:, 0] - y).max() / (np.abs(y).max() or 1.0))
