"""What an estimator's parameters say about training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.base import is_classifier

from ..losses.base import Loss
from ..penalties.lp import LpPenalty
from ..problem.merging import Matrix
from ..problem.problem import Problem, Skip
from ..problem.units import Standardizer
from ..solvers.gradient import adam, proximal
from ..solvers.table import Solver, choose_solver

# With batch_size="auto", the most rows of a full batch, and the rows of a mini-batch otherwise.
_FULL_BATCH, _MINI_BATCH = 4096, 1024
# With max_iter="auto", the iterations on full batches and on mini-batches.
_FULL_STEPS, _MINI_STEPS = 600, 4000


@dataclass(frozen=True)
class Settings:
    """What an estimator's parameters say about training, with every "auto" but alpha's resolved.

    Attributes
    ----------
    loss : Loss
    classification : bool
    alpha : float or "auto"
    solver : Solver
    skip : {"none", "penalized", "free"}
        The affine part that the solver carries.
    skip_becomes_neuron : bool
        Whether the affine part is turned into always-on neurons at the end.
    device : torch.device
    dtype : torch.dtype

    The other attributes are the parameters of the same name.
    """

    loss: Loss
    classification: bool
    p: float
    alpha: float | str
    n_neurons: int
    solver: Solver
    penalize_bias: bool
    fit_intercept: bool
    skip: Skip
    skip_becomes_neuron: bool
    standardize: bool
    max_iter: int | str
    tol: float
    learning_rate: float | str
    batch_size: int | str
    polish: bool
    n_init: int
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    device: torch.device
    dtype: torch.dtype
    verbose: int
    time_limit: float = 10.0

    @classmethod
    def of(cls, estimator: Any, loss: Loss) -> Settings:
        """Read the parameters of an estimator."""
        params = vars(estimator)
        solver = chosen_solver(estimator)
        skip, skip_becomes_neuron = affine_part(
            params["skip_connection"],
            solver,
            free_biases=not params["penalize_bias"],
            fit_intercept=params["fit_intercept"],
        )
        resolved = {
            "loss": loss,
            "classification": is_classifier(estimator),
            "solver": solver,
            "skip": skip,
            "skip_becomes_neuron": skip_becomes_neuron,
            "device": resolve_device(params["device"]),
            "dtype": torch.float64 if solver.interpolates else getattr(torch, params["dtype"]),
        }
        names = cls.__dataclass_fields__.keys()
        return cls(**{name: params[name] for name in names if name in params} | resolved)

    def scaler(self, X: Matrix, y: np.ndarray, weight: np.ndarray) -> Standardizer:
        """The standardisation that these data call for."""
        if not self.standardize:
            return Standardizer.identity(X.shape[1], y.shape[1])
        return Standardizer.fit(
            X,
            y,
            weight,
            # A penalized bias is measured from the origin, and without an intercept zero is
            # a value like no other: both would be lost by centring.
            center_x=self.fit_intercept and not self.penalize_bias,
            center_y=self.fit_intercept and not self.classification,
            scale_y=not self.classification,
        )

    def problem(
        self, X: Matrix, y: np.ndarray, weight: np.ndarray, scaler: Standardizer
    ) -> Problem:
        """The data in the solver's units; alpha is 0 where it has yet to be chosen."""
        return Problem.create(
            X,
            y,
            weight,
            scaler=scaler,
            device=self.device,
            dtype=self.dtype,
            loss=self.loss,
            penalty=LpPenalty(float(self.p)),
            alpha=0.0 if self.alpha == "auto" else float(self.alpha),
            penalize_bias=self.penalize_bias,
            fit_intercept=self.fit_intercept,
            skip=self.skip,
        )

    def rows_a_step(self, n_samples: int) -> int | None:
        """Batch size, None for all rows."""
        if self.batch_size == "auto":
            return None if n_samples <= _FULL_BATCH else _MINI_BATCH
        return None if int(self.batch_size) >= n_samples else int(self.batch_size)

    def steps(self, n_samples: int) -> int:
        """Number of iterations: more of them where a step sees but a part of the rows."""
        if self.max_iter != "auto":
            return int(self.max_iter)
        # The published algorithm counts passes over the data.
        in_passes = not self.solver.minimizes_objective
        full = self.rows_a_step(n_samples) is None
        return _FULL_STEPS if full or in_passes else _MINI_STEPS

    def most_reports(self, n_samples: int) -> int:
        """Number of reporting steps of the solver, if it does not end early."""
        n_steps = self.steps(n_samples)
        if self.solver.minimizes_objective:
            every = max(1, n_steps // proximal.N_REPORTS)
        else:
            every = max(adam.REPORT_EVERY, n_steps // adam.N_REPORTS)
        return -(-n_steps // every)

    def polishes(self, problem: Problem) -> bool:
        """Whether second-order steps follow the solver."""
        return self.polish and self.solver.minimizes_objective and problem.loss.smooth

    def rate(self, n_samples: int) -> float:
        """Learning rate: half of the solver's for mini-batches."""
        if self.learning_rate != "auto":
            return float(self.learning_rate)
        full = self.rows_a_step(n_samples) is None
        return self.solver.learning_rate * (1.0 if full else 0.5)


def resolve_device(device: str) -> torch.device:
    """Return the device of this name, or raise an error that says what there is instead."""
    if device == "cpu":
        return torch.device("cpu")
    n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return torch.device("cuda" if n_gpus else "cpu")
    cuda = re.fullmatch(r"cuda(?::(\d+))?", device)
    if cuda is None:
        raise ValueError(
            f"device={device!r} is unknown; use 'cpu', 'cuda', 'cuda:i' with the number i of a "
            "GPU, or 'auto'."
        )
    if n_gpus == 0:
        raise ValueError(
            f"device={device!r} asks for CUDA, which PyTorch {torch.__version__} does not find "
            "on this machine; use device='cpu', or 'auto' to use a GPU where there is one."
        )
    if int(cuda[1] or 0) >= n_gpus:
        raise ValueError(
            f"device={device!r} is not there: the GPUs found are cuda:0 to cuda:{n_gpus - 1}."
        )
    return torch.device(device)


def chosen_solver(estimator: Any) -> Solver:
    """The solver of an estimator; before it knows its features, there are several."""
    on_a_line = (
        getattr(estimator, "n_features_in_", None) == 1
        and not estimator.penalize_bias
        and estimator.fit_intercept
        and estimator.skip_connection in (True, "auto")
    )
    return choose_solver(estimator.solver, estimator.alpha, on_a_line=on_a_line)


def affine_part(
    skip_connection: bool | str, solver: Solver, *, free_biases: bool, fit_intercept: bool
) -> tuple[Skip, bool]:
    """The affine part that the solver carries, and whether neurons replace it at the end."""
    if solver.name == "univariate":
        _check_univariate(skip_connection, free_biases, fit_intercept)
        return "free", False
    if skip_connection == "penalized" and not solver.penalizes_skip:
        raise ValueError(
            f"skip_connection='penalized' is not available for solver={solver.name!r}; use "
            "skip_connection=True or False, or solver='proximal'."
        )
    if skip_connection == "penalized":
        return "penalized", False
    if skip_connection == "auto":
        return ("penalized" if free_biases and solver.penalizes_skip else "none"), False
    if skip_connection:
        return "free", False
    # A neuron that is on for all data needs a bias that costs nothing, and an intercept to take
    # that bias back.
    if solver.penalizes_skip and free_biases and fit_intercept and not solver.interpolates:
        return "penalized", True
    return "none", False


def _check_univariate(skip_connection: bool | str, free_biases: bool, fit_intercept: bool) -> None:
    asked_for = {
        "skip_connection": (skip_connection, skip_connection in (True, "auto"), "True"),
        "penalize_bias": (not free_biases, free_biases, "False"),
        "fit_intercept": (fit_intercept, fit_intercept, "True"),
    }
    for name, (value, possible, remedy) in asked_for.items():
        if not possible:
            raise ValueError(
                f"{name}={value!r} is not available for solver='univariate', whose affine part "
                f"and biases are free; use {name}={remedy}, or solver='vertex'."
            )
