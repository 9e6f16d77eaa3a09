"""What regression is, of one network or by choice: numbers as targets, and predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import MultiOutputMixin, RegressorMixin

from ..losses.table import REGRESSION
from .base import BaseLpReLU

if TYPE_CHECKING:
    from ..losses.base import Loss


class RegressionMixin(MultiOutputMixin, RegressorMixin, BaseLpReLU):
    """What a regressor and its CV class share."""

    _losses = REGRESSION

    def predict(self, X: Any) -> np.ndarray:
        """Predict targets.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions, in float32 for float32 data, else float64.
        """
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat_targets else outputs

    def _encoded(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[Any, np.ndarray, np.ndarray]:
        X, y, weight = self._validated(X, y, sample_weight, reset=reset, y_numeric=True)
        y = (y.toarray() if sp.issparse(y) else y).astype(np.float64)
        self._flat_targets = y.ndim == 1
        return X, y.reshape(len(y), -1), weight

    def _loss(self) -> Loss:
        return self._losses[self.loss].load(self)
