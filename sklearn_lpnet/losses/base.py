"""What a loss has to give."""

from __future__ import annotations

from typing import ClassVar, Protocol

from torch import Tensor


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


def weighted_mean(y: Tensor, weight: Tensor) -> Tensor:
    return (weight / weight.sum()) @ y
