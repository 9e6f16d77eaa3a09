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
        Of the module and of its function.
    room : str
        The package within this one that has the module.
    learning_rate : float
        What ``learning_rate="auto"`` stands for.
    penalizes_skip : bool
        Whether it can train a penalized skip connection.
    minimizes_objective : bool
        Whether what it minimizes is the objective itself, which polish then takes further.
    interpolates : bool
        Whether it is for alpha = 0. Then the module `interpolation` calls it.
    """

    name: str
    room: str
    learning_rate: float
    penalizes_skip: bool
    minimizes_objective: bool
    interpolates: bool = False

    def load(self) -> Callable[..., Any]:
        """Import the solver."""
        return getattr(import_module(f".{self.room}.{self.name}", __package__), self.name)


SOLVERS = {
    row.name: row
    for row in (
        Solver(
            "adam", "gradient", learning_rate=0.01, penalizes_skip=False, minimizes_objective=False
        ),
        Solver(
            "proximal",
            "gradient",
            learning_rate=0.02,
            penalizes_skip=True,
            minimizes_objective=True,
        ),
        Solver(
            "vertex",
            "interpolation",
            0.0,
            penalizes_skip=True,
            minimizes_objective=True,
            interpolates=True,
        ),
        Solver(
            "univariate",
            "splines",
            0.0,
            penalizes_skip=False,
            minimizes_objective=True,
            interpolates=True,
        ),
    )
}


def choose_solver(solver: str, alpha: float | str, *, on_a_line: bool = False) -> Solver:
    """Return the row of the solver that is asked for, "auto" being the default for `alpha`.

    For alpha = 0 that is "univariate" where it has the right problem, on data `on_a_line`, else
    "vertex".
    """
    interpolating = "univariate" if on_a_line else "vertex"
    row = SOLVERS[(interpolating if alpha == 0 else "proximal") if solver == "auto" else solver]
    if row.interpolates and alpha != 0:
        raise ValueError(
            f"solver={solver!r} interpolates, which is what alpha=0 asks for, but alpha={alpha!r}; "
            "use alpha=0, or solver='proximal'."
        )
    if alpha == 0 and not row.interpolates:
        raise ValueError(
            f"alpha=0 asks for interpolation, but solver={solver!r} minimizes a loss; use a "
            "positive alpha, or solver='vertex', 'univariate' or 'auto'."
        )
    return row
