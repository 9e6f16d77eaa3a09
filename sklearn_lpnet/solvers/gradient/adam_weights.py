"""Weights of the two layers as Algorithm 1 moves them: v, w and b."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ...network.network import Network
from ...problem.problem import Problem


@dataclass(frozen=True)
class Weights:
    """Weights of M networks of K neurons each.

    Attributes
    ----------
    hidden : tensor of shape (M, K, d + 1)
        Input weights w, and the bias b in the last column.
    output : tensor of shape (M, K, o)
        Output weights v.
    affine : tensor of shape (M, o, q)
        Skip connection and intercept, as far as the problem has them.
    """

    hidden: Tensor
    output: Tensor
    affine: Tensor

    @classmethod
    def stack(cls, models: Iterable[Weights]) -> Weights:
        """Put networks of one shape side by side along the model axis."""
        columns = zip(*(model.tensors() for model in models), strict=True)
        return cls(*(torch.cat(column) for column in columns))

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """The three tensors."""
        return self.hidden, self.output, self.affine

    def flat(self) -> Tensor:
        """All weights in one vector."""
        return torch.cat([tensor.reshape(-1) for tensor in self.tensors()])

    def views(self, flat: Tensor) -> Weights:
        """The parts of a vector like that of `flat`, in the shapes of these weights."""
        parts = flat.split([tensor.numel() for tensor in self.tensors()])
        return Weights(*(a.view(b.shape) for a, b in zip(parts, self.tensors(), strict=True)))

    def model(self, index: int) -> Weights:
        """A copy of one network."""
        return Weights(*(tensor[index : index + 1].clone() for tensor in self.tensors()))

    def select(self, neurons: Tensor) -> Weights:
        """The neurons of the given indices, of shape (M, number to keep)."""
        index = neurons.unsqueeze(2)
        hidden, output = (t.take_along_dim(index, dim=1) for t in (self.hidden, self.output))
        return Weights(hidden, output, self.affine)


def random_weights(
    problem: Problem, n_neurons: int, n_models: int, generator: torch.Generator
) -> Weights:
    """Draw both layers from the default distribution of `torch.nn.Linear`.

    Parameters
    ----------
    problem : Problem
        Gives shapes, device and type. The intercept starts at the best constant for its loss,
        the skip connection at zero.
    n_neurons, n_models : int
        K and M.
    generator : torch.Generator
        A generator on the CPU. Numbers are drawn as float32, so they are the same on every device
        and for every type.

    Returns
    -------
    Weights
        Each model's w, b and v are drawn in the order of two layers `torch.nn.Linear`.
    """
    d, o = problem.n_features, problem.n_outputs

    def uniform(fan_in: int, *shape: int) -> Tensor:
        bound = 1 / math.sqrt(max(fan_in, 1))
        return torch.empty(shape).uniform_(-bound, bound, generator=generator)

    def model() -> Weights:
        w, b, v = (
            uniform(fan_in, *shape)
            for fan_in, *shape in ((d, n_neurons, d), (d, n_neurons, 1), (n_neurons, o, n_neurons))
        )
        hidden, output = (t.to(problem.y)[None] for t in (torch.cat([w, b], dim=1), v.T))
        return Weights(hidden, output, affine)

    constant = problem.loss.constant(problem.y, problem.weight)
    affine = torch.cat([problem.y.new_zeros(o, d), constant[:, None]], dim=1)[None]
    affine = affine[:, :, problem.parametrization.affine_columns(problem.n_features)]
    return Weights.stack(model() for _ in range(n_models))


def balanced_weights(problem: Problem, network: Network) -> Weights:
    """One model with the weights of `network` in balanced form."""
    if not problem.parametrization.has_skip and network.skip.any():
        raise ValueError(
            "start has a skip connection, which this problem has no place for; "
            "set skip_connection=True, or start without it"
        )
    w, b, v = network.balanced()
    affine = np.column_stack([network.skip, network.intercept])[
        :, problem.parametrization.affine_columns(problem.n_features)
    ]
    hidden = np.column_stack([w.T, b])
    return Weights(*(torch.as_tensor(array).to(problem.y)[None] for array in (hidden, v, affine)))


def to_network(problem: Problem, weights: Weights) -> Network:
    """One model in path coordinates, without its dead neurons."""
    hidden, output, affine = (t[0].cpu().numpy().astype(np.float64) for t in weights.tensors())
    norm = np.linalg.norm(output, axis=1, keepdims=True)
    path = norm * hidden
    full = np.zeros((problem.n_outputs, problem.n_features + 1))
    full[:, problem.parametrization.affine_columns(problem.n_features)] = affine
    network = Network(
        direction=output / np.where(norm > 0, norm, 1.0),
        theta=path[:, :-1],
        bias=path[:, -1],
        intercept=full[:, -1],
        skip=full[:, :-1],
    )
    return network.compact(fold_constants=problem.parametrization.fit_intercept)
