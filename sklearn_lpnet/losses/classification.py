"""Losses of classes and labels: log loss and hinge, of one output or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import one_hot, softplus

from .base import Loss, weighted_mean

# A class without samples would have a logit of minus infinity as its best constant.
_MIN_SHARE = 1e-5


class _ClassLoss(Loss):
    """What losses of classes and labels share."""

    classifies: ClassVar[bool] = True
    scales_targets: ClassVar[bool] = False
    usual_weight: ClassVar[float] = 1.0


class _LogLoss(_ClassLoss):
    """What losses share that are the negative logarithm of a likelihood."""

    def deviance(self, mean_loss: Any, n_samples: float, n_outputs: int) -> Any:
        """Return :math:`2 N L`."""
        return 2 * n_samples * mean_loss


@dataclass(frozen=True)
class BinaryLogLoss(_LogLoss):
    r"""The log loss :math:`\sum \log(1 + e^f) - y f`, y in [0, 1], f the logits of y = 1.

    Several outputs are several labels.
    """

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
        return weighted_mean(y, weight).logit(eps=_MIN_SHARE)


@dataclass(frozen=True)
class SoftmaxLogLoss(_LogLoss):
    r"""The multinomial log loss :math:`\log \sum_j e^{f_j} - \sum_j y_j f_j`, y summing to 1."""

    separable: ClassVar[bool] = False

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
        logit = weighted_mean(y, weight).clamp(min=_MIN_SHARE).log()
        return logit - logit.mean()

    def curvature_terms(self, y: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        r"""Return :math:`\pi`, and the diagonal :math:`\pi (1 - \pi)`."""
        share = f.softmax(dim=-1)
        return share, share * (1 - share)


@dataclass(frozen=True)
class Hinge(_ClassLoss):
    r"""The hinge loss :math:`\sum \max(0, 1 - y f)`, y in {-1, 1}."""

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
class MulticlassHinge(_ClassLoss):
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
        return (weighted_mean(y, weight) > 0.5).to(y.dtype)


def _without_true(y: Tensor, f: Tensor) -> Tensor:
    """Outputs of the other classes, with minus infinity for the true one."""
    return f.masked_fill(y > 0, -torch.inf)
