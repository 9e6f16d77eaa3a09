"""The layout of a network's diagram: who stands where, and how thick the lines are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..estimators.inspection import feature_names_of, feature_units_of, network_of, output_labels_of
from ..network.arrays import FloatArray

_SWEEPS = 20


@dataclass(frozen=True, eq=False)
class Diagram:
    """The nodes of a network from top to bottom, and the lines between them.

    The linear part is one neuron without a bend, or with several outputs one for each feature.
    Lines have the sign of their weight and the size of their part of the path norm, in the units
    of training. That of a neuron's output is the sum of its inputs', by its share in the output.

    Attributes
    ----------
    inputs : list of str
        Names of the used features.

    outputs : list of str
        Names of the outputs.

    lines_in : ndarray of shape (n_neurons, n_inputs)
        From inputs to neurons.

    lines_out : ndarray of shape (n_neurons, n_outputs)
        From neurons to outputs.

    linear : ndarray of shape (n_neurons,)
        Mask of the neurons without a bend.

    intercept : ndarray of shape (n_outputs,)
        Value of an output that nothing else reaches.
    """

    inputs: list[str]
    outputs: list[str]
    lines_in: FloatArray
    lines_out: FloatArray
    linear: npt.NDArray[np.bool_]
    intercept: FloatArray

    @classmethod
    def of(cls, estimator: Any, feature_names: Any = None) -> Diagram:
        """The diagram of a fitted estimator, with few crossings."""
        network, names = network_of(estimator), feature_names_of(estimator, feature_names)
        used = network.used_features
        units = feature_units_of(estimator)[used]
        theta, direction = _linear_neurons(network.skip[:, used] * units)
        lines_in = np.vstack([network.theta[:, used] * units, theta])
        direction = np.vstack([network.direction, direction])
        labels = output_labels_of(estimator)
        named = hasattr(estimator, "classes_")
        single = "y" if len(labels) == 1 else None
        diagram = cls(
            inputs=[names[j] for j in used],
            outputs=[str(one) if named else single or f"y[{one}]" for one in labels],
            lines_in=lines_in,
            lines_out=direction * np.abs(lines_in).sum(axis=1, keepdims=True),
            linear=np.arange(len(lines_in)) >= network.n_neurons,
            intercept=network.intercept,
        )
        return diagram._untangled()

    @property
    def largest(self) -> float:
        """Size of the largest line."""
        return max(np.abs(one).max(initial=0.0) for one in (self.lines_in, self.lines_out))

    def _untangled(self) -> Diagram:
        """Order inputs and neurons so that lines cross little."""
        weight_in, weight_out = np.abs(self.lines_in), np.abs(self.lines_out)
        n_inputs, n_outputs = len(self.inputs), len(self.outputs)
        neurons = np.argsort(-weight_in.sum(axis=1), kind="stable")
        inputs = np.argsort(-weight_in.sum(axis=0), kind="stable")
        best, fewest = (neurons, inputs), np.inf
        for _ in range(_SWEEPS):
            rank = _places(neurons)
            inputs = _by_center(weight_in.T, rank, tie=_places(inputs))
            places = np.concatenate([_places(inputs), _spread(n_outputs, n_inputs)])
            neurons = _by_center(np.hstack([weight_in, weight_out]), places, tie=rank)
            crossings = _crossings(self.lines_in[np.ix_(neurons, inputs)]) + _crossings(
                self.lines_out[neurons]
            )
            if crossings < fewest:
                best, fewest = (neurons, inputs), crossings
        neurons, inputs = best
        return replace(
            self,
            inputs=[self.inputs[j] for j in inputs],
            lines_in=self.lines_in[np.ix_(neurons, inputs)],
            lines_out=self.lines_out[neurons],
            linear=self.linear[neurons],
        )


def column(n_nodes: int, height: float, *, widest: float = 1.6) -> FloatArray:
    """Heights of nodes from top to bottom, spread over the height of the diagram."""
    gap = min(height / max(n_nodes, 1), widest)
    return gap * ((n_nodes - 1) / 2 - np.arange(n_nodes))


def _linear_neurons(skip: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weights and directions of neurons without a bend for a skip connection."""
    n_outputs, n_inputs = skip.shape
    if n_outputs == 1:
        return skip[skip.any(axis=1)], np.ones((int(skip.any()), 1))
    read = np.flatnonzero(skip.any(axis=0))
    size = np.linalg.norm(skip[:, read], axis=0)
    return size[:, None] * np.eye(n_inputs)[read], (skip[:, read] / size).T


def _places(order: np.ndarray) -> np.ndarray:
    """Where each node stands, 0 at the top."""
    places = np.empty(len(order))
    places[order] = np.arange(len(order))
    return places


def _spread(n_nodes: int, n_others: int) -> np.ndarray:
    """Places of the nodes of a short column beside a long one."""
    return (np.arange(n_nodes) + 0.5) * n_others / n_nodes - 0.5


def _by_center(weight: FloatArray, places: FloatArray, *, tie: FloatArray) -> np.ndarray:
    """Order of nodes by the centre of gravity of what they are joined to."""
    total = weight.sum(axis=1)
    center = weight @ places / np.where(total > 0, total, 1.0)
    return np.lexsort((tie, center))


def _crossings(lines: FloatArray) -> int:
    """Number of pairs of lines that cross, between nodes in the order of rows and of columns."""
    rows, columns = np.nonzero(lines)
    above = rows[:, None] < rows
    return int(np.count_nonzero(above & (columns[:, None] > columns)))
