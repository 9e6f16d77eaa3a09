"""The network of the choice, polished, and brought to agree with those of the folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier

from ..network.network import Network

if TYPE_CHECKING:
    from ..problem.progress import Report

#: Polish that lowers F by less than this share has found nothing but rounding.
_NO_MATTER = 1e-9


def polished_choice(
    chosen: Any, data: tuple[Any, np.ndarray, np.ndarray], targets: np.ndarray | None = None
) -> Any:
    """The network of a path after the moves that a path has no time for.

    With `targets` it is polished for these, and the chosen one stays if that takes more weights.
    """
    from ..fitting.path_following import polished
    from ..fitting.settings import Settings
    from ..fitting.threads import one_thread

    settings = Settings.of(chosen, chosen._loss())
    report = _report_of(chosen)
    with one_thread():
        trained = polished(
            settings, *data, chosen.network_, alpha=chosen.alpha_, report=report, targets=targets
        )
    if report.interrupted:
        raise KeyboardInterrupt
    fitted = chosen._fitted_copy(settings, trained)
    if targets is None:
        better = trained.objective < chosen.objective_ * (1 - _NO_MATTER)
    else:
        better = fitted.n_nonzero_weights_ <= chosen.n_nonzero_weights_
    return fitted if better else chosen


def in_consensus(
    chosen: Any, networks: list[Network], data: tuple[Any, np.ndarray, np.ndarray]
) -> Any:
    """The network polished for targets halfway from the data to what networks say on average."""
    X, targets, _ = data
    predicted = [_in_units_of_targets(chosen, network.evaluate(X)) for network in networks]
    return polished_choice(chosen, data, (targets + np.mean(predicted, axis=0)) / 2)


def _in_units_of_targets(estimator: Any, outputs: np.ndarray) -> np.ndarray:
    """The outputs of a network as what it was trained for: numbers, or probabilities."""
    return estimator._encoding.probabilities(outputs) if is_classifier(estimator) else outputs


def _report_of(fitted: Any) -> Report:
    """The report of a fit, for what comes after it."""
    from ..problem.progress import Report

    history = {name: list(column) for name, column in fitted.history_.items()}
    return Report(n_iter=fitted.n_iter_, converged=True, history=history)
