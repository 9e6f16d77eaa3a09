"""Two peers that have no estimator of their own: pruned networks and convex gated networks.

`PrunedRegressor` and `PrunedClassifier` prune a dense network by magnitude, in steps, and train on
after each (Han et al., 2015). `ConvexRegressor` and `ConvexClassifier` are gated ReLU networks by
the convex programs of scnn (Mishkin et al., 2022). All expect standardised data and expose
``coefs_``, the weight matrices of their two layers.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import train_test_split

N_NEURONS = 100
BATCH_SIZE = 200
#: Shares of the weights that are kept, one level of pruning after the other.
KEPT = 0.5 ** np.arange(10)


class _PrunedNetwork(BaseEstimator):
    """A network of 100 neurons, the smallest within one standard error of the best level."""

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def _fit(self, X: np.ndarray, y: np.ndarray, n_outputs: int, stratify: Any) -> None:
        import torch

        torch.manual_seed(self.random_state)
        X_train, X_held, y_train, y_held = train_test_split(
            X, y, test_size=0.2, random_state=self.random_state, stratify=stratify
        )
        data = [torch.as_tensor(part) for part in (X_train.astype(np.float32), y_train)]
        held = [torch.as_tensor(part) for part in (X_held.astype(np.float32), y_held)]
        network = torch.nn.Sequential(
            torch.nn.Linear(X.shape[1], N_NEURONS),
            torch.nn.ReLU(),
            torch.nn.Linear(N_NEURONS, n_outputs),
        )
        levels = []
        for kept in KEPT:
            masks = _magnitude_masks(network, kept)
            n_steps, patience = (4000, 400) if kept == 1 else (400, 100)
            losses = self._train(network, masks, data, held, n_steps, patience)
            levels.append((losses.mean(), losses.std() / len(losses) ** 0.5, network))
            network = copy.deepcopy(network)
        best = min(levels, key=lambda level: level[0])
        within = [level for level in levels if level[0] <= best[0] + best[1]]
        layers = [layer for layer in within[-1][2] if hasattr(layer, "weight")]
        self.coefs_ = [layer.weight.detach().numpy().T.astype(np.float64) for layer in layers]
        self.intercepts_ = [layer.bias.detach().numpy().astype(np.float64) for layer in layers]

    def _train(
        self, network: Any, masks: Any, data: Any, held: Any, n_steps: int, patience: int
    ) -> np.ndarray:
        """Adam with early stopping; leaves the best weights and returns the losses held out.

        It trains for `n_steps` steps or ten passes, whichever is more, and stops after `patience`
        steps or five passes without a better loss.
        """
        import torch

        steps_a_pass = -(-len(data[0]) // BATCH_SIZE)
        n_passes = max(10, n_steps // steps_a_pass)
        patience = max(5, patience // steps_a_pass)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
        best, best_state, waited = np.inf, None, 0
        for _ in range(n_passes):
            for batch in torch.randperm(len(data[0])).split(BATCH_SIZE):
                optimizer.zero_grad()
                self._losses(network(data[0][batch]), data[1][batch]).mean().backward()
                optimizer.step()
                _apply(masks)
            with torch.no_grad():
                loss = float(self._losses(network(held[0]), held[1]).mean())
            waited = 0 if loss < best else waited + 1
            if loss < best:
                best, best_state = loss, copy.deepcopy(network.state_dict())
            if waited >= patience:
                break
        network.load_state_dict(best_state)
        with torch.no_grad():
            return self._losses(network(held[0]), held[1]).numpy()

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        hidden = np.maximum(X @ self.coefs_[0] + self.intercepts_[0], 0)
        return hidden @ self.coefs_[1] + self.intercepts_[1]


class PrunedRegressor(RegressorMixin, _PrunedNetwork):
    """Regression by a pruned network."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> PrunedRegressor:
        self._fit(X, y.astype(np.float32).reshape(-1, 1), 1, None)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._outputs(X)[:, 0]

    @staticmethod
    def _losses(outputs: Any, y: Any) -> Any:
        return ((outputs - y) ** 2)[:, 0]


