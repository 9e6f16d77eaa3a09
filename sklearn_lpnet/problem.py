"""The training problem: rows, labels, weights, loss and penalty on one device.

The estimator speaks the user's units and NumPy; a solver speaks standardised units and
PyTorch. This module is the door between the two: :class:`Standardizer` carries data in
and networks out, :class:`Problem` is all that a solver needs to know.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
import torch

from .losses import Loss
from .network import Network
from .penalty import LpPenalty

Skip = Literal["none", "penalized", "free"]
Matrix: TypeAlias = "np.ndarray | TakenRows | sp.csr_array"

#: A loss this much above the constant's is that of a network that has gone astray.
LOSS_TOLERANCE = 1e-2
#: Entries of a block of rows that one pass over the data holds at a time.
BLOCK_ENTRIES = 1 << 20


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


@dataclass(frozen=True)
class Problem:
    """F = Σ_i s_i ℓ(y_i, f(x_i)) / Σ_i s_i + alpha R_p, in the solver's units.

    Attributes
    ----------
    rows : DenseRows or SparseRows
        N rows of d features and a one.
    y : tensor of shape (N, o)
    weight : tensor of shape (N,)
        Sample weights, normalised to sum to one.
    loss : Loss
    penalty : LpPenalty
    alpha : float
    penalize_bias, fit_intercept : bool
    skip : {"none", "penalized", "free"}
        The affine part of the network.
    """

    rows: DenseRows | SparseRows
    y: torch.Tensor
    weight: torch.Tensor
    loss: Loss
    penalty: LpPenalty
    alpha: float
    penalize_bias: bool = False
    fit_intercept: bool = True
    skip: Skip = "penalized"

    @classmethod
    def create(
        cls,
        X: Matrix,
        y: np.ndarray,
        weight: np.ndarray,
        *,
        scaler: Standardizer,
        device: torch.device,
        dtype: torch.dtype,
        **settings: Any,
    ) -> Problem:
        """Bring NumPy data in the user's units to the device in the solver's."""
        rows: DenseRows | SparseRows
        kind = SparseRows if sp.issparse(X) else DenseRows
        rows = kind(X, scaler, device, dtype)
        return cls(
            rows,
            torch.as_tensor(scaler.labels(y), dtype=dtype, device=device),
            torch.as_tensor(weight / weight.sum(), dtype=dtype, device=device),
            **settings,
        )

    @property
    def n_samples(self) -> int:
        return len(self.rows)

    @property
    def n_features(self) -> int:
        return self.rows.width - 1

    @property
    def n_outputs(self) -> int:
        return self.y.shape[1]

    @property
    def device(self) -> torch.device:
        return self.y.device

    @property
    def dtype(self) -> torch.dtype:
        return self.y.dtype

    def first_rows(self, n: int, dtype: torch.dtype) -> Problem:
        """The problem on its first n rows, in another dtype.

        `merge_rows` leaves the rows in an order that has nothing to do with their values,
        so the first n are a sample.
        """
        rows = DenseRows.__new__(DenseRows)
        rows.tensor = self.rows.take(slice(0, n)).to(dtype)
        weight = self.weight[:n].to(dtype)
        return replace(self, rows=rows, y=self.y[:n].to(dtype), weight=weight / weight.sum())

    def fits_one_block(self, width: int) -> bool:
        """Whether all rows, `width` values each, may be held at once."""
        return self.n_samples * max(width, self.rows.width) <= BLOCK_ENTRIES

    def path_norm(self, network: Network) -> float:
        """R_p of a network, with what this problem penalises."""
        return network.path_norm(
            self.penalty.p,
            penalize_bias=self.penalize_bias,
            penalize_skip=self.skip == "penalized",
        )

    def empirical_loss(self, network: Network) -> float:
        """Weighted mean of the loss, in float64."""
        device, wide = self.device, torch.float64
        theta1 = torch.as_tensor(np.column_stack([network.theta, network.bias]), device=device)
        skip1 = torch.as_tensor(np.column_stack([network.skip, network.intercept]), device=device)
        direction = torch.as_tensor(network.direction, device=device)
        total = 0.0
        for rows, X1 in self.rows.blocks(network.n_neurons + network.n_outputs):
            X1 = X1.to(wide)
            f = torch.relu(X1 @ theta1.to(wide).T) @ direction.to(wide) + X1 @ skip1.to(wide).T
            total += float(self.weight[rows].to(wide) @ self.loss.value(self.y[rows].to(wide), f))
        return total

    def constant_network(self) -> Network:
        """The best network that reads nothing: zero where there is no intercept."""
        intercept = np.zeros(self.n_outputs)
        if self.fit_intercept:
            intercept = self.loss.constant(self.y, self.weight).cpu().numpy()
        return Network.empty(self.n_features, intercept.astype(np.float64))

    def is_astray(self, network: Network) -> bool:
        """Whether a network's loss is not finite, or well above that of the best constant."""
        bound = self.empirical_loss(self.constant_network())
        return not self.empirical_loss(network) <= bound + LOSS_TOLERANCE * (1 + bound)

    def objective(self, network: Network) -> float:
        """F of a network, in float64."""
        return self.empirical_loss(network) + self.alpha * self.path_norm(network)


