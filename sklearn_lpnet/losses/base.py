"""What a loss has to give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from torch import Tensor


class Loss(ABC):
    r"""A function of targets y and outputs f, both in R^o; r = f - y is the residual.

    Targets have shape (N, o); outputs have that shape or (M, N, o), M being a number of models.
    Sums run over outputs.

    A new loss has to give `value`, `gradient`, `curvature` and `constant`, say what it is in the
    attributes, and have a row in the table of `losses.table`. What follows them has a default.

    Attributes
    ----------
    separable : bool
        Whether the loss is a sum of one function for each output.
    smooth : bool
        Whether the gradient is continuous.
    classifies : bool
        Whether targets are classes or labels, as numbers, rather than quantities.
    scales_targets : bool
        Whether targets may be centred and scaled: outputs then are, and the loss is one for these.
    usual_weight : float
        The usual size of a path weight, of outputs for targets of unit variance, or of logits.
    """

    separable: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    classifies: ClassVar[bool] = False
    scales_targets: ClassVar[bool] = True
    usual_weight: ClassVar[float] = 0.3

    @abstractmethod
    def value(self, y: Tensor, f: Tensor) -> Tensor:
        """Loss of each sample, of shape ``f.shape[:-1]``."""

    @abstractmethod
    def gradient(self, y: Tensor, f: Tensor) -> Tensor:
        """First derivatives in f, of shape ``f.shape``."""

    @abstractmethod
    def curvature(self, y: Tensor, f: Tensor) -> Tensor:
        """Second derivatives in f: ``f.shape`` if separable, else ``f.shape + (o,)``."""

    @abstractmethod
    def constant(self, y: Tensor, weight: Tensor) -> Tensor:
        """The constant f of shape (o,) of least loss under sample weights of shape (N,)."""

    def curvature_terms(self, y: Tensor, f: Tensor) -> tuple[Tensor, Tensor]:
        r"""The c of the curvature C, and its diagonal, both of shape (N, o).

        If the loss is separable, C = diag(c). Else :math:`C = \operatorname{diag}(c) - c c^\top`
        with a c that sums to one, and a smooth loss has to give it.
        """
        strength = self.curvature(y, f)
        return strength, strength

    def deviance(self, mean_loss: Any, n_samples: float, n_outputs: int) -> Any:
        """Twice the negative log likelihood at a mean loss, up to a constant; None if it has none.

        For noise of unknown scale that is the scale's own maximum likelihood.
        """
        return None

    def correct(self, y: Any, f: Any) -> Any:
        """For classification, which samples the outputs get right, of shape ``f.shape[:-1]``."""
        if self.separable:
            return ((f > 0) == (y > 0)).all(-1)
        return f.argmax(-1) == y.argmax(-1)

    def strata(self, y: Any) -> Any:
        """The class of each sample, for splits that keep their shares; None if there is none."""
        if not self.classifies or (self.separable and y.shape[1] > 1):
            return None
        return y[:, 0] if self.separable else y.argmax(axis=1)


def weighted_mean(y: Tensor, weight: Tensor) -> Tensor:
    return (weight / weight.sum()) @ y
