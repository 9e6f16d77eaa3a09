"""The solvers by name, and which one the parameters of an estimator ask for.

A solver's module, and PyTorch with it, is imported when the solver is first used.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from ..network.parametrization import Parametrization, Skip


class Solver(NamedTuple):
    """One row of the table: a function of the module that bears the solver's name.

    The module also says what the solver needs: ``refuses(objective)`` gives the reason for which
    it cannot minimize an objective, with `loss`, `penalty` and `parametrization`, or None.

    Attributes
    ----------
    name : str
        Of the module and of its function.
    room : str
        The package within this one that has the module.
    learning_rate : float
        What ``learning_rate="auto"`` stands for.
    automatic_skip : {"none", "penalized", "free"}
        What ``skip_connection="auto"`` stands for, with free biases.
    minimizes_objective : bool
        Whether what it minimizes is the objective itself, which polish then takes further.
    interpolates : bool
        Whether it is for alpha = 0. Then it takes plain data in place of a problem.
    """

    name: str
    room: str
    learning_rate: float
    automatic_skip: Skip
    minimizes_objective: bool
    interpolates: bool = False

    def load(self) -> Callable[..., Any]:
        """Import the solver."""
        return getattr(self.module, self.name)

    def refuses(self, objective: Any) -> str | None:
        """Why the solver cannot minimize an objective; None if it can."""
        reason: str | None = self.module.refuses(objective)
        return reason

    @property
    def module(self) -> Any:
        """The module, imported."""
        return import_module(f".{self.room}.{self.name}", __package__)

    def parametrization(self, estimator: Any) -> tuple[Parametrization, bool]:
        """What an estimator's networks have, and whether neurons replace their affine part."""
        return Parametrization.asked_for(
            estimator.skip_connection,
            penalize_bias=estimator.penalize_bias,
            fit_intercept=estimator.fit_intercept,
            automatic=self.automatic_skip,
            trains_affine_neuron=self.minimizes_objective and not self.interpolates,
        )


SOLVERS = {
    row.name: row
    for row in (
        Solver("adam", "gradient", 0.01, "none", minimizes_objective=False),
        Solver("proximal", "gradient", 0.02, "penalized", minimizes_objective=True),
        Solver("vertex", "interpolation", 0.0, "penalized", True, interpolates=True),
        Solver("univariate", "splines", 0.0, "free", True, interpolates=True),
    )
}


def solver_of(estimator: Any) -> Solver:
    """The solver of an estimator; before it knows its features, there are several."""
    free, _ = SOLVERS["univariate"].parametrization(estimator)
    on_a_line = getattr(estimator, "n_features_in_", None) == 1 and free.is_spline
    return choose_solver(estimator.solver, estimator.alpha, on_a_line=on_a_line)


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
