"""A network as tensors, and its objective."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ...network.network import Network
from ...problem.problem import Problem

SMALLEST = 1e-12
Layers = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Point:
    """A network as float64 tensors, with its objective F.

    Attributes
    ----------
    theta, bias, direction, skip, intercept : Tensor
        Of shape (K, d), (K,), (K, o), (o, d) and (o,).
    objective : float
    """

    theta: Tensor
    bias: Tensor
    direction: Tensor
    skip: Tensor
    intercept: Tensor
    objective: float = float("inf")

    @classmethod
    def of(cls, problem: Problem, network: Network) -> Point:
        """The point of a network."""

        def tensor(values: np.ndarray) -> Tensor:
            return torch.tensor(np.asarray(values), dtype=torch.float64, device=problem.device)

        point = cls(
            tensor(network.theta),
            tensor(network.bias),
            tensor(network.direction),
            tensor(network.skip),
            tensor(network.intercept),
        )
        return evaluated(problem, point)

    def network(self) -> Network:
        """The network of this point."""
        names = ("direction", "theta", "bias", "intercept", "skip")
        return Network(*(getattr(self, n).cpu().numpy() for n in names))

    @property
    def n_neurons(self) -> int:
        return len(self.bias)


def evaluated(problem: Problem, point: Point) -> Point:
    """The point without its dead neurons, with its objective, in float64."""
    point = _compacted(problem, point)
    layers = layers_of(point, torch.float64)
    loss = torch.zeros((), dtype=torch.float64, device=problem.device)
    for rows, X1 in problem.rows.blocks(point.n_neurons + len(point.intercept)):
        _, f = forward(X1.to(torch.float64), layers)
        value = problem.loss.value(problem.y[rows].to(torch.float64), f)
        loss += problem.weight[rows].to(torch.float64) @ value
    return replace(point, objective=float(loss) + problem.alpha * path_norm(problem, point))


def outputs(point: Point, X1: Tensor) -> Tensor:
    """f(x), of shape (n, o), for rows that end with a one."""
    return forward(X1, layers_of(point, X1.dtype))[1]


def preactivations(problem: Problem, point: Point) -> Tensor:
    """θ_k·x_i + β_k, of shape (N, K)."""
    neurons = layers_of(point, problem.dtype)[0]
    return torch.cat([X1 @ neurons.T for _, X1 in problem.rows.blocks(point.n_neurons)])


def path_norm(problem: Problem, point: Point) -> float:
    """R_p, with what the problem penalises."""
    sizes = problem.parametrization.penalized(
        point.theta.abs(), point.bias.abs(), point.skip.norm(dim=0)
    )
    weights = float(problem.penalty.value(torch.cat([size.flatten() for size in sizes])).sum())
    return weights + problem.penalty.neuron_price * point.n_neurons


def _compacted(problem: Problem, point: Point) -> Point:
    """Drop neurons without weights; their constants go into the intercept."""
    weighted = (point.theta != 0).any(dim=1)
    alive = problem.parametrization.contributing(weighted, point.bias)
    if bool(alive.all()):
        return point
    constant = torch.where(alive, 0.0, point.bias.relu()) @ point.direction
    return replace(
        point,
        theta=point.theta[alive],
        bias=point.bias[alive],
        direction=point.direction[alive],
        intercept=point.intercept + constant,
    )


def layers_of(point: Point, dtype: torch.dtype) -> Layers:
    """(θ, β), a and (A, c), ready for rows that end with a one."""
    return (
        torch.column_stack([point.theta, point.bias]).to(dtype),
        point.direction.to(dtype),
        torch.column_stack([point.skip, point.intercept]).to(dtype),
    )


def forward(X1: Tensor, layers: Layers) -> tuple[Tensor, Tensor]:
    neurons, direction, affine = layers
    hidden = torch.relu(X1 @ neurons.T)
    return hidden, hidden @ direction + X1 @ affine.T
