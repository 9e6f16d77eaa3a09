"""Class labels as the targets of a network, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.special import expit, softmax
from sklearn.utils import column_or_1d, compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets, type_of_target, unique_labels


@dataclass(frozen=True, eq=False)
class LabelEncoding:
    """How labels become targets: one output for two classes, else one a class or label.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The sorted classes; for multilabel targets the numbers of the labels.
    multilabel : bool
        Whether y is an indicator matrix with a column for each label.
    """

    classes: np.ndarray
    multilabel: bool = False

    @classmethod
    def of(cls, y: Any, classes: np.ndarray | None = None) -> LabelEncoding:
        """The encoding for checked targets `y`, or for all `classes` that there may be."""
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y")
        if kind == "multiclass-multioutput":
            raise ValueError(
                "y has several columns with more than two classes. Use a binary indicator matrix, "
                "with one column a label, or fit one classifier a column."
            )
        if kind == "multilabel-indicator":
            n_labels = y.shape[1]
            if classes is not None and len(classes) != n_labels:
                raise ValueError(
                    f"classes names {len(classes)} labels, but y has {n_labels} columns."
                )
            return cls(np.arange(n_labels) if classes is None else classes, multilabel=True)
        classes = unique_labels(y) if classes is None else classes
        if len(classes) < 2:
            raise ValueError(
                "This classifier needs samples of at least 2 classes in the data, but the data "
                f"contains only one class: {classes.tolist()[0]!r}"
            )
        return cls(classes)

    @property
    def binary(self) -> bool:
        """Whether a single output tells two classes apart."""
        return not self.multilabel and len(self.classes) == 2

    @property
    def one_by_one(self) -> bool:
        """Whether each output is for or against something by itself."""
        return self.multilabel or self.binary

    def same_as(self, other: LabelEncoding) -> bool:
        """Whether the targets mean the same."""
        return self.multilabel == other.multilabel and np.array_equal(self.classes, other.classes)

    def encode(self, y: Any, *, signed: bool) -> np.ndarray:
        """Targets of shape (n_samples, n_outputs), in {0, 1}, or {-1, 1} if `signed`."""
        if self.multilabel:
            if y.shape[1:] != self.classes.shape:
                raise ValueError(
                    f"y must be an indicator matrix with {len(self.classes)} columns, got shape "
                    f"{y.shape}."
                )
            target = (_dense(y) != 0).astype(np.float64)
        else:
            codes = self._codes(y)
            if self.binary:
                target = codes[:, None].astype(np.float64)
            else:
                target = np.eye(len(self.classes))[codes]
        return 2 * target - 1 if signed else target

    def decode(self, decision: np.ndarray) -> np.ndarray:
        """Labels that the outputs of shape (n_samples, n_outputs) speak for."""
        if self.multilabel:
            return (decision > 0).astype(np.int64)
        if self.binary:
            return self.classes[(decision[:, 0] > 0).astype(np.intp)]
        return self.classes[decision.argmax(axis=1)]

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities, one for each target, of logits of shape (n_samples, n_outputs)."""
        return np.asarray(expit(logits) if self.one_by_one else softmax(logits, axis=1))

    def class_weights(self, class_weight: Any, y: Any, sample_weight: np.ndarray) -> np.ndarray:
        """The weights that `class_weight` gives to the samples, by their classes in y.

        "balanced" gives every class the same total, by sample weights rather than by rows.
        For several labels the factors multiply.
        """
        if class_weight is None:
            return np.ones_like(sample_weight)
        if class_weight != "balanced":
            return np.asarray(compute_sample_weight(class_weight, _dense(y)))
        if self.multilabel:
            columns = (_dense(y) != 0).astype(np.intp).T
        else:
            columns = self._codes(y)[None]
        result = np.ones_like(sample_weight)
        for codes in columns:
            total = np.bincount(codes, weights=sample_weight)
            present = total > 0
            factor = np.zeros_like(total)
            factor[present] = sample_weight.sum() / (np.count_nonzero(present) * total[present])
            result = result * factor[codes]
        return result

    def _codes(self, y: Any) -> np.ndarray:
        y = column_or_1d(_dense(y), warn=True)
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ValueError(
                f"y contains {unknown.tolist()}, which are not among the classes "
                f"{self.classes.tolist()}."
            )
        return np.searchsorted(self.classes, y)


def _dense(y: Any) -> np.ndarray:
    return y.toarray() if sp.issparse(y) else y
