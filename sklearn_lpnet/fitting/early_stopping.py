"""Held-out rows, their score, and when it ends training."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from sklearn.model_selection import train_test_split

from ..network.network import Network
from ..problem.merging import Matrix
from ..problem.progress import Progress
from ..problem.units import Standardizer
from .settings import Settings


def split_rows(
    settings: Settings, X: Matrix, y: np.ndarray, weight: np.ndarray, rng: np.random.RandomState
) -> tuple[tuple[Matrix, np.ndarray, np.ndarray], tuple[Matrix, np.ndarray, np.ndarray]]:
    """Training and validation rows; of each class a share, unless there are several labels."""
    strata = settings.loss.strata(y)
    if strata is not None:
        _check_members(settings, strata)
    try:
        training, validation = train_test_split(
            np.arange(X.shape[0]),
            test_size=settings.validation_fraction,
            random_state=rng,
            stratify=strata,
        )
    except ValueError as error:
        raise ValueError(
            f"early_stopping=True with validation_fraction={settings.validation_fraction} cannot "
            f"split {X.shape[0]} distinct samples: {error}"
        ) from error
    return (
        (X[training], y[training], weight[training]),
        (X[validation], y[validation], weight[validation]),
    )


def _check_members(settings: Settings, strata: np.ndarray) -> None:
    """Raise if there are classes of which not both parts can have a member."""
    codes, counts = np.unique(strata, return_counts=True)
    if counts.min() > 1:
        return
    names = settings.classes
    # A single output has the codes -1 and 1, or 0 and 1.
    rare = [int(code > 0) if len(names or []) == 2 else int(code) for code in codes[counts < 2]]
    shown = ", ".join(repr(names[code]) if names else str(code) for code in rare)
    raise ValueError(
        f"early_stopping=True with validation_fraction={settings.validation_fraction} holds out a "
        f"share of each class, which takes two distinct samples, but there is only one of {shown}. "
        "Use early_stopping=False, or drop or merge the class."
    )


class ValidationScore:
    """Validation score of a network in the solver's units.

    For classification the accuracy; for regression the share of the loss of the best constant
    that the network takes away, which for the squared error is R².
    """

    def __init__(
        self,
        settings: Settings,
        scaler: Standardizer,
        X: Matrix,
        y: np.ndarray,
        weight: np.ndarray,
    ) -> None:
        self.settings, self.scaler, self.X, self.y, self.weight = settings, scaler, X, y, weight

    def __call__(self, network: Network) -> float:
        f = self.scaler.to_user(network).evaluate(self.X).astype(np.float64)
        return self._accuracy(f) if self.settings.loss.classifies else self._explained(f)

    def _accuracy(self, f: np.ndarray) -> float:
        return float(np.average(self.settings.loss.correct(self.y, f), weights=self.weight))

    def _explained(self, f: np.ndarray) -> float:
        loss = self.settings.loss
        y, outputs = (torch.as_tensor(self.scaler.labels(values)) for values in (self.y, f))
        weight = torch.as_tensor(self.weight)
        constant = loss.constant(y, weight).expand_as(y)
        total = float(weight @ loss.value(y, constant))
        left = float(weight @ loss.value(y, outputs))
        if total == 0:
            return float(left == 0)
        return 1 - left / total


class EarlyStopping:
    """A monitor that ends training once the validation score has stopped rising.

    While the network is still being thinned out its score says little: it is recorded, but
    neither ends the training nor makes a network the best.
    """

    def __init__(self, score: Callable[[Network], float], patience: int, tol: float) -> None:
        self.score, self.patience, self.tol = score, patience, tol
        self.scores: list[float] = []
        self.best_network: Network | None = None
        self.best_settled, self.waited, self.stopped = -np.inf, 0, False

    @property
    def best_score(self) -> float | None:
        """Score of the network that was kept."""
        if self.best_network is not None:
            return self.best_settled
        return self.scores[-1] if self.scores else None

    def __call__(self, progress: Progress) -> bool:
        network = progress.network()
        score = self.score(network)
        self.scores.append(score)
        if not progress.settled:
            return False
        self.waited = 0 if score >= self.best_settled + self.tol else self.waited + 1
        if score > self.best_settled:
            self.best_settled, self.best_network = score, network
        self.stopped = self.waited > self.patience
        return self.stopped

    def accepts(self, network: Network) -> bool:
        """Whether a network that training did not pass through scores no worse than the best."""
        score = self.score(network)
        self.scores.append(score)
        if self.best_network is not None and score < self.best_settled:
            return False
        self.best_settled, self.best_network = score, network
        return True
