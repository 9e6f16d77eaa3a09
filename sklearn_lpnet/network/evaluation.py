"""How a network is evaluated: its active neurons laid out for matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from .arrays import FloatArray

# Enough rows to keep a matrix product busy, few enough for the work to stay near the cache.
MAX_BYTES = 2**19
# Beyond a little work, no more rows than leave what there is of a neuron in the nearest cache.
_LITTLE_BYTES, _NEURON_BYTES = 2**18, 2**15
# Where at most this share of the features is read they are picked out of X; otherwise a product
# with all of them takes less time, as long as none is infinite or nan.
FEW_FEATURES = 1 / 2
# Where no bias is more than this many times the weights of its neuron, biases are added to the sum
# of the neurons instead of to each. A neuron that is off then adds the rounding of one that is on.
FAR_OFF = 1e4


class Layout(NamedTuple):
    """Active neurons in one dtype, laid out for matrix products: neurons by rows of X.

    A neuron's inputs over the rows lie side by side, which suits what is done to each of them.
    """

    features: npt.NDArray[np.intp] | None
    theta: FloatArray
    bias: FloatArray
    shift: FloatArray | None
    floor: FloatArray
    direction: FloatArray
    skip: FloatArray | None
    constant: FloatArray

    def preactivations(self, block: FloatArray) -> FloatArray:
        """Inputs of the neurons, of shape (n_active_neurons, n_rows)."""
        inputs = self.theta[: len(self.bias)] @ block.T
        inputs += self.bias
        return inputs

    def outputs(self, block: FloatArray) -> FloatArray:
        # For a hundred rows a call of `dot` takes two thirds of the time of one of `matmul`.
        hidden = np.dot(self.theta, block.T)
        if self.shift is not None:
            hidden += self.shift
        np.maximum(hidden, self.floor, out=hidden)
        result = np.dot(hidden.T, self.direction)
        if self.skip is not None:
            result += block @ self.skip
        result += self.constant
        return result

    def preactivation_range(self, X: Any, max_bytes: int) -> tuple[FloatArray, FloatArray]:
        """Least and greatest input of each active neuron over the rows of a matrix."""
        lowest = np.full(len(self.bias), np.inf)
        highest = np.full(len(self.bias), -np.inf)
        for rows in row_slices(X.shape[0], self.rows_within(max_bytes, X)):
            inputs = self.preactivations(dense_block(X[rows], self))
            np.minimum(lowest, inputs.min(axis=1), out=lowest)
            np.maximum(highest, inputs.max(axis=1), out=highest)
        return lowest, highest

    def rows_within(self, max_bytes: int, X: Any) -> int:
        """Rows of X to take at once, in at most `max_bytes` with those `dense_block` copies."""
        n_neurons, n_features = self.theta.shape
        itemsize = self.constant.itemsize
        in_place = self.features is None and isinstance(X, np.ndarray)
        n_copied = 0 if in_place and X.dtype == self.constant.dtype else n_features
        n_rows = int(max_bytes) // (itemsize * (n_copied + n_neurons + 2 * len(self.constant)))
        if itemsize * n_neurons * X.shape[0] > _LITTLE_BYTES:
            n_rows = min(n_rows, _NEURON_BYTES // itemsize)
        return max(1, n_rows)


@dataclass(eq=False)
class Layouts:
    """The layouts of one network, each made when it is first asked for.

    Attributes
    ----------
    direction, theta, bias, skip : ndarray
        Those of the network.
    constant : ndarray of shape (n_outputs,)
        The intercept and what neurons without input weight add to it.
    active : ndarray of shape (n_neurons,)
        Mask of the neurons with a nonzero input weight.
    features : ndarray
        Indices of the features that are read.
    """

    direction: FloatArray
    theta: FloatArray
    bias: FloatArray
    skip: FloatArray
    constant: FloatArray
    active: npt.NDArray[np.bool_]
    features: npt.NDArray[np.intp]
    _made: dict[tuple[type[np.floating[Any]], bool], Layout] = field(default_factory=dict)

    def get(self, dtype: type[np.floating[Any]], *, finite: bool = False) -> Layout:
        """The layout for inputs of this dtype, float64 where float32 cannot hold the network.

        With `finite`, for inputs that have neither nan nor infinity.
        """
        if dtype == np.float32 and not self._fits_float32:
            dtype = np.float64
        key = dtype, finite and not self._reads_few
        if key not in self._made:
            self._made[key] = self._laid_out(*key)
        return self._made[key]

    @cached_property
    def _reads_few(self) -> bool:
        return len(self.features) <= FEW_FEATURES * self.theta.shape[1]

    @cached_property
    def _fits_float32(self) -> bool:
        limits = np.finfo(np.float32)
        for array in (self.theta, self.bias, self.constant, self.skip):
            size = np.abs(array[array != 0])
            if np.any((size < limits.tiny) | (size > limits.max)):
                return False
        return True

    def _laid_out(self, dtype: type[np.floating[Any]], every_feature: bool) -> Layout:
        features, n_outputs = self.features, len(self.constant)
        picks = not every_feature and len(features) < self.theta.shape[1]
        columns = features if picks else slice(None)
        bias, direction = (part[self.active].astype(dtype) for part in (self.bias, self.direction))
        theta, skip = self.theta[self.active][:, columns].astype(dtype), self.skip[:, columns]
        constant, floor = self.constant.astype(dtype), np.zeros_like(bias)
        shift: FloatArray | None = bias
        if dtype == np.float64 and np.all(np.abs(bias) <= FAR_OFF * np.abs(theta).sum(axis=1)):
            # max(0, z + b) = max(-b, z) + b, and the constant has the sum of a b.
            constant, shift, floor = constant + bias @ direction, None, -bias
        has_skip = bool(self.skip.any())
        if has_skip and n_outputs == 1:
            # The affine part is one more row, which nothing is cut off from.
            theta, direction = np.vstack([theta, skip.astype(dtype)]), np.vstack([direction, [[1]]])
            floor = np.append(floor, -np.inf)
            shift = None if shift is None else np.append(shift, 0)
        return Layout(
            features=features if picks else None,
            theta=np.ascontiguousarray(theta),
            bias=bias[:, None],
            shift=None if shift is None else shift[:, None].astype(dtype),
            floor=floor[:, None].astype(dtype),
            direction=direction.astype(dtype),
            skip=np.ascontiguousarray(skip.T, dtype) if has_skip and n_outputs > 1 else None,
            constant=constant,
        )


def as_matrix(X: Any, n_features: int) -> Any:
    """X as an array or a sparse matrix in rows, if it has so many features."""
    if not isinstance(X, np.ndarray):
        X = X.tocsr() if sparse.issparse(X) else np.asarray(X)
    if X.ndim != 2 or X.shape[1] != n_features:
        raise ValueError(f"X must have shape (n_samples, {n_features}), got {X.shape}")
    return X


def dense_block(X: Any, layout: Layout) -> FloatArray:
    """The features of X that the layout reads, dense and in its dtype."""
    if isinstance(X, np.ndarray):
        # Features chosen so lie one after the other, as the product wants them; `take` is slower.
        block = X if layout.features is None else X[:, layout.features]
    else:
        block = (X if layout.features is None else X[:, layout.features]).toarray()
    return block.astype(layout.constant.dtype, copy=False)


def row_slices(n_samples: int, n_rows: int) -> Iterator[slice]:
    for start in range(0, n_samples, n_rows):
        yield slice(start, start + n_rows)
