"""One pass over the rows, for data that arrive in parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..problem.merging import Matrix, merge_rows
from ..problem.progress import Report
from ..problem.units import Standardizer
from ..solvers.gradient.proximal import proximal_partial
from .outcome import Trained
from .results import column_range, progress_of, trained_from
from .settings import Settings
from .single import draw_seed, with_alpha
from .threads import threads_for


def train_partial(
    settings: Settings,
    X: Matrix,
    y: np.ndarray,
    weight: np.ndarray,
    *,
    rng: np.random.RandomState,
    state: dict[str, Any] | None,
) -> tuple[Trained, dict[str, Any]]:
    """Make one pass over the rows, in the units and with the alpha of the first pass.

    The state holds NumPy arrays and numbers only, and is None before the first pass.
    """
    seed = draw_seed(rng)
    X, y, weight = merge_rows(X, y, weight)
    if state is None:
        state = _first_state(settings.scaler(X, y, weight))
    scaler = Standardizer(**state["scaler"])
    if len(scaler.y_mean) != y.shape[1]:
        raise ValueError(
            f"y has {y.shape[1]} outputs, but {len(scaler.y_mean)} at the first call to "
            "partial_fit."
        )
    problem = settings.problem(X, y, weight, scaler)
    lower, upper = column_range(X)
    lower, upper = np.minimum(lower, state["lower"]), np.maximum(upper, state["upper"])
    report = Report(
        n_iter=state["n_iter"] + 1,
        history={name: list(column) for name, column in state["history"].items()},
    )
    with threads_for(settings, problem):
        if state["alpha"] is None:
            problem = with_alpha(settings, problem, seed)
        else:
            problem = replace(problem, alpha=state["alpha"])
        network, solver_state = proximal_partial(
            problem,
            state["solver"],
            n_neurons=settings.n_neurons,
            learning_rate=settings.rate(problem.n_samples),
            seed=seed,
        )
        network = scaler.to_user(network)
        trained = trained_from(settings, problem, scaler, network, (lower, upper), report)
    report.record(progress_of(problem, scaler.from_user(network), report.n_iter))
    return trained, {
        **state,
        "alpha": problem.alpha,
        "solver": solver_state,
        "history": report.history,
        "n_iter": report.n_iter,
        "lower": lower,
        "upper": upper,
    }


def _first_state(scaler: Standardizer) -> dict[str, Any]:
    """The state before the first pass, with the units of all passes."""
    n_features = len(scaler.x_mean)
    return {
        "scaler": {name: getattr(scaler, name) for name in scaler.__dataclass_fields__},
        "alpha": None,
        "solver": None,
        "history": Report().history,
        "n_iter": 0,
        "lower": np.full(n_features, np.inf),
        "upper": np.full(n_features, -np.inf),
    }
