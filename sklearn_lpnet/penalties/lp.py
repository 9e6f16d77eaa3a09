"""The ℓp penalty in path coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .base import Penalty


@dataclass(frozen=True)
class LpPenalty(Penalty):
    r"""The price :math:`|\theta|^p` of a weight.

    Parameters
    ----------
    p : float
        Exponent, 0 < p <= 1.
    neuron_price : float, default=0
        What a neuron costs besides its weights.
    """

    p: float
    neuron_price: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.p <= 1:
            raise ValueError(f"p must be in the range (0, 1], got {self.p}")

    @property
    def factor(self) -> float:  # type: ignore[override]
        """The exponent."""
        return self.p

    def value(self, size: Any) -> Any:
        """Return :math:`t^p`."""
        return size**self.p

    def unit_slope_(self, size: Tensor) -> Tensor:
        """Return :math:`t^{p-1}`; at zero it is infinite for p < 1."""
        return size.pow_(self.p - 1)

    def unit_majorizer(self, size: Tensor) -> Tensor:
        """Return :math:`t^{p-2}`."""
        return size ** (self.p - 2)

    def elasticity(self, size: Tensor) -> float:
        """Return :math:`p - 1`."""
        return self.p - 1

    def along(self, rays: Tensor, step: Tensor) -> Tensor:
        """Return what the rays themselves pay, times the steps to the power p."""
        weights: Tensor = self.value(rays.abs()).sum(dim=1) * self.value(step.abs())
        return weights + self.neuron_price
