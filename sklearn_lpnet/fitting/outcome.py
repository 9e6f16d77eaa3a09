"""What a training run leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..network.network import Network
from ..problem.progress import Report
from ..solvers.splines.univariate import Interpolant


@dataclass(frozen=True)
class Outcome:
    """How a fit has ended, and what its user should know of that.

    Attributes
    ----------
    interrupted : bool
        Ended by KeyboardInterrupt.
    diverged : bool
        The constant network takes the place of one that has gone astray.
    converged : bool
    why : str
        What to warn of; empty if there is nothing.
    """

    interrupted: bool = False
    diverged: bool = False
    converged: bool = True
    why: str = ""


@dataclass(frozen=True)
class Trained:
    """What a training run leaves behind.

    Attributes
    ----------
    network : Network
        In the user's units.
    alpha, objective, loss, path_norm : float
        The penalty's strength; F, the mean loss and R_p in the units of training.
    feature_importances : ndarray of shape (n_features,)
        Shares of the ℓ1 path norm in the units of training.
    report : Report
    validation_scores : list of float or None
    best_validation_score : float or None
    interpolant : Interpolant or None
        The same function as the network, faster and without rounding errors; for one feature and
        alpha = 0.
    outcome : Outcome
    """

    network: Network
    alpha: float
    objective: float
    loss: float
    path_norm: float
    feature_importances: np.ndarray
    report: Report
    validation_scores: list[float] | None = None
    best_validation_score: float | None = None
    interpolant: Interpolant | None = None
    outcome: Outcome = Outcome()
