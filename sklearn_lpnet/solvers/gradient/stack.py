"""Several networks as one batch of tensors, and the proximal Adam step on them.

The models lie along a leading axis M. All parameters of a model lie in one flat row, so
that an update is a handful of operations whatever the shape of the network: first (θ, β)
of the K neurons, then the affine part (A, c), then, with several outputs, the directions a.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...network.network import Network
from ...penalties.base import soft_threshold
from ...problem.problem import Problem
from ...problem.progress import Report

MOMENTUM, SQUARES, TINY = 0.9, 0.95, 1e-8
#: Up to this many columns of X1, X1ᵀ B takes as little as a third of the time of Bᵀ X1.
NARROW = 32


@dataclass(frozen=True)
class Phase:
    """Learning rate and ε of one step; ε None means no penalty."""

    rate: float
    eps: float | None


class Stack:
    """M networks of K neurons as one batch of tensors, with Adam's moments."""

    def __init__(
        self, problem: Problem, neurons: Tensor, affine: Tensor, direction: Tensor
    ) -> None:
        """Take (M, K, d+1), (M, o, d+1) and (M, K, o) tensors."""
        self.problem = problem
        self.steps = 0
        flat = self._flatten(neurons, affine, direction)
        self._lay_out(neurons.shape[1], flat, torch.zeros_like(flat), torch.zeros_like(flat))
        if problem.n_outputs == 1:
            self.direction = direction

    @classmethod
    def random(
        cls, problem: Problem, n_neurons: int, n_models: int, generator: torch.Generator
    ) -> Stack:
        """Random unit directions of input, knots spread over the data, signs half and half."""
        d, o, shape = problem.n_features, problem.n_outputs, (n_models, n_neurons)
        theta = torch.randn(*shape, d, generator=generator, dtype=torch.float64)
        theta /= theta.norm(dim=2, keepdim=True)
        level = torch.randn(*shape, 1, generator=generator, dtype=torch.float64)
        direction = torch.randn(*shape, o, generator=generator, dtype=torch.float64)
        if o == 1:
            direction = torch.ones_like(direction)
            direction[:, n_neurons // 2 :] = -1.0
        direction /= direction.norm(dim=2, keepdim=True)
        theta, level, direction = (
            t.to(problem.device, problem.dtype) for t in (theta, level, direction)
        )
        mean, deviation = _projections(problem, theta)
        neurons = torch.cat([theta, deviation * level - mean], dim=2) / n_neurons**0.5
        affine = neurons.new_zeros(n_models, o, d + 1)
        if problem.parametrization.fit_intercept:
            affine[:, :, -1] = problem.loss.constant(problem.y, problem.weight)
        return cls(problem, neurons, affine, direction)

    @classmethod
    def from_network(cls, problem: Problem, network: Network) -> Stack:
        """One model that starts as `network`."""
        tensors = (
            np.column_stack([network.theta, network.bias]),
            np.column_stack([network.skip, network.intercept]),
            network.direction,
        )
        neurons, affine, direction = (
            torch.as_tensor(t, dtype=problem.dtype, device=problem.device)[None] for t in tensors
        )
        return cls(problem, neurons.clone(), affine.clone(), direction.clone())

    @classmethod
    def resume(cls, problem: Problem, state: dict[str, Any]) -> Stack:
        """The stack that `state` describes, on new rows."""

        def tensor(name: str) -> Tensor:
            return torch.tensor(state[name], dtype=problem.dtype, device=problem.device)

        direction, flat = tensor("direction"), tensor("flat")
        k, d1 = direction.shape[1], problem.n_features + 1
        neurons = flat[:, : k * d1].view(-1, k, d1)
        affine = flat[:, k * d1 :][:, : problem.n_outputs * d1].view(-1, problem.n_outputs, d1)
        stack = cls(problem, neurons, affine, direction)
        stack.mean.copy_(tensor("mean"))
        stack.square.copy_(tensor("square"))
        stack.steps = state["steps"]
        return stack

    def state(self) -> dict[str, Any]:
        """Everything that `resume` needs, as NumPy arrays."""
        tensors = {
            "flat": self.flat,
            "mean": self.mean,
            "square": self.square,
            "direction": self.direction,
        }
        return {
            "steps": self.steps,
            **{name: t.detach().cpu().numpy().copy() for name, t in tensors.items()},
        }

    def step(self, X1: Tensor, y: Tensor, weight: Tensor, phase: Phase) -> None:
        """One proximal step of every model on one batch of rows.

        Weights are of shape (n, 1), or (M, n, 1) for weights of each model's own.
        """
        grad = self.gradient
        self._differentiate(X1, y, weight)
        self.steps += 1
        self.mean.lerp_(grad, 1 - MOMENTUM)
        self.square.mul_(SQUARES).addcmul_(grad, grad, value=1 - SQUARES)
        # The step of a parameter is `rate` over its entry of `scale`.
        unbiased = (1 - SQUARES**self.steps) ** 0.5
        rate = phase.rate * unbiased
        scale = torch.sqrt(self.square, out=self.scale)
        if self.group_skip:
            # The group threshold is exact only where a column has one rate.
            size = torch.linalg.vector_norm(self.scale_skip, dim=1, keepdim=True)
            self.scale_skip.copy_(size / self.scale_skip.shape[1] ** 0.5)
        scale.add_(TINY * unbiased)
        ahead = -rate / (1 - MOMENTUM**self.steps)
        if phase.eps is None:
            self.flat.addcdiv_(self.mean, scale, value=ahead)
        else:
            moved = torch.addcdiv(self.flat, self.mean, scale, value=ahead, out=self.moved)
            if self.group_skip:
                self._shrink_skip_columns(phase.eps, rate)
            slope = self.problem.penalty.unit_slope_(self.flat.abs().add_(phase.eps))
            slope.mul_(self.shrink)
            threshold = torch.addcdiv(self.zero, slope, scale, value=rate)
            soft_threshold(moved, threshold, out=self.flat)
        if self.problem.n_outputs > 1:
            norm = torch.linalg.vector_norm(self.direction, dim=2, keepdim=True)
            self.direction /= norm.clamp_(min=TINY)

    def compact(self) -> None:
        """Fold neurons without weights into the intercept; drop rows that all models can spare.

        A neuron that is folded stays zero, moments and all, whether or not its row is dropped:
        so a model trains as it would alone.
        """
        problem = self.problem
        weighted = (self.neurons[:, :, :-1] != 0).any(dim=2)
        # Without an intercept to take its constant, a neuron lives on its bias alone.
        alive = problem.parametrization.contributing(weighted, self.neurons[:, :, -1])
        if bool(alive.all()):
            return
        if problem.parametrization.fit_intercept:
            constant = (self.neurons[:, :, -1].relu() * ~alive).unsqueeze(2) * self.direction
            self.affine[:, :, -1] += constant.sum(dim=1)
        for flat in (self.flat, self.mean, self.square):
            self._views(flat)[0].mul_(alive.unsqueeze(2))
        width = max(1, int(alive.sum(dim=1).max()))
        if width > 0.9 * self.width:
            return
        keep = alive.to(torch.int8).argsort(dim=1, descending=True, stable=True)[:, :width]

        def kept(flat: Tensor) -> Tensor:
            neurons, affine, direction = self._views(flat)
            return self._flatten(_gather(neurons, keep), affine, _gather(direction, keep))

        rows = [kept(t) for t in (self.flat, self.mean, self.square)]
        direction = _gather(self.direction, keep)
        self._lay_out(width, *rows)
        if problem.n_outputs == 1:
            self.direction = direction

    def objective(self) -> tuple[Tensor, Tensor]:
        """F and the mean loss of each model, over all rows."""
        problem = self.problem
        loss = torch.zeros(len(self.flat), dtype=torch.float64, device=self.flat.device)
        for rows, X1 in problem.rows.blocks(self.width * len(self.flat)):
            value = problem.loss.value(problem.y[rows], self.forward(X1)[1])
            loss += (value @ problem.weight[rows]).to(torch.float64)
        return loss + problem.alpha * self._path_norm(), loss

    def network(self, model: int) -> Network:
        """One model as a `Network` in float64, dead neurons folded away."""
        neurons, affine, direction = (
            t[model].detach().cpu().numpy().astype(np.float64)
            for t in (self.neurons, self.affine, self.direction)
        )
        direction = direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), TINY)
        network = Network(direction, neurons[:, :-1], neurons[:, -1], affine[:, -1], affine[:, :-1])
        return network.compact(fold_constants=self.problem.parametrization.fit_intercept)

    def best_network(self, report: Report) -> Network:
        """The model of least F, or the constant network if no model is of any use.

        The report says `diverged` where no model is finite, or the best has gone astray, and
        takes note of the other models.
        """
        objective = self.objective()[0].nan_to_num(nan=torch.inf)
        best, *others = objective.argsort().tolist()
        report.other_starts = [
            self.network(m) for m in others if bool(self.flat[m].isfinite().all())
        ]
        if torch.isfinite(objective[best]) and torch.isfinite(self.flat[best]).all():
            network = self.network(best)
            if not self.problem.is_astray(network):
                return network
        report.diverged = True
        return self.problem.constant_network()

    def forward(self, X1: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden activations (M, N, K) and outputs (M, N, o)."""
        X1 = X1.expand(len(self.flat), -1, -1)
        # Products of three axes each; with two for X1, `matmul` takes 3 μs more to see to that.
        hidden = torch.bmm(X1, self.neurons.mT).relu_()
        return hidden, torch.baddbmm(torch.bmm(X1, self.affine.mT), hidden, self.direction)

    def _differentiate(self, X1: Tensor, y: Tensor, weight: Tensor) -> None:
        """Write the gradient of the loss into `self.gradient`."""
        hidden, f = self.forward(X1)
        slope = self.problem.loss.gradient(y, f) * weight
        if self.problem.n_outputs > 1:
            torch.bmm(hidden.mT, slope, out=self.gradient_direction)
            # Only the part along the sphere; the radial part belongs to θ.
            radial = (self.gradient_direction * self.direction).sum(dim=2, keepdim=True)
            self.gradient_direction -= radial * self.direction
        back = torch.bmm(slope, self.direction.mT)
        back = torch.ops.aten.threshold_backward(back, hidden, 0)
        X1 = X1.expand(len(back), -1, -1)
        if X1.shape[-1] > NARROW:
            torch.bmm(back.mT, X1, out=self.gradient_neurons)
        else:
            # Of two tall matrices, the narrow one is to come first.
            self.gradient_neurons.copy_(torch.bmm(X1.mT, back).mT)
        torch.bmm(slope.mT, X1, out=self.gradient_affine)
        if self.fixed is not None:
            self.gradient *= self.fixed

    def _shrink_skip_columns(self, eps: float, rate: float) -> None:
        """Group soft threshold of the columns of A, each a weight ‖A_:j‖ of its own."""
        penalty = self.problem.penalty
        threshold = torch.linalg.vector_norm(self.affine[:, :, :-1], dim=1)
        threshold = penalty.unit_slope_(threshold.add_(eps)).div_(self.scale_skip[:, 0])
        threshold.mul_(rate * self.problem.alpha * penalty.factor)
        norm = torch.linalg.vector_norm(self.moved_skip, dim=1)
        self.moved_skip *= ((norm - threshold).relu_() / norm.clamp_(min=1e-30)).unsqueeze(1)

    def _path_norm(self) -> Tensor:
        value, neurons = self.problem.penalty.value, self.neurons.abs()
        columns = self.affine[:, :, :-1].norm(dim=1)
        parts = self.problem.parametrization.penalized(
            neurons[:, :, :-1], neurons[:, :, -1], columns
        )
        return torch.stack([value(part).to(torch.float64).flatten(1).sum(1) for part in parts]).sum(
            0
        )

    def _lay_out(self, width: int, flat: Tensor, mean: Tensor, square: Tensor) -> None:
        """Take flat tensors for `width` neurons and build the views and masks on them."""
        problem = self.problem
        self.width, self.flat, self.mean, self.square = width, flat, mean, square
        self.gradient = torch.zeros_like(flat)
        self.neurons, self.affine, direction = self._views(flat)
        self.gradient_neurons, self.gradient_affine, self.gradient_direction = self._views(
            self.gradient
        )
        if problem.n_outputs > 1:
            self.direction = direction
        self.scale, self.moved = torch.empty_like(flat), torch.empty_like(flat)
        self.zero = flat.new_zeros(())
        self.scale_skip = self._views(self.scale)[1][:, :, :-1]
        self.moved_skip = self._views(self.moved)[1][:, :, :-1]
        priced, allowed, _ = (
            torch.from_numpy(table).to(flat)
            for table in problem.parametrization.tables(problem.n_features)
        )
        # A column of several outputs is shrunk as one.
        self.group_skip = bool(priced[0].any()) and problem.n_outputs > 1
        self.shrink = torch.zeros_like(flat)
        neurons, affine, _ = self._views(self.shrink)
        strength = problem.alpha * problem.penalty.factor
        neurons.copy_(strength * priced[1])
        if not self.group_skip:
            affine.copy_(strength * priced[0])
        self.fixed = None
        if not bool(allowed.all()):
            self.fixed = torch.ones_like(flat)
            self._views(self.fixed)[1].copy_(allowed[0])

    def _views(self, flat: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(M, K, d+1), (M, o, d+1) and (M, K, o or 0) views of flat parameters."""
        m, k, d1, o = len(flat), self.width, self.problem.n_features + 1, self.problem.n_outputs
        neurons = flat[:, : k * d1].view(m, k, d1)
        affine = flat[:, k * d1 : (k + o) * d1].view(m, o, d1)
        return neurons, affine, flat[:, (k + o) * d1 :].view(m, k, o if o > 1 else 0)

    def _flatten(self, neurons: Tensor, affine: Tensor, direction: Tensor) -> Tensor:
        parts = [neurons, affine] + ([direction] if self.problem.n_outputs > 1 else [])
        return torch.cat([part.flatten(1) for part in parts], dim=1)


def _projections(problem: Problem, theta: Tensor) -> tuple[Tensor, Tensor]:
    """Weighted mean and deviation over the rows of θ·x for every neuron."""
    m, k, d = theta.shape
    mean = theta.new_zeros(m, k, dtype=torch.float64)
    square = torch.zeros_like(mean)
    for rows, X1 in problem.rows.blocks(m * k):
        z = torch.matmul(X1[:, :d], theta.mT).to(torch.float64)
        weight = problem.weight[rows].to(torch.float64)
        mean += weight @ z
        square += weight @ z.square_()
    deviation = (square - mean.square()).clamp(min=0).sqrt()
    return mean.unsqueeze(2).to(theta.dtype), deviation.unsqueeze(2).to(theta.dtype)


def _gather(t: Tensor, index: Tensor) -> Tensor:
    """Rows of a (M, K, ·) tensor, by one index row a model."""
    return t.gather(1, index.unsqueeze(2).expand(-1, -1, t.shape[2]))
