"""Data for interpolation: checked, sorted, each point once."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...network.dates import refuse_dates

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]


def distinct_points(X: Any, y: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Check data that are to be interpolated, and merge equal rows.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features) or (n_samples,)
        Inputs; one-dimensional for a single feature.
    y : array-like of shape (n_samples,)
        Targets.

    Returns
    -------
    points : ndarray of shape (n_points, n_features)
        The distinct rows of X in lexicographic order.
    targets : ndarray of shape (n_points,)
        Their labels.
    """
    refuse_dates(X, "X")
    refuse_dates(y, "y")
    inputs = np.asarray(X, dtype=np.float64)
    inputs = inputs[:, None] if inputs.ndim == 1 else inputs
    targets = np.asarray(y, dtype=np.float64)
    if inputs.ndim != 2 or targets.shape != inputs.shape[:1] or not inputs.size:
        raise ValueError(
            "X must have shape (n_samples, n_features) and y (n_samples,), with at least one "
            f"sample and feature, got {np.shape(X)} and {np.shape(y)}."
        )
    for name, values in (("X", inputs), ("y", targets)):
        if not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0, 0])
            raise ValueError(f"{name} must be finite, got {values[row]} in row {row}. Drop it.")
    rows = distinct_rows(inputs, targets, np.arange(len(targets)))
    return inputs[rows], targets[rows]


def distinct_rows(
    X: FloatArray, y: FloatArray, rows: IntArray, *, other_remedy: str = ""
) -> IntArray:
    """Of these rows one of each set of equal ones, in lexicographic order of X.

    Where labels of equal rows differ, an error says to average over them, or the other remedy.
    """
    order = rows[np.lexsort(X[rows].T[::-1])]
    repeated = np.all(X[order[1:]] == X[order[:-1]], axis=1)
    clash = np.flatnonzero(repeated & (y[order[1:]] != y[order[:-1]]))
    if len(clash):
        i, j = order[clash[0] :][:2].tolist()
        raise ValueError(
            f"X has the equal rows {i} and {j}, but y is {float(y[i])!r} in one and "
            f"{float(y[j])!r} in the other. No function interpolates both; average y over equal "
            f"rows{other_remedy}."
        )
    return order[np.append(True, ~repeated)]
