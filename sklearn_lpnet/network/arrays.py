"""Powers, norms and comparisons of rows, safe from overflow, and the shapes of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[Any]


def sizes(values: FloatArray) -> FloatArray:
    """Absolute values in float64."""
    return np.abs(values).astype(np.float64, copy=False)


def powers(values: FloatArray, p: float) -> FloatArray:
    """Powers ``|values|**p`` in float64, with ``0**0 = 0``."""
    size = sizes(values)
    return np.where(size > 0, size**p, 0.0)


def row_norms(rows: FloatArray) -> FloatArray:
    """Euclidean norm of each row in float64; squares of tiny or huge entries do no harm."""
    largest = np.abs(rows).max(axis=1, initial=0.0).astype(np.float64)
    unit = rows / np.where(largest > 0, largest, 1.0)[:, None]
    return largest * np.sqrt(np.square(unit).sum(axis=1))


def first_equal_row(rows: FloatArray, rtol: float) -> npt.NDArray[np.intp]:
    """For each row the first one that it equals, entry by entry to a relative tolerance."""
    # Equal rows have equal signs, which leaves few pairs of rows to compare.
    same_signs: dict[bytes, list[int]] = {}
    for k, signs in enumerate(np.sign(rows).astype(np.int8)):
        same_signs.setdefault(signs.tobytes(), []).append(k)
    first = np.arange(len(rows))
    for members in same_signs.values():
        rest = np.array(members)
        while len(rest):
            leader = rows[rest[0]]
            equal = (np.abs(rows[rest] - leader) <= rtol * np.abs(leader)).all(axis=1)
            first[rest[equal]] = rest[0]
            rest = rest[~equal]
    return first


def check_shapes(
    direction: FloatArray,
    theta: FloatArray,
    bias: FloatArray,
    intercept: FloatArray,
    skip: FloatArray,
) -> None:
    """Raise unless the arrays of a network go together."""
    if theta.ndim != 2 or intercept.ndim != 1:
        raise ValueError(
            "theta must have shape (n_neurons, n_features) and intercept (n_outputs,), "
            f"got {theta.shape} and {intercept.shape}"
        )
    (n_neurons, n_features), n_outputs = theta.shape, len(intercept)
    for name, array, shape in (
        ("direction", direction, (n_neurons, n_outputs)),
        ("bias", bias, (n_neurons,)),
        ("skip", skip, (n_outputs, n_features)),
    ):
        if array.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape} to go with theta {theta.shape} and "
                f"intercept {intercept.shape}, got {array.shape}"
            )
