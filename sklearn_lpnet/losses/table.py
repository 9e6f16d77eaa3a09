"""The losses by name: where each is, and what can be known of it without PyTorch."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .base import Loss


class LossRow(NamedTuple):
    """Where a loss is, and what it takes.

    Attributes
    ----------
    place : str
        Module and class; the module, and PyTorch with it, is imported on first use.
    several : str or None
        The same for more than two classes; None where one class of losses does for all targets.
    parameters : dict of str
        Arguments of the class, and the parameters of the estimator that they are.
    interpolates : bool
        Whether the interpolant of the targets is what small alphas tend to.
    gives_probabilities : bool
        Whether outputs are logits.
    signed : bool
        Whether a single output is trained towards -1 and 1, rather than 0 and 1.
    """

    place: str
    several: str | None = None
    parameters: dict[str, str] = {}
    interpolates: bool = False
    gives_probabilities: bool = False
    signed: bool = False

    def load(self, estimator: Any, *, several: bool = False) -> Loss:
        """The loss that an estimator asks for, with its parameters."""
        module, name = (self.several if several and self.several else self.place).split(":")
        loss: Loss = getattr(import_module(module), name)(
            **{argument: getattr(estimator, one) for argument, one in self.parameters.items()}
        )
        return loss


_NUMBERS, _CLASSES = "sklearn_lpnet.losses.regression", "sklearn_lpnet.losses.classification"

REGRESSION = {
    "squared_error": LossRow(f"{_NUMBERS}:SquaredError", interpolates=True),
    "absolute_error": LossRow(f"{_NUMBERS}:AbsoluteError"),
    "huber": LossRow(f"{_NUMBERS}:Huber", parameters={"delta": "huber_delta"}),
    "quantile": LossRow(f"{_NUMBERS}:Quantile", parameters={"quantile": "quantile"}),
}
CLASSIFICATION = {
    "log_loss": LossRow(
        f"{_CLASSES}:BinaryLogLoss", f"{_CLASSES}:SoftmaxLogLoss", gives_probabilities=True
    ),
    "hinge": LossRow(f"{_CLASSES}:Hinge", f"{_CLASSES}:MulticlassHinge", signed=True),
}
