"""The penalties by name. A row is the class, and the parameters of an estimator that it takes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .base import Penalty


class PenaltyRow(NamedTuple):
    """Where a penalty is, and what it takes.

    Attributes
    ----------
    place : str
        Module and class; the module, and PyTorch with it, is imported on first use.
    parameters : tuple of str
        Names of the numbers that the class takes, which are parameters of the estimator.
    """

    place: str
    parameters: tuple[str, ...] = ()

    def load(self, parameters: dict[str, Any]) -> Penalty:
        """The penalty that the parameters of an estimator ask for."""
        module, name = self.place.split(":")
        penalty: Penalty = getattr(import_module(module), name)(
            **{one: float(parameters[one]) for one in self.parameters}
        )
        return penalty


PENALTIES = {"lp": PenaltyRow("sklearn_lpnet.penalties.lp:LpPenalty", ("p",))}
