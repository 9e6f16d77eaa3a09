"""The ℓp penalty in path coordinates and its reweighted soft threshold."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LpPenalty:
    r"""The penalty :math:`\sum_{kj} |\theta_{kj}|^p`.

    Parameters
    ----------
    p : float
        Exponent, 0 < p <= 1.
    """

    p: float

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError(f"p must be in the range (0, 1], got {self.p}")

    def value(self, theta: Tensor) -> Tensor:
        r"""Penalty :math:`\sum_{kj} |\theta_{kj}|^p` of each model.

        Parameters
        ----------
        theta : Tensor of shape (..., n_neurons, n_features)
            Path coordinates, after any number of model axes.

        Returns
        -------
        Tensor of shape (...)
            Sums over the last two axes.
        """
        return theta.abs().pow(self.p).sum(dim=(-2, -1))

    def weights(self, theta: Tensor, eps: float) -> Tensor:
        r"""Weights :math:`p (|\theta| + \varepsilon)^{p-1}` of the reweighted ℓ1 penalty.

        They are the slope of the penalty, smoothed at zero.

        Parameters
        ----------
        theta : Tensor
            Path coordinates, of any shape.
        eps : float
            Smoothing, nonnegative. With 0 and p < 1 a zero has an infinite weight.

        Returns
        -------
        Tensor
            Weights of the shape of theta.
        """
        return self.p * (theta.abs() + eps).pow(self.p - 1)
