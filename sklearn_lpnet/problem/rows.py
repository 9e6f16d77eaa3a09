"""The rows of X as a solver reads them: standardised, with a one, on its device."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp
import torch

from .merging import TakenRows
from .units import Standardizer

#: Entries of a block of rows that one pass over the data holds at a time.
BLOCK_ENTRIES = 1 << 20


class DenseRows:
    """Standardised rows with a trailing column of ones, all on the device."""

    def __init__(
        self,
        X: np.ndarray | TakenRows,
        scaler: Standardizer,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        n, d = X.shape
        self.tensor = torch.empty((n, d + 1), dtype=dtype, device=device)
        step = max(1, BLOCK_ENTRIES // (d + 1))
        for low in range(0, n, step):
            block = (X[low : low + step] - scaler.x_mean) / scaler.x_scale
            self.tensor[low : low + step, :d] = torch.as_tensor(block)
        self.tensor[:, d] = 1.0

    def __len__(self) -> int:
        return self.tensor.shape[0]

    @property
    def width(self) -> int:
        """Number of columns, the ones included."""
        return self.tensor.shape[1]

    def take(self, index: torch.Tensor | slice) -> torch.Tensor:
        """The rows of `index`."""
        return self.tensor[index]

    def all(self) -> torch.Tensor:
        """Every row."""
        return self.tensor

    def blocks(self, width: int) -> Iterator[tuple[slice, torch.Tensor]]:
        """Consecutive blocks of rows, small enough for `width` values a row."""
        for rows in _row_slices(len(self), max(width, self.width)):
            yield rows, self.tensor[rows]


class SparseRows:
    """CSR rows on the host, standardised and made dense a block at a time."""

    def __init__(
        self, X: sp.csr_array, scaler: Standardizer, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.X, self.scaler, self.device, self.dtype = X, scaler, device, dtype

    def __len__(self) -> int:
        return self.X.shape[0]

    @property
    def width(self) -> int:
        """Number of columns, the ones included."""
        return self.X.shape[1] + 1

    def take(self, index: torch.Tensor | slice) -> torch.Tensor:
        """The rows of `index`, dense."""
        return self._dense(self.X[index if isinstance(index, slice) else index.cpu().numpy()])

    def all(self) -> torch.Tensor:
        """Every row, dense: for data that fit one block."""
        return self._dense(self.X)

    def blocks(self, width: int) -> Iterator[tuple[slice, torch.Tensor]]:
        """Consecutive blocks of dense rows, small enough for `width` values a row."""
        for rows in _row_slices(len(self), max(width, self.width)):
            yield rows, self._dense(self.X[rows])

    def _dense(self, X: sp.csr_array) -> torch.Tensor:
        return DenseRows(X.toarray(), self.scaler, self.device, self.dtype).tensor


def _row_slices(n: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK_ENTRIES // max(width, 1))
    for low in range(0, n, step):
        yield slice(low, min(low + step, n))
