"""The training problem: rows, labels, weights, loss and penalty on one device.

The estimator speaks the user's units and NumPy; a solver speaks standardised units and
PyTorch. A :class:`Problem` is all that a solver needs to know; :class:`.units.Standardizer`
carries data in and networks out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch

from ..losses.base import Loss
from ..network.network import Network
from ..network.parametrization import Parametrization
from ..penalties.base import Penalty
from .merging import Matrix
from .rows import BLOCK_ENTRIES, DenseRows, SparseRows
from .units import Standardizer

#: A loss this much above the constant's is that of a network that has gone astray.
LOSS_TOLERANCE = 1e-2


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
    n_effective : float
        The number of samples that the rows are worth, for what depends on how many there are.
        It is what the weights sum to before.
    loss : Loss
    penalty : Penalty
    alpha : float
    parametrization : Parametrization
        What of a network is penalized, what is free, and what there is not.
    """

    rows: DenseRows | SparseRows
    y: torch.Tensor
    weight: torch.Tensor
    n_effective: float
    loss: Loss
    penalty: Penalty
    alpha: float
    parametrization: Parametrization

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
        """Bring NumPy data in the user's units to the device in the solver's.

        The weights sum to the number of samples that the rows are worth.
        """
        rows: DenseRows | SparseRows
        kind = SparseRows if sp.issparse(X) else DenseRows
        rows = kind(X, scaler, device, dtype)
        return cls(
            rows,
            torch.as_tensor(scaler.labels(y), dtype=dtype, device=device),
            torch.as_tensor(weight / weight.sum(), dtype=dtype, device=device),
            float(weight.sum()),
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
        share = weight.sum()
        return replace(
            self,
            rows=rows,
            y=self.y[:n].to(dtype),
            weight=weight / share,
            n_effective=self.n_effective * float(share),
        )

    def fits_one_block(self, width: int) -> bool:
        """Whether all rows, `width` values each, may be held at once."""
        return self.n_samples * max(width, self.rows.width) <= BLOCK_ENTRIES

    def path_norm(self, network: Network) -> float:
        """R_p of a network, with what this problem penalises."""
        weights = self.parametrization.price(network, self.penalty.value)
        return weights + self.penalty.neuron_price * network.n_active_neurons

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
        if self.parametrization.fit_intercept:
            intercept = self.loss.constant(self.y, self.weight).cpu().numpy()
        return Network.empty(self.n_features, intercept.astype(np.float64))

    def is_astray(self, network: Network) -> bool:
        """Whether a network's loss is not finite, or well above that of the best constant."""
        bound = self.empirical_loss(self.constant_network())
        return not self.empirical_loss(network) <= bound + LOSS_TOLERANCE * (1 + bound)

    def objective(self, network: Network) -> float:
        """F of a network, in float64."""
        return self.empirical_loss(network) + self.alpha * self.path_norm(network)
