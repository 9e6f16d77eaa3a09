"""The solvers by name.

A solver's module, and PyTorch with it, is imported when the solver is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple


class Solver(NamedTuple):
    """One row of the table: a function of the module that bears the solver's name.

    Attributes
    ----------
    name : str
        Of the module in this package and of its function.
    learning_rate : float
        What ``learning_rate="auto"`` stands for.
    penalizes_skip : bool
        Whether it can train a penalized skip connection.
    minimizes_objective : bool
        Whether what it minimizes is the objective itself, which polish then takes further.
    """

    name: str
    learning_rate: float
    penalizes_skip: bool
    minimizes_objective: bool

    def load(self) -> Callable[..., Any]:
        """Import the solver."""
        return getattr(import_module(f"{__name__}.{self.name}"), self.name)


SOLVERS = {
    row.name: row
    for row in (
        Solver("adam", learning_rate=0.01, penalizes_skip=False, minimizes_objective=False),
        Solver("proximal", learning_rate=0.02, penalizes_skip=True, minimizes_objective=True),
    )
}


def choose_solver(solver: str, alpha: float | str) -> Solver:
    """Return the row of the solver that is asked for, "auto" being the default for `alpha`."""
    if alpha == 0:
        raise ValueError(
            "alpha=0 asks for the interpolating network of least path norm, for which there is "
            "no solver; use a positive alpha, or alpha='auto'."
        )
    return SOLVERS["proximal" if solver == "auto" else solver]
