"""What every estimator of the package is: what it has once fitted, and how it takes data."""

from __future__ import annotations

import math
from abc import ABCMeta, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..losses.table import LossRow
from ..network.dates import refuse_dates
from ..network.network import Network
from .callbacks import CallbackSupportMixin

if TYPE_CHECKING:
    from ..losses.base import Loss
    from ..solvers.splines.univariate import Interpolant

#: The largest integer weight that is a count: beyond it every float is an integer.
_LARGEST_COUNT = 2.0**53
#: Rows from which the spread of a feature is told well enough to print it.
_ENOUGH_ROWS = 10_000
#: Data types that are predicted for as they are.
_FLOATS = (np.dtype(np.float64), np.dtype(np.float32))


class BaseLpReLU(CallbackSupportMixin, BaseEstimator, metaclass=ABCMeta):
    """What regression and classification, of one network or by choice, share."""

    #: The losses by name, and the name of the penalty.
    _losses: ClassVar[dict[str, LossRow]]
    _penalty: ClassVar[str] = "lp"
    # What predicts in place of the network, for one feature and alpha = 0.
    _interpolant: Interpolant | None = None
    network_: Network

    @abstractmethod
    def _loss(self) -> Loss:
        """The loss, once the kind of targets is known."""

    @abstractmethod
    def _encoded(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        """Checked X, targets of shape (n_samples, n_outputs), and weights of the samples."""

    @property
    def n_active_neurons_(self) -> int:
        """Number of active neurons."""
        return self.network_.n_active_neurons

    @property
    def n_nonzero_coefs_(self) -> int:
        """Number of nonzero weights of both layers and of the skip connection, biases apart."""
        return self.network_.n_nonzero_coefs

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Input and output weights of the active neurons in balanced form."""
        weights_in, _, weights_out = self.network_.balanced()
        return [weights_in, weights_out]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases of the active neurons in balanced form, and the output intercept."""
        return [self.network_.balanced()[1], self.network_.intercept]

    @property
    def skip_coef_(self) -> np.ndarray:
        """Weights of the affine skip connection."""
        return self.network_.skip

    def _validated(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool, y_numeric: bool
    ) -> tuple[Any, Any, np.ndarray]:
        """Checked X, y and weights; X is float32 or float64, dense or CSR."""
        refuse_dates(X, "X")
        refuse_dates(sample_weight, "sample_weight")
        if y_numeric:
            refuse_dates(y, "y")
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            multi_output=True,
            y_numeric=y_numeric,
            reset=reset,
        )
        if reset:
            self._offset_ratios = offset_ratios(X)
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        return (sp.csr_array(X) if sp.issparse(X) else X), y, as_counts(usable_weights(weight))

    def _outputs(self, X: Any) -> np.ndarray:
        """Outputs of the network, of shape (n_samples, n_outputs)."""
        if not self._is_plainly_valid(X):
            check_is_fitted(self)
            refuse_dates(X, "X")
            X = validate_data(
                self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False
            )
        if self._interpolant is not None:
            x = X.toarray() if sp.issparse(X) else X
            return self._interpolant(x).astype(X.dtype)
        return self.network_.evaluate(X, finite=True)

    def _is_plainly_valid(self, X: Any) -> bool:
        """Whether X is what `validate_data` would return as it is, without a warning.

        That function takes ten times as long as a small network does for a hundred rows.
        """
        if not (
            type(X) is np.ndarray
            and X.ndim == 2
            and X.dtype in _FLOATS
            and X.size > 0
            and hasattr(self, "network_")
            and X.shape[1] == self.n_features_in_
            and not hasattr(self, "feature_names_in_")
        ):
            return False
        # The sum of squares is that of finite numbers; where it overflows there is a closer look.
        return math.isfinite(np.vdot(X, X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def offset_ratios(X: Any) -> np.ndarray:
    """How many times its standard deviation a feature is away from zero, where that is far."""
    if sp.issparse(X):
        return np.zeros(X.shape[1])
    # Digits are all that depends on it, and a copy of large data costs memory.
    X = X[:: max(1, len(X) // _ENOUGH_ROWS)]
    with np.errstate(all="ignore"):
        spread = X.std(axis=0, dtype=np.float64)
        ratio = np.abs(X).max(axis=0).astype(np.float64) / spread
    return np.where(np.isfinite(ratio), ratio, 0.0)


def usable_weights(weight: np.ndarray) -> np.ndarray:
    """Weights, or an error if they do not add up to a positive number."""
    if np.any(weight < 0):
        raise ValueError("class_weight must not be negative.")
    with np.errstate(over="ignore"):
        total = weight.sum()
    if not total > 0:
        raise ValueError("Sample weights must contain at least one non-zero number.")
    if not np.isfinite(total):
        raise ValueError("The sum of the sample weights is not finite; use smaller weights.")
    return weight


def as_counts(weight: np.ndarray) -> np.ndarray:
    """The weights, scaled to add up to the number of samples that they are worth.

    Integers are counts: a weight of 3 is three samples of weight one. Others are worth
    (Σ s)²/Σ s², the number of equal ones whose mean varies as much.
    """
    if weight.max() <= _LARGEST_COUNT and np.array_equal(weight, np.rint(weight)):
        return weight
    return reweighted(np.ones_like(weight), weight)


def reweighted(counts: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Counts n times factors f, scaled to add up to what they are worth: (Σ n f)²/Σ n f²."""
    usable_weights(counts * factor)
    factor = factor / factor[counts > 0].max()
    if np.all(factor == 1):
        return counts
    weight = counts * factor
    return weight * (weight.sum() / (weight @ factor))
