"""The methods that the benchmarks of tables compare, and how the size of their models is counted.

``REGRESSORS`` and ``CLASSIFIERS`` name the methods: each is built for a seed, says how many weights
a fitted model has and which features it reads. All get standardised inputs and, for regression,
standardised targets; what a method chooses, it chooses on the training part by its own
cross-validation, or on a fifth of it. Everything else is as their documentation has it.

Weights are nonzero numbers that inputs or neurons are multiplied by. Biases and intercepts do not
count. Networks count the weights of both layers and of a skip connection (ours in balanced form,
``coefs_`` and ``skip_coef_``); trees their nodes, leaves included; generalized additive models the
scores of their bins.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from networks import ConvexClassifier, ConvexRegressor, PrunedClassifier, PrunedRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_lpnet import (
    LpReLUClassifier,
    LpReLUClassifierCV,
    LpReLURegressor,
    LpReLURegressorCV,
)


@dataclass(frozen=True)
class Method:
    """A method: how it is built, and how its fitted models are counted."""

    build: Callable[[int], Any]
    n_weights: Callable[[Any], int]
    features: Callable[[Any], np.ndarray]
    #: Whether the first fit of a process compiles code, which is not to be timed.
    compiles: bool = False
    #: Methods whose models follow from a fitted model, without a fit of their own.
    contained: dict[str, Callable[[Any], Any]] = field(default_factory=dict)


def _lasso_net(seed: int) -> Any:
    from lassonet import LassoNetRegressorCV

    return LassoNetRegressorCV(random_state=seed, torch_seed=seed, verbose=0)


def _lasso_net_classifier(seed: int) -> Any:
    from lassonet import LassoNetClassifierCV

    return LassoNetClassifierCV(random_state=seed, torch_seed=seed, verbose=0)


def _mcp_regression(seed: int) -> Any:
    from skglm import GeneralizedLinearEstimatorCV
    from skglm.datafits import Quadratic
    from skglm.penalties import MCPenalty
    from skglm.solvers import AndersonCD

    penalty = MCPenalty(alpha=1.0, gamma=3.0)
    return GeneralizedLinearEstimatorCV(
        Quadratic(), penalty, AndersonCD(), cv=5, n_alphas=30, random_state=seed
    )


def _sparse_logistic_regression(seed: int) -> Any:
    from skglm import SparseLogisticRegression

    alphas = {"alpha": np.geomspace(0.1, 1e-4, 13)}
    return GridSearchCV(SparseLogisticRegression(), alphas, cv=5, scoring="neg_log_loss")


def _additive_regressor(seed: int) -> Any:
    from interpret.glassbox import ExplainableBoostingRegressor

    return ExplainableBoostingRegressor(random_state=seed, n_jobs=1)


def _additive_classifier(seed: int) -> Any:
    from interpret.glassbox import ExplainableBoostingClassifier

    return ExplainableBoostingClassifier(random_state=seed, n_jobs=1)


def _logistic_regression(seed: int) -> Any:
    return LogisticRegressionCV(
        l1_ratios=[1.0],
        solver="saga",
        scoring="neg_log_loss",
        cv=5,
        max_iter=1000,
        tol=1e-3,
        random_state=seed,
        use_legacy_attributes=False,
    )


class _KeepsFolds:
    """Keeps what it chooses from, but does not take it into a file."""

    def _choose(self, *found: Any) -> None:
        self._found = found
        super()._choose(*found)  # type: ignore[misc]

    def __getstate__(self) -> Any:
        return {name: value for name, value in super().__getstate__().items() if name != "_found"}  # type: ignore[attr-defined]


class _RegressorCV(_KeepsFolds, LpReLURegressorCV):
    pass


class _ClassifierCV(_KeepsFolds, LpReLUClassifierCV):
    pass


def _chosen_by(selection: str) -> Callable[[Any], Any]:
    """Give what another `selection` would choose from the same paths and folds."""

    def choose(model: Any) -> Any:
        other = copy.copy(model).set_params(selection=selection)
        other._choose(*model._found)
        return other

    return choose


def _own_weights(model: Any) -> int:
    return _dense_weights(model) + int(np.count_nonzero(model.skip_coef_))


def _own_features(model: Any) -> np.ndarray:
    return model.network_.used_features


def _dense_weights(model: Any) -> int:
    return sum(int(np.count_nonzero(matrix)) for matrix in model.coefs_)


def _first_layer_features(model: Any) -> np.ndarray:
    return np.flatnonzero(model.coefs_[0].any(axis=1))


def _lasso_net_weights(model: Any) -> int:
    network = model.model
    matrices = [network.skip.weight, *(layer.weight for layer in network.layers)]
    return int(sum(matrix.count_nonzero() for matrix in matrices))


def _lasso_net_features(model: Any) -> np.ndarray:
    return np.flatnonzero(model.best_selected_.numpy())


def _linear_coefficients(model: Any) -> np.ndarray:
    model = getattr(model, "best_estimator_", model)
    if isinstance(model, OneVsRestClassifier):
        return np.vstack([binary.coef_ for binary in model.estimators_])
    return np.atleast_2d(model.coef_)


def _linear_weights(model: Any) -> int:
    return int(np.count_nonzero(_linear_coefficients(model)))


def _linear_features(model: Any) -> np.ndarray:
    return np.flatnonzero(_linear_coefficients(model).any(axis=0))


def _nodes(model: Any) -> list[np.ndarray]:
    return [tree.nodes for trees in model._predictors for tree in trees]


def _tree_weights(model: Any) -> int:
    return sum(map(len, _nodes(model)))


def _tree_features(model: Any) -> np.ndarray:
    splits = [nodes["feature_idx"][nodes["is_leaf"] == 0] for nodes in _nodes(model)]
    return np.unique(np.concatenate(splits))


def _additive_weights(model: Any) -> int:
    return sum(int(np.count_nonzero(scores)) for scores in model.term_scores_)


def _additive_features(model: Any) -> np.ndarray:
    terms = zip(model.term_features_, model.term_scores_, strict=True)
    return np.unique([feature for term, scores in terms if scores.any() for feature in term])


_OWN = (_own_weights, _own_features)
_DENSE = (_dense_weights, _first_layer_features)
_LASSO_NET = (_lasso_net_weights, _lasso_net_features)
_LINEAR = (_linear_weights, _linear_features)
_TREES = (_tree_weights, _tree_features)
_ADDITIVE = (_additive_weights, _additive_features)

OURS, OURS_MIN, OURS_1SE, OURS_DEFAULT = "LpReLU CV", "LpReLU CV min", "LpReLU CV 1se", "LpReLU"
OWN = (OURS, OURS_MIN, OURS_1SE, OURS_DEFAULT)
MLP, BOOSTING, LASSO_NET = "MLP", "HistGradientBoosting", "LassoNet CV"
_CHOICES = {OURS_MIN: _chosen_by("min"), OURS_1SE: _chosen_by("1se")}

REGRESSORS: dict[str, Method] = {
    OURS: Method(lambda seed: _RegressorCV(random_state=seed), *_OWN, contained=_CHOICES),
    OURS_DEFAULT: Method(lambda seed: LpReLURegressor(random_state=seed), *_OWN),
    MLP: Method(lambda seed: MLPRegressor(random_state=seed), *_DENSE),
    "MLP pruned": Method(PrunedRegressor, *_DENSE),
    LASSO_NET: Method(_lasso_net, *_LASSO_NET),
    "SCNN": Method(ConvexRegressor, *_DENSE),
    "Lasso CV": Method(lambda seed: LassoCV(random_state=seed), *_LINEAR),
    "MCP (skglm)": Method(_mcp_regression, *_LINEAR, compiles=True),
    BOOSTING: Method(lambda seed: HistGradientBoostingRegressor(random_state=seed), *_TREES),
    "EBM": Method(_additive_regressor, *_ADDITIVE),
}

CLASSIFIERS: dict[str, Method] = {
    OURS: Method(lambda seed: _ClassifierCV(random_state=seed), *_OWN, contained=_CHOICES),
    OURS_DEFAULT: Method(lambda seed: LpReLUClassifier(random_state=seed), *_OWN),
    MLP: Method(lambda seed: MLPClassifier(random_state=seed), *_DENSE),
    "MLP pruned": Method(PrunedClassifier, *_DENSE),
    LASSO_NET: Method(_lasso_net_classifier, *_LASSO_NET),
    "SCNN": Method(ConvexClassifier, *_DENSE),
    "Logistic l1": Method(_logistic_regression, *_LINEAR),
    "Logistic l1 (skglm)": Method(_sparse_logistic_regression, *_LINEAR, compiles=True),
    BOOSTING: Method(lambda seed: HistGradientBoostingClassifier(random_state=seed), *_TREES),
    "EBM": Method(_additive_classifier, *_ADDITIVE),
}
