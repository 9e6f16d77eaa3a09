"""What exports and displays read from a fitted estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from ..network.arrays import FloatArray
from ..network.network import Network
from .base import BaseLpReLU


def network_of(estimator: Any) -> Network:
    """The network of a fitted estimator, in float64 and without neurons that are constant.

    Raises
    ------
    TypeError
        If it is none of the estimators of this package.
    NotFittedError
        If it has not been fitted.
    """
    if not isinstance(estimator, BaseLpReLU):
        raise TypeError(
            "estimator must be a fitted LpReLURegressor, LpReLUClassifier, or the CV class of one, "
            f"got {type(estimator).__name__}; of a Pipeline pass pipeline[-1], of a search "
            "search.best_estimator_."
        )
    check_is_fitted(estimator, "network_")
    network = estimator.network_
    return Network(
        direction=network.direction.astype(np.float64),
        theta=network.theta.astype(np.float64),
        bias=network.bias.astype(np.float64),
        intercept=network.intercept.astype(np.float64),
        skip=network.skip.astype(np.float64),
    ).compact()


def feature_names_of(estimator: Any, feature_names: Any = None) -> list[str]:
    """The names that were given, those that the estimator has seen, or x0, x1 and so on."""
    n_features = network_of(estimator).n_features
    if feature_names is None:
        seen = getattr(estimator, "feature_names_in_", None)
        return [f"x{j}" for j in range(n_features)] if seen is None else [str(one) for one in seen]
    names = [str(name) for name in feature_names]
    if isinstance(feature_names, str) or len(names) != n_features:
        raise ValueError(
            f"feature_names must name all {n_features} features, got {len(names)}: "
            f"{_shortened(names)}."
        )
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"feature_names must not repeat a name, got {_shortened(repeated)} twice.")
    return names


def output_labels_of(estimator: Any) -> list[Any]:
    """What the outputs stand for: the class or label of each, or numbers for targets.

    The single output of two classes stands for the second.
    """
    n_outputs = estimator.network_.n_outputs
    if not is_classifier(estimator):
        return list(range(n_outputs))
    return estimator.classes_.tolist()[-n_outputs:]


def gives_probabilities(classifier: Any) -> bool:
    """Whether the outputs are logits."""
    return classifier._losses[classifier.loss].gives_probabilities


def feature_units_of(estimator: Any) -> FloatArray:
    """How much a feature varies, up to a factor that all features share, of shape (n_features,).

    Feature importances are shares of the path norm in the units of training, so their ratio to
    the path norm in the units of the data is the scale that training used.
    """
    by_feature = estimator.network_.path_norm_by_feature(1.0)
    units = np.ones(len(by_feature))
    used = by_feature > 0
    importances = np.asarray(getattr(estimator, "feature_importances_", by_feature))
    ratio = importances[used] / by_feature[used]
    if np.all((ratio > 0) & np.isfinite(ratio)):
        units[used] = ratio
    return units


def _shortened(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown}, ..." if len(names) > 5 else shown
