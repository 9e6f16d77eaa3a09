"""What a penalty has to give, and the soft threshold that shrinks by it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor


class Penalty(ABC):
    r"""A price :math:`g(t)` of a weight's size :math:`t \ge 0`: the penalty is the sum of prices.

    The size is that of one weight, or the Euclidean norm of several that come and go together,
    such as a skip column of several outputs. A price is zero at zero, rises, and is concave. So
    a slope that falls as weights grow is all that a proximal step has to know, and a quadratic
    that touches the price at the present size lies above it.

    A new penalty has to give `value`, `unit_slope_`, `unit_majorizer` and `elasticity`, and a row
    in the table of `penalties.table`.

    Attributes
    ----------
    factor : float
        A constant factor of the slope, which the methods named "unit" leave out. Solvers multiply
        it into alpha once.
    neuron_price : float
        What a neuron costs besides its weights. Gradient steps leave it out; polish knows it.
    """

    factor: float = 1.0
    neuron_price: float = 0.0

    @abstractmethod
    def value(self, size: Any) -> Any:
        """Price of each size; for numbers, arrays and tensors, of their type."""

    @abstractmethod
    def unit_slope_(self, size: Tensor) -> Tensor:
        """Slope :math:`g'(t)` over `factor` of positive sizes, which may be overwritten."""

    @abstractmethod
    def unit_majorizer(self, size: Tensor) -> Tensor:
        r"""Curvature :math:`g'(t) / t` over `factor` of the quadratic that touches g from above."""

    @abstractmethod
    def elasticity(self, size: Tensor) -> Tensor | float:
        r""":math:`t g''(t) / g'(t) \le 0`: the price's curvature in units of the majorizer's."""

    def along(self, rays: Tensor, step: Tensor) -> Tensor:
        """Price of a neuron for each row of `rays`, multiplied by its entry of `step`."""
        weights: Tensor = self.value(rays.abs() * step.abs()[:, None]).sum(dim=1)
        return weights + self.neuron_price


def soft_threshold(u: Tensor, threshold: Tensor | float, *, out: Tensor | None = None) -> Tensor:
    r"""Shrink towards zero: :math:`\operatorname{sign}(u) \max(0, |u| - t)`.

    Parameters
    ----------
    u : Tensor
        Values.
    threshold : Tensor or float
        Nonnegative threshold t that broadcasts with u; infinity gives zero.
    out : Tensor, optional
        Where to write the result.

    Returns
    -------
    Tensor
        Shrunk values, with exact zeros where :math:`|u| \le t`.
    """
    return torch.sub(u, torch.clamp(u, -threshold, threshold), out=out)  # type: ignore[arg-type]
