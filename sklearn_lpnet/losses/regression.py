"""Losses of numbers: squared, absolute, Huber and pinball."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from .base import Loss, weighted_mean


@dataclass(frozen=True)
class SquaredError(Loss):
    r"""Half the squared error :math:`\frac12 \sum r^2`."""

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\frac12 \sum r^2`."""
        return 0.5 * (f - y).square().sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        """Return :math:`r`."""
        return f - y

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 1."""
        return torch.ones_like(f)

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted mean."""
        return weighted_mean(y, weight)

    def deviance(self, mean_loss: Any, n_samples: float, n_outputs: int) -> Any:
        r"""Return :math:`N o \log(2 L / o)`, of Gaussian noise of unknown variance."""
        return n_samples * n_outputs * np.log(2 * _by_output(mean_loss, n_outputs))


class _CornerLoss(Loss):
    """What losses share that are linear on either side of a corner."""

    smooth: ClassVar[bool] = False

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 0, the curvature almost everywhere."""
        return torch.zeros_like(f)

    def deviance(self, mean_loss: Any, n_samples: float, n_outputs: int) -> Any:
        r"""Return :math:`2 N o \log(L / o)`, of Laplace noise of unknown scale on either side."""
        return n_samples * n_outputs * (2 * np.log(_by_output(mean_loss, n_outputs)))


@dataclass(frozen=True)
class AbsoluteError(_CornerLoss):
    r"""The absolute error :math:`\sum |r|`."""

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sum |r|`."""
        return (f - y).abs().sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\operatorname{sign}(r)`, the subgradient 0 at a kink."""
        return (f - y).sign()

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted median."""
        return _weighted_quantile(y, weight, 0.5)


@dataclass(frozen=True)
class Huber(Loss):
    r"""Huber's loss, the integral of the residual clipped at ±delta.

    It is :math:`\frac12 r^2` for :math:`|r| \le \delta`, else
    :math:`\delta (|r| - \frac12 \delta)`, summed over outputs.

    Parameters
    ----------
    delta : float, default=1.35
        The residual beyond which the loss is linear, positive.
    """

    delta: float = 1.35

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(f"delta must be positive, got {self.delta}")

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sum t (|r| - \frac12 t)` with :math:`t = \min(|r|, \delta)`."""
        size = (f - y).abs()
        inside = size.clamp(max=self.delta)
        return (inside * (size - 0.5 * inside)).sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`r` clipped to :math:`[-\delta, \delta]`."""
        return (f - y).clamp(-self.delta, self.delta)

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return 1 where :math:`|r| \le \delta`, else 0."""
        return ((f - y).abs() <= self.delta).to(f.dtype)

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return Huber's location, the root of the weighted sum of gradients."""
        return _increasing_root(
            lambda f: weight @ self.gradient(y, f), y.amin(dim=0), y.amax(dim=0)
        )


@dataclass(frozen=True)
class Quantile(_CornerLoss):
    r"""The pinball loss :math:`\sum \max(-q r, (1 - q) r)`.

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile q to predict, in (0, 1).
    """

    quantile: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.quantile < 1:
            raise ValueError(f"quantile must be in the range (0, 1), got {self.quantile}")

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sum \max(-q r, (1 - q) r)`."""
        residual = f - y
        return (residual.relu() - self.quantile * residual).sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        """Return :math:`-q` for r < 0, :math:`1 - q` for r > 0, the subgradient 0 at a kink."""
        sign = (f - y).sign()
        return 0.5 * sign + (0.5 - self.quantile) * sign.abs()

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted quantile."""
        return _weighted_quantile(y, weight, self.quantile)


def _weighted_quantile(y: Tensor, weight: Tensor, quantile: float) -> Tensor:
    """Middle of the interval of weighted quantiles, for each column of y."""
    value, order = y.sort(dim=0)
    below = weight[order].cumsum(dim=0, dtype=torch.float64)
    level = quantile * below[-1]
    last = len(y) - 1
    lower = (below < level).sum(dim=0).clamp(max=last)
    upper = (below <= level).sum(dim=0).clamp(max=last)
    ends = value.gather(0, torch.stack([lower, upper]))
    return ends.mean(dim=0)


def _increasing_root(function: Callable[[Tensor], Tensor], lower: Tensor, upper: Tensor) -> Tensor:
    """Root of an elementwise increasing function in [lower, upper], by bisection."""
    for _ in range(torch.finfo(lower.dtype).bits):
        middle = 0.5 * (lower + upper)
        above = function(middle) > 0
        lower, upper = torch.where(above, lower, middle), torch.where(above, middle, upper)
    return 0.5 * (lower + upper)


def _by_output(mean_loss: Any, n_outputs: int) -> Any:
    """The loss of each output, of which there is a logarithm."""
    return np.maximum(mean_loss, np.finfo(np.float64).tiny) / n_outputs
