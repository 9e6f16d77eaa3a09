"""The paths on the folds of cross-validation."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
from sklearn.metrics import (
    d2_absolute_error_score,
    d2_pinball_score,
    d2_tweedie_score,
    r2_score,
    roc_auc_score,
)
from sklearn.utils import _safe_indexing

from ..estimators.callbacks import Task, running
from ..network.network import Network
from .path import LpPath, default_scores, path_of

#: What compares with the best constant, and is nan for a single sample.
_RELATIVE = (r2_score, d2_absolute_error_score, d2_pinball_score, d2_tweedie_score)


@dataclass(frozen=True)
class Scoring:
    """A scorer, and what it is called with besides an estimator."""

    scorer: Any
    X: Any
    y: Any
    params: dict[str, Any]

    def __call__(self, estimator: Any) -> float:
        return self.scorer(estimator, self.X, self.y, **self.params)


@dataclass(frozen=True)
class AlongFold:
    """The networks of a fold's path, their test scores, their numbers of weights and neurons."""

    networks: list[Network]
    scores: np.ndarray
    sizes: np.ndarray


@dataclass(frozen=True)
class Fold:
    """Encoded data of a fold: X, targets, weights; for the test also the weights of scores."""

    rows: np.ndarray
    train: tuple[Any, np.ndarray, np.ndarray]
    test: tuple[Any, np.ndarray, np.ndarray, np.ndarray | None]
    scoring: Scoring | None


def whole_path(template: Any, data: Any, task: Task | None, **options: Any) -> LpPath:
    from ..fitting.threads import one_thread

    with running(task), one_thread():
        path, interrupted = path_of(template, *data, **options)
        if interrupted:
            raise KeyboardInterrupt
    return path


def along_fold(
    template: Any, alphas: np.ndarray, flat: np.ndarray, fold: Fold, seed: int, task: Task | None
) -> AlongFold:
    """Walk along a fold. Where the network on all data is flat, so is that of the fold.

    Otherwise such an alpha could have the scores of networks, and a constant be chosen by them.
    """
    from ..fitting.path_following import walk
    from ..fitting.settings import Settings
    from ..fitting.threads import one_thread

    settings = Settings.of(template, template._loss())
    with running(task), one_thread():
        walked = walk(settings, *fold.train, seed=seed, alphas=alphas)
        if walked.interrupted:
            raise KeyboardInterrupt
        trained = [
            walked.flattest if is_flat else one
            for one, is_flat in zip(walked.trained, flat, strict=True)
        ]
        fitted = [template._fitted_copy(settings, one) for one in trained]
        networks = [one.network for one in trained]
        if fold.scoring is not None:
            scores = np.array([fold.scoring(estimator) for estimator in fitted], dtype=np.float64)
        else:
            X, targets, _, sample_weight = fold.test
            scores = default_scores(template, networks, X, targets, sample_weight)
    sizes = [(one.n_nonzero_weights_, one.n_active_neurons_) for one in fitted]
    return AlongFold(networks, scores, np.array(sizes))


def rows_of(values: Any, rows: np.ndarray) -> Any:
    return None if values is None else _safe_indexing(values, rows)


def check_scores_exist(folds: list[Fold], scorer: Any, *, cv: Any, classes: Any) -> None:
    """Raise for folds whose score would be nan whatever the network.

    The `scorer` is None for accuracy, the `classes` for anything but a classification by one label.
    """
    if not folds:
        raise ValueError(
            f"cv={cv!r} gives no folds. A generator gives them only once: use a list of its pairs."
        )
    function = getattr(scorer, "_score_func", scorer)
    for k, fold in enumerate(folds):
        if function in _RELATIVE and len(fold.test[1]) < 2:
            raise ValueError(
                f"cv={cv!r} leaves a single sample to the test part of fold {k}, for which there "
                f"is no {function.__name__}. Use fewer folds, or another scoring such as "
                "scoring='neg_mean_squared_error'."
            )
        if function is roc_auc_score and classes is not None and fold.scoring is not None:
            lacking = np.setdiff1d(classes, np.asarray(fold.scoring.y))
            # Between pairs of classes there are others left.
            one_by_one = len(classes) == 2 or scorer._kwargs.get("multi_class") == "ovr"
            if len(lacking) and one_by_one:
                raise ValueError(
                    f"The test part of fold {k} lacks the class {lacking.tolist()[0]!r}, so that "
                    "there is no roc_auc_score. Use cv=StratifiedKFold(), fewer folds, or another "
                    "scoring such as scoring='neg_log_loss'."
                )


def takes_weights(scorer: Any) -> bool:
    function = getattr(scorer, "_score_func", scorer)
    return "sample_weight" in signature(function).parameters


def knowing_classes(scorer: Any, classes: np.ndarray) -> Any:
    """A scorer of probabilities or decisions that counts on classes which a fold may lack.

    Others, and functions that are told already, stay as they are.
    """
    function = getattr(scorer, "_score_func", None)
    if function is None or getattr(scorer, "_response_method", "predict") == "predict":
        return scorer
    parameters = signature(function).parameters
    told = {"labels": classes} if "labels" in parameters else {}
    if len(classes) == 2 and "pos_label" in parameters:
        # Else it is guessed from the fold. Where the default names a class, that is meant.
        told |= {"pos_label": classes[1]} if parameters["pos_label"].default is None else {}
    informed = copy.copy(scorer)
    informed._kwargs = {**told, **scorer._kwargs}
    return informed
