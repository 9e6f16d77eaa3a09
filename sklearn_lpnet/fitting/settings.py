"""What an estimator's parameters say about training."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..losses.base import Loss
from ..network.parametrization import Parametrization
from ..penalties.base import Penalty
from ..penalties.table import PENALTIES
from ..problem.merging import Matrix
from ..problem.problem import Problem
from ..problem.units import Standardizer
from ..solvers.second_order import polish
from ..solvers.table import Solver, solver_of

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
    penalty : Penalty or None
        None for p = 0.
    alpha : float or "auto"
    solver : Solver
    parametrization : Parametrization
        With the affine part that the solver carries.
    skip_becomes_neuron : bool
        Whether the affine part is turned into always-on neurons at the end.
    device : torch.device
    dtype : torch.dtype
    classes : list or None
        Names of the classes, for messages.

    The other attributes are the parameters of the same name.
    """

    loss: Loss
    penalty: Penalty | None
    p: float
    alpha: float | str
    n_neurons: int
    solver: Solver
    parametrization: Parametrization
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
    classes: list[Any] | None = None

    @classmethod
    def of(cls, estimator: Any, loss: Loss) -> Settings:
        """Read the parameters of an estimator."""
        params = vars(estimator)
        solver = solver_of(estimator)
        parametrization, skip_becomes_neuron = solver.parametrization(estimator)
        penalty = PENALTIES[estimator._penalty]
        resolved = {
            "loss": loss,
            "penalty": None if params["p"] == 0 else penalty.load(params),
            "solver": solver,
            "parametrization": parametrization,
            "skip_becomes_neuron": skip_becomes_neuron,
            "device": resolve_device(params["device"]),
            "classes": params["classes_"].tolist() if "classes_" in params else None,
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
            center_x=self.parametrization.allows_shift,
            center_y=self.parametrization.fit_intercept and self.loss.scales_targets,
            scale_y=self.loss.scales_targets,
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
            penalty=self.penalty,
            alpha=0.0 if self.alpha == "auto" else float(self.alpha),
            parametrization=self.parametrization,
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
        return -(-n_steps // self.solver.module.steps_a_report(n_steps))

    def polishes(self, problem: Problem) -> bool:
        """Whether second-order steps follow the solver."""
        return self.polish and self.solver.minimizes_objective and polish.refuses(problem) is None

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