@dataclass(frozen=True)
class Progress:
    """What a solver tells its monitor at a reporting step.

    Attributes
    ----------
    iteration : int
    objective, loss : float
        F and the mean loss of the best model so far.
    n_active_neurons, n_nonzero_weights : int
    settled : bool
        False while the network is still being thinned out: too early to stop.
    network : callable
        Builds the present `Network` on demand.
    """

    iteration: int
    objective: float
    loss: float
    n_active_neurons: int
    n_nonzero_weights: int
    settled: bool
    network: Callable[[], Network]


#: Called at reporting steps; True ends the training.
Monitor = Callable[[Progress], bool]


@dataclass
class Report:
    """How a training run went.

    Attributes
    ----------
    n_iter : int
    converged : bool
    interrupted : bool
        Ended by KeyboardInterrupt.
    diverged : bool
        The objective left the finite numbers, or ended above that of the constant network.
    history : dict of list
        iteration, objective, loss, n_active_neurons, n_nonzero_weights at reporting steps.
    other_starts : list of Network
        Where the other random starts ended, by increasing F.
    """

    n_iter: int = 0
    converged: bool = False
    interrupted: bool = False
    diverged: bool = False
    history: dict[str, list[float]] = field(
        default_factory=lambda: {
            "iteration": [],
            "objective": [],
            "loss": [],
            "n_active_neurons": [],
            "n_nonzero_weights": [],
        }
    )
    other_starts: list[Network] = field(default_factory=list)

    def record(self, progress: Progress) -> None:
        """Append one reporting step."""
        for name, column in self.history.items():
            column.append(getattr(progress, name))


class TakenRows:
    """The rows of an array without repetitions, in an order of their own, gathered when read.

    Attributes
    ----------
    X : ndarray of shape (n, d)
    index : ndarray of int
    shape : tuple of int
    """

    def __init__(self, X: np.ndarray, index: np.ndarray) -> None:
        self.X, self.index = X, index
        self.shape = (len(index), X.shape[1])

    def __getitem__(self, key: Any) -> np.ndarray:
        rows, *columns = key if isinstance(key, tuple) else (key,)
        return self.X[(self.index[rows], *columns)]


def stored(X: Matrix) -> np.ndarray | sp.csr_array:
    """The rows as they are stored, for what depends neither on their order nor on repetitions."""
    return X.X if isinstance(X, TakenRows) else X


def merge_rows(
    X: np.ndarray | sp.csr_array, y: np.ndarray, weight: np.ndarray
) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Equal rows (x, y) become one with their weights added, in an order of their own.

    The order is a fixed shuffle of the lexicographic one. So a fit does not depend on the
    order of the rows, nor on their units; a weight of 3 is the same, to the last bit, as
    the row three times; and the first n rows are a sample of all. Rows of weight zero go.
    """
    if not np.all(weight > 0):
        keep = np.flatnonzero(weight > 0)
        X, y, weight = X[keep], y[keep], weight[keep]
    order, first = _lexicographic_order(itertools.chain(_columns(X), y.T), len(y))
    head = order[first]
    total = np.bincount(np.cumsum(first) - 1, weights=weight[order])
    shuffle = np.random.default_rng(0).permutation(len(head))
    head = head[shuffle]
    rows = X[head] if sp.issparse(X) else TakenRows(X, head)
    return rows, y[head], total[shuffle]


def _columns(X: Any) -> Iterator[np.ndarray]:
    """The columns of an array or a CSR matrix, one at a time."""
    if not sp.issparse(X):
        yield from X.T
        return
    by_column = X.tocsc()
    for j in range(X.shape[1]):
        yield by_column[:, [j]].toarray().ravel()


def _lexicographic_order(columns: Iterable[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows in order, and which of them differ from the one before.

    A column is looked at only for the rows that the columns before it have not told apart.
    """
    order = np.arange(n)
    first = order == 0
    for column in columns:
        last = np.append(first[1:], True)
        tied = np.flatnonzero(~(first & last))
        if len(tied) == 0:
            break
        group = np.cumsum(first)[tied]
        value = column[order[tied]]
        rank = np.lexsort((value, group))
        value, order[tied] = value[rank], order[tied[rank]]
        first[tied[1:]] |= value[1:] != value[:-1]
    return order, first


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


def _row_slices(n: int, width: int) -> Iterator[slice]:
    step = max(1, BLOCK_ENTRIES // max(width, 1))
    for low in range(0, n, step):
        yield slice(low, min(low + step, n))
