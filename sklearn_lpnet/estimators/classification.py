"""What classification is, of one network or by choice: labels as targets, and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if

from ..losses.table import CLASSIFICATION
from .base import BaseLpReLU, reweighted
from .inspection import gives_probabilities
from .targets import LabelEncoding

if TYPE_CHECKING:
    from ..losses.base import Loss


def _gives_probabilities(estimator: Any) -> bool:
    if gives_probabilities(estimator):
        return True
    raise AttributeError(
        f"Probabilities are not available for loss={estimator.loss!r}; use loss='log_loss'."
    )


class ClassificationMixin(ClassifierMixin, BaseLpReLU):
    """What a classifier and its CV class share."""

    _losses = CLASSIFICATION
    _encoding: LabelEncoding
    classes_: np.ndarray

    def decision_function(self, X: Any) -> np.ndarray:
        """Outputs of the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            For two classes, positive values speak for ``classes_[1]``; else a column for each
            class or label.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._encoding.binary else outputs

    def predict(self, X: Any) -> np.ndarray:
        """Predict classes or labels.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Classes, or a binary indicator matrix.
        """
        outputs = self._outputs(X)
        return self._encoding.decode(outputs)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        probability : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Of each class, in the order of `classes_`; or of each label.
        """
        outputs = self._outputs(X).astype(np.float64)
        # Not one less the other: that would lose the digits of a small one.
        outputs = outputs * [-1, 1] if self._encoding.binary else outputs
        return self._encoding.probabilities(outputs)

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict logarithms of probabilities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        log_probability : ndarray of shape (n_samples, n_classes) or (n_samples, n_labels)
            Logarithm of each probability, finite where the probability itself rounds to zero.
        """
        outputs = self._outputs(X).astype(np.float64)
        if self._encoding.multilabel:
            return log_expit(outputs)
        if self._encoding.binary:
            return log_expit(outputs * [-1, 1])
        return log_softmax(outputs, axis=1)

    def _encoded(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        X, y, weight = self._validated(X, y, sample_weight, reset=reset, y_numeric=False)
        y = columns_of(y)
        encoding = LabelEncoding.of(y)
        if not reset and not encoding.same_as(self._encoding):
            raise ValueError(
                "warm_start=True needs the classes of the previous fit, "
                f"{self._encoding.classes.tolist()}, but y has {encoding.classes.tolist()}; use "
                "warm_start=False."
            )
        weight = reweighted(weight, encoding.class_weights(self.class_weight, y, weight))
        self._encoding, self.classes_ = encoding, encoding.classes
        return X, encoding.encode(y, signed=self._signed), weight

    @property
    def _signed(self) -> bool:
        """Whether a single output is trained towards -1 and 1, rather than 0 and 1."""
        return self._losses[self.loss].signed and self._encoding.one_by_one

    def _loss(self) -> Loss:
        # Before the classes are known, that of two.
        encoding = vars(self).get("_encoding")
        several = encoding is not None and not encoding.one_by_one
        return self._losses[self.loss].load(self, several=several)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def columns_of(y: Any) -> Any:
    """Targets with a single column as a vector, with scikit-learn's warning."""
    return column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y
