"""Standardised units: data in, networks out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..network.network import Network
from .merging import Matrix, stored


@dataclass(frozen=True)
class Standardizer:
    """Affine maps X → (X − x_mean)/x_scale and y → (y − y_mean)/y_scale.

    Attributes
    ----------
    x_mean, x_scale : ndarray of shape (n_features,)
    y_mean, y_scale : ndarray of shape (n_outputs,)
    """

    x_mean: np.ndarray
    x_scale: np.ndarray
    y_mean: np.ndarray
    y_scale: np.ndarray

    @classmethod
    def identity(cls, n_features: int, n_outputs: int) -> Standardizer:
        """The map that changes nothing."""
        return cls(
            np.zeros(n_features), np.ones(n_features), np.zeros(n_outputs), np.ones(n_outputs)
        )

    @classmethod
    def fit(
        cls,
        X: Matrix,
        y: np.ndarray,
        weight: np.ndarray,
        *,
        center_x: bool,
        center_y: bool,
        scale_y: bool,
    ) -> Standardizer:
        """Weighted means and standard deviations; for a constant column, its size.

        With ``center_x=False`` the scale is still the standard deviation, so that a shift
        is the only thing left undone.
        """
        x_mean, x_scale = _column_moments(X, weight)
        y_mean, y_scale = _column_moments(y, weight)
        zeros_x, zeros_y = np.zeros_like(x_mean), np.zeros_like(y_mean)
        return cls(
            x_mean if center_x else zeros_x,
            x_scale,
            y_mean if center_y else zeros_y,
            y_scale if scale_y else np.ones_like(y_scale),
        )

    def labels(self, y: np.ndarray) -> np.ndarray:
        """Labels in the solver's units."""
        return (y - self.y_mean) / self.y_scale

    def to_user(self, network: Network) -> Network:
        """The same function in the user's units."""
        return network.fold_scaling(self.x_mean, self.x_scale, self.y_mean, self.y_scale)

    def from_user(self, network: Network) -> Network:
        """The same function in the solver's units; the inverse of `to_user`."""
        return network.fold_scaling(
            -self.x_mean / self.x_scale,
            1 / self.x_scale,
            -self.y_mean / self.y_scale,
            1 / self.y_scale,
        )


def _column_moments(A: Any, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted mean and standard deviation of each column, safe from overflow."""
    share = weight / weight.sum()
    high, low = _column_extremes(A)
    unit = np.maximum(abs(high), abs(low))
    unit[unit == 0] = 1.0
    if sp.issparse(A):
        scaled = A.multiply(1 / unit).tocsr()
        mean = scaled.T @ share
        variance = np.maximum(scaled.multiply(scaled).T @ share - mean**2, 0.0)
        rounding = 16 * np.finfo(np.float64).eps
    else:
        mean, variance = np.empty(A.shape[1]), np.empty(A.shape[1])
        for j in range(A.shape[1]):
            column = A[:, j] / unit[j]
            mean[j] = share @ column
            variance[j] = share @ (column - mean[j]) ** 2
        rounding = (16 * np.finfo(np.float64).eps) ** 2
    constant = (high == low) | (variance <= rounding * mean**2)
    return (
        np.where(constant, low / 2 + high / 2, mean * unit),
        np.where(constant, unit, np.sqrt(variance) * unit),
    )


def _column_extremes(A: Matrix) -> tuple[np.ndarray, np.ndarray]:
    A = stored(A)
    extremes = (A.max(axis=0), A.min(axis=0))
    if sp.issparse(A):
        extremes = tuple(e.toarray().ravel() for e in extremes)
    high, low = (np.asarray(e, dtype=np.float64) for e in extremes)
    return high, low
