"""How a network is evaluated: its active neurons laid out for matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

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
