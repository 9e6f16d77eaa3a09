"""From a network in the solver's units to what a training run leaves behind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import min_max_axis

from ..network.network import Network
from ..problem.merging import Matrix, stored
from ..problem.problem import Problem
from ..problem.progress import Progress, Report
from ..problem.units import Standardizer
from .outcome import Trained
from .settings import Settings


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
    if problem.parametrization.folds_always_on:
        network = network.fold_always_on(stored(X))
    return trained_from(settings, problem, scaler, network, column_range(X), report)


def or_constant(problem: Problem, network: Network, *, diverged: bool) -> tuple[Network, bool]:
    """The best constant in place of a network that has gone astray, and whether one has."""
    if problem.is_astray(network):
        return problem.constant_network(), True
    # A network that reads nothing is the best constant, without the rounding of training.
    return (network if len(network.used_features) else problem.constant_network()), diverged


def in_solver_units(problem: Problem, scaler: Standardizer, network: Network, X: Matrix) -> Network:
    """A network in the user's units as the solvers see it, with the problem's affine part."""
    if not problem.parametrization.has_skip:
        network = network.skip_as_neurons(*_padded(*column_range(X)))
    elif problem.parametrization.folds_always_on:
        network = network.fold_always_on(stored(X))
    network = scaler.from_user(network)
    if not problem.parametrization.fit_intercept:
        network = replace(network, intercept=np.zeros_like(network.intercept))
    return network


def trained_from(
    settings: Settings,
    problem: Problem,
    scaler: Standardizer,
    network: Network,
    column_range: tuple[np.ndarray, np.ndarray],
    report: Report,
) -> Trained:
    """Take a network in the user's units."""
    network = network.compact(fold_constants=problem.parametrization.fit_intercept)
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


def column_range(X: Matrix) -> tuple[np.ndarray, np.ndarray]:
    X = stored(X)
    lower, upper = min_max_axis(X, axis=0) if sp.issparse(X) else (X.min(axis=0), X.max(axis=0))
    return lower.astype(np.float64), upper.astype(np.float64)


def _padded(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leave room for data beyond those of the fit, as much on either side as they take."""
    return lower - (upper - lower), upper + (upper - lower)


def progress_of(problem: Problem, network: Network, iteration: int) -> Progress:
    """A reporting step on a network in the solver's units."""
    loss = problem.empirical_loss(network)
    return Progress(
        iteration=iteration,
        objective=loss + problem.alpha * problem.path_norm(network),
        loss=loss,
        n_active_neurons=network.n_active_neurons,
        n_nonzero_weights=problem.parametrization.n_weights(network),
        settled=False,
        network=lambda: network,
    )
