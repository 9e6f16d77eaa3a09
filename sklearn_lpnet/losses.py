"""Losses with their gradients and curvatures, in closed form.

All of them share one interface, :class:`Loss`. For a sample, y are the targets and f the outputs
of the network, both in R^o; r = f - y is the residual. Sums run over outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.nn.functional import one_hot, softplus

# A class without samples would have a logit of minus infinity as its best constant.
_MIN_SHARE = 1e-5


class Loss(Protocol):
    """What a solver asks of a loss.

    Targets y have shape (N, o); outputs f have that shape or (M, N, o), M being a number of models.

    Attributes
    ----------
    separable : bool
        Whether the loss is a sum of one function for each output.
    smooth : bool
        Whether the gradient is continuous.
    """

    separable: ClassVar[bool]
    smooth: ClassVar[bool]

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        """Loss of each sample, of shape ``f.shape[:-1]``."""

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        """First derivatives in f, of shape ``f.shape``."""

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Second derivatives in f: ``f.shape`` if separable, else ``f.shape + (o,)``."""

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """The constant f of shape (o,) of least loss under sample weights of shape (N,)."""


@dataclass(frozen=True)
class SquaredError:
    r"""Half the squared error :math:`\frac12 \sum r^2`."""

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

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
        return _weighted_mean(y, weight)


@dataclass(frozen=True)
class AbsoluteError:
    r"""The absolute error :math:`\sum |r|`."""

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = False

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sum |r|`."""
        return (f - y).abs().sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\operatorname{sign}(r)`, the subgradient 0 at a kink."""
        return (f - y).sign()

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 0, the curvature almost everywhere."""
        return torch.zeros_like(f)

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted median."""
        return _weighted_quantile(y, weight, 0.5)


@dataclass(frozen=True)
class Huber:
    r"""Huber's loss, the integral of the residual clipped at ±delta.

    It is :math:`\frac12 r^2` for :math:`|r| \le \delta`, else
    :math:`\delta (|r| - \frac12 \delta)`, summed over outputs.

    Parameters
    ----------
    delta : float, default=1.35
        The residual beyond which the loss is linear, positive.
    """

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
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
class Quantile:
    r"""The pinball loss :math:`\sum \max(-q r, (1 - q) r)`.

    Parameters
    ----------
    quantile : float, default=0.5
        The quantile q to predict, in (0, 1).
    """

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
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

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 0, the curvature almost everywhere."""
        return torch.zeros_like(f)

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the weighted quantile."""
        return _weighted_quantile(y, weight, self.quantile)


@dataclass(frozen=True)
class BinaryLogLoss:
    r"""The log loss :math:`\sum \log(1 + e^f) - y f`, y in [0, 1], f the logits of y = 1.

    Several outputs are several labels.
    """

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = True

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sum \log(1 + e^{(1 - 2y) f})` for labels y, which loses no digits."""
        label = y.round()
        return (softplus((1 - 2 * label) * f) + (label - y) * f).sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sigma(f) - y`."""
        return f.sigmoid() - y

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sigma(f) \sigma(-f)`."""
        return f.sigmoid() * (-f).sigmoid()

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the logit of the weighted share of ones, kept away from 0 and 1."""
        return _weighted_mean(y, weight).logit(eps=_MIN_SHARE)


@dataclass(frozen=True)
class SoftmaxLogLoss:
    r"""The multinomial log loss :math:`\log \sum_j e^{f_j} - \sum_j y_j f_j`, y summing to 1."""

    separable: ClassVar[bool] = False
    smooth: ClassVar[bool] = True

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\log \sum_j e^{f_j - f_{\mathrm{true}}}`, which loses no digits."""
        return (f - (y * f).sum(dim=-1, keepdim=True)).logsumexp(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\operatorname{softmax}(f) - y`."""
        return f.softmax(dim=-1) - y

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\operatorname{diag}(\pi) - \pi \pi^\top`, :math:`\pi` the softmax of f."""
        share = f.softmax(dim=-1)
        return torch.diag_embed(share) - share.unsqueeze(-1) * share.unsqueeze(-2)

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the centred logarithms of the weighted shares, kept away from 0."""
        logit = _weighted_mean(y, weight).clamp(min=_MIN_SHARE).log()
        return logit - logit.mean()


@dataclass(frozen=True)
class Hinge:
    r"""The hinge loss :math:`\sum \max(0, 1 - y f)`, y in {-1, 1}."""

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = False

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\sum \max(0, 1 - y f)`."""
        return (1 - y * f).relu().sum(dim=-1)

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        """Return :math:`-y` where :math:`y f < 1`, else 0."""
        return -y * (y * f < 1)

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 0, the curvature almost everywhere."""
        return torch.zeros_like(f)

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return the label of the weighted majority, 0 in a tie."""
        return (weight @ y).sign()


@dataclass(frozen=True)
class MulticlassHinge:
    r"""Crammer and Singer's hinge loss, y one-hot.

    .. math:: \max(0, 1 - f_{\mathrm{true}} + \max_{j \ne \mathrm{true}} f_j)
    """

    separable: ClassVar[bool] = False
    smooth: ClassVar[bool] = False

    def value(self, y: Tensor, f: Tensor) -> Tensor:
        r"""Return :math:`\max(0, 1 - f_{\mathrm{true}} + \max_{j \ne \mathrm{true}} f_j)`."""
        return (1 - (y * f).sum(dim=-1) + _without_true(y, f).amax(dim=-1)).relu()

    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 1 for the best other class, -1 for the true one, where the loss is positive."""
        rival = one_hot(_without_true(y, f).argmax(dim=-1), f.shape[-1])
        return (rival - y) * (self.value(y, f) > 0).unsqueeze(-1)

    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Return 0, the curvature almost everywhere."""
        return f.new_zeros((*f.shape, f.shape[-1]))

    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """Return 1 for a class with more than half of the weight, 0 for the others."""
        # With share s of that class the loss is 2 (1 - s); equal outputs have loss 1.
        return (_weighted_mean(y, weight) > 0.5).to(y.dtype)


def _without_true(y: Tensor, f: Tensor) -> Tensor:
    """Outputs of the other classes, with minus infinity for the true one."""
    return f.masked_fill(y > 0, -torch.inf)


def _weighted_mean(y: Tensor, weight: Tensor) -> Tensor:
    return (weight / weight.sum()) @ y


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