class PrunedClassifier(ClassifierMixin, _PrunedNetwork):
    """Classification by a pruned network."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> PrunedClassifier:
        self.classes_, codes = np.unique(y, return_inverse=True)
        self._fit(X, codes, len(self.classes_), codes)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.classes_[self._outputs(X).argmax(axis=1)]

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        outputs = self._outputs(X)
        odds = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return odds / odds.sum(axis=1, keepdims=True)

    @staticmethod
    def _losses(outputs: Any, y: Any) -> Any:
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, y, reduction="none")


def _magnitude_masks(network: Any, kept: float) -> list[tuple[Any, Any]]:
    """Weight matrices, with masks of the largest `kept` share of all weights; applied."""
    import torch

    matrices = [layer.weight for layer in network if hasattr(layer, "weight")]
    sizes = torch.cat([matrix.detach().abs().flatten() for matrix in matrices])
    n_kept = max(1, round(kept * len(sizes)))
    threshold = sizes.sort(descending=True).values[n_kept - 1]
    masks = [(matrix, (matrix.detach().abs() >= threshold)) for matrix in matrices]
    _apply(masks)
    return masks


def _apply(masks: list[tuple[Any, Any]]) -> None:
    for matrix, mask in masks:
        matrix.data.mul_(mask)


class _ConvexNetwork(BaseEstimator):
    """A gated ReLU network under a group penalty on neurons, chosen along its path.

    A path of seven penalties is walked on four fifths of the data, the best on the last fifth is
    chosen, and the path up to it is walked on all data. A column of ones stands for the biases.
    """

    penalties = np.geomspace(3e-2, 3e-5, 7)

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state

    def _fit(self, X: np.ndarray, Y: np.ndarray, stratify: Any) -> None:
        X_train, X_held, Y_train, Y_held = train_test_split(
            X, Y, test_size=0.2, random_state=self.random_state, stratify=stratify
        )
        errors = [
            np.mean((Y_held - network(_with_ones(X_held))) ** 2)
            for network in self._path(X_train, Y_train, self.penalties)
        ]
        penalties = self.penalties[: int(np.argmin(errors)) + 1]
        self.network_ = self._path(X, Y, penalties)[-1]
        first, second = self.network_.parameters
        self.coefs_ = [first[:, :-1].T, second.T]

    def _path(self, X: np.ndarray, Y: np.ndarray, penalties: np.ndarray) -> list[Any]:
        from scnn.activations import sample_gate_vectors
        from scnn.metrics import Metrics
        from scnn.models import ConvexGatedReLU
        from scnn.optimize import optimize_path
        from scnn.regularizers import NeuronGL1
        from scnn.solvers import RFISTA

        gates = sample_gate_vectors(self.random_state, X.shape[1] + 1, N_NEURONS)
        model = ConvexGatedReLU(gates, c=Y.shape[1])
        path = [NeuronGL1(penalty) for penalty in penalties]
        seed = self.random_state
        return optimize_path(model, RFISTA(model), path, Metrics(), _with_ones(X), Y, seed=seed)[0]

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        return self.network_(_with_ones(X))


class ConvexRegressor(RegressorMixin, _ConvexNetwork):
    """Regression by a convex gated ReLU network."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> ConvexRegressor:
        self._fit(X, y.reshape(-1, 1), None)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._outputs(X)[:, 0]


class ConvexClassifier(ClassifierMixin, _ConvexNetwork):
    """Classification by squared errors of one-hot targets, as the authors of scnn do it."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> ConvexClassifier:
        self.classes_, codes = np.unique(y, return_inverse=True)
        targets = 2.0 * np.eye(len(self.classes_))[codes] - 1
        if len(self.classes_) == 2:
            targets = targets[:, 1:]
        self._fit(X, targets, codes)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        outputs = self._outputs(X)
        if len(self.classes_) == 2:
            return self.classes_[(outputs[:, 0] > 0).astype(int)]
        return self.classes_[outputs.argmax(axis=1)]


def _with_ones(X: np.ndarray) -> np.ndarray:
    return np.hstack([X, np.ones((len(X), 1))])
